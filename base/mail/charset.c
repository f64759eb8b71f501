/* Charsets of message parts and encoded words, to UTF-8. Called by reading.c, rfc2047.c and the tokenizer. */
#include "base/mail/charset.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

enum family {
    VAGUE,  /* tells nothing: UTF-8 if valid, else windows-1252 */
    SINGLE, /* one byte per character */
    MULTI,
    WIDE, /* UTF-16 and UTF-32 */
};

struct charset {
    const char *name; /* lower case, without '-' and '_' */
    enum family family;
    const char *iconv; /* the C library's name */
};

/* GB2312 is read as its superset, as mail clients do. UTF-7 is missing on purpose. */
static const struct charset charsets[] = {
    {"usascii", VAGUE, NULL},
    {"ascii", VAGUE, NULL},
    {"utf8", VAGUE, NULL},
    {"unknown8bit", VAGUE, NULL},
    {"xunknown", VAGUE, NULL},
    {"iso88591", SINGLE, "CP1252"},
    {"latin1", SINGLE, "CP1252"},
    {"windows1252", SINGLE, "CP1252"},
    {"cp1252", SINGLE, "CP1252"},
    {"iso88592", SINGLE, "ISO-8859-2"},
    {"iso88593", SINGLE, "ISO-8859-3"},
    {"iso88594", SINGLE, "ISO-8859-4"},
    {"iso88595", SINGLE, "ISO-8859-5"},
    {"iso88596", SINGLE, "ISO-8859-6"},
    {"iso88597", SINGLE, "ISO-8859-7"},
    {"iso88598", SINGLE, "ISO-8859-8"},
    {"iso88598i", SINGLE, "ISO-8859-8"},
    {"iso88599", SINGLE, "ISO-8859-9"},
    {"iso885910", SINGLE, "ISO-8859-10"},
    {"iso885911", SINGLE, "ISO-8859-11"},
    {"iso885913", SINGLE, "ISO-8859-13"},
    {"iso885914", SINGLE, "ISO-8859-14"},
    {"iso885915", SINGLE, "ISO-8859-15"},
    {"iso885916", SINGLE, "ISO-8859-16"},
    {"windows874", SINGLE, "CP874"},
    {"tis620", SINGLE, "CP874"},
    {"windows1250", SINGLE, "CP1250"},
    {"windows1251", SINGLE, "CP1251"},
    {"cp1251", SINGLE, "CP1251"},
    {"windows1253", SINGLE, "CP1253"},
    {"windows1254", SINGLE, "CP1254"},
    {"windows1255", SINGLE, "CP1255"},
    {"windows1256", SINGLE, "CP1256"},
    {"windows1257", SINGLE, "CP1257"},
    {"windows1258", SINGLE, "CP1258"},
    {"koi8r", SINGLE, "KOI8-R"},
    {"koi8u", SINGLE, "KOI8-U"},
    {"gb2312", MULTI, "GB18030"},
    {"gbk", MULTI, "GB18030"},
    {"gb18030", MULTI, "GB18030"},
    {"big5", MULTI, "BIG5-HKSCS"},
    {"euckr", MULTI, "CP949"},
    {"ksc56011987", MULTI, "CP949"},
    {"eucjp", MULTI, "EUC-JP"},
    {"iso2022jp", MULTI, "ISO-2022-JP"},
    {"shiftjis", MULTI, "CP932"},
    {"utf16", WIDE, "UTF-16"},
    {"utf16le", WIDE, "UTF-16LE"},
    {"utf16be", WIDE, "UTF-16BE"},
    {"utf32", WIDE, "UTF-32"},
    {"utf32le", WIDE, "UTF-32LE"},
    {"utf32be", WIDE, "UTF-32BE"},
};

/* Converters and tables made so far in this process: making one costs more time than a message. */
static struct {
    bool tried;
    GIConv cd;         /* for MULTI and WIDE; -1 if the C library has none */
    gunichar table[128]; /* for SINGLE: bytes 0x80 to 0xFF */
} made[G_N_ELEMENTS(charsets)];

static const struct charset *find(const char *name)
{
    char plain[20];
    size_t n = 0;
    for (; *name && n < sizeof plain - 1; name++)
        if (*name != '-' && *name != '_' && *name > ' ' && *name != '"')
            plain[n++] = g_ascii_tolower(*name);
    plain[n] = '\0';
    for (size_t i = 0; i < G_N_ELEMENTS(charsets) && !*name; i++)
        if (strcmp(charsets[i].name, plain) == 0)
            return &charsets[i];
    return NULL;
}

static void make_table(gunichar table[128], GIConv cd)
{
    for (int i = 0; i < 128; i++) {
        char byte = (char)(0x80 + i), utf8[8];
        char *in = &byte, *to = utf8;
        gsize left = 1, room = sizeof utf8;
        const bool ok = cd != (GIConv)-1 && g_iconv(cd, &in, &left, &to, &room) != (gsize)-1;
        table[i] = ok && to > utf8 ? g_utf8_get_char(utf8) : 0xFFFD;
        if (cd != (GIConv)-1)
            g_iconv(cd, NULL, NULL, NULL, NULL);
    }
}

static size_t make(const struct charset *charset)
{
    const size_t i = (size_t)(charset - charsets);
    if (made[i].tried)
        return i;
    made[i].tried = true;
    made[i].cd = g_iconv_open("UTF-8", charset->iconv);
    if (charset->family != SINGLE)
        return i;
    make_table(made[i].table, made[i].cd);
    if (made[i].cd != (GIConv)-1)
        g_iconv_close(made[i].cd);
    return i;
}

static void add_single(struct bytes *out, const unsigned char *data, size_t len,
                       const gunichar table[128])
{
    bytes_reserve(out, len * 3);
    char *to = (char *)out->data + out->len;
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x80)
            *to++ = data[i] ? (char)data[i] : ' ';
        else
            to += g_unichar_to_utf8(table[data[i] - 0x80], to);
    }
    out->len = (size_t)(to - (char *)out->data);
    out->data[out->len] = 0;
}

static void add_converted(struct bytes *out, GIConv cd, char *in, gsize left)
{
    g_iconv(cd, NULL, NULL, NULL, NULL);
    while (left > 0) {
        bytes_reserve(out, left * 2 + 16);
        char *to = (char *)out->data + out->len;
        gsize room = out->cap - out->len - 1;
        const gsize before = room;
        const gsize rc = g_iconv(cd, &in, &left, &to, &room);
        const int error = errno;
        out->len += before - room;
        if (rc != (gsize)-1 || error == E2BIG)
            continue;
        bytes_add(out, replacement, 3);
        in++;
        left--;
    }
}

/* Copies valid UTF-8; each invalid byte and NUL becomes U+FFFD. */
static void repair_utf8(struct bytes *out, const char *data, size_t len)
{
    while (len > 0) {
        const char *end;
        g_utf8_validate_len(data, len, &end);
        bytes_add(out, data, (size_t)(end - data));
        len -= (size_t)(end - data);
        data = end;
        if (len > 0) {
            bytes_add(out, replacement, 3);
            data++;
            len--;
        }
    }
}

/* True if data is UTF-8, or would be if a limit had not cut its last character. NUL is no letter in any
 * charset. */
static bool is_mostly_utf8(const char *data, size_t len)
{
    const char *end;
    if (g_utf8_validate_len(data, len, &end) || *end == 0)
        return true;
    const unsigned char lead = (unsigned char)*end;
    const size_t left = len - (size_t)(end - data);
    const size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    bool cut = lead >= 0xC2 && lead <= 0xF4 && left < wanted;
    for (size_t i = 1; cut && i < left; i++)
        cut = ((unsigned char)end[i] & 0xC0) == 0x80;
    return cut;
}

static void add_vague(struct bytes *out, const void *data, size_t len)
{
    if (g_utf8_validate_len(data, len, NULL))
        bytes_add(out, data, len);
    else if (is_mostly_utf8(data, len))
        repair_utf8(out, data, len);
    else
        add_single(out, data, len, made[make(find("cp1252"))].table);
}

/* Tests the usual case eight bytes at a time: no NUL and no byte over 127. */
static bool is_ascii(const unsigned char *p, size_t len)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0101010101010101);
    guint64 bad = 0, word;
    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&word, p, 8);
        bad |= (word - ones) | word;
    }
    for (; len > 0; p++, len--)
        bad |= *p == 0 || *p >= 0x80 ? 0x80 : 0;
    return (bad & ones << 7) == 0;
}

/* True if ASCII is a subset of the charset. */
static bool holds_ascii(const struct charset *known)
{
    return !known || known->family == VAGUE || known->family == SINGLE;
}

bool charset_to_utf8(struct bytes *out, const void *data, size_t len, const char *charset)
{
    const struct charset *known = charset && *charset ? find(charset) : &charsets[0];
    if (len == 0)
        return known != NULL;
    if (holds_ascii(known) && is_ascii(data, len)) {
        bytes_add(out, data, len);
        return known != NULL;
    }
    /* Spam declares plain ASCII as UTF-16 to blind filters. */
    if (!known || known->family == VAGUE || (known->family == WIDE && !memchr(data, 0, len))) {
        add_vague(out, data, len);
        return known && known->family == VAGUE;
    }
    const size_t i = make(known);
    if (known->family == SINGLE) {
        add_single(out, data, len, made[i].table);
        return true;
    }
    if (made[i].cd == (GIConv)-1) {
        add_vague(out, data, len);
        return true;
    }
    struct bytes raw = {0};
    g_autofree char *copy = g_memdup2(data, len); /* g_iconv takes a char **, not const */
    add_converted(&raw, made[i].cd, copy, len);
    repair_utf8(out, (const char *)raw.data, raw.len);
    explicit_bzero(copy, len);
    bytes_free(&raw);
    return true;
}
