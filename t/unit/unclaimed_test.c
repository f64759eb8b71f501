/* Records of addresses that nobody has claimed: one bounded store, until a table names the address, it trains, or
 * a mailbox took mail for it. And who may train at all. */
#include "filterd/keeper/unclaimed.h"

#include <glib/gstdio.h>
#include <math.h>
#include <unistd.h>

#include "base/config/users_tables.h"
#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/peer_credentials.h"
#include "t/unit/unclaimed_world.h"

static int learn(const char *user, const char *signature, const char *class, const char *text)
{
    struct judgement j = judge(user, text);
    const int code = ask("learn", VALUES({"user", user}, {"signature", signature}, {"class", class}), j.features);
    judgement_clear(&j);
    return code;
}

/* ---- where records go ---- */

static void test_nothing_of_their_own(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        g_autofree char *user = g_strdup_printf("invented%d@x.example", i);
        assert_int_equal(record(user, "s1", 20), EX_OK);
        assert_int_equal(confirm(user, "s1", false), EX_OK);
        assert_false(has_own(user));
    }
    assert_int_equal(unclaimed(), 1000);
    g_autofree char *path = unclaimed_path(settings.state_dir);
    assert_int_equal(number_in(path, "SELECT count(*) FROM record WHERE state = 1"), 1000);
    assert_int_equal(confirm("invented7@x.example", "s2", false), EX_DATAERR);
    assert_int_equal(confirm("invented7@x.example", "s2", true), EX_DATAERR);
    assert_int_equal(confirm("unheard-of@x.example", "s1", true), EX_DATAERR);
    assert_false(has_own("unheard-of@x.example"));
}

/* A user without a key moves a message for the first time. */
static void test_the_first_move_trains(void **state)
{
    (void)state;
    deliver(EVE, "s1", "minutes of the meeting");
    deliver(ANN, "s1", "cheap pills");
    deliver(ANN, "s2", "other words");
    assert_int_equal(unclaimed(), 3);
    assert_true(score(ANN, "cheap pills") == LEARNER_PRIOR);
    assert_int_equal(retrain(ANN, "spam", "s1"), EX_OK);
    assert_true(score(ANN, "cheap pills") > LEARNER_PRIOR);
    assert_true(has_own(ANN) && !has_own(EVE));
    assert_int_equal(own(ANN, "state = 1"), 2);
    assert_int_equal(unclaimed(), 1);
    deliver(ANN, "s3", "more words");
    assert_int_equal(unclaimed(), 1);
    assert_int_equal(retrain(ANN, "spam", "s3"), EX_OK);
}

static void test_a_mailbox_took_it(void **state)
{
    (void)state;
    assert_int_equal(record(ANN, "s1", 20), EX_OK);
    assert_int_equal(confirm(ANN, "s1", true), EX_OK); /* while it waits in memory */
    assert_int_equal(own(ANN, "state = 1"), 1);
    assert_int_equal(record(EVE, "s1", 20), EX_OK);
    assert_int_equal(unclaimed(), 1);
    assert_int_equal(confirm(EVE, "s1", true), EX_OK); /* from disk */
    assert_int_equal(own(EVE, "state = 1"), 1);
    assert_int_equal(unclaimed(), 0);
}

static void test_a_table_names_it(void **state)
{
    (void)state;
    assert_int_equal(record(ANN, "s1", 20), EX_OK);
    assert_int_equal(record(EVE, "s1", 20), EX_OK);
    assert_int_equal(unclaimed(), 2);
    assert_int_equal(ask("user-set", VALUES({"user", ANN}, {"name", "mode"}, {"value", "toe"}), NULL), EX_OK);
    assert_int_equal(ask("alias-add", VALUES({"address", "info@x.example"}, {"user", EVE}), NULL), EX_OK);
    assert_int_equal(record(ANN, "s2", 20), EX_OK);
    assert_int_equal(record(EVE, "s2", 20), EX_OK);
    assert_int_equal(unclaimed(), 0);
    assert_int_equal(own(ANN, "1"), 2);
    assert_int_equal(own(EVE, "1"), 2);
}

/* In mode teft mail is learnt when it is delivered, which makes a model: not of an invented address. */
static void test_teft(void **state)
{
    (void)state;
    settings.mode = MODE_TEFT;
    deliver(ANN, "s1", "cheap pills");
    assert_false(has_own(ANN));
    assert_int_equal(confirm(ANN, "s1", true), EX_OK);
    assert_int_equal(own(ANN, "taught = 'ham'"), 1);
}

/* A kill between the two transactions of a move leaves a record in both stores. */
static void test_a_move_that_was_cut_short(void **state)
{
    (void)state;
    deliver(ANN, "s1", "cheap pills");
    deliver(ANN, "s2", "other words");
    model_store_write(model_store);
    g_autofree char *path = unclaimed_path(settings.state_dir), *copy = g_strconcat(path, ".copy", NULL), *data;
    gsize len;
    assert_true(g_file_get_contents(path, &data, &len, NULL));
    assert_int_equal(retrain(ANN, "spam", "s1"), EX_OK);
    const double after = score(ANN, "cheap pills");
    model_store_free(&model_store);
    assert_true(g_file_set_contents(copy, data, (gssize)len, NULL) && g_rename(copy, path) == 0);
    assert_int_equal(number_in(path, "SELECT count(*) FROM record"), 2);
    open_ledger();
    assert_int_equal(retrain(ANN, "spam", "s1"), EX_OK);
    assert_true(score(ANN, "cheap pills") == after); /* learnt once */
    assert_int_equal(own(ANN, "1"), 2);
    assert_int_equal(unclaimed(), 0);
}

static void test_it_is_bounded(void **state)
{
    (void)state;
    model_store->unclaimed_bytes = 1024 * 1024;
    for (int i = 0; i < 100; i++) {
        g_autofree char *user = g_strdup_printf("invented%d@x.example", i);
        assert_int_equal(record(user, "s1", 10000), EX_OK);
        if (i % 10 == 9)
            model_store_write(model_store);
    }
    g_autofree char *path = unclaimed_path(settings.state_dir);
    const gint64 left = unclaimed();
    assert_in_range(left, 1, 99);
    assert_int_equal(number_in(path, "SELECT (count(*) = 1) FROM record WHERE signature LIKE 'invented99@%'"), 1);
    assert_int_equal(number_in(path, "SELECT count(*) FROM record WHERE signature LIKE 'invented0@%'"), 0);
    assert_in_range(number_in(path, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"), 1,
                    3 * 1024 * 1024);
}

static void test_they_are_forgotten(void **state)
{
    g_autofree char *path = unclaimed_path(settings.state_dir);
    (void)state;
    deliver(ANN, "s1", "cheap pills");
    deliver(EVE, "s1", "cheap pills");
    assert_int_equal(unclaimed(), 2);
    assert_int_equal(ask("user-remove", VALUES({"user", ANN}), NULL), EX_OK);
    assert_int_equal(unclaimed(), 1);
    assert_int_equal(retrain(ANN, "spam", "s1"), EX_DATAERR);
    g_autofree char *day = daykey_day(settings.signature_days + 1);
    model_store_free(&model_store);
    char *error = NULL;
    sqlite3 *db;
    assert_true(store_open(path, true, NULL, &db, &error));
    assert_true(store_run(db, "UPDATE record SET day = ?", (const char *const[]){day}, 1));
    sqlite3_close(db);
    open_ledger();
    model_store_tick(model_store);
    assert_int_equal(unclaimed(), 0);
}

/* The next hour's round of housekeeping. */
static void tick_anew(void)
{
    model_store_free(&model_store);
    open_ledger();
    model_store_tick(model_store);
}

/* What an earlier filterd left behind, or a user who is gone: their store goes when nothing is left in it. */
static void test_empty_stores_go(void **state)
{
    (void)state;
    claim(ANN);
    claim(EVE);
    claim("bob@x.example");
    claim("max@x.example");
    assert_int_equal(ask("alias-add", VALUES({"address", "info@x.example"}, {"user", EVE}), NULL), EX_OK);
    deliver("bob@x.example", "s1", "cheap pills");
    train("max@x.example", "spam", "cheap pills");
    tick_anew();
    assert_true(!has_own(ANN) && has_own(EVE) && has_own("bob@x.example") && has_own("max@x.example"));
    age("bob@x.example", settings.signature_days + 1);
    tick_anew();
    assert_true(!has_own("bob@x.example") && has_own("max@x.example"));
    deliver(ANN, "s1", "cheap pills");
    assert_int_equal(retrain(ANN, "spam", "s1"), EX_OK);
    tick_anew();
    assert_true(has_own(ANN));
}

static void test_readers_find_them(void **state)
{
    g_autofree char *path = unclaimed_path(settings.state_dir);
    char *user = NULL, *error = NULL;
    (void)state;
    deliver(ANN, "AbC", "cheap pills");
    deliver(EVE, "AbC", "cheap pills");
    model_store_write(model_store);
    struct model *m = model_open_file(path, false, &error);
    struct record *r = unclaimed_find(m, EVE, "AbC", &user);
    assert_non_null(r);
    assert_string_equal(user, EVE);
    assert_string_equal(r->signature, "AbC");
    GArray *features = record_features(r, settings.site_key, EVE);
    assert_non_null(features);
    g_array_unref(features);
    g_clear_pointer(&user, g_free);
    record_free(&r);
    assert_null(unclaimed_find(m, "bob@x.example", "AbC", &user));
    assert_null(unclaimed_find(m, NULL, "bC", &user));
    assert_null(user);
    model_free(&m);
}

/* ---- who may train, and what ---- */

static void test_who_is_no_user(void **state)
{
    g_autofree char *long_name = g_strnfill(300, 'a');
    const char *const names[] = {MODEL_SITE, "../x", "*", long_name, "nobody@x.example", "Ann@x.example ", "ann",
                                 "@", "@x.example", "info@x.example", "ann@x.example\n"};
    (void)state;
    /* The site's base exists, which makes it no user; an alias of two is not one. */
    train(MODEL_SITE, "spam", "cheap pills");
    assert_int_equal(ask("alias-add", VALUES({"address", "info@x.example"}, {"user", "b@x.example"}), NULL), EX_OK);
    assert_int_equal(ask("alias-add", VALUES({"address", "info@x.example"}, {"user", "c@x.example"}), NULL), EX_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        const double before = score(names[i], "cheap pills");
        if (retrain(names[i], "spam", "s1") != EX_DATAERR || learn(names[i], "s9", "spam", "cheap pills") != EX_DATAERR)
            fail_msg("\"%s\" trains", names[i]);
        assert_true(score(names[i], "cheap pills") == before);
    }
    assert_int_equal(record(MODEL_SITE, "s1", 20), EX_DATAERR);
    assert_int_equal(record("Ann@x.example", "s1", 20), EX_DATAERR);
    assert_int_equal(confirm(MODEL_SITE, "s1", true), EX_DATAERR);
}

/* Of users that a worker invents, those of other domains and those that look like paths get nothing. */
static void test_invented_users(void **state)
{
    char *domains[] = {(char *)"x.example", NULL}, *local_names[] = {(char *)"host.example", NULL};
    g_autofree char *too_long = g_strnfill(2000, 'a');
    const char *const invented[] = {"../../evil", "../../evil@x.example", "a/b@x.example", ".hidden@x.example", "@x.example",
                                    "ann@y.example", "ann@sub.x.example", "ann@x.example@y.example", too_long};
    (void)state;
    settings.domains = domains;
    settings.local_names = local_names;
    for (size_t i = 0; i < G_N_ELEMENTS(invented); i++)
        if (record(invented[i], "s1", 20) != EX_DATAERR || confirm(invented[i], "s1", true) != EX_DATAERR)
            fail_msg("\"%.40s\" is taken for a user", invented[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(invented); i++)
        assert_false(has_own(invented[i]));
    const char *const ours[] = {ANN, "ann@host.example", "ann"};
    for (size_t i = 0; i < G_N_ELEMENTS(ours); i++)
        assert_int_equal(record(ours[i], "s1", 20), EX_OK);
    /* Whom a table names is a user, wherever. */
    assert_int_equal(ask("user-set", VALUES({"user", "a/b@y.example"}, {"name", "mode"}, {"value", "toe"}), NULL), EX_OK);
    assert_int_equal(record("a/b@y.example", "s1", 20), EX_OK);
    assert_int_equal(unclaimed(), 3);
}

/* What the operator's table of domains says: mail for x.example is ours, at first. */
static enum users_result table_says = USERS_FOUND;
static int times_asked;

static enum users_result ask_table(void *arg, enum users_tables_question question, const char *domain,
                                   struct users_tables_answer *a_r)
{
    (void)arg;
    assert_int_equal(question, USERS_TABLES_IS_DOMAIN);
    times_asked++;
    if (table_says != USERS_FOUND)
        return table_says;
    if (strcmp(domain, "x.example"))
        return USERS_UNKNOWN;
    a_r->mailbox = USERS_TABLES_DOMAIN;
    return USERS_FOUND;
}

/* A worker's word for a domain counts for nothing: the keeper asks itself, and seldom. */
static void test_a_table_of_domains(void **state)
{
    const struct users_tables tables = {&settings, ask_table, NULL};
    (void)state;
    settings.domain_maps = (char *)"played:";
    table_says = USERS_FOUND;
    model_store_ask(model_store, &tables);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(record_named(ANN, i), EX_OK);
        g_autofree char *signature = g_strdup_printf("o%d", i);
        assert_int_equal(record("other@x.example", signature, 20), EX_OK);
    }
    assert_int_equal(times_asked, 1);
    assert_int_equal(record_named("ann@y.example", 9), EX_DATAERR);
    assert_int_equal(record("ann", "s1", 20), EX_OK);
    table_says = USERS_TEMP;
    assert_int_equal(record_named("ann@z.example", 9), EX_DATAERR);
    assert_int_equal(record_named("new@x.example", 9), EX_OK);
    /* After ten minutes it would ask again; what the table said holds while it does not answer, and no longer. */
    gint64 *since = g_hash_table_lookup(model_store->domains, "x.example");
    *since -= 601 * G_USEC_PER_SEC;
    assert_int_equal(record_named("new@x.example", 10), EX_OK);
    table_says = USERS_UNKNOWN;
    assert_int_equal(record_named("new@x.example", 11), EX_DATAERR);
    model_store_ask(model_store, NULL);
    settings.domain_maps = NULL;
}

/* A record has one of three classes, and numbers. */
static void test_invented_records(void **state)
{
    GArray *features = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autofree char *class = g_strnfill(500, 'x');
    struct keeper_record r = {.user = ANN, .signature = "s1", .class = class, .features = features};
    const double numbers[] = {NAN, INFINITY, -INFINITY};
    (void)state;
    for (size_t i = 0; i < 1 + 2 * G_N_ELEMENTS(numbers); i++) {
        GVariant *arguments = g_variant_ref_sink(keeper_format_pack(&keeper_format_record, &r));
        assert_int_equal(code_of("record", arguments), EX_DATAERR);
        g_variant_unref(arguments);
        r.class = "ham";
        r.score = i < 3 ? numbers[i] : 0;
        r.rules = i < 3 ? 0 : numbers[i % 3];
    }
    g_array_unref(features);
}

/* A mailbox's word makes stores, but not for as many as a worker can name; the records stay where they are. */
static void test_a_flood_of_stores(void **state)
{
    int made = 0;
    (void)state;
    for (int i = 0; i < 230; i++) {
        g_autofree char *user = g_strdup_printf("u%d@x.example", i);
        assert_int_equal(record(user, "s1", 1), EX_OK);
        assert_int_equal(confirm(user, "s1", true), EX_OK);
        made += has_own(user);
    }
    assert_in_range(made, 200, 205);
    assert_int_equal(unclaimed(), 230 - made);
}

/* Long records count for several. */
static void test_a_flood_of_long_records(void **state)
{
    int taken = 0;
    (void)state;
    while (taken < 5000) {
        g_autofree char *signature = g_strdup_printf("s%d", taken);
        if (record(ANN, signature, 32 * 1024) != EX_OK)
            break;
        taken++;
    }
    assert_in_range(taken, 500, 600);
}

/* A worker learns a signature once, and the features of one content once. */
static void test_learnt_once(void **state)
{
    (void)state;
    deliver(ANN, "s1", "something");
    assert_int_equal(learn(ANN, "t1", "spam", "cheap pills"), EX_OK);
    const double once = score(ANN, "cheap pills");
    assert_true(once > LEARNER_PRIOR);
    assert_int_equal(learn(ANN, "t1", "spam", "cheap pills"), EX_OK);
    assert_int_equal(learn(ANN, "t1", "spam", "another text under that signature"), EX_OK);
    for (int i = 0; i < 20; i++) {
        g_autofree char *signature = g_strdup_printf("u%d", i);
        assert_int_equal(learn(ANN, signature, "spam", "cheap pills"), EX_OK);
    }
    assert_true(score(ANN, "cheap pills") == once);
    assert_int_equal(learn(ANN, "t2", "spam", "cheap watches"), EX_OK);
    assert_true(score(ANN, "cheap pills") != once);
    assert_int_equal(learn(ANN, "t2", "ham", "cheap watches"), EX_OK);
    assert_int_equal(learn(ANN, "u3", "ham", "cheap pills"), EX_OK); /* takes the one lesson back */
    assert_true(score(ANN, "cheap pills") == LEARNER_PRIOR);
}

/* The same set of features, written otherwise. */
static void test_one_content_in_any_order(void **state)
{
    static const guint32 some[] = {5, 1, 9}, other[] = {9, 9, 1, 5, 1};
    (void)state;
    deliver(ANN, "s1", "something");
    for (int i = 0; i < 2; i++) {
        GArray *features = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_array_append_vals(features, i ? other : some, i ? 5 : 3);
        assert_int_equal(ask("learn", VALUES({"user", ANN}, {"signature", i ? "t2" : "t1"}, {"class", "spam"}), features),
                         EX_OK);
        g_array_unref(features);
    }
    assert_int_equal(own(ANN, "signature = 't1'"), 1);
    assert_int_equal(own(ANN, "signature = 't2'"), 0);
}

/* One user's share of what workers may teach: others keep theirs. */
static void test_rates(void **state)
{
    int taught = 0;
    (void)state;
    deliver(ANN, "s1", "something");
    deliver(EVE, "s1", "something");
    for (guint32 i = 0; i < 1000; i++) {
        g_autofree char *signature = g_strdup_printf("t%u", i);
        GArray *features = g_array_new(FALSE, FALSE, sizeof(guint32));
        g_array_append_val(features, i);
        const int code = ask("learn", VALUES({"user", ANN}, {"signature", signature}, {"class", "spam"}), features);
        g_array_unref(features);
        if (code == EX_UNAVAILABLE)
            break;
        assert_int_equal(code, EX_OK);
        taught++;
    }
    assert_in_range(taught, 500, 510);
    assert_int_equal(learn(EVE, "t1", "spam", "cheap pills"), EX_OK);
    assert_int_equal(retrain(ANN, "spam", "s1"), EX_OK); /* the user's own word is no worker's */
}

/* train_users = 54321:x.example */
static void test_a_uid_bound_to_domains(void **state)
{
    GPtrArray *domains = g_ptr_array_new();
    const struct peer peer = {.uid = 54321, .roles = KEEPER_MAIL_USER, .domains = domains};
    const struct keeper_stores stores = {.model_store = model_store, .peer = &peer};
    (void)state;
    g_ptr_array_add(domains, (gpointer) "x.example");
    deliver(ANN, "s1", "cheap pills");
    deliver("ann@y.example", "s1", "cheap pills");
    for (int i = 0; i < 2; i++) {
        const struct keeper_retrain said = {i ? "ann@y.example" : "ANN@X.example", "spam", "s1"};
        GVariant *arguments = g_variant_ref_sink(keeper_format_pack(&keeper_format_retrain, &said));
        struct keeper_answer a = keeper_verbs_answer(&stores, peer.roles, "retrain", arguments);
        assert_int_equal(a.code, i ? EX_NOPERM : EX_OK);
        keeper_answer_clear(&a);
        g_variant_unref(arguments);
    }
    assert_false(has_own("ann@y.example"));
    g_ptr_array_unref(domains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_of_their_own), TEST(test_the_first_move_trains), TEST(test_a_mailbox_took_it),
        TEST(test_a_table_names_it), TEST(test_teft), TEST(test_a_move_that_was_cut_short),
        TEST(test_it_is_bounded), TEST(test_they_are_forgotten), TEST(test_empty_stores_go),
        TEST(test_readers_find_them),
        TEST(test_who_is_no_user), TEST(test_invented_users), TEST(test_a_table_of_domains), TEST(test_invented_records), TEST(test_a_flood_of_stores),
        TEST(test_a_flood_of_long_records), TEST(test_learnt_once), TEST(test_one_content_in_any_order), TEST(test_rates),
        TEST(test_a_uid_bound_to_domains),
    };
    /* Hundreds of small transactions, each of which waits for the disk: in memory it is a tenth of the time. */
    if (g_access("/dev/shm", W_OK) == 0)
        g_setenv("TMPDIR", "/dev/shm", TRUE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
