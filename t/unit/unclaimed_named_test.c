/* Whom the operator's tables name: of users of such a site, with keys or without, some records lie with those of others
 * before they have a store of their own. */
#include "t/unit/unclaimed_world.h"

/* Whom the tables name gets a store of their own, but not for the first message already. */
static void test_named_by_tables(void **state)
{
    (void)state;
    for (int i = 0; i < UNCLAIMED_MANY; i++) {
        assert_int_equal(record_named(ANN, i), EX_OK);
        g_autofree char *signature = g_strdup_printf("e%d", i);
        assert_int_equal(record(EVE, signature, 20), EX_OK);
        model_store_write(model_store);
        assert_false(has_own(ANN));
    }
    assert_int_equal(record_named(ANN, UNCLAIMED_MANY), EX_OK);
    assert_true(has_own(ANN));
    model_store_write(model_store);
    assert_int_equal(own(ANN, "1"), UNCLAIMED_MANY + 1);
    assert_int_equal(record(EVE, "last", 20), EX_OK);
    assert_false(has_own(EVE));
    assert_int_equal(unclaimed(), UNCLAIMED_MANY + 1);
}

static void note_key(const char *user)
{
    assert_int_equal(ask("key-note", VALUES({"user", user}, {"state", "keys"}), NULL), EX_OK);
}

/* So it is for whom users.db names, too: a site's users in SQL may all have keys. */
static void test_named_by_both(void **state)
{
    (void)state;
    note_key(ANN);
    note_key(EVE);
    assert_int_equal(record(EVE, "s1", 20), EX_OK); /* the site has no tables */
    model_store_write(model_store);
    assert_int_equal(own(EVE, "1"), 1);
    assert_int_equal(record_named(ANN, 0), EX_OK);
    assert_int_equal(confirm(ANN, "n0", true), EX_OK); /* while it waits in memory */
    assert_int_equal(record_named(ANN, 1), EX_OK);
    model_store_write(model_store);
    assert_int_equal(confirm(ANN, "n1", true), EX_OK); /* on disk */
    assert_int_equal(confirm(ANN, "n2", true), EX_DATAERR);
    assert_true(has_own(EVE) && !has_own(ANN));
}

static void test_few_of_a_user_with_a_key(void **state)
{
    (void)state;
    g_autofree char *path = unclaimed_path(settings.state_dir);
    note_key(ANN);
    for (int i = 0; i < UNCLAIMED_MANY; i++) {
        g_autofree char *signature = g_strdup_printf("n%d", i);
        assert_int_equal(record_named(ANN, i), EX_OK);
        if (i % 2)
            model_store_write(model_store);
        assert_int_equal(confirm(ANN, signature, true), EX_OK);
        assert_false(has_own(ANN));
    }
    assert_int_equal(unclaimed(), UNCLAIMED_MANY);
    assert_int_equal(number_in(path, "SELECT count(*) FROM record WHERE state = 1"), UNCLAIMED_MANY);
    assert_int_equal(record_named(ANN, UNCLAIMED_MANY), EX_OK);
    model_store_write(model_store);
    assert_int_equal(unclaimed(), 0);
    assert_int_equal(own(ANN, "state = 1"), UNCLAIMED_MANY);
    assert_int_equal(own(ANN, "1"), UNCLAIMED_MANY + 1);
}

/* Their first move trains, and an administrator may ask for all of it. */
static void test_few_are_as_good_as_many(void **state)
{
    (void)state;
    note_key(ANN);
    note_key(EVE);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(record_named(ANN, i), EX_OK);
        assert_int_equal(record_named(EVE, i), EX_OK);
    }
    assert_int_equal(confirm(ANN, "n0", false), EX_OK);
    assert_int_equal(retrain(ANN, "spam", "n0"), EX_OK);
    assert_int_equal(own(ANN, "taught = 'spam'"), 1);
    assert_int_equal(own(ANN, "1"), 2);
    assert_false(has_own(EVE));
    assert_int_equal(ask("user-export", VALUES({"user", EVE}), NULL), EX_OK);
}

/* Strangers invent addresses: they drive out each other's records, and those of nobody with a key. */
static void test_a_flood_drives_no_key_out(void **state)
{
    (void)state;
    model_store->unclaimed_bytes = 1024 * 1024;
    note_key(ANN);
    for (int i = 0; i < 3; i++)
        assert_int_equal(record_named(ANN, i), EX_OK);
    assert_int_equal(record_named(EVE, 0), EX_OK);
    assert_int_equal(confirm(ANN, "n1", false), EX_OK);
    assert_int_equal(unclaimed(), 4);
    for (int i = 0; i < 100; i++) {
        g_autofree char *user = g_strdup_printf("invented%d@x.example", i);
        assert_int_equal(record(user, "s1", 10000), EX_OK);
        if (i % 10 == 9)
            model_store_write(model_store);
    }
    g_autofree char *path = unclaimed_path(settings.state_dir);
    assert_in_range(unclaimed(), 1, 99);
    assert_int_equal(number_in(path, "SELECT count(*) FROM record WHERE signature LIKE '" ANN "%'"), 0);
    assert_int_equal(own(ANN, "1"), 3);
    assert_int_equal(own(ANN, "state = 1"), 1);
    assert_false(has_own(EVE));
    assert_int_equal(retrain(ANN, "spam", "n1"), EX_OK);
    assert_int_equal(own(ANN, "taught = 'spam'"), 1);
}

/* In mode teft delivered mail is learnt at once, which needs a model. */
static void test_teft_of_a_user_with_a_key(void **state)
{
    (void)state;
    settings.mode = MODE_TEFT;
    note_key(ANN);
    assert_int_equal(record_named(ANN, 0), EX_OK);
    assert_int_equal(confirm(ANN, "n0", false), EX_OK);
    assert_int_equal(own(ANN, "taught = 'ham'"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_named_by_tables), TEST(test_named_by_both), TEST(test_few_of_a_user_with_a_key),
        TEST(test_few_are_as_good_as_many), TEST(test_a_flood_drives_no_key_out), TEST(test_teft_of_a_user_with_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
