#include "filterd/pipeline/service.h"

#include <string.h>

#include "base/config/limits.h"
#include "base/log.h"
#include "rules/dnsbl.h"

#define MEND_US G_USEC_PER_SEC

static const char *anonymize_file(const struct settings *s, enum role role)
{
    return role == ROLE_SUBMISSION ? s->anonymize_submission : s->anonymize_inbound;
}

static void load_anonymize(struct service *sv, enum role role)
{
    const char *file = anonymize_file(sv->settings, role);
    char *error = NULL;
    if (!file)
        return;
    sv->anonymize[role] = anonymize_load(file, &error);
    sv->no_anonymize[role] = !sv->anonymize[role];
    if (error)
        log_warn("%s: until it can be read, mail is tempfailed", error);
    g_free(error);
}

bool service_check(const struct settings *s, char **error_r)
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

struct service *service_new(const struct settings *s, const struct sitekey *key,
                            const struct service_doors *doors)
{
    struct service *sv = g_new0(struct service, 1);
    limits_set(&s->limits);
    sv->settings = s;
    sv->key = *key;
    sv->keeper = keeper_client_new(&s->control);
    sv->hops = (struct hop_pool){.hostname = s->hostname, .courier = doors->courier};
    sv->retry_key = retry_digest_key_of(key);
    sv->users = users_watch(s->state_dir);
    sv->sealer = sealer_new(s->state_dir);
    sv->classifier = classifier_new(s, key);
    load_anonymize(sv, ROLE_INBOUND);
    load_anonymize(sv, ROLE_SUBMISSION);
    sv->rules = rules_new(s, doors->spf);
    sv->mended = g_get_monotonic_time();
    return sv;
}

void service_mend(struct service *sv)
{
    const gint64 now = g_get_monotonic_time();
    if (now < sv->mended + MEND_US)
        return;
    sv->mended = now;
    for (enum role role = ROLE_INBOUND; role <= ROLE_SUBMISSION; role++)
        if (sv->no_anonymize[role])
            load_anonymize(sv, role);
    rules_mend(sv->rules);
}

void service_free(struct service **sv)
{
    if (!*sv)
        return;
    users_free(&(*sv)->users);
    sealer_free(&(*sv)->sealer);
    classifier_free(&(*sv)->classifier);
    anonymize_free(&(*sv)->anonymize[ROLE_INBOUND]);
    anonymize_free(&(*sv)->anonymize[ROLE_SUBMISSION]);
    rules_free(&(*sv)->rules);
    keeper_client_free(&(*sv)->keeper);
    explicit_bzero(&(*sv)->key, sizeof (*sv)->key);
    g_free(*sv);
    *sv = NULL;
}
