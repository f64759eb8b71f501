/* url_host: the host of a URL, as the name or address that a browser connects to. */
#ifndef BASE_MAIL_URL_HOST_H
#define BASE_MAIL_URL_HOST_H

#include <stddef.h>

/* DNS names have 253 bytes at most. */
#define URL_HOST_BYTES 256

/* Writes the host at p to out: ASCII, lower case, without a last dot; international names as DNS has
 * them (punycode); addresses in dotted figures however they were written; "[...]" for IPv6. "" if
 * nobody would open it. Returns the notes on how it was written (enum url_note, base/mail/url_note.h). */
int url_host_read(char out[URL_HOST_BYTES], const char *p, size_t len);

#endif
