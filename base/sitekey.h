/* sitekey: the site's secret, from which the keys of all keyed hashes and records are derived, and those
 * hashes. */
#ifndef BASE_SITEKEY_H
#define BASE_SITEKEY_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sitekey {
    unsigned char bytes[32];
};

/* Reads FILE: 32 bytes as 64 hex digits and maybe a newline. If create, makes a missing one (mode 0400,
 * O_EXCL). False with *error_r (g_free). */
bool sitekey_load(const char *file, bool create, struct sitekey *key_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Derives a key of 16 bytes for one purpose and name: HMAC-SHA256 (RFC 2104), cut to 16 bytes. */
void sitekey_derive(const struct sitekey *key, const char *purpose, const char *name,
                    unsigned char out[16]);
struct sitekey_piece {
    const void *data;
    size_t len;
};
/* HMAC-SHA256 (RFC 2104) of all pieces, each preceded by its length: different lists give different input. */
void sitekey_digest(const unsigned char key[16], const struct sitekey_piece *pieces, size_t count,
                    unsigned char out[32]);
/* SipHash-2-4 (Aumasson and Bernstein, 2012); 64 bits. */
uint64_t siphash(const unsigned char key[16], const void *data, size_t len);

#endif
