/* html_link: the URLs in attributes and style sheets of HTML, as a browser would follow them. */
#ifndef BASE_MAIL_HTML_LINK_H
#define BASE_MAIL_HTML_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/links.h"
#include "base/mail/url.h"

struct html_link {
    struct links *links; /* lent; URLs found are added to it */
    struct url base;     /* of <base>, if any; its host is one of the links, too */
    bool has_base;
};

/* Values must be valid UTF-8 with character references decoded. All functions are linear in len. */
void html_link_url(struct html_link *h, const char *value, size_t len);
/* The first <base> that names a scheme or host counts. */
void html_link_base(struct html_link *h, const char *value, size_t len);
/* A srcset: "a.png 1x, b.png 2x". */
void html_link_srcset(struct html_link *h, const char *value, size_t len);
/* A list of URLs, separated by blanks or semicolons. */
void html_link_list(struct html_link *h, const char *value, size_t len);
/* A meta refresh: "5; url=http://host/". */
void html_link_refresh(struct html_link *h, const char *value, size_t len);
/* CSS: url(...) and @import "...". */
void html_link_css(struct html_link *h, const char *css, size_t len);

#endif
