/* html_style: colours, sizes and visibility, from HTML attributes. */
#ifndef BASE_MAIL_HTML_STYLE_H
#define BASE_MAIL_HTML_STYLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTML_STYLE_UNKNOWN 0xFFFFFFFFu /* an unknown colour: a picture, transparent */

struct html_style {
    uint32_t colour, background; /* 0xRRGGBB */
    bool coloured;               /* a colour was set; else it is black on white */
    int hidden;                  /* bits of enum html_note: why text is hidden */
};

/* Both change what the value mentions and leave the rest of *s. */
void html_style_colour(struct html_style *s, const char *value, size_t len, bool background);
void html_style_read(struct html_style *s, const char *css, size_t len);
/* Why text in this style is not visible (enum html_note); 0 if it is. */
int html_style_hidden(const struct html_style *s);

#endif
