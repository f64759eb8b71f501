/* Known senders: proved, judged ham and left alone, three times; and what takes that away. */
#include "base/config/settings.h"
#include "base/store.h"
#include "classifier/classifier.h"
#include "classifier/known_sender.h"
#include "filterd/keeper/model_store.h"
#define WORLD_CLAIMS "a@x.example", "b@x.example"
#include "t/unit/model_store_world.h"


static const char user[] = "a@x.example";
static int made;

static char *friend_of(const char *whose)
{
    return known_sender_id(&key, whose, "friend@good.example", "good.example");
}

/* A message of the friend's, delivered with this class. */
static char *deliver_as(const char *class)
{
    struct judgement j = judge(user, "one two three");
    char *id = friend_of(user), *signature = g_strdup_printf("s%d", made++);
    assert_int_equal(ask("record", VALUES({"user", user}, {"signature", signature}, {"class", class},
                                          {"known_sender", id}), j.features),
                     EX_OK);
    assert_int_equal(ask("confirm", VALUES({"user", user}, {"signature", signature}), NULL), EX_OK);
    judgement_clear(&j);
    g_free(id);
    return signature;
}

static void deliver_and_move(const char *class, const char *to)
{
    g_autofree char *signature = deliver_as(class);
    assert_int_equal(retrain(user, to, signature), EX_OK);
}

static bool known(const char *by)
{
    struct classifier *c = classifier_new(&settings, &key);
    g_autofree char *id = friend_of(user);
    const bool is = classifier_knows(c, by, id);
    classifier_free(&c);
    return is;
}

static void test_three_and_no_spam(void **state)
{
    (void)state;
    assert_false(known(user));
    for (int i = 0; i < 3; i++) {
        assert_false(known(user));
        deliver_and_move("spam", "ham");
    }
    assert_true(known(user));
    assert_false(known("b@x.example"));
    g_autofree char *signature = deliver_as("ham");
    assert_true(known(user));
    assert_int_equal(retrain(user, "spam", signature), EX_OK);
    assert_false(known(user));
    assert_int_equal(retrain(user, "ham", signature), EX_OK);
    assert_true(known(user));
}

static void test_the_same_move_twice(void **state)
{
    (void)state;
    g_autofree char *signature = deliver_as("spam");
    for (int i = 0; i < 4; i++)
        assert_int_equal(retrain(user, "ham", signature), EX_OK);
    assert_false(known(user));
}

/* A message that nobody moved counts after settle_days, if the user has moved something lately. */
static void settle_in(enum train_mode mode)
{
    settings.mode = mode;
    for (int i = 0; i < 3; i++)
        g_free(deliver_as("ham"));
    age(user, 6);
    model_store_tick(model_store);
    assert_false(known(user));
    deliver(user, "moved", "cheap pills");
    assert_int_equal(retrain(user, "spam", "moved"), EX_OK);
    model_store_free(&model_store);
    open_ledger();
    model_store_tick(model_store);
    assert_true(known(user));
    model_store_free(&model_store); /* nothing counts again */
    open_ledger();
    model_store_tick(model_store);
    g_autofree char *late = g_strdup_printf("s%d", made - 1);
    assert_int_equal(retrain(user, "spam", late), EX_OK);
    assert_false(known(user));
    assert_int_equal(retrain(user, "ham", late), EX_OK);
    assert_true(known(user));
}

static void test_settling(void **state)
{
    (void)state;
    settle_in(MODE_SETTLE);
}

static void test_settling_in_toe(void **state)
{
    (void)state;
    settle_in(MODE_TOE);
}

static void test_settling_in_teft(void **state)
{
    (void)state;
    settle_in(MODE_TEFT);
}

/* Unsure says nothing, and spam that is left where it is speaks against. */
static void test_what_does_not_count(void **state)
{
    (void)state;
    settings.mode = MODE_SETTLE;
    for (int i = 0; i < 2; i++)
        deliver_and_move("spam", "ham");
    g_free(deliver_as("unsure"));
    age(user, 6);
    model_store_tick(model_store);
    assert_false(known(user));
    deliver_and_move("spam", "ham");
    assert_true(known(user));
    g_free(deliver_as("spam"));
    age(user, 6);
    model_store_free(&model_store);
    open_ledger();
    model_store_tick(model_store);
    assert_false(known(user));
}

static void run_sql(const char *sql)
{
    char *path = g_strdup_printf("%s/users/%s.db", settings.state_dir, user), *error = NULL;
    sqlite3 *db;
    model_store_free(&model_store);
    assert_true(store_open(path, true, NULL, &db, &error));
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    open_ledger();
    g_free(path);
}

static void test_ageing(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        deliver_and_move("spam", "ham");
    run_sql("UPDATE correspondent SET day = date('now', '-399 days')");
    model_store_tick(model_store);
    assert_true(known(user));
    run_sql("UPDATE correspondent SET day = date('now', '-402 days')");
    model_store_tick(model_store);
    assert_false(known(user));
}

/* A file of an earlier version, which knew none of this. */
static void test_an_older_file(void **state)
{
    (void)state;
    deliver(user, "old", "one two three");
    run_sql("PRAGMA user_version = 0; ALTER TABLE record DROP COLUMN rules; ALTER TABLE record DROP COLUMN counted;"
            "ALTER TABLE record DROP COLUMN correspondent; DROP TABLE correspondent");
    assert_false(known(user));
    for (int i = 0; i < 3; i++)
        deliver_and_move("spam", "ham");
    assert_true(known(user));
    assert_int_equal(retrain(user, "spam", "old"), EX_OK);
}

static void test_digests(void **state)
{
    (void)state;
    g_autofree char *a = friend_of(user), *b = friend_of("b@x.example");
    g_autofree char *c = known_sender_id(&key, user, "friend@good.example", "example");
    assert_true(known_sender_is_id(a) && known_sender_is_id(b));
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
    struct judgement j = judge(user, "one");
    const char *const bad[] = {"", "friend@good.example", "0123456789abcdef0123456789abcdeg"};
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_int_equal(ask("record", VALUES({"user", user}, {"signature", "s"}, {"class", "ham"},
                                              {"known_sender", bad[i]}), j.features),
                         EX_DATAERR);
    judgement_clear(&j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_three_and_no_spam), TEST(test_the_same_move_twice), TEST(test_settling),
        TEST(test_settling_in_toe),   TEST(test_settling_in_teft),    TEST(test_what_does_not_count),
        TEST(test_ageing),            TEST(test_an_older_file),       TEST(test_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
