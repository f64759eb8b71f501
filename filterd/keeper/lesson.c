#include "filterd/keeper/lesson.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "classifier/correspondent.h"
#include "classifier/daykey.h"
#include "classifier/model.h"
#include "filterd/keeper/backlog.h"
#include "filterd/keeper/record.h"
#include "filterd/keeper/rehearsal.h"
#include "filterd/keeper/teaching.h"

/* Settling trusts who corrected something so lately. */
enum { SEEN_DAYS = 30 };

#define NOTHING_LEARNT "this user's mode is none: nothing is learnt"

static int fail(int code, char **text_r, const char *text)
{
    if (!*text_r)
        *text_r = g_strdup(text);
    return code;
}

static bool is_spam(const char *taught)
{
    return strcmp(taught, "spam") == 0;
}

static int add_record(struct ledger *l, const char *user, struct record *r, const GArray *features,
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
                            const GArray *features, char **text_r)
{
    if (!ledger_model(l, user, text_r) ||
        !record_seal(*r, l->settings->site_key, user, features, text_r))
        return EX_TEMPFAIL;
    backlog_add(l, user, g_steal_pointer(r));
    return EX_OK;
}

int lesson_record(struct ledger *l, const struct keeper_record *wanted, char **text_r)
{
    if (wanted->correspondent && !correspondent_is_id(wanted->correspondent))
        return fail(EX_DATAERR, text_r, "record: correspondent is no digest");
    struct user_settings of;
    if (!ledger_settings(l, wanted->user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return EX_OK; /* nothing will ever be learnt from it */
    struct record *r = record_new();
    r->signature = g_strdup(wanted->signature);
    r->day = daykey_day(0);
    r->class = g_strdup(wanted->class);
    r->correspondent = g_strdup(wanted->correspondent);
    r->score = wanted->score;
    r->rules = wanted->rules;
    /* What is learnt when it is confirmed is written then, anyway. */
    const int code = of.mode == MODE_TEFT
                         ? add_record(l, wanted->user, r, wanted->features, text_r)
                         : add_record_later(l, wanted->user, &r, wanted->features, text_r);
    record_free(&r);
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

int lesson_confirm(struct ledger *l, const struct keeper_confirm *wanted, char **text_r)
{
    const char *user = wanted->user, *signature = wanted->signature;
    struct record *waiting = backlog_find(l, user, signature);
    if (waiting) {
        waiting->state = RECORD_DELIVERED;
        return EX_OK;
    }
    struct user_settings of;
    if (!ledger_settings(l, user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
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
    if (of.mode == MODE_TEFT && !r->taught)
        code = teach(l, m, r, &what, text_r);
    else if (!record_update(m, r))
        code = fail(EX_TEMPFAIL, text_r, "the record could not be written");
    record_free(&r);
    return code;
}

/* Who moves a message back to where it was delivered takes the move back, and the model is again
 * what it was before it; what was learnt at delivery is learnt again. */
static bool takes_back(const struct record *r, const char *class, enum train_mode mode)
{
    const bool learnt_at_delivery = mode == MODE_TEFT;
    return r->taught && strcmp(class, delivered_class(r)) == 0 && !learnt_at_delivery;
}

/* Who moved which message, as what. */
struct move {
    const char *user, *signature, *class;
    enum train_mode mode; /* the user's */
};

static int carry_out(struct ledger *l, const struct move *wanted, char **text_r)
{
    if (wanted->mode == MODE_NONE)
        return fail(EX_UNAVAILABLE, text_r, NOTHING_LEARNT);
    struct model *m = ledger_model(l, wanted->user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    struct record *r = record_get(m, wanted->signature);
    if (r && r->state == RECORD_SAMPLE)
        record_free(&r);
    if (!r)
        return fail(EX_DATAERR, text_r, "no record of this signature for this user");
    const struct teaching what = {.user = wanted->user, .spam = is_spam(wanted->class), .kind = "move",
                                  .takes_back = takes_back(r, wanted->class, wanted->mode)};
    int code = EX_OK;
    /* Who moves it has got it, whatever became of the confirmation. */
    r->state = RECORD_DELIVERED;
    if (g_strcmp0(r->taught, wanted->class) != 0)
        code = teach(l, m, r, &what, text_r);
    record_free(&r);
    return code;
}

int lesson_retrain(struct ledger *l, const struct keeper_retrain *wanted, char **text_r)
{
    char *user;
    struct user_settings of;
    int code;
    if (users_of_login(l->users, wanted->login, l->settings->recipient_delimiter, &user) == USERS_TEMP)
        code = fail(EX_TEMPFAIL, text_r, "users cannot be read now");
    else if (!user)
        code = fail(EX_DATAERR, text_r, "this login is no user");
    else if (!ledger_settings(l, user, &of, text_r))
        code = EX_TEMPFAIL;
    else
        code = carry_out(l, &(struct move){user, wanted->signature, wanted->class, of.mode}, text_r);
    g_free(user);
    return code;
}

/* The record that a delivery would have made, unless there is one. It counts as delivered as the
 * opposite of what is taught first: so a move back takes the move back. */
static int find_or_add(struct ledger *l, const struct keeper_learn *wanted, char **text_r)
{
    struct model *m = ledger_model(l, wanted->user, text_r);
    struct record *r = m ? record_get(m, wanted->signature) : NULL;
    int code = m ? EX_OK : EX_TEMPFAIL;
    if (m && !r) {
        r = record_new();
        r->signature = g_strdup(wanted->signature);
        r->day = daykey_day(0);
        r->class = g_strdup(is_spam(wanted->class) ? "ham" : "spam");
        code = add_record(l, wanted->user, r, wanted->features, text_r);
    }
    record_free(&r);
    return code;
}

int lesson_learn(struct ledger *l, const struct keeper_learn *wanted, char **text_r)
{
    struct user_settings of;
    if (!ledger_settings(l, wanted->user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return fail(EX_UNAVAILABLE, text_r, NOTHING_LEARNT);
    const int code = find_or_add(l, wanted, text_r);
    const struct move move = {wanted->user, wanted->signature, wanted->class, of.mode};
    return code == EX_OK ? carry_out(l, &move, text_r) : code;
}

static bool train(struct rehearsal *what, const GPtrArray *messages, char **text_r)
{
    if (!model_begin(what->model))
        return false;
    const bool ok = rehearsal_train(what, messages, text_r);
    return model_end(what->model, ok);
}

int lesson_train(struct ledger *l, const struct keeper_train *wanted, guint32 *right_r,
                 char **text_r)
{
    if (!wanted->features && !wanted->batch)
        return fail(EX_DATAERR, text_r, "train: features or batch is wanted");
    GPtrArray *one = g_ptr_array_new();
    if (wanted->features)
        g_ptr_array_add(one, wanted->features);
    struct model *m = ledger_model(l, wanted->user, text_r);
    struct rehearsal what = {.ledger = l, .user = wanted->user, .class = wanted->class, .model = m};
    const bool ok = m && train(&what, wanted->batch ? wanted->batch : one, text_r);
    *right_r = what.right;
    g_ptr_array_unref(one);
    return ok ? EX_OK : fail(EX_TEMPFAIL, text_r, "the model could not be read or written");
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
    struct user_settings of;
    const bool learns = ledger_settings(l, user, &of, NULL) && of.mode != MODE_NONE;
    struct model *m = learns ? ledger_model(l, user, &text) : NULL;
    g_free(text);
    if (!m)
        return;
    char *since = daykey_day(SEEN_DAYS);
    if (model_has_moves_since(m, since)) {
        char *until = daykey_day(l->settings->settle_days);
        if (of.mode == MODE_SETTLE)
            settle_all(l, m, user, until);
        if (model_begin(m))
            model_end(m, correspondent_settle(m, until));
        g_free(until);
    }
    g_free(since);
}
