/* session_key: reads the packets that hold a message's session key, one for each key or passphrase. */
#ifndef GPG_SESSION_KEY_H
#define GPG_SESSION_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "gpg/packets.h"

/* A PKESK packet (RFC 9580 section 5.1). *id_r: id of the key it is for; 0: not told. *version_r: 3 or 6. False unless
 * it is made as its algorithm demands, to its last byte. */
bool session_key_of_public(const struct packet *k, uint64_t *id_r, int *version_r);
/* A SKESK packet (RFC 9580 section 5.3) that is no longer than one can be. */
bool session_key_of_passphrase(const struct packet *k);

#endif
