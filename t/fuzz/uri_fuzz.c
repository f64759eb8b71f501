/* Any bytes as a text: hosts that come out are short, valid UTF-8, and not without end; what becomes
 * a question to a list is a name. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "rules/auth/dmarc.h"
#include "rules/dnsbl_address.h"
#include "rules/uri.h"

static void take_host(const char *host, void *arg)
{
    struct dnsbl_address a;
    size_t *hosts = arg;
    if (++*hosts > 2000 || strlen(host) > 300 || !g_utf8_validate(host, -1, NULL))
        abort();
    if (*hosts > 50)
        return;
    g_autofree char *domain = dmarc_registered_domain(host);
    if (domain && (!strchr(domain, '.') || dnsbl_address_parse(&a, domain)))
        abort();
    if (dnsbl_address_parse(&a, host)) {
        g_autofree char *reversed = dnsbl_address_reversed(&a);
        if (strlen(reversed) > 63)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    size_t hosts = 0;
    uri_each((const char *)bytes, len, take_host, &hosts);
    return 0;
}
