/* html_entity: decodes character references as the HTML standard has browsers do it. */
#ifndef BASE_MAIL_HTML_ENTITY_H
#define BASE_MAIL_HTML_ENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* Two characters in UTF-8. */
#define HTML_ENTITY_BYTES 12

/* Decodes the reference at p, which is '&'. Writes its character (or two) as UTF-8 to out (HTML_ENTITY_BYTES)
 * and their size to *len_r. Returns how many bytes of p it took, 0 if it is no reference. The longest name
 * wins. In an attribute a name without semicolon counts only if neither '=' nor a letter or digit follows, so
 * that "?a=1&copy=2" stays as it is. The UTF-8 is at most one byte longer than the reference. */
size_t html_entity_read(const char *p, const char *end, bool attribute, char *out, size_t *len_r);

#endif
