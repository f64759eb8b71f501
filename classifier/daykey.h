/* daykey: each day's records are sealed with a key of their own, in SITEKEY.d/DAY beside the site
 * key. Destroying it ends all of them, also those in copies of the store. */
#ifndef CLASSIFIER_DAYKEY_H
#define CLASSIFIER_DAYKEY_H

#include <glib.h>
#include <stdbool.h>

/* Today less so many days, "2026-11-21" in UTC (sorts as text). g_free. */
char *daykey_day(int days_ago);
/* bound is authenticated: what was sealed for one user's signature opens for no other. */
struct daykey {
    const char *site_key_file, *day, *bound;
};

/* Appends nonce, AES-256-GCM ciphertext and tag to sealed; the day's key is made if need be. */
bool daykey_seal(const struct daykey *k, const GByteArray *plain, GByteArray *sealed,
                 char **error_r);
/* The bytes (g_byte_array_unref), or NULL: the key is gone or the record is not genuine. */
GByteArray *daykey_open(const struct daykey *k, const GByteArray *sealed);
/* Destroys the keys of all days before that one; how many. */
int daykey_destroy_before(const char *site_key_file, const char *day);

#endif
