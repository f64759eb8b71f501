/* proof: what one leg of filterd tells the next about a copy.
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
#ifndef FILTERD_PIPELINE_PROOF_H
#define FILTERD_PIPELINE_PROOF_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"

/* A copy for more users than this goes without, and is judged anew. */
#define PROOF_USERS_MAX 20

/* The field for the top of a finished copy that begins with added, g_free; NULL if there are too
 * many users, or none. */
char *proof_field(const struct sitekey *key, const struct bytes *copy, const struct bytes *added,
                  const GPtrArray *users);
/* True if a field of that name is in a header. */
bool proof_is_in(const char *header, size_t len);

struct proof;

/* What a message claims, its fields as received; NULL if that is nothing. m is lent and must
 * outlive it. */
struct proof *proof_new(const struct sitekey *key, struct message *m);
void proof_free(struct proof **p);
/* True if it was made for every one of these users, and for this message. p may be NULL. */
bool proof_holds(const struct proof *p, const GPtrArray *users);
/* Appends our own lines of that leg. encrypted: what "...-Encrypted" says now, NULL: as it was. */
void proof_lines(const struct proof *p, const char *encrypted, struct bytes *out);
/* Takes these lines out of the message itself, or brings back what was there. */
void proof_hide(struct proof *p, bool hide);

#endif
