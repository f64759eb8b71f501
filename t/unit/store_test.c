/* A database that another process has locked: who holds the lock is told, and when it is gone the write goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/store.h"
#include "t/unit/test_folder.h"

static const struct store_schema schema = {.version = 1, .tables = "CREATE TABLE IF NOT EXISTS t(a INTEGER);"};

static char *folder, *path;
static sqlite3 *db;
static pid_t told[8];
static guint told_count;

static int set_up(void **state)
{
    char *error = NULL;
    (void)state;
    folder = g_dir_make_tmp("filterd-store-XXXXXX", NULL);
    path = g_build_filename(folder, "a.db", NULL);
    assert_true(store_open(path, true, &schema, &db, &error));
    assert_true(store_run(db, "INSERT INTO t VALUES(1)", NULL, 0));
    told_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    store_on_blocked(NULL);
    store_close(&db);
    folder_empty(folder);
    const int failed = rmdir(folder);
    g_free(path);
    g_free(folder);
    return failed;
}

/* Locks what SQLite's readers lock, or so much that a writer cannot even begin, and stays. */
static pid_t start_holder(off_t from, off_t len)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = len};
        const int fd = open(path, O_RDONLY);
        if (fd < 0 || fcntl(fd, F_SETLK, &lock) || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end_holder(const char *blocked, pid_t holder)
{
    assert_string_equal(blocked, path);
    if (told_count < G_N_ELEMENTS(told))
        told[told_count++] = holder;
    assert_true(holder > 0);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
}

static void writes_when_they_are_gone(off_t from, off_t len)
{
    const pid_t holders[] = {start_holder(from, len), start_holder(from, len)};
    store_on_blocked(end_holder);
    assert_true(store_run(db, "INSERT INTO t VALUES(2)", NULL, 0));
    assert_int_equal(told_count, 2);
    assert_true((told[0] == holders[0] && told[1] == holders[1]) || (told[0] == holders[1] && told[1] == holders[0]));
}

static void test_the_readers_lock(void **state)
{
    (void)state;
    writes_when_they_are_gone(0x40000002, 510);
}

static void test_the_whole_file(void **state)
{
    (void)state;
    writes_when_they_are_gone(0, 0);
}

/* Without anybody to tell, it fails in the end. */
static void test_nobody_to_tell(void **state)
{
    (void)state;
    const pid_t holder = start_holder(0, 0);
    assert_false(store_run(db, "INSERT INTO t VALUES(2)", NULL, 0));
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    assert_true(store_run(db, "INSERT INTO t VALUES(2)", NULL, 0));
    assert_int_equal(told_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_readers_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_whole_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_to_tell, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
