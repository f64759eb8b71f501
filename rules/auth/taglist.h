/* taglist: parses "name=value; name=value", the form of DKIM's fields and DKIM's and DMARC's records (RFC 6376
 * section 3.2). */
#ifndef RULES_AUTH_TAGLIST_H
#define RULES_AUTH_TAGLIST_H

#include <stddef.h>

struct taglist;

/* NULL if text is malformed: bytes other than printable ASCII and folding blanks, an invalid or repeated name,
 * more than 64 tags. */
struct taglist *taglist_new(const char *text, size_t len);
void taglist_free(struct taglist **t);
/* The value without blanks at its ends; blanks inside stay. NULL if there is no such tag. Lent. */
const char *taglist_get(const struct taglist *t, const char *name);
/* The name of the first tag, "" if there is none. Lent. */
const char *taglist_first(const struct taglist *t);

#endif
