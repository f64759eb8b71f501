/* handoff: what one leg of filterd tells the next about a copy.
 *
 * Mail judged and sealed before Postfix's queue passes a second filterd on its way to the mailbox. filterd puts
 * X-Filterd-Proof on top of a copy that goes to an SMTP next hop. For each user the copy was judged for it
 * holds a MAC under the site key, which proves that filterd wrote the lines below it, and wrote them for the
 * message that follows. If the MAC is right, the next leg keeps these lines and does not judge again. A MAC
 * covers
 * - our own lines, as many as the field counts, right below it;
 * - From, Sender, Reply-To, Subject, MIME-Version and all Content-* as they stand outside, and
 *   Message-ID if there was one (Postfix adds what is missing);
 * - the body without empty lines at its end; the time; one user.
 * Fields are compared in DKIM's relaxed form (RFC 6376, section 3.4.2), since an MTA may fold them anew.
 * Whoever copies a proof can only send the same content to the same user again. */
#ifndef FILTERD_PIPELINE_HANDOFF_H
#define FILTERD_PIPELINE_HANDOFF_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "gpg/outside.h"

/* A copy for more users than this carries no proof: the next leg judges it anew. */
#define HANDOFF_USERS_MAX 20

/* The field to put on top of a finished copy, whose first lines are added; g_free. NULL if there are no users
 * or more than HANDOFF_USERS_MAX. */
char *handoff_field(const struct sitekey *key, const struct bytes *copy, const struct bytes *added,
                  const GPtrArray *users);
/* True if the header has such a field. */
bool handoff_is_in(const char *header, size_t len);

struct handoff;

/* Reads the proof that a message carries; the fields of m must be as received. NULL if it has none, or one that
 * cannot be valid. m is lent and must outlive the result. */
struct handoff *handoff_new(const struct sitekey *key, const struct message *m);
void handoff_free(struct handoff **p);
/* True if the proof is valid for this message and for every one of these users. p may be NULL. */
bool handoff_holds(const struct handoff *p, const GPtrArray *users);
/* Fills *out with what stands outside a copy that goes on: the earlier leg's lines, which replace those lines
 * in m->headers. encrypted: the new value of "...-Encrypted"; NULL: leave it. outside_clear it. */
void handoff_outside(const struct handoff *p, const char *encrypted, struct outside *out);

#endif
