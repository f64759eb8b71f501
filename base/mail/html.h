/* html: what a reader sees of HTML and SVG, what he does not, and where it leads.
 *
 * One pass of our own. Measured on the HTML of 1,131 messages: libxml2's SAX parser takes four times
 * as long and gumbo thirteen times (and 2.7 seconds for 10,000 open <b>, 12,000 times as long); both
 * report elements, and what of them is seen would still have to be found out. There is no recursion:
 * elements are remembered only if they change colour, size or visibility, and of those the
 * outermost few. Style sheets are not applied. */
#ifndef BASE_MAIL_HTML_H
#define BASE_MAIL_HTML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "base/mail/links.h"

struct html {
    struct bytes text;   /* what is seen, with blanks where tags part words */
    struct bytes hidden; /* what is not seen, but for scripts and comments */
    struct links links;  /* of attributes and styles; those in the text are not among them */
    int notes;           /* of enum html_note */
};

/* Adds to h, which begins as {0}. Input is valid UTF-8. xml: it is a document of SVG or the like, not HTML.
 * Linear in len. */
void html_read(struct html *h, const char *html, size_t len, bool xml);
void html_free(struct html *h);
/* True if text of unknown kind begins as HTML or XML does. */
bool html_is(const char *text, size_t len);

#endif
