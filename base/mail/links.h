/* links: where a text leads its reader to, in order: for rules, which ask lists about the hosts, and for
 * the classifier, which takes them for words. */
#ifndef BASE_MAIL_LINKS_H
#define BASE_MAIL_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/mail/url.h"

struct limits_met;

struct link {
    uint32_t at, len; /* in the text; len is 0 where its words are words as well (mail addresses), for what is
                         but another reading of the link before it at the same place, and for those that
                         are not in the text (attributes) */
    uint32_t host;    /* see links_host */
    int notes;        /* of enum url_note */
};

/* Begins as {0}. No more than limits->uris (base/config/limits.h). */
struct links {
    struct limits_met *met; /* of the message, lent; NULL: nobody wants to know */
    struct bytes list, hosts;
    size_t count;
    size_t mapped; /* international names so far, each of which costs time, whatever comes of it */
    size_t last; /* the host that came last: the same one again takes no room */
};

void links_free(struct links *l);
/* Lent until the next one is added. */
const struct link *links_get(const struct links *l, size_t i);
/* As url_host_read makes it; "" if there is none. */
const char *links_host(const struct links *l, const struct link *link);

/* False if no more are to be looked for. */
bool links_room(const struct links *l);
/* url_parse, counting what costs time. */
void links_parse(struct links *l, struct url *url, const char *text, size_t len, const struct url *base);
/* False if there is no room for more. */
bool links_add(struct links *l, const struct url *url, size_t at, size_t len);
/* The links of plain text, UTF-8, as mail clients make them out: "scheme://host", also "http:host", and
 * "www.host"; addresses: mail addresses, too. Linear. */
void links_scan(struct links *l, const char *text, size_t len, bool addresses);

#endif
