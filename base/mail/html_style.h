/* html_style: colours, sizes and visibility as HTML's attributes say them. */
#ifndef BASE_MAIL_HTML_STYLE_H
#define BASE_MAIL_HTML_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_STYLE_UNKNOWN 0xFFFFFFFFu /* a colour that says nothing: a picture, transparent */

struct html_style {
    uint32_t colour, background; /* 0xRRGGBB */
    bool coloured;               /* one of them was set, not left at black on white */
    int hidden;                  /* bits of enum html_note (base/mail/html_note.h): why it is not seen */
};

/* Both change what they mention and leave the rest. */
void html_style_colour(struct html_style *s, const char *value, size_t len, bool background);
void html_style_read(struct html_style *s, const char *css, size_t len);
/* Why text in this style is not seen, 0 if it is. */
int html_style_hidden(const struct html_style *s);

#endif
