/* Writes and reads ASCII armor. Called by engine.c to write, by encrypted.c and keyring_import.c to read. */
#include "gpg/armor.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#define CRC_INIT 0xb704ceu
#define CRC_POLY 0x864cfbu

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static uint32_t crc24(uint32_t crc, const unsigned char *data, size_t len)
{
    static uint32_t table[256];
    if (!table[1]) {
        for (uint32_t i = 0; i < 256; i++) {
            uint32_t c = i << 16;
            for (int bit = 0; bit < 8; bit++)
                c = c & 0x800000 ? (c << 1) ^ CRC_POLY : c << 1;
            table[i] = c & 0xffffff;
        }
    }
    for (size_t i = 0; i < len; i++)
        crc = ((crc << 8) & 0xffffff) ^ table[(crc >> 16) ^ data[i]];
    return crc;
}

/* ---- writing ---- */

static void put_group(unsigned char *to, const unsigned char *from, size_t len)
{
    uint32_t v = (uint32_t)from[0] << 16 | (len > 1 ? (uint32_t)from[1] << 8 : 0) |
                 (len > 2 ? from[2] : 0);
    to[0] = (unsigned char)alphabet[v >> 18];
    to[1] = (unsigned char)alphabet[v >> 12 & 63];
    to[2] = len > 1 ? (unsigned char)alphabet[v >> 6 & 63] : '=';
    to[3] = len > 2 ? (unsigned char)alphabet[v & 63] : '=';
}

static void put_line(struct bytes *out, const unsigned char *data, size_t len)
{
    bytes_reserve(out, 66);
    for (size_t i = 0; i < len; i += 3, out->len += 4)
        put_group(out->data + out->len, data + i, MIN(len - i, 3));
    out->data[out->len] = 0;
    bytes_add(out, "\r\n", 2);
}

void armor_begin(struct armor *a, struct bytes *out, const char *label)
{
    *a = (struct armor){.out = out, .crc = CRC_INIT};
    bytes_addf(out, "-----BEGIN PGP %s-----\r\n\r\n", label);
}

void armor_add(struct armor *a, const unsigned char *data, size_t len)
{
    a->crc = crc24(a->crc, data, len);
    if (a->line_len) {
        size_t part = MIN(sizeof a->line - a->line_len, len);
        memcpy(a->line + a->line_len, data, part);
        a->line_len += part;
        data += part;
        len -= part;
        if (a->line_len < sizeof a->line)
            return;
        put_line(a->out, a->line, sizeof a->line);
        a->line_len = 0;
    }
    for (; len >= sizeof a->line; data += sizeof a->line, len -= sizeof a->line)
        put_line(a->out, data, sizeof a->line);
    if (len)
        memcpy(a->line, data, len);
    a->line_len = len;
}

void armor_end(struct armor *a, const char *label)
{
    if (a->line_len)
        put_line(a->out, a->line, a->line_len);
    unsigned char crc[3] = {(unsigned char)(a->crc >> 16), (unsigned char)(a->crc >> 8),
                            (unsigned char)a->crc};
    bytes_adds(a->out, "=");
    put_line(a->out, crc, sizeof crc);
    bytes_addf(a->out, "-----END PGP %s-----\r\n", label);
}

/* ---- reading ---- */

struct text {
    const char *at;
    size_t left;
};

/* Takes one line, without its line end and the blanks before that. */
static bool next_line(struct text *t, struct text *line_r)
{
    if (!t->left)
        return false;
    const char *lf = memchr(t->at, '\n', t->left);
    size_t whole = lf ? (size_t)(lf - t->at) + 1 : t->left, len = whole;
    while (len && strchr(" \t\r\n", t->at[len - 1]) && t->at[len - 1])
        len--;
    *line_r = (struct text){t->at, len};
    t->at += whole;
    t->left -= whole;
    return true;
}

static bool line_is(const struct text *line, const char *start, const char *label)
{
    g_autofree char *want = g_strdup_printf("-----%s PGP %s-----", start, label);
    return line->left == strlen(want) && !memcmp(line->at, want, line->left);
}

/* Skips the armor headers that RFC 4880 section 6.2 defines. False for any other: it could be a line of text. */
static bool skip_headers(struct text *t)
{
    static const char *const known[] = {"Version:", "Comment:", "MessageID:", "Hash:", "Charset:"};
    struct text line;
    for (int count = 0; next_line(t, &line); count++) {
        if (!line.left)
            return true;
        bool ok = false;
        for (size_t i = 0; i < G_N_ELEMENTS(known) && !ok; i++)
            ok = line.left >= strlen(known[i]) &&
                 !strncasecmp(line.at, known[i], strlen(known[i]));
        if (!ok || count >= 8 || line.left > 200)
            return false;
    }
    return false;
}

static int digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool armor_base64(const char *text, size_t len, struct bytes *out)
{
    uint32_t bits = 0;
    int have = 0, pad = 0;
    bytes_reserve(out, len / 4 * 3 + 3);
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        int d = c == '=' ? 0 : digit(c);
        pad += c == '=';
        if (d < 0 || (pad && c != '=') || pad > 2)
            return false;
        bits = bits << 6 | (uint32_t)d;
        if (++have < 4)
            continue;
        for (int shift = 16; shift >= 8 * pad; shift -= 8)
            out->data[out->len++] = (unsigned char)(bits >> shift);
        out->data[out->len] = 0;
        bits = 0;
        have = 0;
    }
    return have == 0;
}

static bool crc_agrees(const struct text *line, const unsigned char *data, size_t len)
{
    struct bytes crc = {0};
    bool ok = armor_base64(line->at + 1, line->left - 1, &crc) && crc.len == 3;
    uint32_t want = ok ? (uint32_t)crc.data[0] << 16 | (uint32_t)crc.data[1] << 8 | crc.data[2] : 0;
    bytes_free(&crc);
    return ok && want == crc24(CRC_INIT, data, len);
}

bool armor_read(const char *text, size_t len, const char *label, struct bytes *out, size_t *used_r)
{
    struct text t = {text, len}, line;
    if (!next_line(&t, &line) || !line_is(&line, "BEGIN", label) || !skip_headers(&t))
        return false;
    const char *start = t.at;
    struct text crc = {0};
    bool ended = false;
    size_t data_len = 0;
    while (!ended && next_line(&t, &line)) {
        ended = line_is(&line, "END", label);
        if (!ended && crc.at)
            return false;
        if (line.left == 5 && *line.at == '=')
            crc = line;
        else if (!ended)
            data_len = (size_t)(t.at - start);
    }
    size_t before = out->len;
    if (!ended || !armor_base64(start, data_len, out))
        return false;
    if (used_r)
        *used_r = (size_t)(t.at - text);
    return !crc.at || crc_agrees(&crc, out->data + before, out->len - before);
}
