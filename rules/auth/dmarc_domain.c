/* Finds organizational domains with the Public Suffix List. Called by dmarc.c and dnsbl.c. */
#include <glib.h>
#include <libpsl.h>
#include <string.h>

#include "rules/auth/dmarc.h"

/* The list, loaded once per process: the newer of Debian's package and libpsl's built-in one. */
static const psl_ctx_t *suffixes(void)
{
    static psl_ctx_t *list;
    if (!list)
        list = psl_latest(NULL);
    return list ? list : psl_builtin();
}

char *dmarc_registered_domain(const char *host)
{
    g_autofree char *ascii = g_utf8_validate(host, -1, NULL) ? g_hostname_to_ascii(host) : NULL;
    g_autofree char *lower = ascii ? g_ascii_strdown(ascii, -1) : NULL;
    size_t len = lower ? strlen(lower) : 0;
    if (len && lower[len - 1] == '.')
        lower[--len] = 0;
    if (len && len < 254 && lower[0] != '.' && lower[0] != '[' && !strstr(lower, "..") &&
        !g_hostname_is_ip_address(lower))
        return g_strdup(psl_registrable_domain(suffixes(), lower));
    return NULL;
}
