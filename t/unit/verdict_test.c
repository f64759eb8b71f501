/* One judgement for all users of a copy: their models' mean, the rules, their lists and thresholds, what they want
 * done with spam, and what is recorded of it. */
#include <math.h>

#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/mail/message.h"
#include "classifier/classifier.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/model_store.h"
#include "filterd/pipeline/verdict.h"
#include "filterd/pipeline/verdict_basis.h"
#include "t/unit/pipeline_world.h"

#define ANN "ann@example.org"
#define BEN "ben@example.org"
#define PRIOR -0.4 /* of a new user */

static struct verdict *v;

static int close_all(void **state)
{
    verdict_free(&v);
    verdict_free(&v); /* nothing to free is no harm */
    assert_null(v);
    return world_close(state);
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_open, close_all)

static GPtrArray *users_of(const char *const *names)
{
    GPtrArray *users = g_ptr_array_new_with_free_func(g_free);
    for (; *names; names++)
        g_ptr_array_add(users, g_strdup(*names));
    return users;
}

static void wish_clear(gpointer wish)
{
    user_settings_clear(wish);
}

static GArray *wishes_of(const GPtrArray *users)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct user_settings));
    g_array_set_clear_func(all, wish_clear);
    for (guint i = 0; i < users->len; i++) {
        struct user_settings of = user_settings_of(&settings);
        assert_true(users_settings(context->users, users->pdata[i], &of));
        g_array_append_val(all, of);
    }
    return all;
}

/* v is the verdict for these users. */
static void judge_from(const char *from, const char *const *names)
{
    g_autofree char *raw = g_strdup_printf("From: %s\r\nSubject: hello\r\n\r\nwords\r\n", from);
    struct message *m = message_new(raw, strlen(raw));
    struct tokens *t = tokens_new(m);
    const struct verdict_basis basis = {t, &played_evidence, envelope, m};
    GPtrArray *users = users_of(names);
    GArray *wishes = wishes_of(users);
    verdict_free(&v);
    v = verdict_new(context, users, wishes, &basis);
    g_array_unref(wishes);
    g_ptr_array_unref(users);
    tokens_free(&t);
    message_free(&m);
}

static void judge(const char *const *names)
{
    judge_from("friend@a.example", names);
}

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

static void assert_verdict(const char *name, enum judge_class class, bool refuse)
{
    assert_string_equal(verdict_name(v), name);
    assert_int_equal(v->class, class);
    assert_int_equal(v->refuse, refuse);
}

/* ---- the sum ---- */

static void score_and_rules(void **state)
{
    static const struct {
        double weight, score;
        const char *name;
        enum judge_class class;
    } cases[] = {{0, PRIOR, "Innocent", JUDGE_INNOCENT}, {1, PRIOR + 1, "Unsure", JUDGE_UNSURE},
                 {2.5, PRIOR + 2.5, "Unsure", JUDGE_UNSURE}, {2.7, PRIOR + 2.7, "Spam", JUDGE_SPAM},
                 {20, PRIOR + 6, "Spam", JUDGE_SPAM}, {-3, PRIOR - 3, "Innocent", JUDGE_INNOCENT}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        weighs(cases[i].weight);
        judge(TO(ANN));
        const double p = 1 / (1 + exp(-cases[i].score));
        assert_true(v->judged);
        assert_true(near(v->score, cases[i].score) && near(v->probability, p));
        assert_true(near(v->rules, cases[i].score - PRIOR));
        assert_true(near(v->confidence, fabs(p - 0.5) * 2));
        assert_verdict(cases[i].name, cases[i].class, cases[i].class == JUDGE_SPAM);
        const struct judgement *j = v->records->pdata[0]; /* what is learnt later is what was delivered */
        assert_true(near(j->score, v->score));
        assert_int_equal(j->class, v->class);
        assert_true(j->features->len > 0);
        assert_int_equal(v->known_senders->len, 0);
    }
}

/* A model that is none: that user is unsure, which moves the mean. */
static void several_models(void **state)
{
    g_autofree char *path = users_store_path(folder, BEN), *dir = g_path_get_dirname(path);
    (void)state;
    g_mkdir_with_parents(dir, 0700);
    assert_true(g_file_set_contents(path, "this is no database, but long enough to be looked at", -1, NULL));
    weighs(3);
    judge(TO(BEN));
    assert_true(near(v->score, 3));
    assert_int_equal(logged_times("Wuser=<" BEN "> model cannot be read, judged as unsure\n"), 1);
    judge(TO(ANN, BEN));
    assert_true(near(v->score, PRIOR / 2 + 3) && near(v->rules, 3));
    assert_int_equal(v->records->len, 2);
    for (guint i = 0; i < 2; i++)
        assert_true(near(((struct judgement *)v->records->pdata[i])->score, v->score));
    judge(TO(ANN));
    assert_int_equal(logged_times("model cannot be read"), 2);
}

static void nobody_judges(void **state)
{
    (void)state;
    judge(TO(NULL));
    assert_false(v->judged);
    assert_string_equal(verdict_name(v), "-");
    verdict_free(&v);
    v = verdict_none();
    assert_false(v->judged);
    assert_string_equal(verdict_name(v), "-");
    verdict_record(v, context);
    verdict_confirm(v, context, false);
    assert_null(v->signature);
    assert_int_equal(played_asked->len, 0);
}

/* ---- whom they know ---- */

static void say(struct model_store *model_store, const char *verb, GVariantDict *d)
{
    const struct keeper_stores stores = {.model_store = model_store};
    g_autoptr(GVariant) arguments = g_variant_ref_sink(g_variant_dict_end(d));
    struct keeper_answer a = keeper_verbs_answer(&stores, KEEPER_ALL_ROLES, verb, arguments);
    if (a.code != EX_OK)
        fail_msg("%s: %s", verb, a.text);
    keeper_answer_clear(&a);
}

/* Three messages of the friend's that were taken out of Junk. */
static void make_known(const char *name)
{
    char *error = NULL, *id;
    struct model_store *model_store = model_store_open(&settings, &key, 0, &error);
    assert_non_null(model_store);
    id = classifier_known_sender(context->classifier, name, "friend@a.example", "a.example");
    for (int i = 0; i < 3; i++) {
        g_autofree char *signature = g_strdup_printf("signature%d", i);
        GVariantDict d;
        g_variant_dict_init(&d, NULL);
        g_variant_dict_insert(&d, "user", "s", name);
        g_variant_dict_insert(&d, "signature", "s", signature);
        g_variant_dict_insert(&d, "class", "s", "spam");
        g_variant_dict_insert(&d, "known_sender", "s", id);
        g_variant_dict_insert(&d, "score", "d", 1.0);
        g_variant_dict_insert_value(&d, "features", g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32,
                                                                              (guint32[]){1, 2}, 2, 4));
        say(model_store, "record", &d);
        g_variant_dict_init(&d, NULL);
        g_variant_dict_insert(&d, "user", "s", name);
        g_variant_dict_insert(&d, "signature", "s", signature);
        say(model_store, "confirm", &d);
        g_variant_dict_init(&d, NULL);
        g_variant_dict_insert(&d, "login", "s", name);
        g_variant_dict_insert(&d, "signature", "s", signature);
        g_variant_dict_insert(&d, "class", "s", "ham");
        say(model_store, "retrain", &d);
    }
    g_free(id);
    model_store_free(&model_store);
}

static void who_is_known(void **state)
{
    (void)state;
    settings.site_key = g_build_filename(folder, "site.key", NULL);
    settings.signature_days = 21;
    make_known(ANN);
    judge(TO(ANN));
    const double own = v->score; /* ANN has learnt by now */
    assert_true(near(v->rules, 0)); /* nobody proved it */
    played_evidence.from_domain = "a.example";
    judge(TO(ANN));
    assert_true(near(v->rules, -2.5) && near(v->score, own - 2.5));
    assert_int_equal(v->known_senders->len, 1);
    judge(TO(BEN));
    assert_true(near(v->rules, 0));
    judge(TO(ANN, BEN));
    assert_true(near(v->rules, -1.25));
    assert_int_equal(v->known_senders->len, 2);
    weighs(7); /* each user's voice is bounded, with whom they know */
    judge(TO(ANN, BEN));
    assert_true(near(v->rules, (4.5 + 6) / 2));
    judge_from("other@a.example", TO(ANN));
    assert_true(near(v->rules, 6));
    assert_int_equal(v->known_senders->len, 1);
    g_free(settings.site_key);
}

/* ---- lists ---- */

static void assert_listed(const char *list, const char *from, const char *entry, bool is)
{
    set(ANN, list, entry);
    judge_from(from, TO(ANN));
    const bool listed = v->word != VERDICT_BY_SCORE;
    if (listed != is)
        fail_msg("%s \"%s\" of %s: %s", list, entry, from, verdict_name(v));
    if (is)
        assert_int_equal(v->word, *list == 'd' ? VERDICT_DENIED : VERDICT_ALLOWED);
    set(ANN, list, NULL);
}

static void entries(void **state)
{
    static const struct {
        const char *entry;
        bool is;
    } cases[] = {
        {"friend@a.example", true}, {"Friend@A.Example", true}, {"fiend@a.example", false},
        {"a.example", true},        {"A.EXAMPLE", true},        {"@a.example", true},
        {"example", false},         {"b.a.example", false},     {"@b.example", false},
        {".example", true},         {"@.example", true},        {".a.example", false},
        {".Example", true},         {".b.example", false},      {".xample", false},
        {"x, a.example", true},     {"x a.example", true},      {"x,y a.example,z", true},
        {"", false},                {" , ", false},             {"friend@", false},
    };
    (void)state;
    g_free(envelope->sender);
    envelope->sender = g_strdup("");
    played_evidence.proved[0] = "a.example";
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_listed("deny", "friend@a.example", cases[i].entry, cases[i].is);
        assert_listed("allow", "friend@a.example", cases[i].entry, cases[i].is);
    }
    assert_listed("deny", "friend@sub.a.example", ".a.example", true);
    assert_listed("deny", "nobody", "a.example", false);
    assert_listed("deny", "", "@", false);
}

/* Who is denied need not be proved, who is allowed must be, each by its own domain. */
static void allowed_only_if_proved(void **state)
{
    (void)state;
    g_free(envelope->sender);
    envelope->sender = g_strdup("bounce@b.example");
    assert_listed("deny", "friend@a.example", "a.example", true);
    assert_listed("deny", "one@b.example, friend@a.example", "a.example", true);
    assert_listed("deny", "one@b.example, two@c.example, friend@a.example", "d.example", false);
    assert_listed("deny", "friend@a.example", "b.example", true);
    assert_listed("allow", "friend@a.example", "a.example", false);
    assert_listed("allow", "friend@a.example", "b.example", false);
    played_evidence.proved[0] = "a.example";
    assert_listed("allow", "friend@a.example", "a.example", true);
    assert_listed("allow", "friend@a.example", "b.example", false);
    played_evidence.proved[0] = "b.example";
    assert_listed("allow", "friend@a.example", "a.example", false);
    assert_listed("allow", "friend@a.example", "b.example", true);
    assert_listed("allow", "friend@a.example", "c.example", false);
    g_clear_pointer(&envelope->sender, g_free); /* none was said */
    assert_listed("allow", "friend@a.example", "b.example", false);
    assert_listed("deny", "friend@a.example", "b.example", false);
}

/* Wherever people read an address it can be denied; nobody is allowed where they may read another. */
static void more_than_one_address(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        bool allowed;
    } cases[] = {
        {"friend@a.example", true},
        {"\"x@c.example\" <friend@a.example>", true},
        {"x@sub.a.example <friend@a.example>", true},
        {"x @ home <friend@a.example>", true},
        {"x@c.example <friend@a.example>", false},
        {"\"ann@example.com\" <friend@a.example>", false},
        {"friend@a.example (ann@sub.example.com)", false},
        {"\"ann@example.com.c.example\" <friend@a.example>", true},
        {"friend@a.example, x@c.example", false},
        {"friend@a.example\r\nFrom: x@c.example", false},
        {"", false},
    };
    char **const others = settings.domains;
    char *ours[] = {(char *)"example.com", NULL};
    settings.domains = ours;
    g_free(envelope->sender);
    envelope->sender = g_strdup("bounce@b.example");
    played_evidence.proved[0] = "a.example";
    played_evidence.proved[1] = "b.example";
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_listed("allow", cases[i].from, "friend@a.example", cases[i].allowed);
        assert_listed("allow", cases[i].from, "b.example", cases[i].allowed);
    }
    settings.domains = others;
    assert_listed("deny", "\"x@c.example\" <friend@a.example>", "x@c.example", true);
    assert_listed("deny", "friend@a.example (x@c.example)", "c.example", true);
    assert_listed("deny", "\"x@c.example\" <friend@a.example>", "y@c.example", false);
    GString *crowd = g_string_new("friend@a.example");
    for (int i = 1; i < 1000; i++)
        g_string_append_printf(crowd, ",x%d@a.example", i);
    assert_listed("deny", crowd->str, "c.example", false);
    g_string_append(crowd, ",y@a.example");
    assert_listed("deny", crowd->str, "c.example", true);
    assert_listed("deny", crowd->str, ",", false); /* a list without an entry denies nobody */
    g_string_free(crowd, TRUE);
}

static void what_lists_say(void **state)
{
    (void)state;
    played_evidence.proved[0] = "a.example";
    weighs(6);
    set(ANN, "allow", "a.example");
    judge(TO(ANN));
    assert_verdict("Whitelisted", JUDGE_INNOCENT, false);
    assert_int_equal(((struct judgement *)v->records->pdata[0])->class, JUDGE_INNOCENT);
    assert_true(v->probability > 0.99); /* which is told all the same */
    set(ANN, "deny", "friend@a.example"); /* before allow */
    weighs(-6);
    judge(TO(ANN));
    assert_verdict("Blocklisted", JUDGE_SPAM, true);
    assert_int_equal(((struct judgement *)v->records->pdata[0])->class, JUDGE_SPAM);
    settings.reject_threshold = 0.99; /* which is for scores */
    judge(TO(ANN));
    assert_verdict("Blocklisted", JUDGE_SPAM, true);
    set(ANN, "deny", NULL);
    played_evidence.virus = "Eicar"; /* before all lists */
    judge(TO(ANN));
    assert_verdict("Virus", JUDGE_SPAM, true);
}

/* The user's before the site's, and of several users the first who has one. */
static void whose_list(void **state)
{
    char *a_example[] = {(char *)"a.example", NULL};
    (void)state;
    played_evidence.proved[0] = "a.example";
    settings.deny = a_example;
    judge(TO(ANN));
    assert_verdict("Blocklisted", JUDGE_SPAM, true);
    set(ANN, "allow", "a.example");
    judge(TO(ANN));
    assert_verdict("Whitelisted", JUDGE_INNOCENT, false);
    settings.deny = NULL;
    settings.allow = a_example;
    judge(TO(BEN));
    assert_verdict("Whitelisted", JUDGE_INNOCENT, false);
    set(BEN, "deny", "a.example");
    judge(TO(BEN));
    assert_verdict("Blocklisted", JUDGE_SPAM, true);
    settings.allow = NULL;
    set(ANN, "allow", NULL);
    judge(TO(ANN, BEN)); /* ANN has none */
    assert_verdict("Blocklisted", JUDGE_SPAM, true);
    set(ANN, "deny", "b.example");
    judge(TO(ANN, BEN)); /* and hers is heard, not his */
    assert_verdict("Innocent", JUDGE_INNOCENT, false);
    judge(TO(BEN, ANN));
    assert_verdict("Blocklisted", JUDGE_SPAM, true);
}

/* ---- thresholds ---- */

static void thresholds(void **state)
{
    (void)state;
    settings.reject_threshold = 0.95;
    weighs(2.7); /* 0.909 */
    judge(TO(ANN));
    assert_verdict("Spam", JUDGE_SPAM, false);
    weighs(3.5); /* 0.957 */
    judge(TO(ANN));
    assert_verdict("Spam", JUDGE_SPAM, true);
    settings.reject_threshold = 0.3;
    weighs(0);
    judge(TO(ANN));
    assert_verdict("Innocent", JUDGE_INNOCENT, false); /* it refuses nothing but spam */
    settings.unsure_threshold = 0.3;
    judge(TO(ANN));
    assert_verdict("Unsure", JUDGE_UNSURE, false);
    set(ANN, "spam_threshold", "0.35");
    judge(TO(ANN));
    assert_verdict("Spam", JUDGE_SPAM, true);
    judge(TO(ANN, BEN));
    assert_verdict("Spam", JUDGE_SPAM, true);
    set(BEN, "spam_threshold", "1");
    judge(TO(BEN, ANN));
    assert_verdict("Unsure", JUDGE_UNSURE, false);
    settings.unsure_threshold = 0.5; /* Unsure never begins above Spam */
    set(ANN, "spam_threshold", "0.45");
    judge(TO(ANN));
    assert_verdict("Innocent", JUDGE_INNOCENT, false);
    weighs(0.3); /* 0.475 */
    judge(TO(ANN));
    assert_verdict("Spam", JUDGE_SPAM, true);
}

/* ---- what to do with spam ---- */

static void assert_action(const char *ann, const char *ben, enum spam_action want)
{
    set(ANN, "spam_action", ann);
    set(BEN, "spam_action", ben);
    judge(TO(ANN, BEN));
    if (v->action != want)
        fail_msg("%s and %s: %d", ann ? ann : "none", ben ? ben : "none", (int)v->action);
}

static void actions(void **state)
{
    static const char *const words[] = {"tag", "quarantine", "reject", "discard"};
    (void)state;
    settings.quarantine = (char *)"junk@example.org";
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < 4; k++) {
            settings.spam_action = (enum spam_action)((i + 1) % 4);
            assert_action(words[i], words[k], i == k ? (enum spam_action)i : SPAM_TAG);
        }
    settings.spam_action = SPAM_DISCARD;
    assert_action(NULL, NULL, SPAM_DISCARD);
    assert_action("discard", NULL, SPAM_DISCARD);
    assert_action(NULL, "reject", SPAM_TAG);
    assert_action("reject", NULL, SPAM_TAG);
    set(ANN, "spam_action", "reject");
    judge(TO(ANN));
    assert_int_equal(v->action, SPAM_REJECT);
    settings.quarantine = NULL; /* there is nowhere to move it to */
    assert_action("quarantine", "quarantine", SPAM_TAG);
    assert_action("reject", "reject", SPAM_REJECT);
}

/* ---- records ---- */

static void recorded_for_each(void **state)
{
    (void)state;
    weighs(2);
    played_evidence.from_domain = "a.example";
    judge(TO(ANN, BEN));
    verdict_record(v, context);
    assert_int_equal(strlen(v->signature), 24);
    assert_int_equal(played_asked->len, 2);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *user_is = g_strdup_printf("'user': <'%s'>", i ? BEN : ANN);
        g_autofree char *signature = g_strdup_printf("'signature': <'%s'>", v->signature);
        g_autofree char *who = g_strdup_printf("'known_sender': <'%s'>", (char *)v->known_senders->pdata[i]);
        g_autofree char *score = g_strdup_printf("'score': <%.17g>", v->score);
        const char *const parts[] = {user_is, signature, who, score, "'class': <'unsure'>", "'rules': <2.0>"};
        for (size_t k = 0; k < G_N_ELEMENTS(parts); k++)
            assert_holds(played_nth("record", i), parts[k]);
    }
    verdict_confirm(v, context, false);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *want = g_strdup_printf("confirm {'user': <'%s'>, 'signature': <'%s'>}", i ? BEN : ANN,
                                                v->signature);
        assert_string_equal(played_nth("confirm", i), want);
    }
    assert_string_not_equal(v->known_senders->pdata[0], v->known_senders->pdata[1]);
    verdict_confirm(v, context, true);
    assert_holds(played_nth("confirm", 2), "'mailbox': <true>");
}

static void not_recorded(void **state)
{
    (void)state;
    settings.mode = MODE_NONE;
    judge(TO(ANN));
    verdict_record(v, context);
    assert_null(v->signature);
    settings.mode = MODE_SETTLE;
    for (played_refused = 1; played_refused < 3; played_refused++) {
        g_ptr_array_set_size(played_asked, 0);
        judge(TO(ANN, BEN, "cid@example.org"));
        verdict_record(v, context);
        assert_null(v->signature); /* all or none: the others' would be of no use */
        assert_int_equal(played_asked->len, played_refused);
        verdict_confirm(v, context, false);
        assert_int_equal(played_count("confirm"), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(score_and_rules), TEST(several_models), TEST(nobody_judges), TEST(who_is_known), TEST(entries),
        TEST(allowed_only_if_proved), TEST(more_than_one_address), TEST(what_lists_say), TEST(whose_list), TEST(thresholds), TEST(actions),
        TEST(recorded_for_each), TEST(not_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
