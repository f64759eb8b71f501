/* The keeper's requests to record, confirm and train. Called by keeper_verbs.c and housekeeping.c. */
#include "filterd/keeper/train_request.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/log.h"
#include "classifier/known_sender.h"
#include "classifier/daykey.h"
#include "classifier/model.h"
#include "filterd/keeper/pending.h"
#include "filterd/keeper/record.h"
#include "filterd/keeper/replay.h"
#include "filterd/keeper/train_apply.h"

/* Settling needs a correction by the user within this many days. */
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

static int add_record(struct model_store *l, const char *user, struct record *r, const GArray *features,
                      char **text_r)
{
    struct model *m = model_store_model(l, user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    if (!record_seal(r, l->settings->site_key, user, features, text_r))
        return EX_TEMPFAIL;
    return record_add(m, r) ? EX_OK : fail(EX_TEMPFAIL, text_r, "the record could not be stored");
}

/* Puts the record among the pending ones, and sets *r to NULL. Opens the model now, to report an error now. */
static int add_record_later(struct model_store *l, const char *user, struct record **r,
                            const GArray *features, char **text_r)
{
    if (!model_store_model(l, user, text_r) ||
        !record_seal(*r, l->settings->site_key, user, features, text_r))
        return EX_TEMPFAIL;
    pending_add(l, user, g_steal_pointer(r));
    return EX_OK;
}

int train_request_record(struct model_store *l, const struct keeper_record *wanted, char **text_r)
{
    if (wanted->known_sender && !known_sender_is_id(wanted->known_sender))
        return fail(EX_DATAERR, text_r, "record: correspondent is no digest");
    struct user_settings of;
    if (!model_store_settings(l, wanted->user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return EX_OK; /* nothing will ever be learnt from it */
    struct record *r = record_new();
    r->signature = g_strdup(wanted->signature);
    r->day = daykey_day(0);
    r->class = g_strdup(wanted->class);
    r->known_sender = g_strdup(wanted->known_sender);
    r->score = wanted->score;
    r->rules = wanted->rules;
    /* In mode teft the confirmation learns it and so writes it anyway: no use waiting. */
    const int code = of.mode == MODE_TEFT
                         ? add_record(l, wanted->user, r, wanted->features, text_r)
                         : add_record_later(l, wanted->user, &r, wanted->features, text_r);
    record_free(&r);
    return code;
}

static int teach(struct model_store *l, struct model *m, struct record *r, const struct train_apply *what,
                 char **text_r)
{
    return train_apply_record(l, m, r, what, text_r) ? EX_OK : EX_TEMPFAIL;
}

static const char *delivered_class(const struct record *r)
{
    return g_ascii_strcasecmp(r->class, "spam") == 0 ? "spam" : "ham";
}

int train_request_confirm(struct model_store *l, const struct keeper_confirm *wanted, char **text_r)
{
    const char *user = wanted->user, *signature = wanted->signature;
    struct record *waiting = pending_find(l, user, signature);
    if (waiting) {
        waiting->state = RECORD_DELIVERED;
        return EX_OK;
    }
    struct user_settings of;
    if (!model_store_settings(l, user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return EX_OK;
    pending_write(l);
    struct model *m = model_store_model(l, user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    struct record *r = record_get(m, signature);
    if (!r)
        return fail(EX_DATAERR, text_r, "no record of this signature");
    r->state = RECORD_DELIVERED;
    const struct train_apply what = {.user = user, .spam = is_spam(delivered_class(r)),
                                  .kind = "delivery", .silent = true};
    int code = EX_OK;
    if (of.mode == MODE_TEFT && !r->taught)
        code = teach(l, m, r, &what, text_r);
    else if (!record_update(m, r))
        code = fail(EX_TEMPFAIL, text_r, "the record could not be written");
    record_free(&r);
    return code;
}

/* A user who moves a message back to where it was delivered undoes the earlier move: the model becomes what it
 * was before. Not if it is learnt at delivery: then it is learnt again. */
static bool takes_back(const struct record *r, const char *class, enum train_mode mode)
{
    const bool learnt_at_delivery = mode == MODE_TEFT;
    return r->taught && strcmp(class, delivered_class(r)) == 0 && !learnt_at_delivery;
}

/* Which user moved which message into which class. */
struct move {
    const char *user, *signature, *class;
    enum train_mode mode; /* the user's */
};

static int carry_out(struct model_store *l, const struct move *wanted, char **text_r)
{
    if (wanted->mode == MODE_NONE)
        return fail(EX_UNAVAILABLE, text_r, NOTHING_LEARNT);
    struct model *m = model_store_model(l, wanted->user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    struct record *r = record_get(m, wanted->signature);
    if (r && r->state == RECORD_SAMPLE)
        record_free(&r);
    if (!r)
        return fail(EX_DATAERR, text_r, "no record of this signature for this user");
    const struct train_apply what = {.user = wanted->user, .spam = is_spam(wanted->class), .kind = "move",
                                  .takes_back = takes_back(r, wanted->class, wanted->mode)};
    int code = EX_OK;
    /* A user who moves a message has received it, whatever became of the confirmation. */
    r->state = RECORD_DELIVERED;
    if (g_strcmp0(r->taught, wanted->class) != 0)
        code = teach(l, m, r, &what, text_r);
    record_free(&r);
    return code;
}

int train_request_retrain(struct model_store *l, const struct keeper_retrain *wanted, char **text_r)
{
    g_autofree char *user = NULL;
    struct user_settings of;
    int code;
    if (users_of_login(l->users, wanted->login, l->settings, &user) == USERS_TEMP)
        code = fail(EX_TEMPFAIL, text_r, "users cannot be read now");
    else if (!user)
        code = fail(EX_DATAERR, text_r, "this login is no user");
    else if (!model_store_settings(l, user, &of, text_r))
        code = EX_TEMPFAIL;
    else
        code = carry_out(l, &(struct move){user, wanted->signature, wanted->class, of.mode}, text_r);
    return code;
}

/* Makes the record that a delivery would have made, unless it exists. Its class as delivered is the opposite of
 * the one taught, so that moving the message back undoes the training. */
static int find_or_add(struct model_store *l, const struct keeper_learn *wanted, char **text_r)
{
    struct model *m = model_store_model(l, wanted->user, text_r);
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

int train_request_learn(struct model_store *l, const struct keeper_learn *wanted, char **text_r)
{
    struct user_settings of;
    if (!model_store_settings(l, wanted->user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return fail(EX_UNAVAILABLE, text_r, NOTHING_LEARNT);
    const int code = find_or_add(l, wanted, text_r);
    const struct move move = {wanted->user, wanted->signature, wanted->class, of.mode};
    return code == EX_OK ? carry_out(l, &move, text_r) : code;
}

static bool train(struct replay *what, const GPtrArray *messages, char **text_r)
{
    if (!model_begin(what->model))
        return false;
    const bool ok = replay_train(what, messages, text_r);
    return model_end(what->model, ok);
}

int train_request_train(struct model_store *l, const struct keeper_train *wanted, guint32 *right_r,
                 char **text_r)
{
    if (!wanted->features && !wanted->batch)
        return fail(EX_DATAERR, text_r, "train: features or batch is wanted");
    GPtrArray *one = g_ptr_array_new();
    if (wanted->features)
        g_ptr_array_add(one, wanted->features);
    struct model *m = model_store_model(l, wanted->user, text_r);
    struct replay what = {.model_store = l, .user = wanted->user, .class = wanted->class, .model = m};
    const bool ok = m && train(&what, wanted->batch ? wanted->batch : one, text_r);
    *right_r = what.right;
    g_ptr_array_unref(one);
    return ok ? EX_OK : fail(EX_TEMPFAIL, text_r, "the model could not be read or written");
}

/* Unsure mail that was left in place says nothing: the user may not have looked at it. */
static void settle_one(struct model_store *l, struct model *m, const char *user, const char *signature)
{
    g_autofree char *text = NULL;
    struct record *r = record_get(m, signature);
    if (!r)
        return;
    const struct train_apply what = {.user = user, .spam = is_spam(delivered_class(r)),
                                  .kind = "settled", .half = true};
    if (g_ascii_strcasecmp(r->class, "unsure") != 0)
        teach(l, m, r, &what, &text);
    record_free(&r);
}

static void settle_all(struct model_store *l, struct model *m, const char *user, const char *until)
{
    GPtrArray *signatures = record_unlearnt(m, until);
    for (guint i = 0; signatures && i < signatures->len; i++)
        settle_one(l, m, user, g_ptr_array_index(signatures, i));
    if (signatures)
        g_ptr_array_unref(signatures);
    else
        log_warn("user=<%s> records cannot be read: what settled is not learnt", user);
}

void train_request_settle(struct model_store *l, const char *user)
{
    g_autofree char *text = NULL;
    struct user_settings of;
    const bool learns = model_store_settings(l, user, &of, NULL) && of.mode != MODE_NONE;
    struct model *m = learns ? model_store_model(l, user, &text) : NULL;
    if (!m)
        return;
    g_autofree char *since = daykey_day(SEEN_DAYS);
    if (model_has_moves_since(m, since)) {
        g_autofree char *until = daykey_day(l->settings->settle_days);
        if (of.mode == MODE_SETTLE)
            settle_all(l, m, user, until);
        if (model_begin(m))
            model_end(m, known_sender_settle(m, until));
    }
}
