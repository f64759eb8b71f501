/* sender: who the message says wrote it, and whether that was proved. */
#ifndef RULES_SENDER_H
#define RULES_SENDER_H

#include <glib.h>
#include <stdbool.h>

#include "base/mail/message.h"
#include "rules/evidence.h"

/* The domain of an address; "" if it has none. Lent. */
const char *sender_domain(const char *address);
/* What From says. All strings are canonical. */
struct sender_from {
    char *address;    /* the one address of the one From; "" if there are more or none, or it cannot be read */
    bool one;         /* there is one, and people read no other in its place: neither in an unquoted name in front of
                       * it, nor one of ours in any name */
    GPtrArray *named; /* char*: every address that a mail reader may show, of every From, in names, too */
    bool beyond;      /* there may be more: not all of From was looked at */
};
/* own: this site's domains, NULL-terminated; NULL: none. */
struct sender_from sender_from(const struct message *m, char *const *own);
void sender_from_clear(struct sender_from *f);
/* The address in From if DMARC proved its domain, else NULL. g_free. */
char *sender_proved(const struct evidence *ev, const struct message *m);

#endif
