/* session_key: reads the packets that hold a message's session key, one for each key or passphrase. */
#ifndef GPG_SESSION_KEY_H
#define GPG_SESSION_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "gpg/noise.h"
#include "gpg/packets.h"

struct session_key_noise { /* what should be random in all packets: ids of keys, and the rest */
    struct noise ids, rest;
};

/* A PKESK packet (RFC 9580 section 5.1). *id_r: id of the key it is for; 0: not told. *version_r: 3 or 6. False unless
 * it is made as its algorithm demands, to its last byte. What should be random in it is added to noise. */
bool session_key_of_public(const struct packet *k, uint64_t *id_r, int *version_r, struct session_key_noise *noise);
/* The same for a SKESK packet (RFC 9580 section 5.3). */
bool session_key_of_passphrase(const struct packet *k, struct session_key_noise *noise);

#endif
