/* key_card: what GPGME said of a generation's keys when the generation was made, in one of its files. A worker that has
 * mail for a user for the first time reads it instead of starting a gpg that lists the keys, which takes longer than all
 * the rest that is done for a message.
 *
 * GPGME stays the judge: keyring_import.c has the card written from GPGME's list, and a generation never changes once it
 * is in use. The card names the digest of each key file, so it vouches for no other; it holds times and no verdicts,
 * so a key expires although its card does not change.
 *
 *   "filterd-card 1\n"   15 bytes
 *   check, line feed     SHA-256 of the rest, 64 hex digits: against damage (who can write here can change the keys, too)
 *   KEY_CARD_TYPE        the rest, a GVariant in little endian, for each key:
 *     ssss fingerprint, digest (SHA-256 of FINGERPRINT.pgp), algorithm, user id; as addresses; at key ids; b revoked;
 *     xx created, ends; bxx whether there is an encryption subkey, when it starts, when it ends */
#ifndef GPG_KEY_CARD_H
#define GPG_KEY_CARD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define KEY_CARD_FILE "card"
#define KEY_CARD_TYPE "a(ssssasatbxxbxx)"
/* There is no longer card, and none of a longer key file: then gpg lists the keys. */
#define KEY_CARD_MAX_BYTES (256 * 1024)
#define KEY_CARD_KEY_MAX_BYTES (1024 * 1024)

/* Writes the card of a home whose key files are complete. keys: of struct key_info*, all that GPGME lists. It is asked
 * once more: gpg's list may end early and GPGME not report it, and a card would repeat that for ever. If the
 * two lists differ, no card is written. False with *error_r (g_free): it cannot be written. */
bool key_card_write(const char *home, const GPtrArray *keys, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* The keys by the home's card: array of struct key_info* without rings, unref frees all. NULL: there is no card; or,
 * with *why_r (g_free), it is not to be believed: damaged, of another version, or about another key file. */
GPtrArray *key_card_read(const char *home, char **why_r) G_GNUC_WARN_UNUSED_RESULT;

/* For tests: the content of a card, g_byte_array_unref; each key has its digest. NULL: a text is not UTF-8. */
GByteArray *key_card_pack(const GPtrArray *keys);
/* For tests: the keys of a card, whose files are in home; they are not looked at. */
GPtrArray *key_card_unpack(const void *card, size_t len, const char *home, char **why_r) G_GNUC_WARN_UNUSED_RESULT;
/* For tests: writes the right check into a card. */
void key_card_sign(GByteArray *card);

#endif
