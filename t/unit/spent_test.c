/* The memory of spent proofs: who may use one again, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/spent.h"
#include "t/unit/test_folder.h"

#define DAY 86400
static const gint64 start = 1800000000;

static int set_up(void **state)
{
    (void)state;
    return folder_make("unused");
}

/* A proof, of a letter, that a message spends, of another. */
static const unsigned char *of(char proof, char by)
{
    static unsigned char digest[SPENT_BYTES];
    memset(digest, proof, SPENT_BYTES / 2);
    memset(digest + SPENT_BYTES / 2, by, SPENT_BYTES / 2);
    return digest;
}

static struct spent *opened(void)
{
    char *error = NULL;
    struct spent *s = spent_open(folder, 10, &error);
    if (!s)
        fail_msg("%s", error);
    return s;
}

static void by_another(void **state)
{
    struct spent *s = opened();
    (void)state;
    assert_false(spent_is_by_another(s, of('a', '1'), start));
    assert_true(spent_add(s, of('a', '1'), start));
    assert_false(spent_is_by_another(s, of('a', '1'), start)); /* our reply was lost */
    assert_true(spent_is_by_another(s, of('a', '2'), start));
    assert_true(spent_is_by_another(s, of('a', 0), start));
    assert_false(spent_is_by_another(s, of('b', '2'), start));
    assert_true(spent_add(s, of('a', '2'), start)); /* it stays with the first */
    assert_false(spent_is_by_another(s, of('a', '1'), start));
    assert_true(spent_is_by_another(s, of('a', '2'), start));
    assert_true(spent_add(s, of('c', 0), start)); /* whose message is not known: nobody may */
    assert_true(spent_is_by_another(s, of('c', 0), start));
    assert_true(spent_is_by_another(s, of('c', '1'), start));
    spent_free(&s);
    s = opened();
    assert_true(spent_is_by_another(s, of('a', '2'), start));
    assert_false(spent_is_by_another(s, of('a', '1'), start));
    spent_free(&s);
}

/* As long as a proof can be used, and not for ever. */
static void forgotten(void **state)
{
    struct spent *s = opened();
    (void)state;
    assert_true(spent_add(s, of('a', '1'), start));
    spent_tick(s, start + 11 * DAY - 1);
    assert_true(spent_is_by_another(s, of('a', '2'), start + 11 * DAY - 1));
    assert_false(spent_is_by_another(s, of('a', '2'), start + 11 * DAY));
    spent_tick(s, start + 11 * DAY);
    assert_false(spent_is_by_another(s, of('a', '2'), start)); /* the row is gone */
    spent_free(&s);
}

static void damaged(void **state)
{
    g_autofree char *path = g_build_filename(folder, "spent.db", NULL);
    (void)state;
    assert_true(g_file_set_contents(path, "this is no database, but long enough to be looked at as one", -1, NULL));
    log_to_fd(STDERR_FILENO);
    struct spent *s = opened();
    assert_true(spent_add(s, of('a', '1'), start));
    assert_true(spent_is_by_another(s, of('a', '2'), start));
    spent_free(&s);
    g_unlink(path);
    assert_int_equal(g_mkdir(path, 0700), 0); /* cannot be opened, and stays */
    char *error = NULL;
    assert_null(spent_open(folder, 10, &error));
    assert_non_null(strstr(error, path));
    assert_null(strchr(error, '\n'));
    g_free(error);
    assert_int_equal(g_rmdir(path), 0);
}

static int handled(struct spent *s, const void *digests, size_t len, GBytes **known_r, char **text_r)
{
    const struct keeper_digests wanted = {g_bytes_new(digests, len)};
    const int code = spent_handle(s, &wanted, known_r, text_r);
    g_bytes_unref(wanted.digests);
    return code;
}

static void requests(void **state)
{
    struct spent *s = opened();
    unsigned char two[2 * SPENT_BYTES];
    GBytes *known = NULL;
    char *text = NULL;
    gsize len;
    (void)state;
    memcpy(two, of('a', '1'), SPENT_BYTES);
    memcpy(two + SPENT_BYTES, of('b', '1'), SPENT_BYTES);
    assert_int_equal(handled(s, of('b', '2'), SPENT_BYTES, NULL, &text), EX_OK);
    assert_int_equal(handled(s, two, sizeof two, &known, &text), EX_OK);
    const unsigned char *each = g_bytes_get_data(known, &len);
    assert_int_equal(len, 2);
    assert_int_equal(each[0], 0);
    assert_int_equal(each[1], 1);
    g_clear_pointer(&known, g_bytes_unref);
    assert_int_equal(handled(NULL, two, sizeof two, &known, &text), EX_UNAVAILABLE);
    assert_int_equal(((const unsigned char *)g_bytes_get_data(known, &len))[1], 0);
    g_clear_pointer(&known, g_bytes_unref);
    assert_null(text);
    for (size_t wrong = 0; wrong <= SPENT_BYTES + 1; wrong += SPENT_BYTES + 1) {
        assert_int_equal(handled(s, two, wrong, NULL, &text), EX_DATAERR);
        assert_string_equal(text, "digests of 16 bytes are wanted, at most 100000");
        g_clear_pointer(&text, g_free);
    }
    spent_free(&s);
}

/* Nobody fills the disk with it: the oldest go, what came last stays. */
static void bounded(void **state)
{
    struct spent *s = opened();
    (void)state;
    spent_bound(s, 1024 * 1024);
    for (guint64 i = 1; i <= 60000; i++) {
        unsigned char digest[SPENT_BYTES] = {0};
        memcpy(digest, &(guint64){i * 2654435761u}, 8);
        memcpy(digest + 8, &i, 8);
        assert_true(spent_add(s, digest, start + (gint64)i));
    }
    assert_true(spent_add(s, of('z', '1'), start + 60001));
    spent_tick(s, start + 60001);
    unsigned char first[SPENT_BYTES] = {0};
    memcpy(first, &(guint64){2654435761u}, 8);
    assert_false(spent_is_by_another(s, first, start + 60001));
    assert_true(spent_is_by_another(s, of('z', '2'), start + 60001));
    spent_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_another, set_up, folder_remove),
        cmocka_unit_test_setup_teardown(forgotten, set_up, folder_remove),
        cmocka_unit_test_setup_teardown(damaged, set_up, folder_remove),
        cmocka_unit_test_setup_teardown(requests, set_up, folder_remove),
        cmocka_unit_test_setup_teardown(bounded, set_up, folder_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
