/* taglist: "name=value; name=value", as DKIM and DMARC write their fields and records
 * (RFC 6376, section 3.2). */
#ifndef RULES_AUTH_TAGLIST_H
#define RULES_AUTH_TAGLIST_H

#include <stddef.h>

struct taglist;

/* NULL if it is none: bytes outside of printable ASCII and folding blanks, a name that is none or
 * comes twice, more than 64 tags. */
struct taglist *taglist_new(const char *text, size_t len);
void taglist_free(struct taglist **t);
/* Without blanks at both ends, those within as they came; NULL if there is no such tag. Lent. */
const char *taglist_get(const struct taglist *t, const char *name);
/* The name of the first tag, "" if there is none. Lent. */
const char *taglist_first(const struct taglist *t);

#endif
