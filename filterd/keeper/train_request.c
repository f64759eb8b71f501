/* The keeper's requests to record, confirm and train. Called by keeper_verbs.c and housekeeping.c. */
#include "filterd/keeper/train_request.h"

#include <glib.h>
#include <math.h>
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
#include "filterd/keeper/model_store_model.h"
#include "filterd/keeper/record.h"
#include "filterd/keeper/replay.h"
#include "filterd/keeper/train_apply.h"
#include "filterd/keeper/unclaimed.h"

/* Settling needs a correction by the user within this many days. */
enum { SEEN_DAYS = 30 };

#define NO_USER "this login is no user"
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

/* Puts the record among the pending ones, and sets *r to NULL. Opens a user's model now, to report an error
 * now. */
static int add_record_later(struct model_store *l, const struct keeper_record *wanted, struct record **r,
                            char **text_r)
{
    const char *user = wanted->user;
    if ((unclaimed_wants_own(l, user, wanted->named) && !model_store_model(l, user, text_r)) ||
        !record_seal(*r, l->settings->site_key, user, wanted->features, text_r))
        return EX_TEMPFAIL;
    pending_add(l, user, wanted->named, g_steal_pointer(r));
    return EX_OK;
}

/* Workers name users. One that was taken over may invent them: it gets as far as a stranger's mail would. */
static bool is_user(struct model_store *l, const char *user, char **text_r)
{
    const bool is = model_store_may_be_ours(l, user);
    if (!is)
        *text_r = g_strdup("that is no user: a lower-case address at a domain of ours is wanted");
    return is;
}

/* An address is a user's if a table names it, if it has a store, or if mail came for it. */
static bool knows(struct model_store *l, const char *user)
{
    return model_store_is_user(user) &&
           (unclaimed_state(l, user) != UNCLAIMED_YES || unclaimed_has_any(l, user));
}

/* The operator's tables name the user, says a worker, so the address exists: it gets a store of its own once mail comes
 * often; until then its records are as good in the common one, and a store costs more than a message. Not faster than
 * new users come, as a worker may have been taken over. */
static bool claim_named(struct model_store *l, const char *user, char **text_r)
{
    return unclaimed_by_store(l, user) != UNCLAIMED_YES || !unclaimed_has_many(l, user) ||
           !keeper_rates_take(l->rates, KEEPER_RATE_OWN_STORE, NULL, 1) ||
           model_store_model(l, user, text_r);
}

static bool is_class(const char *class)
{
    return strcmp(class, "spam") == 0 || strcmp(class, "unsure") == 0 || strcmp(class, "ham") == 0 ||
           strcmp(class, "innocent") == 0;
}

int train_request_record(struct model_store *l, const struct keeper_record *wanted, char **text_r)
{
    if (wanted->known_sender && !known_sender_is_id(wanted->known_sender))
        return fail(EX_DATAERR, text_r, "record: correspondent is no digest");
    if (!is_class(wanted->class) || !isfinite(wanted->score) || !isfinite(wanted->rules))
        return fail(EX_DATAERR, text_r, "record: a class (spam, unsure, ham) and finite numbers are wanted");
    struct user_settings of;
    if (!is_user(l, wanted->user, text_r))
        return EX_DATAERR;
    if (!model_store_settings(l, wanted->user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return EX_OK; /* nothing will ever be learnt from it */
    if (wanted->named && !claim_named(l, wanted->user, text_r))
        return EX_TEMPFAIL;
    struct record *r = record_new();
    r->signature = g_strdup(wanted->signature);
    r->day = daykey_day(0);
    r->class = g_strdup(wanted->class);
    r->known_sender = g_strdup(wanted->known_sender);
    r->score = wanted->score;
    r->rules = wanted->rules;
    /* In mode teft the confirmation learns it and so writes it anyway: no use waiting. */
    const int code = of.mode == MODE_TEFT && unclaimed_state(l, wanted->user) == UNCLAIMED_NO
                         ? add_record(l, wanted->user, r, wanted->features, text_r)
                         : add_record_later(l, wanted, &r, text_r);
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

/* Confirms a record of the user's own store; in mode teft, learns it. */
static int confirm_own(struct model_store *l, const struct keeper_confirm *wanted, enum train_mode mode, char **text_r)
{
    struct model *m = model_store_model(l, wanted->user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    struct record *r = record_get(m, wanted->signature);
    if (!r)
        return fail(EX_DATAERR, text_r, "no record of this signature");
    const bool again = r->state == RECORD_DELIVERED;
    r->state = RECORD_DELIVERED;
    const struct train_apply what = {.user = wanted->user, .spam = is_spam(delivered_class(r)),
                                  .kind = "delivery", .silent = true};
    int code = EX_OK;
    if (mode == MODE_TEFT && !r->taught)
        code = teach(l, m, r, &what, text_r);
    else if (!again && !record_update(m, r))
        code = fail(EX_TEMPFAIL, text_r, "the record could not be written");
    record_free(&r);
    return code;
}

/* A mailbox took the mail: so the address exists, and gets a store of its own. */
static bool may_claim(struct model_store *l, const struct keeper_confirm *wanted)
{
    return wanted->mailbox && unclaimed_has_any(l, wanted->user) &&
           keeper_rates_take(l->rates, KEEPER_RATE_OWN_STORE, NULL, 1);
}

int train_request_confirm(struct model_store *l, const struct keeper_confirm *wanted, char **text_r)
{
    const char *user = wanted->user, *signature = wanted->signature;
    if (!is_user(l, user, text_r))
        return EX_DATAERR;
    struct record *waiting = pending_find(l, user, signature);
    if (waiting)
        waiting->state = RECORD_DELIVERED;
    if (waiting && !wanted->mailbox)
        return EX_OK;
    const bool unclaimed = unclaimed_state(l, user) != UNCLAIMED_NO;
    if (waiting && !unclaimed)
        return EX_OK;
    struct user_settings of;
    if (!model_store_settings(l, user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return EX_OK;
    pending_write(l);
    /* Of those whom tables name some records lie with those of others, until there are several. */
    const bool common = unclaimed || (of.mode != MODE_TEFT && unclaimed_by_store(l, user) == UNCLAIMED_YES);
    if (!common || (unclaimed && may_claim(l, wanted)))
        return confirm_own(l, wanted, of.mode, text_r);
    return unclaimed_confirm(l, user, signature) ? EX_OK : fail(EX_DATAERR, text_r, "no record of this signature");
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

/* The one user of a login: one that a table names, has a store, or got mail. Returns a sysexits code. */
static int user_of_login(struct model_store *l, const char *login, char **user_r, char **text_r)
{
    enum users_result found = users_of_login(l->users, login, l->settings, user_r);
    if (found != USERS_TEMP && l->tables && !(*user_r && knows(l, *user_r))) {
        g_clear_pointer(user_r, g_free);
        users_use_tables(l->users, l->tables);
        found = users_of_login(l->users, login, l->settings, user_r);
        users_use_tables(l->users, NULL);
    }
    if (found == USERS_TEMP)
        return fail(EX_TEMPFAIL, text_r, "users cannot be read now");
    return *user_r && knows(l, *user_r) ? EX_OK : fail(EX_DATAERR, text_r, NO_USER);
}

int train_request_retrain(struct model_store *l, const struct keeper_retrain *wanted, const struct peer *peer,
                          char **text_r)
{
    g_autofree char *user = NULL;
    struct user_settings of;
    int code = user_of_login(l, wanted->login, &user, text_r);
    if (code == EX_OK && peer && !peer_credentials_may_train(peer, user))
        code = fail(EX_NOPERM, text_r, "train_users binds this uid to other domains");
    else if (code == EX_OK && !model_store_settings(l, user, &of, text_r))
        code = EX_TEMPFAIL;
    else if (code == EX_OK)
        code = carry_out(l, &(struct move){user, wanted->signature, wanted->class, of.mode}, text_r);
    return code;
}

static int by_number(gconstpointer a, gconstpointer b)
{
    const guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;
    return (x > y) - (x < y);
}

/* A keyed digest of the set of features: their order, and how often one is named, make no other content. */
static char *content_of(const struct model_store *l, const struct keeper_learn *wanted)
{
    unsigned char secret[16];
    GArray *set = g_array_sized_new(FALSE, FALSE, sizeof(guint32), wanted->features->len + 1);
    g_array_append_vals(set, wanted->features->data, wanted->features->len);
    g_array_sort(set, by_number);
    guint n = 0;
    for (guint i = 0; i < set->len; i++) {
        const guint32 feature = g_array_index(set, guint32, i);
        if (n == 0 || g_array_index(set, guint32, n - 1) != feature)
            g_array_index(set, guint32, n++) = feature;
    }
    sitekey_derive(&l->key, "content", wanted->user, secret);
    char *digest = g_strdup_printf("%016" G_GINT64_MODIFIER "x", (guint64)siphash(secret, set->data, n * sizeof(guint32)));
    explicit_bzero(secret, sizeof secret);
    g_array_unref(set);
    return digest;
}

/* Makes the record that a delivery would have made. Its class as delivered is the opposite of the one taught, so
 * that moving the message back undoes the training. */
static bool add_content(struct model_store *l, struct model *m, const struct keeper_learn *wanted, const char *content,
                        char **text_r)
{
    struct record *r = record_new();
    r->signature = g_strdup(wanted->signature);
    r->day = daykey_day(0);
    r->class = g_strdup(is_spam(wanted->class) ? "ham" : "spam");
    bool ok = record_seal(r, l->settings->site_key, wanted->user, wanted->features, text_r) && model_begin(m);
    if (ok) {
        ok = record_add(m, r) && record_note_content(m, content, r);
        ok = model_end(m, ok);
    }
    record_free(&r);
    return ok;
}

/* Finds the record under which this content was learnt, or makes it. The same features under a new signature are
 * no new content, so that nobody teaches one content twice. *signature_r: g_free. */
static int find_or_add(struct model_store *l, const struct keeper_learn *wanted, char **signature_r, char **text_r)
{
    struct model *m = model_store_model(l, wanted->user, text_r);
    if (!m)
        return EX_TEMPFAIL;
    g_autofree char *content = content_of(l, wanted), *before = record_of_content(m, content);
    struct record *r = record_get(m, wanted->signature);
    if (!r && before && (r = record_get(m, before)))
        *signature_r = g_strdup(before);
    else
        *signature_r = g_strdup(wanted->signature);
    const bool ok = r || add_content(l, m, wanted, content, text_r);
    record_free(&r);
    return ok ? EX_OK : fail(EX_TEMPFAIL, text_r, "the record could not be stored");
}

int train_request_learn(struct model_store *l, const struct keeper_learn *wanted, char **text_r)
{
    struct user_settings of;
    g_autofree char *signature = NULL;
    if (!knows(l, wanted->user))
        return fail(EX_DATAERR, text_r, NO_USER);
    if (!model_store_settings(l, wanted->user, &of, text_r))
        return EX_TEMPFAIL;
    if (of.mode == MODE_NONE)
        return fail(EX_UNAVAILABLE, text_r, NOTHING_LEARNT);
    const int code = find_or_add(l, wanted, &signature, text_r);
    return code == EX_OK ? carry_out(l, &(struct move){wanted->user, signature, wanted->class, of.mode}, text_r) : code;
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
