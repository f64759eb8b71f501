#include "filterd/lookups.h"

#include "base/log.h"

static void warn(const char *what, char *error)
{
    log_warn("%s: %s", what, error ? error : "cannot be made");
    g_free(error);
}

struct lookups *lookups_new(const struct settings *s)
{
    struct lookups *l = g_new0(struct lookups, 1);
    char *error = NULL;
    if (s->spf && !(l->spf = spf_helper_new(s)))
        warn("SPF", NULL);
    if (s->dnsbl_lists && !(l->dnsbl = dnsbl_load(s->dnsbl_lists, &error)))
        warn("no DNS lists", g_steal_pointer(&error));
    if (!(l->resolver = resolver_new(s, &error)))
        warn("no name servers", error);
    return l;
}

void lookups_free(struct lookups **l)
{
    if (!*l)
        return;
    spf_helper_free(&(*l)->spf);
    dnsbl_free(&(*l)->dnsbl);
    resolver_free(&(*l)->resolver);
    g_clear_pointer(l, g_free);
}
