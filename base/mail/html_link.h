/* html_link: where the attributes and style sheets of HTML lead, as a browser would follow them. */
#ifndef BASE_MAIL_HTML_LINK_H
#define BASE_MAIL_HTML_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/links.h"
#include "base/mail/url.h"

struct html_link {
    struct links *links; /* lent; what is found is added to it */
    struct url base;     /* of <base>, if there was one; its host is one of the links itself */
    bool has_base;
};

/* Values with their character references read; valid UTF-8. All are linear in len. */
void html_link_url(struct html_link *h, const char *value, size_t len);
/* The first one that names a scheme or host counts. */
void html_link_base(struct html_link *h, const char *value, size_t len);
/* "a.png 1x, b.png 2x" */
void html_link_srcset(struct html_link *h, const char *value, size_t len);
/* URLs parted by blanks or semicolons. */
void html_link_list(struct html_link *h, const char *value, size_t len);
/* "5; url=http://host/" */
void html_link_refresh(struct html_link *h, const char *value, size_t len);
/* url(...) and @import "...". */
void html_link_css(struct html_link *h, const char *css, size_t len);

#endif
