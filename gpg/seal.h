/* seal: makes a message fit to leave filterd.
 *
 * Everything that is delivered is a struct sealed, and only this folder can make one. */
#ifndef GPG_SEAL_H
#define GPG_SEAL_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "gpg/key_state.h"
#include "gpg/outside.h"

struct sealer; /* one per process, made after fork: GPGME contexts and keys, cached by generation */
struct sealed;

/* Before the fork: asks for gpg's version, for this process and those it forks. Else each would ask with
 * its first message, and one that had no memory at that moment would have no engine for its life. False
 * with *error_r (g_free). */
bool sealer_prepare(const char *state_dir, char **error_r);
struct sealer *sealer_new(const char *state_dir);
void sealer_free(struct sealer **s);

/* What is sealed from now on has to be done by then (monotonic microseconds; 0 takes it away). */
void sealer_set_deadline(struct sealer *s, gint64 deadline);

/* The state of a user's keys right now. fingerprint_r (may be NULL): 40 or 64 hex digits of the
 * first key, g_free. reason_r (may be NULL): why it is bad, one line, g_free. */
enum key_state sealer_key(struct sealer *s, const char *user, char **fingerprint_r,
                          char **reason_r);

/* PGP/MIME (RFC 3156) for all keys of all these users; none of them may be without a good key.
 * Outside stand our own fields, then those of the message that outside_has and that are not structural;
 * inside its Content-* headers and body, byte for byte.
 * NULL with *error_r (g_free) on any trouble: then there is nothing to deliver. */
struct sealed *seal_message(struct sealer *s, const struct message *m, const struct outside *o,
                            GPtrArray *users, char **error_r);

/* As seal_message, but nobody can see from the ciphertext for whose keys it is: for one copy that
 * goes to people who need not know of each other. */
struct sealed *seal_message_hidden(struct sealer *s, const struct message *m,
                                   const struct outside *o, GPtrArray *users, char **error_r);

enum pass_reason { PASS_NO_KEY, PASS_ALREADY_ENCRYPTED, PASS_NOT_OURS };
/* The one way a message leaves unencrypted: our own fields, those of its own that outside_has, its body. */
struct sealed *seal_pass(const struct message *m, const struct outside *o, enum pass_reason reason);
void sealed_free(struct sealed **s);
/* Puts one more field (with CRLF) on top of a finished message. */
void sealed_prepend(struct sealed *s, const char *field);

/* True if the message is encrypted by its structure (RFC 3156 whose second part parses as PKESK
 * and SEIPD packets, S/MIME enveloped-data, one inline block that is the whole body). */
bool seal_is_encrypted(const struct message *m);

/* The finished message, CRLF line ends; lent. */
const struct bytes *sealed_bytes(const struct sealed *s);
/* How many of its first bytes are the lines that were added. */
size_t sealed_added(const struct sealed *s);
/* "yes", "already" or "no", as X-Filterd-Encrypted says it. */
const char *sealed_mark(const struct sealed *s);

#endif
