/* The table of the keeper's verbs. Called by keeper_process.c for its clients, and by filterctl where no keeper
 * runs. */
#include "filterd/keeper/keeper_verbs.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "filterd/keeper/pending.h"
#include "filterd/keeper/greylisting.h"
#include "filterd/keeper/keeper_rates.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/model_store_user.h"
#include "filterd/keeper/train_request.h"
#include "filterd/keeper/delivered.h"
#include "filterd/keeper/spent.h"

/* A message of ordinary length has fewer features. */
#define FEATURES_A_RECORD 4096

/* ---- handlers: each picks store, request and result ---- */

static int ping(struct keeper_call *c)
{
    (void)c;
    return EX_OK;
}

static int record(struct keeper_call *c)
{
    return train_request_record(c->stores->model_store, &c->q.record, &c->text);
}

static int confirm(struct keeper_call *c)
{
    return train_request_confirm(c->stores->model_store, &c->q.confirm, &c->text);
}

static int learn(struct keeper_call *c)
{
    return train_request_learn(c->stores->model_store, &c->q.learn, &c->text);
}

static int greylist(struct keeper_call *c)
{
    return greylisting_handle(c->stores->greylist, &c->q.greylist, &c->result.wait.wait);
}

static int known_before(struct keeper_call *c)
{
    return delivered_handle(c->stores->delivered, DELIVERED_KNOWN, &c->q.delivered, &c->result.known.known,
                          &c->text);
}

static int note_delivered(struct keeper_call *c)
{
    return delivered_handle(c->stores->delivered, DELIVERED_SERVED, &c->q.delivered, NULL, &c->text);
}

static int forget_delivered(struct keeper_call *c)
{
    return delivered_handle(c->stores->delivered, DELIVERED_FORGET, &c->q.delivered, NULL, &c->text);
}

static int note_failed(struct keeper_call *c)
{
    return delivered_handle(c->stores->delivered, DELIVERED_FAILED, &c->q.delivered, NULL, &c->text);
}

static int spent_before(struct keeper_call *c)
{
    return spent_handle(c->stores->spent, &c->q.digests, &c->result.known.known, &c->text);
}

static int note_spent(struct keeper_call *c)
{
    return spent_handle(c->stores->spent, &c->q.digests, NULL, &c->text);
}

static int retrain(struct keeper_call *c)
{
    return train_request_retrain(c->stores->model_store, &c->q.retrain, c->stores->peer,
                                 &c->text);
}

static int train(struct keeper_call *c)
{
    return train_request_train(c->stores->model_store, &c->q.train, &c->result.trained.right, &c->text);
}

static int alias_add(struct keeper_call *c)
{
    return model_store_user_alias_add(c->stores->model_store, &c->q.alias_add, &c->text);
}

static int alias_set(struct keeper_call *c)
{
    return model_store_user_alias_set(c->stores->model_store, &c->q.alias_set, &c->text);
}

static int alias_remove(struct keeper_call *c)
{
    return model_store_user_alias_remove(c->stores->model_store, &c->q.alias_remove, &c->text);
}

static int user_set(struct keeper_call *c)
{
    return model_store_user_set(c->stores->model_store, &c->q.user_set, &c->text);
}

static int key_note(struct keeper_call *c)
{
    return model_store_user_key_note(c->stores->model_store, &c->q.key_note, &c->text);
}

static int user_remove(struct keeper_call *c)
{
    return model_store_user_remove(c->stores->model_store, &c->q.user_remove, &c->text);
}

static int user_export(struct keeper_call *c)
{
    return model_store_user_export(c->stores->model_store, &c->q.user_export, &c->result.exported.file, &c->text);
}

static int user_import(struct keeper_call *c)
{
    return model_store_user_import(c->stores->model_store, &c->q.user_import, &c->text);
}

/* ---- the table ---- */

enum {
    WORKER = KEEPER_WORKER,
    USER = KEEPER_MAIL_USER,
    ADMIN = KEEPER_ADMINISTRATOR,
    IMPORTER = KEEPER_IMPORTER,
};

/* Each verb's name is in its format, in keeper_request.c. */
static const struct keeper_verb verbs[] = {
    /* request, result, who may ask it, handler, beside, of which rate workers take */
    {&keeper_format_ping, &keeper_format_nothing, WORKER | ADMIN, ping, false, KEEPER_RATE_NONE},
    /* What workers need for the message at hand. */
    {&keeper_format_record, &keeper_format_nothing, WORKER, record, true, KEEPER_RATE_RECORD},
    {&keeper_format_confirm, &keeper_format_nothing, WORKER, confirm, true, KEEPER_RATE_RECORD},
    {&keeper_format_learn, &keeper_format_nothing, WORKER, learn, false, KEEPER_RATE_LEARN},
    {&keeper_format_greylist, &keeper_format_wait, WORKER, greylist, true, KEEPER_RATE_GREYLIST},
    {&keeper_format_delivered_known, &keeper_format_known, WORKER, known_before, true, KEEPER_RATE_DELIVERED},
    {&keeper_format_delivered, &keeper_format_nothing, WORKER, note_delivered, true, KEEPER_RATE_DELIVERED},
    {&keeper_format_delivered_forget, &keeper_format_nothing, WORKER, forget_delivered, true, KEEPER_RATE_DELIVERED},
    {&keeper_format_delivered_failed, &keeper_format_nothing, WORKER, note_failed, true, KEEPER_RATE_DELIVERED},
    /* A user who moves mail, for their own login. */
    {&keeper_format_retrain, &keeper_format_nothing, USER | ADMIN, retrain, false, KEEPER_RATE_NONE},
    {&keeper_format_train, &keeper_format_trained, ADMIN, train, false, KEEPER_RATE_NONE},
    {&keeper_format_alias_add, &keeper_format_nothing, ADMIN, alias_add, false, KEEPER_RATE_NONE},
    {&keeper_format_alias_set, &keeper_format_nothing, ADMIN, alias_set, false, KEEPER_RATE_NONE},
    {&keeper_format_alias_remove, &keeper_format_nothing, ADMIN, alias_remove, false, KEEPER_RATE_NONE},
    {&keeper_format_user_set, &keeper_format_nothing, ADMIN, user_set, false, KEEPER_RATE_NONE},
    {&keeper_format_user_remove, &keeper_format_nothing, ADMIN, user_remove, false, KEEPER_RATE_NONE},
    {&keeper_format_user_export, &keeper_format_exported, ADMIN, user_export, false, KEEPER_RATE_NONE},
    {&keeper_format_user_import, &keeper_format_nothing, ADMIN, user_import, false, KEEPER_RATE_NONE},
    {&keeper_format_key_note, &keeper_format_nothing, ADMIN | IMPORTER, key_note, false, KEEPER_RATE_NONE},
    /* What a worker behind Postfix's queue needs of the one in front. */
    {&keeper_format_spent_known, &keeper_format_known, WORKER, spent_before, true, KEEPER_RATE_SPENT},
    {&keeper_format_spent, &keeper_format_nothing, WORKER, note_spent, true, KEEPER_RATE_SPENT},
};

const struct keeper_verb *keeper_verbs(size_t *count_r)
{
    *count_r = G_N_ELEMENTS(verbs);
    return verbs;
}

const struct keeper_verb *keeper_verbs_find(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++)
        if (strcmp(verbs[i].request->verb, name) == 0)
            return &verbs[i];
    return NULL;
}

/* A request that needs none counts as one. */
static gsize digests_in(GBytes *digests, gsize each)
{
    return digests ? MAX(g_bytes_get_size(digests) / each, 1) : 1;
}

/* A long record counts for several of usual length. */
static gsize records_in(const struct keeper_verb *verb, const struct keeper_call *c)
{
    return verb->request == &keeper_format_record ? 1 + c->q.record.features->len / FEATURES_A_RECORD : 1;
}

/* The first member of record, confirm and learn is the user: theirs is a share of the rate. What can be no user's name
 * has no share: shares are remembered by these names. */
static bool is_within_rate(const struct keeper_verb *verb, const struct keeper_call *c)
{
    struct keeper_rates *rates = c->stores->model_store->rates;
    const char *user = c->q.confirm.user;
    switch (verb->rate) {
    case KEEPER_RATE_RECORD:
    case KEEPER_RATE_LEARN:
        return keeper_rates_take(rates, verb->rate, model_store_is_user(user) ? user : NULL, records_in(verb, c));
    case KEEPER_RATE_DELIVERED:
        return keeper_rates_take(rates, verb->rate, NULL, digests_in(c->q.delivered.copies, DELIVERED_DIGEST_BYTES));
    case KEEPER_RATE_SPENT:
        return keeper_rates_take(rates, verb->rate, NULL, digests_in(c->q.digests.digests, SPENT_BYTES));
    default:
        return keeper_rates_take(rates, verb->rate, NULL, 1);
    }
}

static int carry_out(const struct keeper_verb *verb, GVariant *arguments, struct keeper_call *c)
{
    if (!keeper_format_unpack(verb->request, arguments, &c->q, &c->text))
        return EX_DATAERR;
    if (!is_within_rate(verb, c)) {
        c->text = g_strdup("workers ask too much of this: refused for a while");
        return EX_UNAVAILABLE;
    }
    if (!verb->beside)
        pending_write(c->stores->model_store);
    return verb->handle(c);
}

struct keeper_answer keeper_verbs_answer(const struct keeper_stores *stores, unsigned roles,
                                         const char *name, GVariant *arguments)
{
    const struct keeper_verb *verb = keeper_verbs_find(name);
    const struct keeper_format *results = verb ? verb->result : &keeper_format_nothing;
    struct keeper_call c = {.stores = stores};
    struct keeper_answer a = {.code = EX_UNAVAILABLE};
    if (!verb) {
        c.text = g_strdup("the keeper knows no such request");
    } else if (!(verb->roles & roles)) {
        a.code = EX_NOPERM;
        c.text = g_strdup_printf("%s: this peer may not ask for that here: a mail user (train_users) may train, and"
                                 " root, or who may write state_dir/lock, does the rest", name);
    } else {
        a.code = carry_out(verb, arguments, &c);
        keeper_format_clear(verb->request, &c.q);
    }
    a.text = c.text ? c.text : g_strdup("");
    a.results = g_variant_ref_sink(keeper_format_pack(results, &c.result));
    keeper_format_clear(results, &c.result);
    return a;
}
