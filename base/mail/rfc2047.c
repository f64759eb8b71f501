/* Encoded words of header fields. Called by header.c and the tokenizer. */
#include "base/mail/rfc2047.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/charset.h"
#include "base/mail/decode.h"

enum { CHARSET_MAX = 40 };

struct word { /* =?charset?encoding?text?= (RFC 2047, section 2) */
    char charset[CHARSET_MAX];
    char encoding; /* 'b' or 'q' */
    const char *text;
    size_t len;
    const char *end; /* what follows the word */
    bool broken;
};

struct reader {
    struct bytes *out;
    struct bytes joined; /* decoded bytes of adjacent words in charset */
    char charset[CHARSET_MAX];
    int defects;
};

bool rfc2047_is_plain(const char *text, size_t len)
{
    const char *end = text + len, *p = text;
    unsigned char high = 0;
    for (size_t i = 0; i < len; i++)
        high |= (unsigned char)text[i];
    while (high < 0x80 && (p = memchr(p, '=', (size_t)(end - p))))
        if (++p < end && *p == '?')
            return false;
    return high < 0x80;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
        p++;
    return p;
}

/* Reads "charset?e?" after "=?"; skips a language after '*' (RFC 2231, section 5). NULL if this is no encoded
 * word. */
static const char *read_start(struct word *w, const char *p, const char *end)
{
    size_t n = 0;
    for (p = skip_blanks(p, end); p < end && *p != '?' && *p != '*'; p++) {
        if ((unsigned char)*p <= ' ')
            w->broken = true;
        else if (n + 1 < sizeof w->charset)
            w->charset[n++] = *p;
        else
            return NULL;
    }
    w->charset[n] = '\0';
    for (size_t language = 0; p < end && *p != '?' && language < CHARSET_MAX; language++)
        p++;
    if (n == 0 || end - p < 3 || *p != '?')
        return NULL;
    const char *encoding = skip_blanks(p + 1, end), *mark = skip_blanks(encoding + 1, end);
    if (mark >= end || *mark != '?')
        return NULL;
    w->broken = w->broken || mark != p + 2;
    w->encoding = g_ascii_tolower(*encoding);
    return mark + 1;
}

/* Reads the encoded word whose "=?" is at p. Without a "?=" it ends at the next blank, or where another word
 * begins; with a "?=" its text may hold blanks. */
static bool read_word(struct word *w, const char *p, const char *end)
{
    w->broken = false;
    w->text = read_start(w, p + 2, end);
    if (!w->text)
        return false;
    const char *blank = NULL, *q = w->text;
    for (; q < end; q++) {
        if (*q == '?' && q + 1 < end && q[1] == '=')
            break;
        if (*q == '=' && end - q > 2 && q[1] == '?' && q[2] != '=') /* not base64 padding before "?=" */
            break;
        if (!blank && (unsigned char)*q <= ' ')
            blank = q;
    }
    const bool closed = q < end && *q == '?';
    if (!closed && blank && q != end)
        q = blank;
    w->broken = w->broken || !closed || blank;
    w->len = (size_t)(q - w->text);
    w->end = closed ? q + 2 : q;
    return true;
}

static void flush(struct reader *r)
{
    if (r->joined.len > 0 && !charset_to_utf8(r->out, r->joined.data, r->joined.len, r->charset))
        r->defects |= RFC2047_CHARSET;
    bytes_clear(&r->joined);
}

static void add_word(struct reader *r, const struct word *w)
{
    if (g_ascii_strcasecmp(w->charset, r->charset) != 0) {
        flush(r);
        g_strlcpy(r->charset, w->charset, sizeof r->charset);
    }
    r->defects |= w->broken ? RFC2047_BROKEN : 0;
    const size_t before = r->joined.len;
    if (w->encoding == 'b') {
        decode_base64(&r->joined, w->text, w->len, w->len);
        return;
    }
    if (w->encoding != 'q')
        r->defects |= RFC2047_BROKEN;
    decode_qp(&r->joined, w->text, w->len, w->len);
    for (size_t i = before; i < r->joined.len; i++)
        if (r->joined.data[i] == '_')
            r->joined.data[i] = ' ';
}

/* Appends text that is not encoded. */
static void add_plain(struct reader *r, const char *p, size_t len)
{
    struct bytes line = {0};
    bool high = false;
    bytes_reserve(&line, len);
    for (size_t i = 0; i < len; i++) {
        high = high || (unsigned char)p[i] >= 0x80;
        if (p[i] != '\r' && p[i] != '\n')
            line.data[line.len++] = p[i] ? (unsigned char)p[i] : ' ';
    }
    if (high)
        r->defects |= RFC2047_RAW;
    charset_to_utf8(r->out, line.data, line.len, NULL);
    bytes_free(&line);
}

int rfc2047_decode(struct bytes *out, const char *text, size_t len, struct limits_met *met)
{
    struct reader r = {.out = out};
    const char *end = text + len, *plain = text, *p = text;
    bool after_word = false;
    for (size_t words = 0; p < end; words++) {
        const char *start = memmem(p, (size_t)(end - p), "=?", 2);
        struct word w;
        if (!start)
            break;
        if (words >= limits_get()->encoded_words) {
            limits_note(met, LIMITS_ENCODED_WORDS);
            break;
        }
        if (!read_word(&w, start, end)) {
            p = start + 2;
            continue;
        }
        if (!after_word || skip_blanks(plain, start) != start) { /* blanks between two encoded words are dropped
                                                                  * (RFC 2047, section 6.2) */
            flush(&r);
            add_plain(&r, plain, (size_t)(start - plain));
        }
        add_word(&r, &w);
        after_word = true;
        p = plain = w.end;
    }
    flush(&r);
    add_plain(&r, plain, (size_t)(end - plain));
    bytes_free(&r.joined);
    return r.defects;
}
