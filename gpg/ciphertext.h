/* ciphertext: recognises an encrypted OpenPGP message by its packets. */
#ifndef GPG_CIPHERTEXT_H
#define GPG_CIPHERTEXT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* True if the bytes are exactly one encrypted message: at least one PKESK, any SKESK packets, then one SEIPD or AEAD
 * packet that reaches to the end (RFC 4880 section 11.3), none of them invented to hold readable text. Appends to ids
 * (of guint64) the id of each key it is for; 0: not told. */
bool ciphertext_is(const unsigned char *data, size_t len, GArray *ids);
/* How many bytes stand before the packet that holds the message. */
size_t ciphertext_head(const unsigned char *data, size_t len);

#endif
