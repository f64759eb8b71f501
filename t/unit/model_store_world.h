/* A model store in a folder of its own, for tests: mail is delivered, moved and judged in it. */
#ifndef T_UNIT_MODEL_STORE_WORLD_H
#define T_UNIT_MODEL_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "base/store.h"
#include "classifier/classifier.h"
#include "classifier/daykey.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/model_store.h"
#include "t/unit/test_folder.h"

static struct settings settings;
static struct sitekey key;
static struct model_store *model_store;

static inline void open_ledger(void)
{
    char *error = NULL;
    model_store = model_store_open(&settings, &key, 0, &error);
    if (error)
        print_error("%s\n", error);
    assert_non_null(model_store);
}

/* A fixed key: every run has the same hash collisions. */
static inline void make_site_key(void)
{
    char *error = NULL, hex[66];
    memset(hex, '7', 64);
    strcpy(hex + 64, "\n");
    assert_true(g_file_set_contents(settings.site_key, hex, -1, NULL));
    assert_true(sitekey_load(settings.site_key, false, &key, &error));
}

/* Makes the address that of a user: it has a store. Otherwise its records would be unclaimed. */
static inline void claim(const char *user)
{
    char *error = NULL;
    struct model *m = model_open(settings.state_dir, user, true, &error);
    assert_non_null(m);
    model_free(&m);
}

static inline int set_up(void **state)
{
    (void)state;
    settings = (struct settings){.mode = MODE_TOE,
                                 .recipient_delimiter = (char *)"+",
                                 .spam_threshold = 0.9,
                                 .unsure_threshold = 0.5,
                                 .settle_days = 5,
                                 .signature_days = 21};
    settings.state_dir = g_dir_make_tmp("filterd-ledger-XXXXXX", NULL);
    settings.site_key = g_build_filename(settings.state_dir, "site.key", NULL);
    make_site_key();
    open_ledger();
#ifdef WORLD_CLAIMS /* a list of addresses */
    static const char *const claimed[] = {WORLD_CLAIMS};
    for (size_t i = 0; i < G_N_ELEMENTS(claimed); i++)
        claim(claimed[i]);
#endif
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    model_store_free(&model_store);
    folder_empty(settings.state_dir);
    const int failed = rmdir(settings.state_dir);
    g_free(settings.state_dir);
    g_free(settings.site_key);
    return failed;
}

static inline struct tokens *tokens_of(const char *text)
{
    char *raw = g_strdup_printf("From: x@a.example\r\nSubject: mail\r\n\r\n%s\r\n", text);
    struct message *m = message_new(raw, strlen(raw));
    struct tokens *t = tokens_new(m);
    message_free(&m);
    g_free(raw);
    return t;
}

static inline struct judgement judge(const char *user, const char *text)
{
    struct classifier *c = classifier_new(&settings, &key);
    struct tokens *t = tokens_of(text);
    struct judgement j;
    assert_true(classifier_judge(c, user, t, &j));
    tokens_free(&t);
    classifier_free(&c);
    return j;
}

static inline double score(const char *user, const char *text)
{
    struct judgement j = judge(user, text);
    judgement_clear(&j);
    return j.score;
}

/* The keeper's answer to a peer with all roles. */
static inline struct keeper_answer answer_of(const char *verb, GVariant *arguments)
{
    const struct keeper_stores stores = {.model_store = model_store};
    return keeper_verbs_answer(&stores, KEEPER_ALL_ROLES, verb, arguments);
}

static inline int code_of(const char *verb, GVariant *arguments)
{
    struct keeper_answer a = answer_of(verb, arguments);
    assert_true(a.code == EX_OK || (*a.text && !strchr(a.text, '\n')));
    keeper_answer_clear(&a);
    return a.code;
}

/* values: text arguments by name; features may be NULL. Stands for the dictionary that a client sends. */
static inline int ask(const char *verb, const char *const (*values)[2], const GArray *features)
{
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE_VARDICT);
    for (; (*values)[0]; values++)
        g_variant_builder_add(&b, "{sv}", (*values)[0], g_variant_new_string((*values)[1]));
    if (features)
        g_variant_builder_add(&b, "{sv}", "features",
                              g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, features->data,
                                                        features->len, sizeof(guint32)));
    GVariant *arguments = g_variant_ref_sink(g_variant_builder_end(&b));
    const int code = code_of(verb, arguments);
    g_variant_unref(arguments);
    return code;
}

#define VALUES(...) (const char *const[][2]){__VA_ARGS__, {NULL, NULL}}

static inline void deliver(const char *user, const char *signature, const char *text)
{
    struct judgement j = judge(user, text);
    const char *class = j.class == JUDGE_SPAM ? "spam" : "innocent";
    assert_int_equal(ask("record", VALUES({"user", user}, {"signature", signature}, {"class", class}),
                         j.features),
                     EX_OK);
    assert_int_equal(ask("confirm", VALUES({"user", user}, {"signature", signature}), NULL), EX_OK);
    judgement_clear(&j);
}

static inline int retrain(const char *login, const char *class, const char *signature)
{
    return ask("retrain", VALUES({"login", login}, {"class", class}, {"signature", signature}),
               NULL);
}

static inline void train(const char *user, const char *class, const char *text)
{
    struct judgement j = judge(user, text);
    assert_int_equal(ask("train", VALUES({"user", user}, {"class", class}), j.features), EX_OK);
    judgement_clear(&j);
}

static inline char *spam_text(int i)
{
    return g_strdup_printf("cheap watches number%d buy now at http://shop.example/%d only today %d",
                           i, i, i * 7);
}

/* Makes all deliveries of the user so many days older. */
static inline void age(const char *user, int days)
{
    char *path = g_strdup_printf("%s/users/%s.db", settings.state_dir, user), *error = NULL;
    char *day = daykey_day(days), *today = daykey_day(0);
    char *old = g_strdup_printf("%s.d/%s", settings.site_key, today);
    char *new = g_strdup_printf("%s.d/%s", settings.site_key, day);
    sqlite3 *db;
    model_store_free(&model_store);
    assert_true(store_open(path, true, NULL, &db, &error));
    assert_true(store_run(db, "UPDATE record SET day = ?", (const char *const[]){day}, 1));
    sqlite3_close(db);
    assert_int_equal(g_rename(old, new), 0);
    open_ledger();
    g_free(path);
    g_free(day);
    g_free(today);
    g_free(old);
    g_free(new);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

#endif
