/* Tells what programs write beside a ciphertext from what a sender writes. Called by encrypted.c. */
#include "gpg/beside.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#include "gpg/mime_value.h"
#include "gpg/program_words.h"

#define PART_FIELDS_BYTES 1024
#define PART_X_FIELDS 4
#define SHORT_BYTES 100
#define SHORT_WORDS 3
#define FILE_NAME_BYTES 48
#define DATE_BYTES 40
#define ARMOR_HEADERS 4
#define ARMOR_HEADER_BYTES 100

bool beside_takes(struct beside *b, size_t bytes)
{
    b->bytes += MIN(bytes, BESIDE_BYTES + 1);
    return b->bytes <= BESIDE_BYTES;
}

bool beside_takes_preamble(struct beside *b, struct mime_text t)
{
    const size_t len = mime_text_trimmed(t.at, t.len).len;
    return len <= BESIDE_PREAMBLE_BYTES && beside_takes(b, len);
}

static bool equals(struct mime_text t, const char *word)
{
    return t.len == strlen(word) && !strncasecmp(t.at, word, t.len);
}

/* ---- values ---- */

/* One to three words, as a program's values are and a sentence is not. */
static bool takes_short(struct beside *b, struct mime_text t)
{
    size_t words = 0;
    for (size_t i = 0; i < t.len; i++)
        words += !g_ascii_isspace(t.at[i]) && (i == 0 || g_ascii_isspace(t.at[i - 1]));
    return t.len <= SHORT_BYTES && words <= SHORT_WORDS && beside_takes(b, t.len);
}

/* A word without blanks. */
static bool takes_word(struct beside *b, struct mime_text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (g_ascii_isspace(t.at[i]))
            return false;
    return t.len <= SHORT_BYTES && beside_takes(b, t.len);
}

/* How long the name is without RFC 2231's escapes, which are three bytes for one. */
static size_t name_len(struct mime_text t)
{
    size_t len = 0;
    for (size_t i = 0; i < t.len; len++)
        i += t.at[i] == '%' && i + 2 < t.len && g_ascii_isxdigit(t.at[i + 1]) && g_ascii_isxdigit(t.at[i + 2]) ? 3 : 1;
    return len;
}

/* Parts say a file's name two or three times: *last is what was counted. */
static bool takes_file(struct beside *b, struct mime_text t, struct mime_text *last)
{
    const bool again = last->len == t.len && t.len && !memcmp(last->at, t.at, t.len);
    if (again || program_words_file(t))
        return true;
    *last = t;
    return name_len(t) <= FILE_NAME_BYTES && beside_takes(b, name_len(t));
}

/* "a.pdf" is a name, "see you at nine" is none. */
static bool is_file(struct mime_text t)
{
    const char *dot = t.len ? memrchr(t.at, '.', t.len) : NULL;
    const size_t ending = dot ? (size_t)(t.at + t.len - dot) - 1 : 0;
    bool ok = dot && dot > t.at && ending >= 1 && ending <= 5;
    for (size_t i = 1; ok && i <= ending; i++)
        ok = g_ascii_isalnum(dot[i]);
    return ok;
}

/* "Tue, 20 Aug 2019 11:12:56 GMT": numbers, and the words that dates have. */
static bool is_date(struct mime_text t)
{
    static const char words[] = " mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec gmt utc ut z ";
    for (size_t i = 0; i < t.len;) {
        size_t n = 0;
        while (i + n < t.len && g_ascii_isalpha(t.at[i + n]))
            n++;
        g_autofree char *low = g_ascii_strdown(t.at + i, (gssize)n), *word = g_strconcat(" ", low, " ", NULL);
        if (n ? !strstr(words, word) : !g_ascii_isdigit(t.at[i]) && !(t.at[i] && strchr(" ,:+-()", t.at[i])))
            return false;
        i += MAX(n, 1);
    }
    return t.len <= DATE_BYTES;
}

static bool is_number(struct mime_text t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!g_ascii_isdigit(t.at[i]))
            return false;
    return t.len <= 20;
}

/* ---- fields of a part ---- */

/* Parameters whose values are protocol, not text. */
static bool is_protocol(const struct mime_piece *p)
{
    static const struct {
        const char *name, *values;
    } known[] = {
        {"format", "flowed fixed text mime"}, {"delsp", "yes no"}, {"protocol", "application/pgp-encrypted"},
        {"smime-type", "enveloped-data enveloped authEnveloped-data authenveloped-data"},
        {"x-action", "encrypt pgp-encrypt encrypted pgp-encrypted encryptsign signencrypt"},
        {"reply-type", "original response"}, {"protected-headers", "v1"}, {"hp", "cipher clear"},
        {"version", "1"}, {"type", "text/plain multipart/alternative"},
    };
    static const char *const numbers[] = {"size", "x-unix-mode"};
    static const char *const dates[] = {"creation-date", "modification-date", "read-date"};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        if (!equals(p->name, known[i].name))
            continue;
        g_auto(GStrv) values = g_strsplit(known[i].values, " ", -1);
        for (char **v = values; *v; v++)
            if (equals(p->text, *v))
                return true;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (equals(p->name, numbers[i]))
            return is_number(p->text);
    for (size_t i = 0; i < G_N_ELEMENTS(dates); i++)
        if (equals(p->name, dates[i]))
            return is_date(p->text);
    return equals(p->name, "charset") && program_words_charset(p->text);
}

/* The names of RFC 2231's pieces end with "*", "*0", "*0*". */
static bool is_named(struct mime_text name, const char *want)
{
    const size_t n = strlen(want);
    for (size_t i = n; i < name.len; i++)
        if (i == n ? name.at[i] != '*' : name.at[i] != '*' && !g_ascii_isdigit(name.at[i]))
            return false;
    return name.len >= n && name.len <= n + 5 && !strncasecmp(name.at, want, n);
}

/* A word's length is its reader's to judge: only known types are ciphertext. */
static bool takes_parameters(struct beside *b, struct mime_text value, struct mime_text *file)
{
    struct mime_value v = {.left = value};
    struct mime_piece p;
    int more;
    while ((more = mime_value_next(&v, &p)) == 1) {
        const bool name = is_named(p.name, "name") || is_named(p.name, "filename");
        if (p.kind == MIME_COMMENT && !takes_short(b, p.text))
            return false;
        if (p.kind != MIME_PARAMETER || is_protocol(&p))
            continue;
        if (name ? !takes_file(b, p.text, file) : !takes_word(b, p.text) || !beside_takes(b, p.name.len))
            return false;
    }
    return more == 0;
}

/* RFC 2183 */
static bool takes_disposition(struct beside *b, struct mime_text value, struct mime_text *file)
{
    struct mime_value v = {.left = value};
    struct mime_piece p;
    return mime_value_next(&v, &p) == 1 && p.kind == MIME_WORD && (equals(p.text, "inline") || equals(p.text, "attachment")) &&
           takes_parameters(b, value, file);
}

/* "1.0", or what Apple Mail makes of it. */
static bool is_mime_version(struct mime_text t)
{
    if (t.len < 3 || memcmp(t.at, "1.0", 3))
        return false;
    t = mime_text_trimmed(t.at + 3, t.len - 3);
    return !t.len || (t.len > 2 && *t.at == '(' && t.at[t.len - 1] == ')' &&
                      program_words_mime_version((struct mime_text){t.at + 1, t.len - 2}));
}

/* Language tags: "en-US, de" */
static bool takes_languages(struct beside *b, struct mime_text t)
{
    size_t letters = 0;
    for (size_t i = 0; i < t.len; i++) {
        letters = g_ascii_isalnum(t.at[i]) ? letters + 1 : 0;
        if (letters > 8 || (!letters && !(t.at[i] && strchr("-, ", t.at[i]))))
            return false;
    }
    return takes_short(b, t);
}

static bool takes_description(struct beside *b, struct mime_text t, struct mime_text *file)
{
    return program_words_description(t) || (is_file(t) && takes_file(b, t, file));
}

/* False also for a field that is not known here; *known_r. */
static bool takes_content(struct beside *b, const struct header *h, struct mime_text *file, bool *known_r)
{
    const struct mime_text t = mime_text_trimmed(h->value, h->value_len);
    *known_r = true;
    if (header_is(h, "Content-Type"))
        return takes_parameters(b, t, file);
    if (header_is(h, "Content-Disposition"))
        return takes_disposition(b, t, file);
    if (header_is(h, "Content-Description"))
        return takes_description(b, t, file);
    if (header_is(h, "Content-Language"))
        return takes_languages(b, t);
    if (header_is(h, "Content-ID") || header_is(h, "Content-Location"))
        return takes_word(b, t);
    if (header_is(h, "MIME-Version"))
        return is_mime_version(t);
    *known_r = header_is(h, "Content-Transfer-Encoding"); /* mime_part_coding knows its words */
    return *known_r;
}

/* Fields of Symantec's gateway, of which a part has several. */
static bool is_known_x(const struct header *h)
{
    return header_starts(h, "X-Content-PGP-Universal-Saved-Content-") || header_is(h, "X-PGP-MIME-Structure") ||
           header_is(h, "X-PGP-Context") || header_is(h, "X-PGP-Encoding-Format") || header_is(h, "X-PGP-Encoding-Version");
}

static bool takes_other(struct beside *b, const struct header *h, bool name)
{
    return (!name || beside_takes(b, h->name_len)) && takes_short(b, mime_text_trimmed(h->value, h->value_len));
}

bool beside_takes_fields(struct beside *b, const struct header *fields, size_t count)
{
    struct mime_text file = {"", 0};
    size_t len = 0, others = 0;
    for (size_t i = 0; i < count; i++) {
        bool known;
        len += fields[i].len;
        if (takes_content(b, &fields[i], &file, &known))
            continue;
        const bool symantec = is_known_x(&fields[i]);
        others += !symantec;
        if (known || !header_starts(&fields[i], "X-") || others > PART_X_FIELDS || !takes_other(b, &fields[i], !symantec))
            return false;
    }
    return len <= PART_FIELDS_BYTES;
}

bool beside_takes_outer(struct beside *b, const struct header *fields, size_t count)
{
    struct mime_text file = {"", 0};
    for (size_t i = 0; i < count; i++) {
        bool known;
        if (header_is_structural(&fields[i]) && !takes_content(b, &fields[i], &file, &known) &&
            (known || !takes_other(b, &fields[i], true)))
            return false;
    }
    return true;
}

/* ---- header lines of armor ---- */

bool beside_takes_armor(struct beside *b, struct mime_text text)
{
    const char *end = text.at + text.len, *at = memchr(text.at, '\n', text.len);
    for (int count = 0; at; count++) {
        const char *line = at + 1, *next = memchr(line, '\n', (size_t)(end - line));
        const struct mime_text t = mime_text_trimmed(line, (size_t)((next ? next : end) - line));
        size_t unknown;
        if (!t.len)
            return true;
        if (count >= ARMOR_HEADERS || t.len > ARMOR_HEADER_BYTES + strlen("MessageID: ") ||
            !program_words_armor(t, &unknown) || !beside_takes(b, unknown))
            return false;
        at = next;
    }
    return false;
}
