/* url: the host that a browser would connect to.
 *
 * Follows the URL standard (https://url.spec.whatwg.org), since DNS lists must be asked for the host that a
 * click opens: tabs and line ends inside are dropped, backslashes count as slashes, and there may be any number
 * of slashes or none. */
#ifndef BASE_MAIL_URL_H
#define BASE_MAIL_URL_H

#include <stddef.h>

#include "base/mail/url_host.h"

enum url_scheme { URL_NONE, URL_HTTP, URL_HTTPS, URL_FTP, URL_WS, URL_WSS, URL_FILE, URL_MAILTO, URL_OTHER };

struct url {
    char host[URL_HOST_BYTES]; /* see url_host_read; "" if there is none, or it is that of base */
    enum url_scheme scheme;
    int notes; /* bits of enum url_note */
};

/* Parses a URL. base: the URL to which relative ones refer (HTML's <base>), or NULL; a relative URL gets host
 * "", since base's host is reported with base. Also reads "www.host" without a scheme, as mail clients do.
 * Linear in len. */
void url_parse(struct url *u, const char *text, size_t len, const struct url *base);

#endif
