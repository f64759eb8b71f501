#include "classifier/text.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

static void latin1_to_utf8(struct bytes *out, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char utf8[6];
        bytes_add(out, utf8, (size_t)g_unichar_to_utf8(data[i] ? data[i] : ' ', utf8));
    }
}

/* Charsets that say nothing, or that cannot be true. */
static bool is_useless(const char *charset, const void *data, size_t len)
{
    static const char *const vague[] = {"us-ascii", "ascii", "utf-8", "utf8", "unknown-8bit"};
    if (!charset || !*charset)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(vague); i++)
        if (g_ascii_strcasecmp(charset, vague[i]) == 0)
            return true;
    /* Spam declares UTF-16 or UTF-32 for plain ASCII to blind its reader. */
    bool wide = g_ascii_strncasecmp(charset, "utf-16", 6) == 0 ||
                g_ascii_strncasecmp(charset, "utf-32", 6) == 0 ||
                g_ascii_strncasecmp(charset, "ucs-", 4) == 0;
    return wide && !memchr(data, 0, len);
}

static void convert(struct bytes *out, GIConv cd, char *in, gsize left)
{
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

/* UTF-8 as far as it is valid; each bad byte and NUL becomes U+FFFD. */
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

static bool is_mostly_utf8(const char *data, size_t len)
{
    const char *end;
    /* The last character may have been cut by a limit. */
    return g_utf8_validate_len(data, len, &end) || *end == 0 || (size_t)(end - data) + 4 > len;
}

void text_to_utf8(struct bytes *out, const void *data, size_t len, const char *charset)
{
    if (len == 0)
        return;
    if (is_useless(charset, data, len)) {
        if (is_mostly_utf8(data, len))
            repair_utf8(out, data, len);
        else
            latin1_to_utf8(out, data, len);
        return;
    }
    GIConv cd = g_iconv_open("UTF-8", charset);
    if (cd == (GIConv)-1) {
        text_to_utf8(out, data, len, NULL);
        return;
    }
    struct bytes raw = {0};
    char *copy = g_memdup2(data, len); /* iconv wants it writable by type */
    convert(&raw, cd, copy, len);
    g_iconv_close(cd);
    repair_utf8(out, (const char *)raw.data, raw.len);
    explicit_bzero(copy, len);
    g_free(copy);
    bytes_free(&raw);
}

static bool is_wide(gunichar c)
{
    return g_unichar_iswide(c) && g_unichar_isalpha(c);
}

static bool is_inner(gunichar c) /* part of a word only between others */
{
    return c == '\'' || c == '-' || c == '.' || c == '_' || c == '@' || c == 0x2019;
}

static bool is_word(gunichar c)
{
    return g_unichar_isalnum(c) || c == '$' || c == '!' || c == '%' || g_unichar_ismark(c);
}

static bool is_invisible(gunichar c) /* put between letters to hide a word */
{
    return c == 0xAD || (c >= 0x200B && c <= 0x200F) || c == 0x2060 || c == 0xFEFF;
}

struct scan {
    void (*fn)(enum text_kind, const char *, size_t, void *);
    void *arg;
    char word[TEXT_WORD_CHARS * 6 + 8];
    size_t len, chars, trailing; /* trailing: bytes of inner characters at its end */
    bool too_long;
};

static void end_word(struct scan *s)
{
    s->len -= s->trailing;
    s->word[s->len] = '\0';
    if (s->len > 0 && !s->too_long)
        s->fn(TEXT_WORD, s->word, s->len, s->arg);
    s->len = s->chars = s->trailing = 0;
    s->too_long = false;
}

static void add_char(struct scan *s, gunichar c)
{
    if (s->chars >= TEXT_WORD_CHARS) {
        s->too_long = true;
        return;
    }
    const size_t n = (size_t)g_unichar_to_utf8(g_unichar_tolower(c), s->word + s->len);
    s->len += n;
    s->chars++;
    s->trailing = is_inner(c) ? s->trailing + n : 0;
}

static void take_char(struct scan *s, gunichar c)
{
    if (is_invisible(c))
        return;
    if (is_wide(c)) { /* no blanks between words there: one character is a word, pairs do the rest */
        end_word(s);
        add_char(s, c);
        end_word(s);
    } else if (is_word(c) || (is_inner(c) && s->chars > 0)) {
        add_char(s, c);
    } else {
        end_word(s);
    }
}

/* Length of the run of base64 characters at p. */
static size_t base64_run(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && (g_ascii_isalnum(*q) || *q == '+' || *q == '/' || *q == '='))
        q++;
    return (size_t)(q - p);
}

static size_t url_length(const char *p, const char *end)
{
    static const char *const starts[] = {"http://", "https://", "ftp://", "www.", "mailto:"};
    const size_t left = (size_t)(end - p);
    bool found = false;
    for (size_t i = 0; i < G_N_ELEMENTS(starts) && !found; i++) {
        const size_t n = strlen(starts[i]);
        found = left > n && g_ascii_strncasecmp(p, starts[i], n) == 0 && g_ascii_isgraph(p[n]);
    }
    const char *q = p;
    while (found && q < end && (unsigned char)*q > ' ' && !strchr("\"<>()[]{}", *q))
        q++;
    return (size_t)(q - p);
}

/* Skips an inline OpenPGP message at p; returns where to go on. */
static const char *after_openpgp(const char *p, const char *end)
{
    static const char begin[] = "-----BEGIN PGP MESSAGE", finish[] = "-----END PGP MESSAGE-----";
    if ((size_t)(end - p) < sizeof begin || memcmp(p, begin, sizeof begin - 1) != 0)
        return p;
    const char *q = memmem(p, (size_t)(end - p), finish, sizeof finish - 1);
    return q ? q + sizeof finish - 1 : end;
}

/* What begins at a word's edge and is taken whole; returns where to go on, p if nothing. */
static const char *take_run(struct scan *s, const char *p, const char *end)
{
    if (*p == '-')
        return after_openpgp(p, end);
    const size_t url = url_length(p, end);
    if (url > 0) {
        s->fn(TEXT_URL, p, url, s->arg);
        return p + url;
    }
    const size_t run = base64_run(p, end);
    return run > TEXT_WORD_CHARS + 10 ? p + run : p;
}

void text_words(const char *text, size_t len,
                void (*fn)(enum text_kind kind, const char *word, size_t len, void *arg), void *arg)
{
    struct scan s = {.fn = fn, .arg = arg};
    const char *end = text + len;
    for (const char *p = text; p < end;) {
        if (s.chars == 0 && !s.too_long) {
            const char *next = take_run(&s, p, end);
            if (next != p) {
                p = next;
                continue;
            }
        }
        take_char(&s, g_utf8_get_char(p));
        p = g_utf8_next_char(p);
    }
    end_word(&s);
    explicit_bzero(&s, sizeof s);
}

void text_url_host(const char *url, size_t len, char *out, size_t out_size)
{
    const char *p = url, *end = url + len;
    const char *slashes = memmem(url, len, "//", 2);
    if (slashes)
        p = slashes + 2;
    else if (len > 7 && g_ascii_strncasecmp(url, "mailto:", 7) == 0)
        p = url + 7;
    else if (len < 4 || g_ascii_strncasecmp(url, "www.", 4) != 0)
        p = end;
    const char *stop = p;
    while (stop < end && !strchr("/?#", *stop))
        stop++;
    const char *at = memrchr(p, '@', (size_t)(stop - p));
    size_t n = 0;
    for (p = at ? at + 1 : p; p < stop && *p != ':' && n + 1 < out_size; p++)
        out[n++] = g_ascii_tolower(*p);
    while (n > 0 && p < stop && ((unsigned char)*p & 0xC0) == 0x80) /* no half character */
        p--, n--;
    while (n > 0 && out[n - 1] == '.')
        n--;
    out[n] = '\0';
}
