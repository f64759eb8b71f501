/* filterctl lookup dnsbl ADDRESS|DOMAIN: what the lists of [dnsbl] lists say. Called by lookup.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>

#include "base/dns/resolver.h"
#include "rules/dnsbl.h"
#include "rules/dnsbl_list.h"
#include "rules/hits.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/lookup.h"

struct states {
    GString *out;
    guint alive, silent;
};

static void add_state(const char *name, enum dnsbl_state state, const char *why, void *arg)
{
    struct states *s = arg;
    s->alive += state == DNSBL_ALIVE;
    s->silent += state == DNSBL_SILENT;
    if (state == DNSBL_ASLEEP || state == DNSBL_SILENT)
        g_string_append_printf(s->out, "; %s does not count: %s", name, why);
}

static char *reason_for(const struct dnsbl_check *c, const GPtrArray *hits, const char *states)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < hits->len; i++) {
        const struct hit *h = hits->pdata[i];
        const char *name = g_str_has_prefix(h->name, "dnsbl:") ? h->name + 6 : h->name;
        g_string_append_printf(out, "%s%s %+g: %s", i ? "; " : "", name, h->weight, h->reason);
    }
    if (!hits->len && dnsbl_check_asked(c) == 0)
        g_string_append(out, "nothing to ask any list for");
    else if (!hits->len)
        g_string_append_printf(out, "%u lists asked", dnsbl_check_asked(c));
    g_string_append(out, states);
    return g_string_free(out, FALSE);
}

/* Says "nothing" only if at least one list answered. */
static const char *word_for(const struct dnsbl_check *c, bool timeout, const struct states *states,
                            const GPtrArray *hits)
{
    bool spam = false;
    for (guint i = 0; i < hits->len; i++)
        spam |= ((const struct hit *)hits->pdata[i])->weight > 0;
    if (spam)
        return "listed";
    if (hits->len > 0)
        return "allowed";
    if (dnsbl_check_asked(c) == 0)
        return "none";
    if (timeout || (states->alive == 0 && states->silent > 0))
        return "timeout";
    return states->alive > 0 ? "clean" : "none";
}

int filterctl_lookup_dnsbl(struct filterctl *ctl, struct resolver *r, int argc, char **argv)
{
    static const enum dnsbl_subject subjects[] = {DNSBL_HELO, DNSBL_SENDER, DNSBL_PTR, DNSBL_URI};
    g_autofree char *error = NULL;
    if (argc != 2)
        return EX_USAGE;
    struct dnsbl *d = ctl->settings->dnsbl_lists ? dnsbl_load(ctl->settings->dnsbl_lists, &error) : NULL;
    if (!d) {
        filterctl_complain("%s", error ? error : "no lists: [dnsbl] lists= names their file");
        return EX_CONFIG;
    }
    GPtrArray *hits = hits_new();
    struct dnsbl_check *c = dnsbl_check_new(d, r, hits);
    dnsbl_check_address(c, argv[1]);
    for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
        dnsbl_check_domain(c, subjects[i], argv[1]);
    resolver_pump(r, -1, ctl->settings->dns_timeout_ms);
    struct states states = {.out = g_string_new(NULL)};
    dnsbl_each(d, add_state, &states);
    const bool timeout = resolver_outstanding(r) > 0 || resolver_is_down(r);
    const char *word = word_for(c, timeout, &states, hits);
    g_autofree char *reason = reason_for(c, hits, states.out->str);
    filterctl_lookup_tell(ctl, word, reason);
    const int rc = strcmp(word, "timeout") == 0 ? EX_TEMPFAIL : EX_OK;
    g_string_free(states.out, TRUE);
    dnsbl_check_free(&c);
    g_ptr_array_unref(hits);
    dnsbl_free(&d);
    return rc;
}
