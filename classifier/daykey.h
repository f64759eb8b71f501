/* daykey: each day's records are sealed with a key of their own, in SITEKEY.d/DAY beside the site
 * key. Destroying it ends all of them, also those in copies of the store. */
#ifndef CLASSIFIER_DAYKEY_H
#define CLASSIFIER_DAYKEY_H

#include <glib.h>
#include <stdbool.h>

/* Today less so many days, "2026-11-21" in UTC (sorts as text). g_free. */
char *daykey_day(int days_ago);
/* Appends nonce, AES-256-GCM ciphertext and tag to sealed. bound is authenticated beside it: what
 * was sealed for one user's signature opens for no other. The day's key is made if need be. */
bool daykey_seal(const char *site_key_file, const char *day, const char *bound,
                 const GArray *features, GByteArray *sealed, char **error_r);
/* The features (of guint32), or NULL: the key is gone or the record is not genuine. */
GArray *daykey_open(const char *site_key_file, const char *day, const char *bound,
                    const GByteArray *sealed);
/* Destroys the keys of all days before that one; how many. */
int daykey_destroy_before(const char *site_key_file, const char *day);

#endif
