/* sitekey: the secret all hashes and records hang on, and the keyed hash itself. */
#ifndef BASE_SITEKEY_H
#define BASE_SITEKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sitekey {
    unsigned char bytes[32];
};

/* Reads FILE (32 bytes as 64 hex digits and a newline), making it (0400, O_EXCL) if create. */
bool sitekey_load(const char *file, bool create, struct sitekey *key_r, char **error_r);
/* 16 bytes for one purpose and name, by HMAC-SHA256 cut to 16. */
void sitekey_derive(const struct sitekey *key, const char *purpose, const char *name,
                    unsigned char out[16]);
struct sitekey_piece {
    const void *data;
    size_t len;
};
/* HMAC-SHA256 (RFC 2104) of all pieces, each with its length in front: no two lists are alike. */
void sitekey_digest(const unsigned char key[16], const struct sitekey_piece *pieces, size_t count,
                    unsigned char out[32]);
/* SipHash-2-4 (Aumasson and Bernstein, 2012), 64 bits out. */
uint64_t siphash(const unsigned char key[16], const void *data, size_t len);

#endif
