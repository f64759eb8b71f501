/* Opens and closes what evidence.c needs for all messages. Called by workers, milter processes, filterd-pipe
 * and filterctl. */
#include "rules/rules.h"

#include <glib.h>

#include "base/config/settings.h"
#include "base/log.h"

struct rules *rules_new(const struct settings *s, int spf_door)
{
    struct rules *r = g_new0(struct rules, 1);
    r->settings = s;
    if (s->spf && spf_door != RULES_NO_SPF) /* an SPF process of our own must be forked before this process sees
                                             * any mail */
        r->spf = spf_door == RULES_NO_DOOR ? spf_helper_new_own(s) : spf_helper_new(spf_door);
    rules_mend(r);
    return r;
}

void rules_mend(struct rules *r)
{
    const struct settings *s = r->settings;
    g_autofree char *error = NULL;
    if (!r->resolver)
        r->resolver = resolver_new(s, &error);
    if (!r->resolver)
        log_warn("no DNS, so neither lists nor DKIM nor DMARC: %s", error);
    g_clear_pointer(&error, g_free);
    if (r->resolver && s->dkim && !r->dkim)
        r->dkim = dkim_library_new();
    if (r->resolver && s->dnsbl_lists && !r->dnsbl)
        r->dnsbl = dnsbl_load(s->dnsbl_lists, &error);
    if (error)
        log_warn("no lists are asked: %s", error);
}

void rules_free(struct rules **r)
{
    if (!*r)
        return;
    spf_helper_free(&(*r)->spf);
    dnsbl_free(&(*r)->dnsbl);
    dkim_library_free(&(*r)->dkim);
    resolver_free(&(*r)->resolver);
    g_free(*r);
    *r = NULL;
}
