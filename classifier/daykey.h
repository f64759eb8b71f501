/* daykey: encrypts each day's records with that day's key, SITEKEY.d/DAY beside the site key. Destroying the
 * key makes all of the day's records unreadable, also in backups of the store. */
#ifndef CLASSIFIER_DAYKEY_H
#define CLASSIFIER_DAYKEY_H

#include <glib.h>
#include <stdbool.h>

/* The day that many days ago, in UTC: "2026-11-21" (sorts as text). g_free. */
char *daykey_day(int days_ago);
/* bound is authenticated: a record sealed for one user's signature cannot be opened for another. */
struct daykey {
    const char *site_key_file, *day, *bound;
};

/* Encrypts plain and appends nonce, AES-256-GCM ciphertext and tag to sealed. Makes the day's key if it does
 * not exist yet. */
bool daykey_seal(const struct daykey *k, const GByteArray *plain, GByteArray *sealed,
                 char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Decrypts a record; g_byte_array_unref. NULL: the key was destroyed, or the record is not authentic. */
GByteArray *daykey_open(const struct daykey *k, const GByteArray *sealed);
/* Destroys the keys of all days before this one. Returns how many. */
int daykey_destroy_before(const char *site_key_file, const char *day);

#endif
