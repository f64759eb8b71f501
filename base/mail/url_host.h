/* url_host: the host of a URL as the name or address to which a browser connects. */
#ifndef BASE_MAIL_URL_HOST_H
#define BASE_MAIL_URL_HOST_H

#include <stddef.h>

/* A DNS name has at most 253 bytes. */
#define URL_HOST_BYTES 256

/* Writes the host at p to out: ASCII, lower case, without a trailing dot; international names in punycode, as
 * in DNS; IPv4 addresses in dotted decimal however they were written; "[...]" for IPv6. "" if no browser would
 * open it. Returns notes on how it was written (enum url_note, base/mail/url_note.h). */
int url_host_read(char out[URL_HOST_BYTES], const char *p, size_t len);

#endif
