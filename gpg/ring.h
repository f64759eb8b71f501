/* ring: a key file once more as a keyring, in which gpg has noted that the key's own signatures hold.
 *
 * From a file gpg verifies them again for each message, which for a Curve25519 key takes longer than
 * to encrypt to it; from a keyring it takes its note. Dates and revocations are looked at either way.
 * FINGERPRINT.ring stands beside FINGERPRINT.pgp and belongs to the same generation. */
#ifndef GPG_RING_H
#define GPG_RING_H

#include <stdbool.h>

/* Has gpg make the ring of this key file, in the file's own folder. False: there is none, and the
 * file is what is left. */
bool ring_make(const char *key_file);
/* The ring beside this key file (g_free), if it holds the very same packets; else NULL. */
char *ring_of(const char *key_file);
bool ring_is(const char *path);
/* The key file a ring stands beside; g_free. */
char *ring_key_file(const char *ring);
/* The fingerprint it is named after; g_free. */
char *ring_key(const char *ring);

#endif
