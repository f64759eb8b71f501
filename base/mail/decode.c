/* Content-Transfer-Encodings as mail clients decode them. Called by message_tree.c, reading.c and rfc2047.c. */
#include "base/mail/decode.h"

#include <glib.h>
#include <string.h>

enum {
    LINE_LEAST = 32,     /* the first line of a run of base64 has at least so many characters */
    SAMPLE_BYTES = 1024, /* bytes examined to tell text from noise */
};

#define NONE 0xFF
#define PAD 0xFE

/* Values of both base64 alphabets (RFC 4648, sections 4 and 5): mail mixes them. */
static const unsigned char *base64_values(void)
{
    static unsigned char values[256];
    static bool done;
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if (done)
        return values;
    memset(values, NONE, sizeof values);
    for (unsigned char i = 0; i < 64; i++)
        values[(unsigned char)alphabet[i]] = i;
    values['-'] = 62;
    values['_'] = 63;
    values['='] = PAD;
    done = true;
    return values;
}

/* Writes the bytes of a group of count characters that a '=' or the end of the text cut short; returns how
 * many. */
static size_t end_group(unsigned char *to, guint32 bits, int count)
{
    if (count < 2)
        return 0;
    bits <<= 6 * (4 - count);
    to[0] = (unsigned char)(bits >> 16);
    to[1] = (unsigned char)(bits >> 8);
    return (size_t)count - 1;
}

bool decode_base64(struct bytes *out, const char *text, size_t len, size_t limit)
{
    const unsigned char *values = base64_values();
    const unsigned char *p = (const unsigned char *)text, *end = p + len;
    bool clean = true, padded = false;
    guint32 bits = 0;
    int count = 0;
    bytes_reserve(out, MIN(len / 4 * 3 + 4, limit + 4));
    unsigned char *to = out->data + out->len, *stop = to + MIN(len / 4 * 3 + 1, limit);
    for (; p < end && to < stop; p++) {
        const unsigned char value = values[*p];
        if (value < 64) {
            clean = clean && !padded;
            bits = bits << 6 | value;
            if (++count < 4)
                continue;
            to[0] = (unsigned char)(bits >> 16);
            to[1] = (unsigned char)(bits >> 8);
            to[2] = (unsigned char)bits;
            to += 3;
            bits = 0;
            count = 0;
        } else if (value == PAD) {
            to += end_group(to, bits, count);
            padded = true;
            bits = 0;
            count = 0;
        } else if (*p > ' ') {
            clean = false;
        }
    }
    if (to < stop)
        to += end_group(to, bits, count);
    out->len = (size_t)(to - out->data);
    out->data[out->len] = 0;
    return clean;
}

/* Returns what follows the soft line break ("=", blanks, line end) at p, or p if there is none. */
static const char *after_soft_break(const char *p, const char *end)
{
    const char *q = p + 1;
    while (q < end && (*q == ' ' || *q == '\t' || *q == '\r'))
        q++;
    if (q == end)
        return end;
    return *q == '\n' ? q + 1 : p;
}

void decode_qp(struct bytes *out, const char *text, size_t len, size_t limit)
{
    const char *p = text, *end = text + len;
    const size_t most = out->len + limit;
    bytes_reserve(out, MIN(len, limit));
    while (p < end && out->len < most) {
        const char *equals = memchr(p, '=', (size_t)(end - p));
        const size_t run = MIN((size_t)((equals ? equals : end) - p), most - out->len);
        bytes_add(out, p, run);
        p += run;
        if (p != equals || out->len == most)
            continue;
        const int high = end - p > 2 ? g_ascii_xdigit_value(p[1]) : -1;
        const int low = high >= 0 ? g_ascii_xdigit_value(p[2]) : -1;
        const char *next = p;
        if (low >= 0) {
            const unsigned char byte = (unsigned char)(high << 4 | low);
            bytes_add(out, &byte, 1);
            next = p + 3;
        } else if ((next = after_soft_break(p, end)) == p) {
            bytes_add(out, p, 1);
            next = p + 1;
        }
        p = next;
    }
}

enum decode_encoding decode_encoding_of(const char *value, bool *odd_r)
{
    static const struct {
        const char *name;
        enum decode_encoding encoding;
    } names[] = {
        {"7bit", DECODE_IDENTITY},       {"8bit", DECODE_IDENTITY}, {"binary", DECODE_IDENTITY},
        {"base64", DECODE_BASE64},       {"quoted-printable", DECODE_QP},
        {"x-uuencode", DECODE_UU},       {"uuencode", DECODE_UU},   {"x-uue", DECODE_UU},
    };
    *odd_r = false;
    if (!value)
        return DECODE_IDENTITY;
    size_t n = 0;
    while (*value && !g_ascii_isalnum(*value)) {
        *odd_r = *odd_r || !g_ascii_isspace(*value);
        const char *close = *value == '(' ? strchr(value, ')') : NULL;
        value = close ? close + 1 : value + 1;
    }
    while (g_ascii_isalnum(value[n]) || value[n] == '-')
        n++;
    for (const char *p = value + n; *p; p++)
        *odd_r = *odd_r || !g_ascii_isspace(*p);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i].name) == n && g_ascii_strncasecmp(value, names[i].name, n) == 0)
            return names[i].encoding;
    *odd_r = *odd_r || n > 0;
    return n > 0 ? DECODE_UNKNOWN : DECODE_IDENTITY;
}

/* The length of the line at p without its line end. */
static size_t line_length(const char *p, const char *end)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    eol = eol ? eol : end;
    return (size_t)(eol - p) - (eol > p && eol[-1] == '\r');
}

static const char *line_after(const char *p, const char *end)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    return eol ? eol + 1 : end;
}

/* A line of base64: letters alone may be a long word; base64 of text holds capitals and digits, too. */
static bool is_base64_line(const char *p, size_t len)
{
    const unsigned char *values = base64_values();
    bool upper = false, lower = false;
    for (size_t i = 0; i < len; i++) {
        if (values[(unsigned char)p[i]] == NONE || p[i] == '-' || p[i] == '_')
            return false;
        upper = upper || g_ascii_isupper(p[i]);
        lower = lower || g_ascii_islower(p[i]);
    }
    return len > 0 && (len < LINE_LEAST || (upper && lower));
}

/* Returns where the run of base64 lines that begins at p ends; p if there is none. */
static const char *after_base64(const char *p, const char *end)
{
    const size_t first = line_length(p, end);
    if (first < LINE_LEAST || !is_base64_line(p, first))
        return p;
    const char *q = line_after(p, end);
    while (q < end) {
        const size_t n = line_length(q, end);
        if (!is_base64_line(q, n))
            break;
        q = line_after(q, end);
        if (n != first)
            break;
    }
    return q;
}

bool decode_is_base64(const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end && g_ascii_isspace(*text))
        text++;
    const size_t first = line_length(text, end);
    return first >= LINE_LEAST && first <= 1000 && is_base64_line(text, first) &&
           after_base64(text, end) > line_after(text, end);
}

bool decode_is_text(const void *data, size_t len)
{
    const unsigned char *p = data;
    const size_t n = MIN(len, SAMPLE_BYTES);
    size_t odd = 0;
    for (size_t i = 0; i < n; i++)
        odd += p[i] < ' ' && !(p[i] >= '\t' && p[i] <= '\r') && p[i] != 0x1B;
    return odd * 20 <= n;
}

/* Appends a run of base64 decoded if it is text, else drops it as noise. */
static void add_base64(struct bytes *out, const char *p, size_t len, size_t limit)
{
    struct bytes decoded = {0};
    decode_base64(&decoded, p, len, limit);
    if (decoded.len > 0 && decode_is_text(decoded.data, decoded.len))
        bytes_add(out, decoded.data, decoded.len);
    bytes_adds(out, "\n");
    bytes_free(&decoded);
}

void decode_loosely(struct bytes *out, const char *text, size_t len, size_t limit)
{
    const char *end = text + len, *plain = text;
    const size_t most = out->len + limit;
    for (const char *p = text; p < end && out->len < most;) {
        const char *q = after_base64(p, end);
        if (q == p) {
            p = line_after(p, end);
            continue;
        }
        decode_qp(out, plain, (size_t)(p - plain), most - out->len);
        if (out->len < most)
            add_base64(out, p, (size_t)(q - p), most - out->len);
        p = plain = q;
    }
    if (out->len < most)
        decode_qp(out, plain, (size_t)(end - plain), most - out->len);
}
