/* keyring: a user's public keys, in generations.
 *
 * state_dir/keys/NAME/gen-N/ is a GnuPG home of its own (gpg.conf, pubring.kbx) with each key
 * again as FINGERPRINT.pgp, which is what messages are encrypted to; `current` is a symlink to the
 * one that counts. A generation never changes after its link was set: whoever reads it needs no
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
bool keyring_each_user(const char *state_dir, void (*fn)(const char *user, void *arg), void *arg);

/* What changes the keys. Each returns a sysexits code; *error_r is one line, g_free. */

enum keyring_import_flags { KEYRING_ADD = 1, KEYRING_FORCE = 2 };
/* One public key, armored or not. The same fingerprint is refreshed; another than is there wants
 * KEYRING_ADD; an address in none of its user ids KEYRING_FORCE. EX_DATAERR: it is no good.
 * A revoked copy of a key that is there is taken, and the key used no more.
 * *key_r (may be NULL): what was stored, key_info_free. */
int keyring_import(const char *state_dir, const char *user, const struct bytes *input,
                   unsigned flags, struct key_info **key_r, char **error_r);
/* All keys, or the one of this fingerprint. EX_NOUSER: there is none. */
int keyring_remove(const char *state_dir, const char *user, const char *fingerprint,
                   char **error_r);
/* Appends the public keys, armored: as they were imported, or (lean) with nothing but what is
 * needed to encrypt to them. pattern NULL: all. */
bool keyring_export(const char *home, const char *pattern, bool lean, bool armored,
                    struct bytes *out, char **error_r);

#endif
