/* Greylisting under the test's own clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sitekey.h"
#include "filterd/keeper/greylist.h"
#include "t/unit/test_folder.h"

#define HOUR 3600L
#define DAY (24 * HOUR)

static const struct sitekey key = {{7}};
static const long start = 1800000000;

static struct greylist *open_store(void)
{
    char *error = NULL;
    struct greylist *g = greylist_open(folder, &key, &error);
    if (!g)
        fail_msg("%s", error);
    return g;
}

/* The seconds that the client must wait; 0: it passes. */
static int ask(struct greylist *g, const char *address, const char *sender, const char *recipient,
               long now)
{
    const struct greylist_triplet t = {address, NULL, sender, recipient};
    int wait = -1;
    enum greylist_answer answer = greylist_ask(g, &t, now, &wait);
    assert_true(wait >= 0 && (answer == GREYLIST_PASS) == (wait == 0));
    return wait;
}

static int ask_one(struct greylist *g, long now)
{
    return ask(g, "192.0.2.1", "a@example.org", "b@example.com", now);
}

static void retry_window(void **state)
{
    struct greylist *g = open_store();
    (void)state;
    assert_int_equal(ask_one(g, start), 300);
    assert_int_equal(ask_one(g, start + 1), 299);
    assert_int_equal(ask_one(g, start + 299), 1);
    assert_int_equal(ask_one(g, start + 300), 0);
    assert_int_equal(ask_one(g, start + 301), 0);
    assert_int_equal(ask(g, "192.0.2.1", "late@example.org", "b@example.com", start), 300);
    assert_int_equal(ask(g, "192.0.2.1", "late@example.org", "b@example.com", start + 2 * DAY + 1), 300);
    greylist_set_wait(g, 2);
    assert_int_equal(ask(g, "192.0.2.1", "other@example.org", "b@example.com", start), 2);
    greylist_free(&g);
    assert_null(g);
}

static void restarts(void **state)
{
    struct greylist *g = open_store();
    (void)state;
    assert_int_equal(ask_one(g, start), 300);
    greylist_free(&g);
    g = open_store();
    assert_int_equal(ask_one(g, start + 100), 200);
    assert_int_equal(ask_one(g, start + 300), 0);
    greylist_free(&g);
    g = open_store();
    assert_int_equal(ask_one(g, start + 301), 0);
    greylist_free(&g);
}

static void networks(void **state)
{
    struct greylist *g = open_store();
    (void)state;
    const char *s = "a@example.org", *r = "b@example.com";
    const long later = start + 300;
    assert_int_equal(ask(g, "192.0.2.1", s, r, start), 300);
    assert_int_equal(ask(g, "192.0.3.1", s, r, start), 300);
    assert_int_equal(ask(g, "2001:db8:1:2::1", s, r, start), 300);
    assert_int_equal(ask(g, "192.0.2.255", s, r, later), 0);
    assert_int_equal(ask(g, "::ffff:192.0.2.9", s, r, later), 0);
    assert_int_equal(ask(g, "2001:db8:1:2:ffff::1", s, r, later), 0);
    assert_int_equal(ask(g, "2001:db8:1:3::1", s, r, later), 300);
    assert_int_equal(ask(g, "unknown", s, r, later), 300);
    greylist_free(&g);
}

static void senders(void **state)
{
    struct greylist *g = open_store();
    (void)state;
    const char *a = "192.0.2.1", *r = "b@example.com";
    assert_int_equal(ask(g, a, "Bounce-123-x+me=example.com@Lists.Example.org", r, start), 300);
    assert_int_equal(ask(g, a, "bounce-4567-x+you=example.com@lists.example.org", r, start + 300), 0);
    assert_int_equal(ask(g, a, "bounce-x@lists.example.org", r, start + 300), 300);
    assert_int_equal(ask(g, a, "bounce-123-x@lists2.example.org", r, start + 300), 300);
    assert_int_equal(ask(g, a, "", r, start), 300);
    assert_int_equal(ask(g, a, "", "B@Example.com", start + 300), 0);
    assert_int_equal(ask(g, a, "", "c@example.com", start + 300), 300);
    assert_int_equal(ask(g, a, "+x@example.org", r, start + 300), 300);
    assert_int_equal(ask(g, a, "x", "yb@example.com", start), 300);
    assert_int_equal(ask(g, a, "xy", "b@example.com", start + 300), 300);
    greylist_free(&g);
}

static void proved_domain(void **state)
{
    struct greylist *g = open_store();
    struct greylist_triplet t = {"192.0.2.1", "example.org", "a@example.org", "b@example.com"};
    int wait;
    (void)state;
    assert_int_equal(greylist_ask(g, &t, start, &wait), GREYLIST_WAIT);
    t.address = "198.51.100.77"; /* a provider's retry from another network */
    t.proved_domain = "Example.org";
    assert_int_equal(greylist_ask(g, &t, start + 300, &wait), GREYLIST_PASS);
    t.proved_domain = NULL;
    assert_int_equal(greylist_ask(g, &t, start + 300, &wait), GREYLIST_WAIT);
    greylist_free(&g);
}

/* The first pass of a new sender, at that time. */
static void pass_once(struct greylist *g, int number, long now)
{
    char sender[64];
    g_snprintf(sender, sizeof sender, "%c@example.org", 'a' + number);
    assert_int_equal(ask(g, "192.0.2.1", sender, "b@example.com", now - 300), 300);
    assert_int_equal(ask(g, "192.0.2.1", sender, "b@example.com", now), 0);
}

static void automatic_allow(void **state)
{
    struct greylist *g = open_store();
    long now = start;
    (void)state;
    for (int i = 0; i < 10; i++) /* a burst counts once */
        pass_once(g, i, now + i);
    for (int i = 10; i < 14; i++) /* known triplets do not count */
        pass_once(g, i, now += HOUR + 10);
    assert_int_equal(ask(g, "192.0.2.200", "new@elsewhere.net", "c@example.com", now), 0);
    assert_int_equal(ask(g, "192.0.3.200", "new@elsewhere.net", "c@example.com", now), 300);
    /* The exemption lasts as long as the client keeps coming. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(g, "192.0.2.9", "new@elsewhere.net", "c@example.com", now += 34 * DAY), 0);
    assert_int_equal(ask(g, "192.0.2.9", "new@elsewhere.net", "c@example.com", now += 36 * DAY), 300);
    greylist_free(&g);
}

static sqlite3 *raw(void)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    return db;
}

static int number_of(const char *sql)
{
    sqlite3 *db = raw();
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    int n = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static void ageing(void **state)
{
    struct greylist *g = open_store();
    (void)state;
    assert_int_equal(ask_one(g, start), 300);
    assert_int_equal(ask_one(g, start + 300), 0);
    assert_int_equal(ask(g, "192.0.9.1", "x@y.example", "b@example.com", start), 300);
    assert_int_equal(number_of("SELECT count(*) FROM triplet"), 2);
    greylist_tick(g, start + 2 * DAY - 1);
    assert_int_equal(number_of("SELECT count(*) FROM triplet"), 2);
    greylist_tick(g, start + 2 * DAY + 1);
    assert_int_equal(number_of("SELECT count(*) FROM triplet"), 1);
    assert_int_equal(ask_one(g, start + 34 * DAY), 0);
    greylist_tick(g, start + 60 * DAY);
    assert_int_equal(ask_one(g, start + 60 * DAY), 0);
    greylist_tick(g, start + 96 * DAY);
    assert_int_equal(number_of("SELECT count(*) FROM triplet"), 0);
    assert_int_equal(number_of("SELECT count(*) FROM client"), 0);
    assert_int_equal(ask_one(g, start + 96 * DAY), 300);
    greylist_free(&g);
}

/* Neither addresses nor domains can be read out of the file. */
static void digests_only(void **state)
{
    struct greylist *g = open_store();
    char *data;
    gsize len;
    (void)state;
    assert_int_equal(ask_one(g, start), 300);
    assert_int_equal(ask_one(g, start + 300), 0);
    greylist_free(&g);
    assert_true(g_file_get_contents(file, &data, &len, NULL));
    assert_null(memmem(data, len, "example", 7));
    assert_null(memmem(data, len, "192.0.2", 7));
    assert_null(memmem(data, len, "\xc0\x00\x02", 3));
    g_free(data);
}

static void clock_set_back(void **state)
{
    struct greylist *g = open_store();
    (void)state;
    assert_int_equal(ask_one(g, start + 300 * DAY), 300);
    assert_int_equal(ask_one(g, start), 300);
    assert_int_equal(ask_one(g, start + 300), 0);
    greylist_free(&g);
}

static void store_fails(void **state)
{
    struct greylist *g = open_store();
    sqlite3 *db = raw();
    g_autofree char *error = NULL;
    (void)state;
    assert_int_equal(sqlite3_exec(db, "DROP TABLE triplet", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(ask_one(g, start), 0);
    greylist_free(&g);
    g_unlink(file);
    assert_int_equal(g_mkdir(file, 0700), 0);
    assert_null(greylist_open(folder, &key, &error));
    assert_non_null(strstr(error, "greylist.db"));
    assert_int_equal(g_rmdir(file), 0);
}

static void damaged(void **state)
{
    (void)state;
    assert_true(g_file_set_contents(file, "no database at all, whatever it is called", -1, NULL));
    struct greylist *g = open_store();
    assert_int_equal(ask_one(g, start), 300);
    assert_int_equal(ask_one(g, start + 300), 0);
    /* All but the first page, while it is in use: the file is seen to have changed. */
    FILE *f = fopen(file, "r+");
    char page[4096];
    memset(page, 0x5a, sizeof page);
    assert_true(f && !fseek(f, 0, SEEK_END) && ftell(f) > 4096 && !fseek(f, 24, SEEK_SET));
    assert_int_equal(fwrite("\1\2\3\4", 1, 4, f), 4); /* the change counter */
    assert_int_equal(fseek(f, 4096, SEEK_SET), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(fwrite(page, 1, sizeof page, f), sizeof page);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(ask_one(g, start + 301), 300);
    assert_int_equal(ask_one(g, start + 601), 0);
    greylist_free(&g);
}

/* The store answers at once with 200,000 rows: no statement reads all of them. */
static void many(void **state)
{
    struct greylist *g = open_store();
    sqlite3 *db = raw();
    (void)state;
    assert_int_equal(sqlite3_exec(db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)"
        " INSERT OR IGNORE INTO triplet SELECT random(), 1800000000, i % 2, 1800000000 + 86400 + i"
        " FROM n", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(ask_one(g, start), 300);
        greylist_tick(g, start);
    }
    for (int i = 0; i < 2000; i++)
        assert_int_equal(ask_one(g, start + 1), 299);
    greylist_free(&g);
}

static int fresh(void **state)
{
    (void)state;
    g_unlink(file);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    log_to_fd(1023); /* closed: nothing is logged */
    return folder_make("greylist.db");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(retry_window, fresh),    cmocka_unit_test_setup(restarts, fresh),
        cmocka_unit_test_setup(networks, fresh),        cmocka_unit_test_setup(senders, fresh),
        cmocka_unit_test_setup(proved_domain, fresh),   cmocka_unit_test_setup(automatic_allow, fresh),
        cmocka_unit_test_setup(ageing, fresh),          cmocka_unit_test_setup(digests_only, fresh),
        cmocka_unit_test_setup(clock_set_back, fresh),  cmocka_unit_test_setup(store_fails, fresh),
        cmocka_unit_test_setup(damaged, fresh),        cmocka_unit_test_setup(many, fresh),
    };
    return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
