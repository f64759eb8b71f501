/* address: mail addresses as envelope and users write them. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>

/* The canonical form: lower case (UTF-8 aware), without angle brackets. NULL if text is no address (empty,
 * control characters, over 320 bytes). Free with g_free. */
char *address_canonical(const char *text);
/* The form in which a recipient is looked up, whatever stands there; never NULL. Where it is an address, the
 * canonical form; else bytes that cannot be in one become U+FFFD, and of one that is too long a part in front of its
 * domain remains, so that its extension can be taken off. g_free. */
char *address_looked_up(const char *text);
/* The form in which Postfix looks addresses and domains up: Unicode's full case folding, so that the long s is s and sharp s is ss.
 * An address in lower case may still change. g_free. */
char *address_folded(const char *address);
/* The address as an MTA routes it: without source route, quotes, comments and the root's dot; "user%domain" and
 * "domain!user" that have no other domain become user@domain. Use it for look-ups only: it is never written to
 * a message. g_free. */
char *address_meant(const char *address);
/* The same without the step from "user%domain" to user@domain; blanks between two words of it stay, as one. g_free. */
char *address_unquoted(const char *address);
/* Turns "local+ext@domain" into "local@domain" for any one character of delimiters; NULL if there is no
 * extension. Free with g_free. */
char *address_without_extension(const char *address, const char *delimiters);
/* The same, but split at the last of them. */
char *address_without_last_extension(const char *address, const char *delimiters);
/* The part after the last '@'; "" if there is none. Lent. */
const char *address_domain(const char *address);
/* A file name that is safe as one path component: [a-z0-9@._+-] stay (no leading dot), other bytes become %XX.
 * A name over 200 bytes becomes its first 128, '~' and the address' SHA-256 in hex. g_free. */
char *address_to_file_name(const char *address);

#endif
