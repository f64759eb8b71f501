/* html_tag: the tags and attributes of HTML and SVG that matter to what a reader sees. */
#ifndef BASE_MAIL_HTML_TAG_H
#define BASE_MAIL_HTML_TAG_H

#include <stdbool.h>
#include <stddef.h>

enum html_tag_kind {
    HTML_TAG_INLINE = 1, /* does not separate words: "Via<b>gra</b>" is one */
    HTML_TAG_VOID = 2,   /* has no closing tag */
    HTML_TAG_ALONE = 4,  /* the next tag of this name closes it */
    HTML_TAG_SKIP = 8,   /* its content is no text */
};

struct html_tag_fact {
    const char *name;
    int kind, note; /* enum html_tag_kind, enum html_note */
};

/* The facts about the tag name (lower case); never NULL. */
const struct html_tag_fact *html_tag_fact(const char *name);

/* One bit each: html.c records which ones a tag had, as browsers use the first of a name only. */
enum html_attribute_kind {
    HTML_ATTRIBUTE_OTHER = 0,
    HTML_ATTRIBUTE_HREF = 1,
    HTML_ATTRIBUTE_XML_HREF = 1 << 1, /* xlink:href */
    HTML_ATTRIBUTE_SRC = 1 << 2,
    HTML_ATTRIBUTE_ACTION = 1 << 3,
    HTML_ATTRIBUTE_URL = 1 << 4, /* any other attribute that holds one URL */
    HTML_ATTRIBUTE_URLS = 1 << 5, /* several URLs, separated by blanks or semicolons */
    HTML_ATTRIBUTE_SRCSET = 1 << 6,
    HTML_ATTRIBUTE_BACKGROUND = 1 << 7,
    HTML_ATTRIBUTE_STYLE = 1 << 8,
    HTML_ATTRIBUTE_COLOUR = 1 << 9,
    HTML_ATTRIBUTE_BGCOLOUR = 1 << 10,
    HTML_ATTRIBUTE_HIDDEN = 1 << 11,
    HTML_ATTRIBUTE_WIDTH = 1 << 12,
    HTML_ATTRIBUTE_HEIGHT = 1 << 13,
    HTML_ATTRIBUTE_HTTP_EQUIV = 1 << 14,
    HTML_ATTRIBUTE_CONTENT = 1 << 15,
    HTML_ATTRIBUTE_ALT = 1 << 16,
};

struct html_attribute {
    const char *name, *value; /* as written; the value without its quotes */
    size_t name_len, value_len;
};

/* Set once the rest of the text is known to hold no such quote, so that it is not searched again. */
struct html_quotes {
    bool no_single, no_double;
};

/* Reads the attribute at p; returns where to go on. A quoted value extends to its closing quote, however far,
 * as in browsers; without a closing quote it ends at a blank or '>'. */
const char *html_attribute_read(struct html_attribute *a, const char *p, const char *end, struct html_quotes *quotes);
enum html_attribute_kind html_attribute_kind(const struct html_attribute *a);

#endif
