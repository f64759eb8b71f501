/* Knows files that are no mail by their first bytes. Called by filterctl train and learn_session.c. */
#include "base/mail/packed.h"

#include <glib.h>
#include <string.h>

/* The formats say these (RFC 1952, RFC 8878, RFC 1950 at each level, bzip2, xz, LZ4, ...); the last three are
 * Dovecot's own. */
static const struct {
    const char *form, *bytes;
    size_t len;
} forms[] = {
    {"gz", "\x1f\x8b", 2},
    {"bz2", "BZh", 3},
    {"xz", "\xfd" "7zXZ", 6},
    {"zstd", "\x28\xb5\x2f\xfd", 4},
    {"lz4", "\x04\x22\x4d\x18", 4},
    {"zlib", "\x78\x01", 2},
    {"zlib", "\x78\x9c", 2},
    {"zlib", "\x78\xda", 2},
    {"lzma", "\x5d\0\0", 3},
    {"compress", "\x1f\x9d", 2},
    {"zip", "PK\x03\x04", 4},
    {"7z", "7z\xbc\xaf\x27\x1c", 6},
    {"UTF-16", "\xff\xfe", 2},
    {"UTF-16", "\xfe\xff", 2},
    {"lz4", "Dovecot-LZ4\x0d\x2a\x9b\xc5", 15},
    {"mail_crypt", "CRYPTED\x03\x07", 9},
    {"dbox", "2 M", 3},
};

/* How far a mail's first field may be: some stores leave a line or two in front. */
enum { LINES = 10 };

const char *packed_form(const void *data, size_t len)
{
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        if (len >= forms[i].len && memcmp(data, forms[i].bytes, forms[i].len) == 0)
            return forms[i].form;
    return NULL;
}

static bool hex(const char *p, size_t digits, size_t *value_r)
{
    *value_r = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!g_ascii_isxdigit(p[i]))
            return false;
        *value_r = *value_r << 4 | (size_t)g_ascii_xdigit_value(p[i]);
    }
    return digits > 0 && digits <= sizeof *value_r * 2;
}

/* "2 M1e C65a0b1c2\n", a header of as many bytes as M says, in hexadecimal, and the message (Dovecot's dbox format).
 * The header says at byte 13, in 16 digits, how long that is, and ends with a newline. */
const char *packed_sdbox(const char *data, size_t len, size_t *len_r)
{
    const char *line = len > 3 && memcmp(data, "2 M", 3) == 0 ? memchr(data, '\n', MIN(len, 100)) : NULL;
    size_t header, digits = 0;
    while (line && g_ascii_isxdigit(data[3 + digits]))
        digits++;
    if (!line || !hex(data + 3, digits, &header) || header < 30 ||
        header >= len - (size_t)(line + 1 - data))
        return NULL;
    const char *message = line + 1 + header;
    if (memcmp(line + 1, "\1\2N", 3) != 0 || message[-1] != '\n' || !hex(line + 1 + 13, 16, len_r) ||
        *len_r > len - (size_t)(message - data))
        return NULL;
    return message;
}

static bool is_field(const char *line, const char *end)
{
    const char *p = line;
    while (p < end && *p > ' ' && *p < 0x7f && *p != ':')
        p++;
    const bool named = p > line;
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    return named && p < end && *p == ':';
}

static bool is_mbox(const char *line, const char *end)
{
    line += line < end && *line == '>';
    return end - line > 5 && memcmp(line, "From ", 5) == 0;
}

/* Bytes that stand in no text; ESC stands in Japanese. */
static bool is_binary(const char *line, const char *end)
{
    for (; line < end; line++)
        if ((unsigned char)*line < ' ' && (!*line || !strchr("\t\r\f\x1b", *line)))
            return true;
    return false;
}

bool packed_is_mail(const char *data, size_t len)
{
    const char *end = data + len, *line = data;
    for (int n = 0; n < LINES && line < end; n++) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        eol = eol ? eol : end;
        if (is_field(line, eol) || is_mbox(line, eol))
            return true;
        if (is_binary(line, eol))
            return false;
        line = eol < end ? eol + 1 : end;
    }
    return false;
}
