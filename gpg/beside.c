/* Tells what programs write beside a ciphertext from what a sender writes. Called by encrypted.c, mime_part.c,
 * ciphertext.c and cms.c. */
#include "gpg/beside.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#define PART_FIELDS_BYTES 1024
#define PART_X_FIELDS 4
#define X_FIELD_BYTES 100
#define ARMOR_HEADERS 4
#define ARMOR_HEADER_BYTES 100

struct text {
    const char *at;
    size_t len;
};

static struct text trimmed(const char *at, size_t len)
{
    while (len && g_ascii_isspace(*at)) {
        at++;
        len--;
    }
    while (len && g_ascii_isspace(at[len - 1]))
        len--;
    return (struct text){at, len};
}

/* ---- text in place of ciphertext ---- */

/* The length of the character of ASCII or UTF-8 that begins here; 0: none does. */
static size_t character(const unsigned char *data, size_t len)
{
    const unsigned char c = *data;
    const size_t want = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
    if (want > len)
        return 0;
    for (size_t i = 1; i < want; i++)
        if ((data[i] & 0xc0) != 0x80)
            return 0;
    return want;
}

bool beside_has_text(const unsigned char *data, size_t len, size_t run)
{
    size_t start = 0;
    for (size_t i = 0; i < len;) {
        const size_t n = character(data + i, len - i);
        i += n ? n : 1;
        if (!n)
            start = i;
        else if (i - start >= run)
            return true;
    }
    return false;
}

/* ---- text that a program writes ---- */

static bool mentions(struct text t, const char *word)
{
    const size_t n = strlen(word);
    for (size_t i = 0; i + n <= t.len; i++)
        if (!strncasecmp(t.at + i, word, n))
            return true;
    return false;
}

/* True for one word, and for text that speaks of OpenPGP, as comments of programs do: "Using GnuPG with Thunderbird",
 * "https://www.mailvelope.com", "Seamlessly send and receive encrypted email". A sender's own words do not. */
static bool is_of_a_program(struct text t)
{
    static const char *const words[] = {"PGP", "GnuPG", "GPG", "encrypt", "version code", "://", "www."};
    bool one_word = true, told = false;
    for (size_t i = 0; i < t.len; i++)
        one_word &= !g_ascii_isspace(t.at[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(words) && !told; i++)
        told = mentions(t, words[i]);
    return one_word || told;
}

/* True if some word is a version: "2.0.22", "v2". */
static bool has_version(struct text t)
{
    for (size_t i = 0; i < t.len; i++) {
        if (i && !g_ascii_isspace(t.at[i - 1]))
            continue;
        const size_t digit = i + (t.at[i] == 'v' || t.at[i] == 'V');
        if (digit < t.len && g_ascii_isdigit(t.at[digit]))
            return true;
    }
    return false;
}

/* ---- fields of a part ---- */

static bool is_known_content(const struct header *h)
{
    static const char *const known[] = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition",
                                        "Content-ID", "Content-Language", "Content-Location"};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (header_is(h, known[i]))
            return true;
    return false;
}

bool beside_fields_fit(const char *raw, const struct header *fields, size_t count)
{
    size_t len = 0, others = 0;
    if (count && fields[0].start != raw)
        return false;
    for (size_t i = 0; i < count; i++) {
        const struct text value = trimmed(fields[i].value, fields[i].value_len);
        len += fields[i].len;
        if (is_known_content(&fields[i]))
            continue;
        const bool described = header_is(&fields[i], "Content-Description") && is_of_a_program(value);
        const bool other = header_is(&fields[i], "MIME-Version") || (header_starts(&fields[i], "X-") && ++others <= PART_X_FIELDS);
        if ((!described && !other) || value.len > X_FIELD_BYTES)
            return false;
    }
    return len <= PART_FIELDS_BYTES;
}

/* ---- header lines of armor (RFC 4880 section 6.2) ---- */

static bool armor_header_fits(struct text line)
{
    static const char *const known[] = {"Version:", "Comment:", "MessageID:", "Hash:", "Charset:"};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        const size_t n = strlen(known[i]);
        if (line.len < n || strncasecmp(line.at, known[i], n))
            continue;
        const struct text value = trimmed(line.at + n, line.len - n);
        return value.len <= ARMOR_HEADER_BYTES && (is_of_a_program(value) || (i == 0 && has_version(value)));
    }
    return false;
}

bool beside_armor_fits(const char *text, size_t len)
{
    const char *end = text + len, *at = memchr(text, '\n', len);
    for (int count = 0; at; count++) {
        const char *line = at + 1, *next = memchr(line, '\n', (size_t)(end - line));
        const struct text t = trimmed(line, (size_t)((next ? next : end) - line));
        if (!t.len)
            return true;
        if (count >= ARMOR_HEADERS || !armor_header_fits(t))
            return false;
        at = next;
    }
    return false;
}
