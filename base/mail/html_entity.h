/* html_entity: what stands for a character in HTML, as the HTML standard has browsers read it. */
#ifndef BASE_MAIL_HTML_ENTITY_H
#define BASE_MAIL_HTML_ENTITY_H

#include <stdbool.h>
#include <stddef.h>

/* Two characters in UTF-8. */
#define HTML_ENTITY_BYTES 12

/* p is at '&'. Writes the character, or two of them, as UTF-8 to out (HTML_ENTITY_BYTES) and the size
 * to len_r; returns the bytes it took of p, 0 if it is no entity. The longest name counts. In an
 * attribute a name without semicolon counts only if neither '=' nor a letter or figure follows, so
 * that "?a=1&copy=2" stays as it is. The UTF-8 is at most one byte longer than what stood for it. */
size_t html_entity_read(const char *p, const char *end, bool attribute, char *out, size_t *len_r);

#endif
