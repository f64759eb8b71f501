#include "filterd/keeper/lesson.h"

#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "classifier/correspondent.h"
#include "classifier/daykey.h"
#include "filterd/keeper/backlog.h"
#include "filterd/keeper/rehearsal.h"
#include "filterd/keeper/teaching.h"

enum {
    SIGNATURE_MAX = 64,
    FEATURES_MAX = 32 * 1024,
    SEEN_DAYS = 30, /* settling trusts who corrected something so lately */
};

static int fail(int code, char **text_r, const char *text)
{
    if (!*text_r)
        *text_r = g_strdup(text);
    return code;
}

static const char *argument(GVariant *arguments, const char *name)
{
    const char *text = NULL;
    g_variant_lookup(arguments, name, "&s", &text);
    return text;
}

static const char *signature_argument(GVariant *arguments)
{
    const char *signature = argument(arguments, "signature");
    const size_t len = signature ? strlen(signature) : 0;
    if (len == 0 || len > SIGNATURE_MAX)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if (!g_ascii_isalnum(signature[i]))
            return NULL;
    return signature;
}

/* "spam" or "ham" for the words people and programs use; NULL for others. */
static const char *taught_class(const char *class)
{
    if (!class)
        return NULL;
    if (g_ascii_strcasecmp(class, "spam") == 0)
        return "spam";
    return g_ascii_strcasecmp(class, "ham") == 0 || g_ascii_strcasecmp(class, "innocent") == 0
               ? "ham"
               : NULL;
}

static bool is_spam(const char *taught)
{
    return strcmp(taught, "spam") == 0;
}

/* Features out of an au; NULL if it is none or too long. A weight twice would be learnt twice. */
static GArray *take_features(GVariant *value)
{
    gsize count;
    if (!value || !g_variant_is_of_type(value, G_VARIANT_TYPE("au")))
        return NULL;
    const guint32 *data = g_variant_get_fixed_array(value, &count, sizeof(guint32));
    if (count > FEATURES_MAX)
        return NULL;
    GArray *features = g_array_sized_new(FALSE, FALSE, sizeof(guint32), (guint)count + 1);
    if (count > 0)
        g_array_append_vals(features, data, (guint)count);
    return features;
}

static GArray *features_argument(GVariant *arguments)
{
    GVariant *value = g_variant_lookup_value(arguments, "features", G_VARIANT_TYPE("au"));
    GArray *features = take_features(value);
    if (value)
        g_variant_unref(value);
    return features;
}

static int add_record(struct ledger *l, const char *user, struct record *r, GArray *features,
                      char **text_r)
{
    struct model *m = ledger_model(l, user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    if (!record_seal(r, l->settings->site_key, user, features, text_r))
        return EX_TEMPFAIL;
    return record_add(m, r) ? EX_OK : fail(EX_TEMPFAIL, text_r, "the record could not be stored");
}

/* The same for later; the record goes with it. A model that cannot be opened is known now. */
static int add_record_later(struct ledger *l, const char *user, struct record **r,
                            GArray *features, char **text_r)
{
    if (!ledger_model(l, user, text_r) ||
        !record_seal(*r, l->settings->site_key, user, features, text_r))
        return EX_TEMPFAIL;
    backlog_add(l, user, g_steal_pointer(r));
    return EX_OK;
}

int lesson_record(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *user = argument(arguments, "user");
    const char *signature = signature_argument(arguments), *class = argument(arguments, "class");
    const char *correspondent = argument(arguments, "correspondent");
    GArray *features = features_argument(arguments);
    const enum train_mode mode = user ? ledger_mode(l, user) : MODE_NONE;
    int code = EX_DATAERR;
    if (!user || !signature || !class || !features) {
        fail(code, text_r, "record: user, signature, class and features are wanted");
    } else if (correspondent && !correspondent_is_id(correspondent)) {
        fail(code, text_r, "record: correspondent is no digest");
    } else if (mode == MODE_NONE) {
        code = EX_OK; /* nothing will ever be learnt from it */
    } else {
        struct record *r = record_new();
        r->signature = g_strdup(signature);
        r->day = daykey_day(0);
        r->class = g_strdup(class);
        r->correspondent = g_strdup(correspondent);
        g_variant_lookup(arguments, "score", "d", &r->score);
        g_variant_lookup(arguments, "rules", "d", &r->rules);
        /* What is learnt when it is confirmed is written then, anyway. */
        code = mode == MODE_TEFT ? add_record(l, user, r, features, text_r)
                                 : add_record_later(l, user, &r, features, text_r);
        record_free(&r);
    }
    if (features)
        g_array_unref(features);
    return code;
}

static int teach(struct ledger *l, struct model *m, struct record *r, const struct teaching *what,
                 char **text_r)
{
    return teaching_record(l, m, r, what, text_r) ? EX_OK : EX_TEMPFAIL;
}

static const char *delivered_class(const struct record *r)
{
    return g_ascii_strcasecmp(r->class, "spam") == 0 ? "spam" : "ham";
}

int lesson_confirm(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *user = argument(arguments, "user"), *signature = signature_argument(arguments);
    if (!user || !signature)
        return fail(EX_DATAERR, text_r, "confirm: user and signature are wanted");
    struct record *waiting = backlog_find(l, user, signature);
    if (waiting) {
        waiting->state = RECORD_DELIVERED;
        return EX_OK;
    }
    const enum train_mode mode = ledger_mode(l, user);
    if (mode == MODE_NONE)
        return EX_OK;
    backlog_write(l);
    struct model *m = ledger_model(l, user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    struct record *r = record_get(m, signature);
    if (!r)
        return fail(EX_DATAERR, text_r, "no record of this signature");
    r->state = RECORD_DELIVERED;
    const struct teaching what = {.user = user, .spam = is_spam(delivered_class(r)),
                                  .kind = "delivery", .silent = true};
    int code = EX_OK;
    if (mode == MODE_TEFT && !r->taught)
        code = teach(l, m, r, &what, text_r);
    else if (!record_update(m, r))
        code = fail(EX_TEMPFAIL, text_r, "the record could not be written");
    record_free(&r);
    return code;
}

/* Who moves a message back to where it was delivered takes the move back, and the model is again
 * what it was before it; what was learnt at delivery is learnt again. */
static struct teaching teaching_of_move(struct ledger *l, const char *user, const struct record *r,
                                        const char *class)
{
    struct teaching what = {.user = user, .spam = is_spam(class), .kind = "move"};
    if (r->taught && strcmp(class, delivered_class(r)) == 0) {
        const bool learnt_at_delivery = ledger_mode(l, user) == MODE_TEFT;
        what.takes_back = !learnt_at_delivery;
    }
    return what;
}

static int move(struct ledger *l, const char *user, GVariant *arguments, char **text_r)
{
    const char *class = taught_class(argument(arguments, "class"));
    struct model *m = ledger_model(l, user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    struct record *r = record_get(m, signature_argument(arguments));
    if (r && r->state == RECORD_SAMPLE)
        record_free(&r);
    if (!r)
        return fail(EX_DATAERR, text_r, "no record of this signature for this user");
    const struct teaching what = teaching_of_move(l, user, r, class);
    int code = EX_OK;
    /* Who moves it has got it, whatever became of the confirmation. */
    r->state = RECORD_DELIVERED;
    if (g_strcmp0(r->taught, class) != 0)
        code = teach(l, m, r, &what, text_r);
    record_free(&r);
    return code;
}

int lesson_retrain(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *login = argument(arguments, "login");
    if (!login || !signature_argument(arguments) || !taught_class(argument(arguments, "class")))
        return fail(EX_DATAERR, text_r, "retrain: login, class (spam, ham) and signature are wanted");
    char *user;
    int code;
    if (users_of_login(l->users, login, l->settings->recipient_delimiter, &user) == USERS_TEMP)
        code = fail(EX_TEMPFAIL, text_r, "users cannot be read now");
    else if (!user)
        code = fail(EX_DATAERR, text_r, "this login is no user");
    else if (ledger_mode(l, user) == MODE_NONE)
        code = fail(EX_UNAVAILABLE, text_r, "this user's mode is none: nothing is learnt");
    else
        code = move(l, user, arguments, text_r);
    g_free(user);
    return code;
}

/* The record that a delivery would have made, unless there is one. It counts as delivered as the
 * opposite of what is taught first: so a move back takes the move back. */
static int find_or_add(struct ledger *l, const char *user, GVariant *arguments, GArray *features,
                       char **text_r)
{
    struct model *m = ledger_model(l, user, text_r);
    struct record *r = m ? record_get(m, signature_argument(arguments)) : NULL;
    int code = m ? EX_OK : EX_TEMPFAIL;
    if (m && !r) {
        r = record_new();
        r->signature = g_strdup(signature_argument(arguments));
        r->day = daykey_day(0);
        r->class = g_strdup(is_spam(taught_class(argument(arguments, "class"))) ? "ham" : "spam");
        code = add_record(l, user, r, features, text_r);
    }
    record_free(&r);
    return code;
}

int lesson_learn(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *user = argument(arguments, "user");
    GArray *features = features_argument(arguments);
    int code = EX_DATAERR;
    if (!user || !signature_argument(arguments) || !taught_class(argument(arguments, "class")) ||
        !features)
        fail(code, text_r, "learn: user, class (spam, ham), signature and features are wanted");
    else if (ledger_mode(l, user) == MODE_NONE)
        code = fail(EX_UNAVAILABLE, text_r, "this user's mode is none: nothing is learnt");
    else if ((code = find_or_add(l, user, arguments, features, text_r)) == EX_OK)
        code = move(l, user, arguments, text_r);
    if (features)
        g_array_unref(features);
    return code;
}

/* One message or, in batch, an array of them: array of GArray*; NULL if features are missing. */
static GPtrArray *take_messages(GVariant *arguments)
{
    GVariant *batch = g_variant_lookup_value(arguments, "batch", G_VARIANT_TYPE("aau"));
    GPtrArray *messages = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    const gsize count = batch ? g_variant_n_children(batch) : 1;
    bool ok = true;
    for (gsize i = 0; i < count && ok; i++) {
        GVariant *one = batch ? g_variant_get_child_value(batch, i) : NULL;
        GArray *features = batch ? take_features(one) : features_argument(arguments);
        ok = features != NULL;
        if (ok)
            g_ptr_array_add(messages, features);
        if (one)
            g_variant_unref(one);
    }
    if (batch)
        g_variant_unref(batch);
    if (!ok)
        g_clear_pointer(&messages, g_ptr_array_unref);
    return messages;
}

int lesson_train(struct ledger *l, GVariant *arguments, char **text_r)
{
    const char *user = argument(arguments, "user");
    const char *class = taught_class(argument(arguments, "class"));
    GPtrArray *messages = take_messages(arguments);
    int code = EX_DATAERR;
    if (!user || !class || !messages) {
        fail(code, text_r, "train: user, class (spam, ham) and features are wanted");
    } else {
        struct model *m = ledger_model(l, user, text_r);
        struct rehearsal what = {.ledger = l, .user = user, .class = class, .model = m};
        bool ok = m && model_begin(m);
        if (ok) {
            ok = rehearsal_train(&what, messages, text_r);
            ok = model_end(m, ok);
        }
        ledger_give(l, "right", g_variant_new_uint32(what.right));
        code = ok ? EX_OK : fail(EX_TEMPFAIL, text_r, "the model could not be read or written");
    }
    if (messages)
        g_ptr_array_unref(messages);
    return code;
}

/* Mail that was unsure and was left where it lay says nothing: who does not look corrects nothing. */
static void settle_one(struct ledger *l, struct model *m, const char *user, const char *signature)
{
    char *text = NULL;
    struct record *r = record_get(m, signature);
    if (!r)
        return;
    const struct teaching what = {.user = user, .spam = is_spam(delivered_class(r)),
                                  .kind = "settled", .half = true};
    if (g_ascii_strcasecmp(r->class, "unsure") != 0)
        teach(l, m, r, &what, &text);
    g_free(text);
    record_free(&r);
}

static void settle_all(struct ledger *l, struct model *m, const char *user, const char *until)
{
    GPtrArray *signatures = record_unlearnt(m, until);
    for (guint i = 0; i < signatures->len; i++)
        settle_one(l, m, user, g_ptr_array_index(signatures, i));
    g_ptr_array_unref(signatures);
}

void lesson_settle(struct ledger *l, const char *user)
{
    char *text = NULL;
    const enum train_mode mode = ledger_mode(l, user);
    struct model *m = mode != MODE_NONE ? ledger_model(l, user, &text) : NULL;
    g_free(text);
    if (!m)
        return;
    char *since = daykey_day(SEEN_DAYS);
    if (model_has_moves_since(m, since)) {
        char *until = daykey_day(l->settings->settle_days);
        if (mode == MODE_SETTLE)
            settle_all(l, m, user, until);
        if (model_begin(m))
            model_end(m, correspondent_settle(m, until));
        g_free(until);
    }
    g_free(since);
}
