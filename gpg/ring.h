/* ring: a second copy of a key file, in which gpg has recorded that the key's own signatures are valid.
 *
 * When gpg reads a key file it verifies those signatures again for each message; for a Curve25519 key that
 * takes longer than encrypting to it. In a keyring it trusts its record. Expiry and revocation are checked
 * either way. FINGERPRINT.ring stands beside FINGERPRINT.pgp and belongs to the same generation. */
#ifndef GPG_RING_H
#define GPG_RING_H

#include <stdbool.h>

/* Has gpg make the ring of this key file, in the same folder. False: no ring was made, and the key file is used
 * instead. */
bool ring_make(const char *key_file);
/* Path of the ring beside this key file (g_free) if both hold the same packets; else NULL. */
char *ring_of(const char *key_file);
bool ring_is(const char *path);
/* Path of the key file that belongs to this ring; g_free. */
char *ring_key_file(const char *ring);
/* The fingerprint in the ring's file name; g_free. */
char *ring_key(const char *ring);

#endif
