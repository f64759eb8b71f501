/* Derives a signature from a message's content. Called by learn_session.c for messages without a signature of
 * learning. */
#include "classifier/content_signature.h"

#include <gcrypt.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/mail/header.h"

enum { IMPRINT_BYTES = 12 };

static bool is_of_delivery(const struct header *h)
{
    static const char *const names[] = {"Received",      "Return-Path",   "Delivered-To",
                                        "X-Original-To", "Envelope-To",   "Received-SPF",
                                        "Status",        "X-Status",      "X-UID",
                                        "X-Keywords",    "Authentication-Results"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    return false;
}

char *content_signature_new(const struct sitekey *key, const char *user, const struct message *m)
{
    unsigned char own[16];
    char text[2 * IMPRINT_BYTES + 1];
    gcry_md_hd_t md;
    sitekey_derive(key, "imprint", user, own);
    if (gcry_md_open(&md, GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC) ||
        gcry_md_setkey(md, own, sizeof own))
        g_error("libgcrypt has no HMAC-SHA256");
    for (size_t i = 0; i < m->header_count; i++)
        if (!m->headers[i].dropped && !is_of_delivery(&m->headers[i]))
            gcry_md_write(md, m->headers[i].start, m->headers[i].len);
    gcry_md_write(md, "\r\n", 2);
    gcry_md_write(md, m->body, m->body_len);
    const unsigned char *digest = gcry_md_read(md, GCRY_MD_SHA256);
    for (size_t i = 0; i < IMPRINT_BYTES; i++)
        g_snprintf(text + 2 * i, 3, "%02x", digest[i]);
    gcry_md_close(md);
    explicit_bzero(own, sizeof own);
    return g_strdup(text);
}
