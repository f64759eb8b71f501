/* The input is a text with links, and a URL: each host is a short ASCII name, their number is bounded, and
 * what a DNS list is asked for is a name. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/charset.h"
#include "base/mail/links.h"
#include "base/mail/url.h"
#include "base/mail/url_host.h"
#include "rules/auth/dmarc.h"
#include "rules/dnsbl_address.h"

static void see_host(const char *host)
{
    const size_t len = strlen(host);
    if (len >= URL_HOST_BYTES || (len > 0 && host[len - 1] == '.'))
        abort();
    for (const char *p = host; *p; p++)
        if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F || g_ascii_isupper(*p) || strchr("/?#@\\<>%", *p))
            abort();
}

static void see_question(const char *host)
{
    struct dnsbl_address a;
    g_autofree char *domain = dmarc_registered_domain(host);
    if (domain && (!strchr(domain, '.') || dnsbl_address_parse(&a, domain)))
        abort();
    if (dnsbl_address_parse(&a, host)) {
        g_autofree char *reversed = dnsbl_address_reversed(&a);
        if (strlen(reversed) > 63)
            abort();
    }
}

static void see_links(const struct links *l, size_t len)
{
    size_t at = 0;
    if (l->count > limits_default.uris)
        abort();
    for (size_t i = 0; i < l->count; i++) {
        const struct link *link = links_get(l, i);
        if (link->at + link->len > len || (link->len > 0 && link->at < at))
            abort();
        at = MAX(at, link->at + link->len);
        see_host(links_host(l, link));
        if (i < 50)
            see_question(links_host(l, link));
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    struct url url, base;
    struct bytes utf8 = {0};
    struct links links = {0};
    const char *text = (const char *)bytes;
    url_parse(&base, text, len, NULL);
    see_host(base.host);
    url_parse(&url, text, len, &base);
    see_host(url.host);
    charset_to_utf8(&utf8, bytes, len, NULL);
    links_scan(&links, utf8.data ? (const char *)utf8.data : "", utf8.len, true);
    see_links(&links, utf8.len);
    links_free(&links);
    bytes_free(&utf8);
    return 0;
}
