/* Records of deliveries that wait to be written: no reader misses one. */
#include "base/config/settings.h"
#include "classifier/classifier.h"
#include "classifier/model.h"
#include "filterd/keeper/pending.h"
#include "filterd/keeper/model_store.h"
#include "filterd/keeper/record.h"
#define WORLD_CLAIMS "a@x.example", "b@x.example"
#include "t/unit/model_store_world.h"


#define USER "a@x.example"

static void record(const char *user, const char *signature)
{
    struct judgement j = judge(user, "one two three");
    assert_int_equal(ask("record", VALUES({"user", user}, {"signature", signature}, {"class", "innocent"}),
                         j.features),
                     EX_OK);
    judgement_clear(&j);
}

static int confirm(const char *user, const char *signature)
{
    return ask("confirm", VALUES({"user", user}, {"signature", signature}), NULL);
}

/* The record's state on disk; -1: it is not there. */
static int state_on_disk(const char *user, const char *signature)
{
    g_autofree char *error = NULL;
    struct model *m = model_open(settings.state_dir, user, false, &error);
    struct record *r = m ? record_get(m, signature) : NULL;
    const int state = r ? (int)r->state : -1;
    record_free(&r);
    model_free(&m);
    return state;
}

static void test_they_go_to_disk_together(void **state)
{
    (void)state;
    assert_int_equal(model_store_due_ms(model_store), -1);
    record(USER, "s1");
    record(USER, "s2");
    record("b@x.example", "s1");
    assert_int_equal(confirm(USER, "s1"), EX_OK);
    assert_int_equal(state_on_disk(USER, "s1"), -1);
    assert_in_range(model_store_due_ms(model_store), 0, PENDING_MS);
    model_store_write(model_store);
    assert_int_equal(model_store_due_ms(model_store), -1);
    assert_int_equal(state_on_disk(USER, "s1"), RECORD_DELIVERED);
    assert_int_equal(state_on_disk(USER, "s2"), RECORD_MADE);
    assert_int_equal(state_on_disk("b@x.example", "s1"), RECORD_MADE);
    assert_int_equal(confirm(USER, "s2"), EX_OK);
    assert_int_equal(state_on_disk(USER, "s2"), RECORD_DELIVERED);
}

static void test_nothing_overtakes_them(void **state)
{
    (void)state;
    record(USER, "s1");
    assert_int_equal(retrain(USER, "spam", "s1"), EX_OK);
    assert_int_equal(state_on_disk(USER, "s1"), RECORD_DELIVERED);
    record(USER, "s2");
    model_store_tick(model_store);
    assert_int_equal(state_on_disk(USER, "s2"), RECORD_MADE);
    record(USER, "s3");
    model_store_free(&model_store);
    assert_int_equal(state_on_disk(USER, "s3"), RECORD_MADE);
    open_ledger();
}

static void test_one_that_is_no_good(void **state)
{
    (void)state;
    record(USER, "s1");
    model_store_write(model_store);
    record(USER, "s1");
    record(USER, "s2");
    model_store_write(model_store);
    assert_int_equal(state_on_disk(USER, "s2"), RECORD_MADE);
    assert_int_equal(confirm(USER, "s3"), EX_DATAERR);
}

static void test_there_is_an_end_to_them(void **state)
{
    (void)state;
    for (int i = 0; i < PENDING_RECORDS; i++) {
        g_autofree char *signature = g_strdup_printf("s%d", i);
        record(USER, signature);
    }
    assert_int_equal(model_store_due_ms(model_store), -1);
    assert_int_equal(state_on_disk(USER, "s255"), RECORD_MADE);
}

/* Under teft, which learns at delivery, the record is written at once. */
static void test_teft_learns_at_once(void **state)
{
    (void)state;
    settings.mode = MODE_TEFT;
    record(USER, "s1");
    assert_int_equal(confirm(USER, "s1"), EX_OK);
    assert_int_equal(state_on_disk(USER, "s1"), RECORD_DELIVERED);
    assert_int_equal(model_store_due_ms(model_store), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_they_go_to_disk_together), TEST(test_nothing_overtakes_them),
        TEST(test_one_that_is_no_good),      TEST(test_there_is_an_end_to_them),
        TEST(test_teft_learns_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
