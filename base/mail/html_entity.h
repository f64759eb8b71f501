/* html_entity: what stands for a character in HTML. */
#ifndef BASE_MAIL_HTML_ENTITY_H
#define BASE_MAIL_HTML_ENTITY_H

#include <stddef.h>

/* p is at '&'. Writes the character as UTF-8 to out (6 bytes) and its size to len_r; returns the
 * bytes it took of p, 0 if it is no entity. An entity is never shorter than its UTF-8. */
size_t html_entity_read(const char *p, const char *end, char *out, size_t *len_r);

#endif
