/* filterctl check: whether the name server answers, and each DNS list passes its test. Called by check.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "rules/dnsbl.h"
#include "rules/dnsbl_list.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"

void filterctl_check_dns(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    const bool six = s->dns_server.host && strchr(s->dns_server.host, ':');
    g_autofree char *server =
        s->dns_server.host ? g_strdup_printf(six ? "[%s]:%s" : "%s:%s", s->dns_server.host, s->dns_server.port)
                           : g_strdup("the servers of /etc/resolv.conf");
    struct dns_answer *a = resolver_ask_now(c->resolver, ".", DNS_A, s->dns_timeout_ms);
    if (a->status == DNS_TEMP)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "dns",
                             "no answer from %s: mail is judged without DNS", server);
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "dns", "%s: answers", server);
    dns_answer_free(&a);
}

static void tell_list(const char *name, enum dnsbl_state state, const char *why, void *arg)
{
    struct filterctl_check *c = arg;
    g_autofree char *subject = g_strdup_printf("dnsbl %s", name);
    switch (state) {
    case DNSBL_ALIVE:
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, subject, "lives and answers us");
        break;
    case DNSBL_ASLEEP:
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, subject, "is of no use: %s", why);
        break;
    case DNSBL_SILENT:
    case DNSBL_UNTRIED:
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, subject, "%s",
                             why ? why : "did not answer in time");
    }
}

void filterctl_check_dnsbl(struct filterctl_check *c)
{
    g_autofree char *error = NULL;
    if (!c->ctl->settings->dnsbl_lists) {
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "dnsbl", "no lists are asked ([dnsbl] lists=)");
        return;
    }
    struct dnsbl *d = dnsbl_load(c->ctl->settings->dnsbl_lists, &error);
    if (!d) {
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "dnsbl", "%s", error);
        return;
    }
    dnsbl_probe(d, c->resolver);
    resolver_pump(c->resolver, -1, c->ctl->settings->dns_timeout_ms);
    dnsbl_each(d, tell_list, c);
    dnsbl_free(&d);
}
