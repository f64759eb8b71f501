/* A destroyed key of the day is gone from the disk, also when the sandboxed keeper destroyed it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sitekey.h"
#include "classifier/daykey.h"

#define NOBODY 65534

static char folder[] = "/tmp/filterd-daykey-XXXXXX";

/* Runs as the keeper does: not root, and behind its sandbox. */
static int destroy_as_keeper(const char *site_key_file, const char *days)
{
    const char *why, *const folders[] = {days, NULL};
    struct sitekey key;
    char *error = NULL, *old = g_build_filename(days, "2020-01-01", NULL);
    char *other = g_build_filename(folder, "other-name", NULL);
    if (getuid() == 0 && setuid(NOBODY))
        return 1;
    if (!sitekey_load(old, true, &key, &error) || link(old, other))
        return 2;
    if (!sandbox_close(&(struct sandbox){.kind = SANDBOX_KEEPER, .folders = folders}, &why))
        fprintf(stderr, "left out, as this kernel lacks it: %s\n", why);
    return daykey_destroy_before(site_key_file, "2020-01-02") == 1 ? 0 : 3;
}

static void destroyed(void **state)
{
    (void)state;
    int status;
    assert_non_null(mkdtemp(folder));
    g_autofree char *site_key_file = g_build_filename(folder, "site.key", NULL);
    g_autofree char *days = g_strconcat(site_key_file, ".d", NULL);
    g_autofree char *other = g_build_filename(folder, "other-name", NULL), *text = NULL;
    assert_int_equal(mkdir(days, 0700), 0);
    if (getuid() == 0)
        assert_int_equal(chown(folder, NOBODY, NOBODY) | chown(days, NOBODY, NOBODY), 0);
    const pid_t pid = fork();
    if (pid == 0)
        _exit(destroy_as_keeper(site_key_file, days));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    gsize len;
    assert_true(g_file_get_contents(other, &text, &len, NULL));
    for (gsize i = 0; i < 64; i++)
        assert_int_equal(text[i], 0);
    g_autofree char *kept = g_build_filename(days, "2020-01-01", NULL);
    assert_int_equal(g_unlink(kept), WEXITSTATUS(status) == 0 ? -1 : 0);
    g_unlink(other);
    assert_int_equal(g_rmdir(days), 0);
    assert_int_equal(g_rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(destroyed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
