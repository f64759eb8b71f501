/* url: what a browser would connect to.
 *
 * As the URL standard has it (https://url.spec.whatwg.org), because what a reader's click opens is what
 * lists must be asked for: tabs and line ends inside are dropped, backslashes are slashes, and of those
 * there may be one, several or none. */
#ifndef BASE_MAIL_URL_H
#define BASE_MAIL_URL_H

#include <stddef.h>

#include "base/mail/url_host.h"

enum url_scheme { URL_NONE, URL_HTTP, URL_HTTPS, URL_FTP, URL_WS, URL_WSS, URL_FILE, URL_MAILTO, URL_OTHER };

struct url {
    char host[URL_HOST_BYTES]; /* see url_host_read; "" if there is none, or none of its own */
    enum url_scheme scheme;
    int notes; /* of enum url_note */
};

/* base: what relative ones are relative to (HTML's <base>); NULL if nothing. The host of what is relative
 * to it is base's and not told again. Also reads "www.host" without a scheme, as mail clients do. Linear
 * in len. */
void url_parse(struct url *u, const char *text, size_t len, const struct url *base);

#endif
