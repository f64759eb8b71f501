/* keyring: a user's public keys, stored in generations.
 *
 * state_dir/keys/NAME/gen-N/ is a GnuPG home of its own (gpg.conf, pubring.kbx). Beside the keyring it holds
 * each key as FINGERPRINT.pgp; messages are encrypted to that file, or to the same key's .ring file
 * (gpg/ring.h). Its card (gpg/key_card.h) saves workers the listing of its keys. `current` is a symlink to the generation in use. A generation never changes once `current`
 * points to it, so readers need no lock. */
#ifndef GPG_KEYRING_H
#define GPG_KEYRING_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct key_info {
    char *fingerprint; /* 40 or 64 hex digits */
    char *algorithm;   /* of the primary key and of the encryption subkey: "rsa3072", "ed25519/cv25519" */
    GArray *ids;       /* of guint64: key ids of the primary key and of all subkeys, also of expired and revoked ones */
    char *user_id;     /* the first user id, UTF-8 */
    GPtrArray *addresses; /* of char*: canonical, from the user ids that are neither revoked nor invalid */
    char *file;        /* path of FINGERPRINT.pgp in its generation */
    char *ring;        /* the same key as a ring, which costs gpg less work (gpg/ring.h); NULL: not looked for,
                        * or none */
    char *digest;      /* of the key file, by the key card (gpg/key_card.h): SHA-256, hex; NULL: not looked for */
    bool revoked;
    int64_t created;
    int64_t key_ends;      /* seconds since 1970; 0: never */
    bool has_subkey;       /* an encryption subkey that is not revoked */
    int64_t subkey_starts; /* of the encryption subkey that expires last */
    int64_t subkey_ends;   /* 0: never */
};

void key_info_free(struct key_info *k);
/* When the key stops being usable for encryption, seconds since 1970; 0: never. */
int64_t key_info_ends(const struct key_info *k);
/* Why the key cannot be used for encryption at this time ("expired", ...); NULL if it can. Static text. */
const char *key_info_trouble(const struct key_info *k, int64_t now);

enum keyring_state { KEYRING_UNREADABLE = 0, KEYRING_NONE, KEYRING_BROKEN, KEYRING_FOUND };
/* Finds the user's current generation. *path_r: its folder, g_free, set only with KEYRING_FOUND. KEYRING_NONE:
 * the user has no folder. KEYRING_BROKEN: the folder has no current generation, so the user once had keys. */
enum keyring_state keyring_current(const char *state_dir, const char *user, char **path_r);
/* Lists all keys of a home: array of struct key_info*, unref frees all. NULL with *error_r (g_free). */
GPtrArray *keyring_keys(const char *home, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Calls fn for each user who has a key folder. False if the folder of all users could not be read. */
bool keyring_each_user(const char *state_dir, void (*fn)(const char *user, void *arg), void *arg)
    __attribute__((warn_unused_result));

/* Notes elsewhere that a user has keys (true), before the key folder is made, or has none any more (false), after it
 * was removed. The caller's function; false with *error_r (g_free). */
struct keyring_notes {
    bool (*note)(const char *user, bool has_keys, void *arg, char **error_r);
    void *arg;
};

/* The functions that change a user's keys; notes may be NULL. Each returns a sysexits code; *error_r is one line, g_free. */

struct keyring_input {
    struct bytes text;
    bool add;   /* keep the keys that are there */
    bool force; /* accept a key that does not name the user's address */
    const char *also; /* another address of the user, which the key may name instead; NULL: none */
    /* Whether an address that the key names is the user's in another way; NULL: none is. */
    bool (*is_theirs)(const char *address, const char *user, void *arg);
    void *arg;
    const char *column; /* the digest of a column (gpg/column_key.h): its key replaces all others; NULL: no column */
    const struct keyring_notes *notes;
};
/* Imports one public key, armored or binary. A key with the same fingerprint is refreshed. If the user has
 * another key, `add` is required; if no user id of the key has the user's address, `force` is. EX_DATAERR: the
 * key is not acceptable. A revoked copy of a stored key is accepted, and the key is not used from then on.
 * *key_r (may be NULL): the stored key, key_info_free. */
int keyring_import(const char *state_dir, const char *user, const struct keyring_input *input,
                   struct key_info **key_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Removes all keys (fingerprint NULL), or the one with this fingerprint. EX_NOUSER: there is none; a note of a lost
 * folder is removed with that, too. */
int keyring_remove(const char *state_dir, const char *user, const char *fingerprint,
                   const struct keyring_notes *notes, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

enum keyring_form {
    KEYRING_ARMORED, /* armored, everything that was imported */
    KEYRING_BINARY,
    KEYRING_LEAN_BINARY /* only what is needed to encrypt to the key */
};
/* Appends public keys of a home to out. pattern NULL: all keys. */
bool keyring_export(const char *home, const char *pattern, enum keyring_form form,
                    struct bytes *out, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
