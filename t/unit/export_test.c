/* A user's export comes in as the same user; any other file is refused. */
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "classifier/learner.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "filterd/keeper/export.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_verbs.h"
#include "t/unit/model_store_world.h"

#include <math.h>


#define USER "a@x.example"
#define PROBE "cheap pills for you today"

/* Returns the code; *file_r (may be NULL) is the exported file. */
static int ask_for(const char *verb, const char *user, GByteArray *in, GByteArray **file_r)
{
    union keeper_request q = {.user_import = {.user = user}};
    const struct keeper_format *f = keeper_verbs_find(verb)->request;
    if (in)
        q.user_import.file = g_bytes_new_static(in->data, in->len);
    GVariant *all = g_variant_ref_sink(keeper_format_pack(f, &q));
    struct keeper_answer a = answer_of(verb, all);
    struct keeper_exported out;
    assert_true(a.code == EX_OK || (*a.text && !strchr(a.text, '\n')));
    assert_true(keeper_format_unpack(&keeper_format_exported, a.results, &out, NULL));
    if (file_r && out.file)
        *file_r = g_bytes_unref_to_array(g_bytes_ref(out.file));
    keeper_format_clear(&keeper_format_exported, &out);
    keeper_answer_clear(&a);
    g_variant_unref(all);
    if (in)
        g_bytes_unref(q.user_import.file);
    return a.code;
}

static GByteArray *export_of(const char *user)
{
    GByteArray *file = NULL;
    assert_int_equal(ask_for("user-export", user, NULL, &file), EX_OK);
    assert_non_null(file);
    return file;
}

static struct model_figures figures(const char *user)
{
    char *error = NULL;
    struct model *m = model_open(settings.state_dir, user, false, &error);
    assert_non_null(m);
    struct model_figures f;
    assert_true(model_figures(m, &f));
    model_free(&m);
    return f;
}

/* A user with settings, an alias, a trained model, and a move. */
static void make_user(void)
{
    for (int i = 0; i < 5; i++) {
        train(USER, "spam", PROBE);
        train(USER, "ham", "minutes of the meeting");
    }
    deliver(USER, "s1", "another letter about pills");
    assert_int_equal(retrain(USER, "spam", "s1"), EX_OK);
    assert_int_equal(ask("user-set", VALUES({"user", USER}, {"name", "spam_threshold"},
                                            {"value", "0.7"}), NULL),
                     EX_OK);
    assert_int_equal(ask("alias-add", VALUES({"address", "info@x.example"}, {"user", USER}), NULL),
                     EX_OK);
}

/* Works while readers have the model open, and replaces what was learnt since. */
static void test_comes_back_the_same(void **state)
{
    (void)state;
    make_user();
    struct classifier *c = classifier_new(&settings, &key);
    struct tokens *t = tokens_of(PROBE);
    struct judgement before, after;
    assert_true(classifier_judge(c, USER, t, &before));
    const struct model_figures f = figures(USER);
    GByteArray *file = export_of(USER);
    for (int i = 0; i < 9; i++)
        train(USER, "ham", PROBE);
    assert_int_equal(ask("user-set", VALUES({"user", USER}, {"name", "mode"}, {"value", "teft"}),
                         NULL),
                     EX_OK);
    assert_true(score(USER, PROBE) != before.score);
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_OK);
    assert_true(score(USER, PROBE) == before.score);
    assert_true(classifier_judge(c, USER, t, &after));
    assert_true(after.score == before.score);
    GByteArray *again = export_of(USER);
    assert_int_equal(figures(USER).spam, f.spam);
    assert_int_equal(figures(USER).ham, f.ham);
    assert_int_equal(figures(USER).moves, f.moves);
    assert_string_equal(figures(USER).last_move, f.last_move);
    char *error = NULL;
    struct export *e = export_unpack(again->data, again->len, &key, &error);
    assert_non_null(e);
    assert_int_equal(e->settings->len, 2);
    assert_string_equal(e->settings->pdata[1], "0.7");
    assert_int_equal(e->aliases->len, 1);
    assert_string_equal(e->aliases->pdata[0], "info@x.example");
    export_free(&e);
    judgement_clear(&before);
    judgement_clear(&after);
    tokens_free(&t);
    classifier_free(&c);
    g_byte_array_unref(file);
    g_byte_array_unref(again);
}

static void test_comes_back_after_removal(void **state)
{
    (void)state;
    make_user();
    const double before = score(USER, PROBE);
    GByteArray *file = export_of(USER);
    assert_int_equal(ask_for("user-remove", USER, NULL, NULL), EX_OK);
    assert_true(score(USER, PROBE) == LEARNER_PRIOR);
    assert_int_equal(retrain("info@x.example", "ham", "s1"), EX_DATAERR); /* nobody's alias now */
    assert_int_equal(ask_for("user-export", USER, NULL, NULL), EX_NOUSER);
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_OK);
    assert_true(score(USER, PROBE) == before);
    deliver(USER, "s2", "a new letter");
    assert_int_equal(retrain("info@x.example", "spam", "s2"), EX_OK);
    g_byte_array_unref(file);
}

/* An undo after an import must not subtract from the new model what a record had taught the old one. */
static void test_records_live_on(void **state)
{
    (void)state;
    GByteArray *file;
    make_user();
    file = export_of(USER);
    deliver(USER, "s3", "minutes of a party");
    assert_int_equal(retrain(USER, "spam", "s3"), EX_OK);
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_OK);
    const double before = score(USER, "minutes of a party");
    assert_int_equal(retrain(USER, "ham", "s3"), EX_OK);
    assert_true(score(USER, "minutes of a party") == before);
    deliver(USER, "s4", "minutes of a party");
    assert_int_equal(retrain(USER, "spam", "s4"), EX_OK);
    assert_true(score(USER, "minutes of a party") > before);
    g_byte_array_unref(file);
}

static void refused(GByteArray *file)
{
    const double before = score(USER, PROBE);
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_DATAERR);
    assert_true(score(USER, PROBE) == before);
}

static void test_what_is_refused(void **state)
{
    (void)state;
    make_user();
    GByteArray *file = export_of(USER), *none = g_byte_array_new();
    const guint step = file->len / 97;
    for (guint at = 0; at < file->len; at += step) {
        file->data[at] ^= 0x10;
        refused(file);
        file->data[at] ^= 0x10;
    }
    for (guint cut = 1; cut < 200; cut += 7) {
        g_byte_array_set_size(none, 0);
        g_byte_array_append(none, file->data, file->len - cut);
        refused(none);
        g_byte_array_set_size(none, cut);
        refused(none);
    }
    assert_int_equal(ask_for("user-import", "b@x.example", file, NULL), EX_DATAERR);
    assert_true(score("b@x.example", PROBE) == LEARNER_PRIOR);
    struct sitekey other = key;
    other.bytes[31] ^= 1;
    export_sign(file, &other);
    refused(file);
    export_sign(file, &key);
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_OK);
    g_byte_array_unref(file);
    g_byte_array_unref(none);
}

/* A genuine file with wrong settings: neither the model nor the settings change. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    make_user();
    struct export *e = export_new(USER);
    g_ptr_array_add(e->settings, g_strdup("encrypt"));
    g_ptr_array_add(e->settings, g_strdup("perhaps"));
    GByteArray *file = export_pack(e, &key), *now;
    const double before = score(USER, PROBE);
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_TEMPFAIL);
    assert_true(score(USER, PROBE) == before);
    export_free(&e);
    g_byte_array_unref(file);
    now = export_of(USER);
    char *error = NULL;
    e = export_unpack(now->data, now->len, &key, &error);
    assert_int_equal(e->settings->len, 2);
    assert_int_equal(e->learner->spam, 6);
    export_free(&e);
    g_byte_array_unref(now);
}

/* A user who has nothing but a setting. */
static void test_a_user_without_a_model(void **state)
{
    (void)state;
    assert_int_equal(ask("user-set", VALUES({"user", USER}, {"name", "encrypt"}, {"value", "no"}),
                         NULL),
                     EX_OK);
    GByteArray *file = export_of(USER);
    make_user();
    assert_int_equal(ask_for("user-import", USER, file, NULL), EX_OK);
    assert_true(score(USER, PROBE) == LEARNER_PRIOR);
    g_byte_array_unref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_comes_back_the_same),
        TEST(test_comes_back_after_removal),
        TEST(test_records_live_on),
        TEST(test_what_is_refused),
        TEST(test_all_or_nothing),
        TEST(test_a_user_without_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
