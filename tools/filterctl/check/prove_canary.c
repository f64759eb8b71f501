/* The message that "check --prove" sends: a secret word in each of its places, and the search for them in
 * any encoding. Called by prove.c and prove_watch.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "tools/filterctl/check/prove.h"

#define ROOT_CHARS 12
#define WORD_CHARS 24
#define FORMS 9

static char *random_word(int chars)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    GString *out = g_string_new(NULL);
    for (int i = 0; i < chars; i++)
        g_string_append_c(out, letters[g_random_int_range(0, sizeof letters - 1)]);
    return g_string_free(out, FALSE);
}

void filterctl_canary_init(struct filterctl_canary *c)
{
    c->id = random_word(WORD_CHARS);
    c->root = random_word(ROOT_CHARS);
    for (int i = 0; i < CANARY_PLACES; i++) {
        g_autofree char *rest = random_word(WORD_CHARS - ROOT_CHARS);
        c->words[i] = g_strconcat(c->root, rest, NULL);
    }
}

void filterctl_canary_clear(struct filterctl_canary *c)
{
    g_clear_pointer(&c->id, g_free);
    g_clear_pointer(&c->root, g_free);
    for (int i = 0; i < CANARY_PLACES; i++)
        g_clear_pointer(&c->words[i], g_free);
}

static char *in_hex(const char *word, const char *format)
{
    GString *out = g_string_new(NULL);
    for (const char *p = word; *p; p++)
        g_string_append_printf(out, format, *p);
    return g_string_free(out, FALSE);
}

static char *in_base64(const char *text)
{
    return g_base64_encode((const guchar *)text, strlen(text));
}

void filterctl_canary_write(const struct filterctl_canary *c, const char *from, const char *to, GString *out)
{
    char *const *w = c->words;
    g_autofree char *coded = g_strdup_printf("%s stands in this part.\r\n", w[CANARY_BASE64]);
    g_autofree char *kept = g_strdup_printf("%s stands in this file.\r\n", w[CANARY_ATTACHMENT]);
    g_autofree char *base64 = in_base64(coded);
    g_autofree char *file = in_base64(kept);
    g_autofree char *quoted = in_hex(w[CANARY_QUOTED], "=%02X");
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *date = g_date_time_format(now, "%a, %d %b %Y %H:%M:%S +0000");
    g_string_append_printf(out,
                           "From: %s\r\nTo: %s\r\nSubject: %s a test of filterctl check --prove\r\n"
                           "Date: %s\r\nMessage-ID: <%s@filterctl.prove>\r\nAuto-Submitted: auto-generated\r\n"
                           "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=next\r\n\r\n",
                           from, to, w[CANARY_SUBJECT], date, c->id);
    g_string_append_printf(out,
                           "--next\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n"
                           "\"filterctl check --prove\" sent this message to see where its words appear on\r\n"
                           "the way: %s.\r\nIt can be deleted.\r\n",
                           w[CANARY_TEXT]);
    g_string_append_printf(out,
                           "--next\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                           "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n"
                           "--next\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                           "Content-Transfer-Encoding: quoted-printable\r\n\r\nA word:\r\n%s\r\n",
                           base64, quoted);
    g_string_append_printf(out,
                           "--next\r\nContent-Type: application/octet-stream\r\n"
                           "Content-Disposition: attachment; filename=\"%s.bin\"\r\n"
                           "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--next--\r\n",
                           w[CANARY_NAME], file);
}

struct form {
    char *bytes;
    size_t len;
};

/* The part of the word's base64 that does not depend on its neighbours, if the word begins before bytes (0
 * to 2) after a group of three. */
static struct form aligned(const char *word, size_t before)
{
    g_autofree char *padded = g_strdup_printf("%.*s%s", (int)before, "--", word);
    char *text = in_base64(padded);
    const size_t first = before ? 4 : 0, last = strlen(padded) / 3 * 4;
    memmove(text, text + first, last - first);
    text[last - first] = 0;
    return (struct form){text, last - first};
}

static struct form wide(const char *word)
{
    const size_t n = strlen(word);
    char *out = g_malloc0(2 * n);
    for (size_t i = 0; i < n; i++)
        out[2 * i] = word[i];
    return (struct form){out, 2 * n - 1};
}

static struct form plain(char *text)
{
    return (struct form){text, strlen(text)};
}

static bool contains(const char *data, size_t len, const char *word)
{
    struct form forms[FORMS] = {
        plain(g_strdup(word)),         aligned(word, 0),
        aligned(word, 1),              aligned(word, 2),
        plain(in_hex(word, "=%02X")),  plain(in_hex(word, "=%02x")),
        plain(in_hex(word, "%02x")),   plain(in_hex(word, "%02X")),
        wide(word),
    };
    bool found = false;
    for (size_t i = 0; i < FORMS; i++) {
        found = found || memmem(data, len, forms[i].bytes, forms[i].len);
        g_free(forms[i].bytes);
    }
    return found;
}

static bool has(const char *data, size_t len, const char *text)
{
    return memmem(data, len, text, strlen(text)) != NULL;
}

unsigned filterctl_canary_find(const struct filterctl_canary *c, const char *data, size_t len)
{
    unsigned found = 0;
    g_autofree char *field = g_strdup_printf("Message-ID: <%s@", c->id);
    if (len == 0)
        return 0;
    if (has(data, len, field))
        found |= CANARY_MARKED | (has(data, len, "-----BEGIN PGP MESSAGE-----") ? CANARY_SEALED : 0);
    if (!contains(data, len, c->root)) /* saves five sixths of the work: nearly no text holds it */
        return found;
    for (int i = 0; i < CANARY_PLACES; i++)
        if (contains(data, len, c->words[i]))
            found |= 1u << i;
    return found;
}

char *filterctl_canary_places(unsigned mask)
{
    static const char *const names[] = {"text",    "base64 part", "quoted-printable part",
                                        "subject", "attachment",  "attachment's name"};
    GString *out = g_string_new(NULL);
    for (int i = 0; i < CANARY_PLACES; i++)
        if (mask & 1u << i)
            g_string_append_printf(out, "%s%s", out->len ? ", " : "", names[i]);
    return g_string_free(out, FALSE);
}
