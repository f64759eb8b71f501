/* encrypted: recognises a message that arrives encrypted, by its structure, and for whose keys. */
#ifndef GPG_ENCRYPTED_H
#define GPG_ENCRYPTED_H

#include <glib.h>
#include <stdbool.h>

#include "base/mail/message.h"

struct encrypted;

/* What the message holds beside a few lines that programs write (gpg/beside.h): PGP/MIME (RFC 3156), as programs of
 * Exchange, Symantec and Proton write it, too; an inline PGP block; S/MIME enveloped-data; with a List-Id also the
 * list's footer. NULL: anything else, which is not encrypted. */
struct encrypted *encrypted_new(const struct message *m);
void encrypted_free(struct encrypted **e);
/* True if one of these keys (of guint64: ids of keys and subkeys) opens every part. Where a part does not tell whose
 * key it wants, as S/MIME and key id 0, it may be any. */
bool encrypted_is_for(const struct encrypted *e, const GArray *key_ids);

#endif
