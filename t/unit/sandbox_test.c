/* Behind the sandbox nothing can be written, by us or by what we start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"

static char folder[] = "/tmp/filterd-sandbox-XXXXXX";

static int in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int can_write(const char *dir)
{
    char path[256];
    snprintf(path, sizeof path, "%s/file", dir);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    return fd >= 0;
}

static int without_rights(void)
{
    const char *why;
    char command[300];
    if (!can_write(folder) || !sandbox_no_writes(NULL, &why))
        return 1;
    snprintf(command, sizeof command, "! touch %s/other 2>/dev/null && ! rm %s/file 2>/dev/null",
             folder, folder);
    if (can_write(folder) || mkdir(folder, 0700) == 0)
        return 2;
    if (open("/dev/null", O_RDWR) < 0)
        return 3;
    return system(command) == 0 ? 0 : 4;
}

static int one_folder(void)
{
    const char *why;
    return sandbox_no_writes(folder, &why) && can_write(folder) && !can_write("/tmp") ? 0 : 1;
}

static void sandbox(void **state)
{
    char command[300];
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(in_child(without_rights), 0);
    assert_int_equal(in_child(one_folder), 0);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sandbox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
