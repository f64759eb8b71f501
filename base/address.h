/* address: mail addresses as envelope and users write them. */
#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>

/* The canonical form: lower case (UTF-8 aware), without angle brackets. NULL if it is no address
 * (empty, control characters, over 320 bytes). Free with g_free. */
char *address_canonical(const char *text);
/* What an MTA takes it for: without source route, quotes, comments and the root's dot; "user%domain"
 * and "domain!user" that have no other domain are user@domain. Only for looking it up. g_free. */
char *address_meant(const char *address);
/* "local+ext@domain" to "local@domain" for any one character of delimiters; NULL if there is no
 * extension. Free with g_free. */
char *address_without_extension(const char *address, const char *delimiters);
/* What follows the last '@'; "" if there is none. Lent. */
const char *address_domain(const char *address);
/* A name safe as one path component: [a-z0-9@._+-] kept (no leading dot), the rest %XX; over 200
 * bytes its first 128, '~' and the address' SHA-256. g_free. */
char *address_to_file_name(const char *address);

#endif
