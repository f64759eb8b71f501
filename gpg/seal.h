/* seal: turns a message into what may leave filterd: encrypted, or openly passed with a stated reason.
 *
 * filterd delivers nothing but a struct sealed, and only gpg/ can make one. */
#ifndef GPG_SEAL_H
#define GPG_SEAL_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "gpg/encrypted.h"
#include "gpg/key_state.h"
#include "gpg/outside.h"

struct sealer; /* one per process, made after fork: GPGME contexts, and keys cached until they change (generation.h) */
struct sealed;

/* Call before the fork: asks gpg for its version, for this process and all it forks. Otherwise each worker
 * would ask with its first message, and a worker short of memory at that moment could not encrypt for the rest of
 * its life. False with *error_r (g_free). */
bool sealer_prepare(const char *state_dir, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
struct sealer *sealer_new(const char *state_dir);
void sealer_free(struct sealer **s);
/* True if a gpg outlived its deadline and cannot be ended: the kernel does it when this process ends, which should
 * take no more messages. */
bool sealer_left_stray(void);

/* Sets the deadline for all later encryption (monotonic microseconds; 0: none). */
void sealer_set_deadline(struct sealer *s, gint64 deadline);

/* The state of a user's keys at this moment. fingerprint_r (may be NULL): 40 or 64 hex digits of the first key,
 * g_free. reason_r (may be NULL): why the keys cannot be used, one line, g_free. */
enum key_state sealer_key(struct sealer *s, const char *user, char **fingerprint_r,
                          char **reason_r);

/* Encrypts the message as PGP/MIME (RFC 3156) to all keys of all these users; each of them must have a usable
 * key. The ciphertext names their keys: many mail programs try only the keys that are named. The outer header
 * holds filterd's own fields and then those fields of the message that outside_of_sealed keeps,
 * except structural ones. The encrypted part holds the message's Content-* fields and its body, byte for byte.
 * NULL with *error_r (g_free) on any failure: then there is nothing to deliver. */
struct sealed *seal_message(struct sealer *s, const struct message *m, const struct outside *o,
                            GPtrArray *users, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

enum pass_reason { PASS_NO_KEY, PASS_ALREADY_ENCRYPTED, PASS_NOT_OURS };
/* The only way for a message to leave unencrypted: filterd's own fields, the message's fields that outside_has
 * keeps, and its body. */
struct sealed *seal_pass(const struct message *m, const struct outside *o, enum pass_reason reason);
void sealed_free(struct sealed **s);
/* Adds one header field (with CRLF) on top of a sealed message. */
void sealed_prepend(struct sealed *s, const char *field);

/* True if the structure of the message says that it is encrypted (gpg/encrypted.h). */
bool seal_is_encrypted(const struct message *m);
/* True if one of the user's keys opens it, as far as it tells whose key it wants. Expired and revoked keys count:
 * their owner has them still. */
bool sealer_opens(struct sealer *s, const char *user, const struct encrypted *e);

/* The sealed message with CRLF line ends; lent. */
const struct bytes *sealed_bytes(const struct sealed *s);
/* Length in bytes of the fields that filterd added at its beginning. */
size_t sealed_added(const struct sealed *s);
/* The value of X-Filterd-Encrypted: "yes", "already" or "no". */
const char *sealed_mark(const struct sealed *s);

#endif
