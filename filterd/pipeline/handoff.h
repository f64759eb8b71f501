/* handoff: what one leg of filterd tells the next about a copy.
 *
 * Mail judged and sealed before Postfix's queue passes a second filterd on its way to the mailbox.
 * X-Filterd-Proof stands on top of a copy that goes to an SMTP next hop and says, by a MAC under the
 * site's key for each user it was judged for: the lines below it are ours, and belong to what
 * follows. Where it holds, the lines stay and nothing is judged again. It is made of
 * - our own lines, as many as it counts, right below it;
 * - From, Sender, Reply-To, Subject, MIME-Version and all Content-* as they stand outside, and
 *   Message-ID if there was one (Postfix adds what is missing);
 * - the body but for empty lines at its end; the time; one user.
 * Fields are compared as DKIM's relaxed form does, since an MTA may fold them anew. So whoever sees
 * a proof can only send the same thing to the same user again. */
#ifndef FILTERD_PIPELINE_HANDOFF_H
#define FILTERD_PIPELINE_HANDOFF_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "gpg/outside.h"

/* A copy for more users than this goes without, and is judged anew. */
#define HANDOFF_USERS_MAX 20

/* The field for the top of a finished copy that begins with added, g_free; NULL if there are too
 * many users, or none. */
char *handoff_field(const struct sitekey *key, const struct bytes *copy, const struct bytes *added,
                  const GPtrArray *users);
/* True if a field of that name is in a header. */
bool handoff_is_in(const char *header, size_t len);

struct handoff;

/* What a message claims, its fields as received; NULL if that is nothing. m is lent and must
 * outlive it. */
struct handoff *handoff_new(const struct sitekey *key, const struct message *m);
void handoff_free(struct handoff **p);
/* True if it was made for every one of these users, and for this message. p may be NULL. */
bool handoff_holds(const struct handoff *p, const GPtrArray *users);
/* What stands outside a copy that goes on: our own lines of that leg, in the place of what they are in the message
 * now. encrypted: what "...-Encrypted" says now, NULL: as it was. outside_clear it. */
void handoff_outside(const struct handoff *p, const char *encrypted, struct outside *out);

#endif
