/* links: the links of a text, in order: for the rules, which query DNS lists for their hosts, and for the
 * classifier, which makes tokens of them. */
#ifndef BASE_MAIL_LINKS_H
#define BASE_MAIL_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mail/url.h"

struct limits_met;

struct link {
    uint32_t at, len; /* position in the text. len is 0 if the words of the link are tokens as well (mail
                       * addresses), if it is another reading of the link before it at the same place, or if it
                       * is not in the text (attributes) */
    uint32_t host;    /* see links_host */
    int notes;        /* of enum url_note */
};

/* Must start as {0}. Holds at most limits->uris links (base/config/limits.h). */
struct links {
    struct limits_met *met; /* of the message, lent; NULL: nobody wants to know */
    struct bytes list, hosts;
    size_t count;
    size_t mapped; /* international names converted so far: each costs time, valid or not */
    size_t last; /* offset of the last host added: a repeated host takes no room */
};

void links_free(struct links *l);
/* Lent until the next link is added. */
const struct link *links_get(const struct links *l, size_t i);
/* The host as url_host_read writes it; "" if there is none. Lent until the next link is added. */
const char *links_host(const struct links *l, const struct link *link);

/* False if the limits are reached: stop looking for links. */
bool links_room(const struct links *l);
/* Calls url_parse and counts international names. */
void links_parse(struct links *l, struct url *url, const char *text, size_t len, const struct url *base);
/* Adds a link at a place of the text; false if there is no room for it. */
bool links_add(struct links *l, const struct url *url, size_t at, size_t len);
/* Finds the links of plain UTF-8 text as mail clients do: "scheme://host", "http:host" and "www.host"; with
 * addresses also mail addresses. Linear. */
void links_scan(struct links *l, const char *text, size_t len, bool addresses);

#endif
