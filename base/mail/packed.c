/* Knows compressed and encrypted files by their first bytes. Called by filterctl train and learn_session.c. */
#include "base/mail/packed.h"

#include <glib.h>
#include <string.h>

/* The frames' formats say these (RFC 1952, RFC 8878, bzip2, xz, LZ4); the last two are Dovecot's own. */
static const struct {
    const char *form, *bytes;
    size_t len;
} forms[] = {
    {"gz", "\x1f\x8b", 2},
    {"bz2", "BZh", 3},
    {"xz", "\xfd" "7zXZ", 6},
    {"zstd", "\x28\xb5\x2f\xfd", 4},
    {"lz4", "\x04\x22\x4d\x18", 4},
    {"lz4", "Dovecot-LZ4\x0d\x2a\x9b\xc5", 15},
    {"mail_crypt", "CRYPTED\x03\x07", 9},
};

const char *packed_form(const void *data, size_t len)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        if (len >= forms[i].len && memcmp(data, forms[i].bytes, forms[i].len) == 0)
            return forms[i].form;
    return NULL;
}
