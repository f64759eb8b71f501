/* filterctl check: runs each check and returns the worst result. Called by filterctl.c; "check --prove" is
 * in prove.c. */
#include "tools/filterctl/check/check.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/dns/resolver.h"
#include "tools/filterctl/check/prove.h"
#include "tools/filterctl/filterctl.h"

static filterctl_check_fn *const checks[] = {
    filterctl_check_state,
    filterctl_check_tables,
    filterctl_check_dns,
    filterctl_check_dnsbl,
    filterctl_check_clamav,
    filterctl_check_hops,
    filterctl_check_listeners,
    filterctl_check_sockets,
    filterctl_check_host,
    filterctl_check_dovecot,
    filterctl_check_postfix,
    filterctl_check_fronts,
    filterctl_check_backs,
    filterctl_check_routes,
};

/* Exit codes as of "key check": 0: all is well, 1: warnings, 2: something is bad. */
int filterctl_check(struct filterctl *ctl, int argc, char **argv)
{
    struct filterctl_check c = {.ctl = ctl};
    g_autofree char *error = NULL;
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--prove"))
            return filterctl_prove(ctl, argc, argv);
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 < argc && !strcmp(argv[i], "--postfix"))
            c.postfix_dir = argv[i + 1];
        else if (i + 1 < argc && !strcmp(argv[i], "--dovecot"))
            c.dovecot_file = argv[i + 1];
        else
            return EX_USAGE;
    }
    c.resolver = resolver_new(ctl->settings, &error);
    if (!c.resolver) {
        filterctl_complain("%s", error);
        return EX_CONFIG;
    }
    c.postconf = filterctl_postconf_read(c.postfix_dir, &c.no_postconf);
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++)
        checks[i](&c);
    filterctl_postconf_free(&c.postconf);
    g_free(c.no_postconf);
    if (ctl->json)
        puts(c.lines ? "]" : "[]");
    resolver_free(&c.resolver);
    return c.worst;
}
