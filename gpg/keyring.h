/* keyring: a user's public keys, in generations.
 *
 * state_dir/keys/NAME/gen-N/ is a GnuPG home of its own (gpg.conf, pubring.kbx) with each key
 * again as FINGERPRINT.pgp, which is what messages are encrypted to, or to the same key's .ring
 * (gpg/ring.h); `current` is a symlink to the one that counts. A generation never changes after its link was set: whoever reads it needs no
 * lock. */
#ifndef GPG_KEYRING_H
#define GPG_KEYRING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct key_info {
    char *fingerprint; /* 40 or 64 hex digits */
    char *algorithm;   /* "rsa3072", "ed25519/cv25519": of the key, of its encryption subkey */
    char *user_id;     /* first one, UTF-8 */
    GPtrArray *addresses; /* of char*: canonical, of the user ids that hold */
    char *file;        /* FINGERPRINT.pgp in its generation */
    char *ring;        /* the same key for less work (gpg/ring.h); NULL: not looked for, or none */
    bool revoked;
    int64_t created;
    int64_t key_ends;      /* seconds since 1970; 0: never */
    bool has_subkey;       /* one that can encrypt and is not revoked */
    int64_t subkey_starts; /* of the encryption subkey that lasts longest */
    int64_t subkey_ends;   /* 0: never */
};

void key_info_free(struct key_info *k);
/* When it can no longer be encrypted to; 0: never. */
int64_t key_info_ends(const struct key_info *k);
/* Why it cannot be encrypted to at this time ("expired", ...); NULL if it can. Static text. */
const char *key_info_trouble(const struct key_info *k, int64_t now);

enum keyring_state { KEYRING_UNREADABLE = 0, KEYRING_NONE, KEYRING_BROKEN, KEYRING_FOUND };
/* Which generation counts. *path_r: its folder, g_free, set only with KEYRING_FOUND. NONE: the
 * user has no folder. BROKEN: there is one without a generation, so there were keys. */
enum keyring_state keyring_current(const char *state_dir, const char *user, char **path_r);
/* All keys of a home; array of struct key_info*, unref frees all. NULL with *error_r (g_free). */
GPtrArray *keyring_keys(const char *home, char **error_r);
/* Calls fn with each user that has a folder. False if the folder of all could not be read. */
bool keyring_each_user(const char *state_dir, void (*fn)(const char *user, void *arg), void *arg)
    __attribute__((warn_unused_result));

/* What changes the keys. Each returns a sysexits code; *error_r is one line, g_free. */

struct keyring_input {
    struct bytes text;
    bool add;   /* beside the keys that are there */
    bool force; /* though it does not name the user's address */
};
/* One public key, armored or not. The same fingerprint is refreshed; another than is there wants
 * add; an address in none of its user ids force. EX_DATAERR: it is no good.
 * A revoked copy of a key that is there is taken, and the key used no more.
 * *key_r (may be NULL): what was stored, key_info_free. */
int keyring_import(const char *state_dir, const char *user, const struct keyring_input *input,
                   struct key_info **key_r, char **error_r);
/* All keys, or the one of this fingerprint. EX_NOUSER: there is none. */
int keyring_remove(const char *state_dir, const char *user, const char *fingerprint,
                   char **error_r);

enum keyring_form {
    KEYRING_ARMORED, /* armored, with all that was imported */
    KEYRING_BINARY,
    KEYRING_LEAN_BINARY /* nothing but what is needed to encrypt to it */
};
/* Appends public keys of a home. pattern NULL: all. */
bool keyring_export(const char *home, const char *pattern, enum keyring_form form,
                    struct bytes *out, char **error_r);

#endif
