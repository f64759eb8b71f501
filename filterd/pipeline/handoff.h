/* handoff: what one leg of filterd tells the next about a copy.
 *
 * Mail judged and sealed before Postfix's queue passes a second filterd on its way to the mailbox. filterd puts
 * X-Filterd-Proof on top of a copy that goes to an MTA. It holds MACs under the site key, one for each user the
 * copy was judged for, which prove that filterd wrote these lines of ours, and for the message that follows. If
 * that is so, the next leg keeps the lines and does not judge again. A proof covers
 * - our own lines, each by itself: Postfix and its milters may add fields above, below and between them.
 *   Authentication-Results and Received-SPF may be missing (OpenDKIM removes what is in its own name);
 * - of a copy that filterd sealed, the body, which is ciphertext, and no field outside;
 * - of any other copy From, Subject, MIME-Version and all Content-*, and the body, as Postfix leaves them
 *   (handoff_cover.h);
 * - the time, the users, and a number of its own, by which it is spent once (filterd/keeper/spent.h). */
#ifndef FILTERD_PIPELINE_HANDOFF_H
#define FILTERD_PIPELINE_HANDOFF_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/keeper/spent.h"
#include "gpg/outside.h"

/* A copy for more users than this carries no proof: the next leg judges it anew. Their MACs fill a quarter of
 * what Postfix leaves of one field. */
#define HANDOFF_USERS_MAX 1000

struct handoff_copy {
    const struct bytes *copy;  /* finished; its first lines are added */
    const struct bytes *added;
    const GPtrArray *users;
    const char *sender; /* of the envelope; NULL is the null sender */
    bool sealed;        /* by filterd */
    bool local;         /* its client is one whose addresses Postfix rewrites by its tables */
};

/* The field to put on top of a copy; g_free. NULL if there are no users or more than HANDOFF_USERS_MAX. */
char *handoff_field(const struct sitekey *key, const struct handoff_copy *c);
/* True if the header has such a field. */
bool handoff_is_in(const char *header, size_t len);

struct handoff;

/* Reads the proof that a message carries; NULL if it has none. raw is lent. */
struct handoff *handoff_new(const struct sitekey *key, const char *raw, size_t len);
void handoff_free(struct handoff **p);
/* True if this site made the field, whatever became of the rest: then the message may have the room of
 * message_new_roomy. p may be NULL. */
bool handoff_is_ours(const struct handoff *p);
/* Compares the proof with its message, whose fields must be as received. m is lent and must outlive p. days: how
 * old a proof may be. */
void handoff_compare(struct handoff *p, const struct message *m, const char *sender, int days);
/* NULL if the proof is valid for its message and for every one of these users, else why not: "its ... was
 * changed". p may be NULL. */
const char *handoff_fault(const struct handoff *p, const GPtrArray *users);
/* How the proof is spent for this user by the message that the MTA keeps under queue_id (NULL: unknown). */
void handoff_spending(const struct handoff *p, const char *user, const char *queue_id,
                      unsigned char out[SPENT_BYTES]);
/* Fills *out with what stands outside a copy that goes on: the earlier leg's lines, which replace those lines
 * in the message. encrypted: the new value of "...-Encrypted"; NULL: leave it. outside_clear it. */
void handoff_outside(const struct handoff *p, const char *encrypted, struct outside *out);

#endif
