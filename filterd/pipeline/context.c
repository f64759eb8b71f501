/* Makes what a worker needs to handle messages, and tries again what failed. Called by worker.c and
 * pipe_main.c. */
#include "filterd/pipeline/context.h"

#include <string.h>

#include "base/config/limits.h"
#include "base/log.h"
#include "rules/dnsbl.h"

#define MEND_US G_USEC_PER_SEC

static const char *anonymize_file(const struct settings *s, enum role role)
{
    return role == ROLE_SUBMISSION ? s->anonymize_submission : s->anonymize_inbound;
}

static void load_anonymize(struct context *ctx, enum role role)
{
    const char *file = anonymize_file(ctx->settings, role);
    g_autofree char *error = NULL;
    if (!file)
        return;
    ctx->anonymize[role] = anonymize_load(file, &error);
    ctx->no_anonymize[role] = !ctx->anonymize[role];
    if (error)
        log_warn("%s: until it can be read, mail is tempfailed", error);
}

bool context_check(const struct settings *s, char **error_r)
{
    for (enum role role = ROLE_INBOUND; role <= ROLE_SUBMISSION; role++) {
        const char *file = anonymize_file(s, role);
        struct anonymize *a = file ? anonymize_load(file, error_r) : NULL;
        if (file && !a)
            return false;
        anonymize_free(&a);
    }
    struct dnsbl *lists = s->dnsbl_lists ? dnsbl_load(s->dnsbl_lists, error_r) : NULL;
    const bool ok = lists || !s->dnsbl_lists;
    dnsbl_free(&lists);
    return ok;
}

bool context_has_state(struct context *ctx)
{
    const bool lost = ctx->state && !state_holds(ctx->state);
    if (lost && !ctx->state_lost)
        log_warn("%s: the state is not there any more: mail is put off", ctx->settings->state_dir);
    ctx->state_lost = lost;
    return !lost;
}

struct context *context_new(const struct settings *s, const struct sitekey *key,
                            const struct context_doors *doors)
{
    struct context *ctx = g_new0(struct context, 1);
    limits_set(&s->limits);
    ctx->settings = s;
    ctx->key = *key;
    ctx->keeper = keeper_client_new(&s->control);
    ctx->hops = (struct next_hop_pool){.hostname = s->hostname, .delivery_agent = doors->delivery_agent};
    ctx->delivered_key = delivered_digest_key_of(key);
    ctx->users = users_watch(s->state_dir);
    if (settings_has_tables(s)) {
        ctx->tables = doors->daemon ? tables_client_new(s) : tables_client_new_alone(s);
        users_use_tables(ctx->users, tables_client_users(ctx->tables));
    }
    ctx->state = doors->state;
    if (ctx->state)
        users_expect_file(ctx->users);
    ctx->state_lost = ctx->state && !state_holds(ctx->state); /* the master has logged that */
    if (ctx->state_lost)
        users_let_go(ctx->users);
    ctx->sealer = sealer_new(s->state_dir);
    ctx->classifier = classifier_new(s, key);
    load_anonymize(ctx, ROLE_INBOUND);
    load_anonymize(ctx, ROLE_SUBMISSION);
    ctx->rules = rules_new(s, doors->spf);
    ctx->mended = g_get_monotonic_time();
    return ctx;
}

void context_mend(struct context *ctx)
{
    const gint64 now = g_get_monotonic_time();
    if (now < ctx->mended + MEND_US)
        return;
    ctx->mended = now;
    for (enum role role = ROLE_INBOUND; role <= ROLE_SUBMISSION; role++)
        if (ctx->no_anonymize[role])
            load_anonymize(ctx, role);
    rules_mend(ctx->rules);
}

void context_free(struct context **ctx)
{
    if (!*ctx)
        return;
    users_free(&(*ctx)->users);
    tables_client_free(&(*ctx)->tables);
    sealer_free(&(*ctx)->sealer);
    classifier_free(&(*ctx)->classifier);
    anonymize_free(&(*ctx)->anonymize[ROLE_INBOUND]);
    anonymize_free(&(*ctx)->anonymize[ROLE_SUBMISSION]);
    rules_free(&(*ctx)->rules);
    keeper_client_free(&(*ctx)->keeper);
    explicit_bzero(&(*ctx)->key, sizeof (*ctx)->key);
    g_free(*ctx);
    *ctx = NULL;
}
