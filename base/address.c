/* Mail addresses: canonical form, extension, domain, file name. Called wherever an envelope, a setting or a
 * file of a user names an address. */
#include "base/address.h"

#include <glib.h>
#include <string.h>

#define ADDRESS_MAX_BYTES 320
#define UNREADABLE "\xef\xbf\xbd" /* U+FFFD: no user can have it in their name by chance */
/* What Postfix takes for blanks between the words of an address. */
#define BLANKS " \t\r\n\v\f"
/* A Linux file name has at most 255 bytes; leave room for ".db" and SQLite's "-journal". */
#define FILE_NAME_MAX_BYTES 200
#define FILE_NAME_KEPT_BYTES 128

/* Do not use g_utf8_strdown: in a Turkish locale it lowers I to a dotless i. */
/* As ICU folds I with a dot above, to two characters; a single one would be another letter's. */
#define DOTTED_I 0x130
#define DOTTED_I_LOWER "i\xcc\x87"

static char *lower(const char *text, size_t len)
{
    if (!g_utf8_validate(text, (gssize)len, NULL))
        return g_ascii_strdown(text, (gssize)len);
    GString *out = g_string_sized_new(len);
    for (const char *p = text; p < text + len; p = g_utf8_next_char(p))
        if (g_utf8_get_char(p) == DOTTED_I)
            g_string_append(out, DOTTED_I_LOWER);
        else
            g_string_append_unichar(out, g_unichar_tolower(g_utf8_get_char(p)));
    return g_string_free(out, FALSE);
}

/* Upper case Cherokee stays in Postfix's tables (ICU follows Unicode there), GLib makes it lower case. */
static bool folds_to_itself(gunichar c)
{
    return c >= 0x13a0 && c <= 0x13f5;
}

char *address_folded(const char *address)
{
    const size_t len = strlen(address);
    if (g_str_is_ascii(address) || !g_utf8_validate(address, (gssize)len, NULL))
        return g_ascii_strdown(address, (gssize)len);
    GString *out = g_string_sized_new(len);
    for (const char *p = address; *p;) {
        const char *next = g_utf8_next_char(p);
        g_autofree char *folded =
            folds_to_itself(g_utf8_get_char(p)) ? g_strndup(p, (gsize)(next - p)) : g_utf8_casefold(p, next - p);
        g_string_append(out, folded);
        p = next;
    }
    return g_string_free(out, FALSE);
}

char *address_canonical(const char *text)
{
    if (!text)
        return NULL;
    text += strspn(text, " \t");
    size_t len = strlen(text);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    if (len >= 2 && text[0] == '<' && text[len - 1] == '>') {
        text++;
        len -= 2;
    }
    if (!len)
        return NULL;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return NULL;
    char *address = lower(text, len);
    if (strlen(address) > ADDRESS_MAX_BYTES)
        g_clear_pointer(&address, g_free);
    return address;
}

static char *without_controls(const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    GString *out = g_string_sized_new(strlen(valid));
    for (const char *p = valid; *p; p++)
        if (g_ascii_iscntrl(*p))
            g_string_append(out, UNREADABLE);
        else
            g_string_append_c(out, *p);
    return g_string_free(out, FALSE);
}

/* Takes away the end of the local part, or of all if the domain alone is too long. Lower case may be longer, too. */
static void shorten(GString *address)
{
    const char *at = strrchr(address->str, '@');
    const gsize domain = at ? address->len - (gsize)(at - address->str) : 0;
    gsize end = address->len - (domain < ADDRESS_MAX_BYTES ? domain : 0);
    while (address->len > ADDRESS_MAX_BYTES && end) {
        const char *start = g_utf8_find_prev_char(address->str, address->str + end);
        const gsize from = start ? (gsize)(start - address->str) : 0;
        g_string_erase(address, (gssize)from, (gssize)(end - from));
        end = from;
    }
}

char *address_looked_up(const char *text)
{
    g_autofree char *whole = address_canonical(text);
    if (whole && g_utf8_validate(whole, -1, NULL))
        return g_steal_pointer(&whole);
    g_autofree char *readable = without_controls(text), *folded = lower(readable, strlen(readable));
    GString *address = g_string_new(folded);
    shorten(address);
    char *found = address_canonical(address->str);
    g_string_free(address, TRUE);
    return found ? found : g_strdup(UNREADABLE);
}

/* Strips quotes, backslashes, blanks and comments (RFC 5322, sections 3.2.2 and 3.2.4), a source route in front
 * of a bare colon (RFC 5321, section 4.1.2, A-d-l), and the root's dot. */
static GString *said_plainly(const char *p, bool keep_blanks)
{
    GString *out = g_string_new(NULL);
    bool quoted = false, literal = false, blank = false;
    for (int comment = 0; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
        } else if (*p == '"' && !comment) {
            quoted = !quoted;
            continue;
        } else if (!quoted && (*p == '(' || (*p == ')' && comment))) {
            comment += *p == '(' ? 1 : -1;
            continue;
        } else if (!quoted && !comment && !literal && *p == ':' && out->str[0] == '@') {
            g_string_truncate(out, 0);
            continue;
        } else if (!quoted && strchr(BLANKS, *p)) {
            blank = keep_blanks;
            continue;
        }
        literal = !quoted && (literal ? *p != ']' : *p == '[');
        if (comment)
            continue;
        if (blank && out->len && !strchr(".@[", out->str[out->len - 1]) && !strchr(".@]", *p))
            g_string_append_c(out, ' ');
        blank = false;
        g_string_append_c(out, *p);
    }
    while (out->len && out->str[out->len - 1] == '.')
        g_string_truncate(out, out->len - 1);
    return out;
}

char *address_meant(const char *address)
{
    GString *out = said_plainly(address, false);
    char *bang = strchr(out->str, '!'), *percent = strrchr(out->str, '%');
    if (!strchr(out->str, '@') && bang) {
        g_autofree char *swapped = g_strdup_printf("%s@%.*s", bang + 1, (int)(bang - out->str), out->str);
        g_string_assign(out, swapped);
    } else if (!strchr(out->str, '@') && percent) {
        *percent = '@';
    }
    return g_string_free(out, FALSE);
}

char *address_unquoted(const char *address)
{
    return g_string_free(said_plainly(address, true), FALSE);
}

/* The local part's length where it can have an extension, 0 if it cannot. */
static size_t divisible_len(const char *address, const char *delimiters)
{
    const char *at = strrchr(address, '@');
    const size_t local = at ? (size_t)(at - address) : strlen(address);
    return delimiters && *delimiters && address[0] != '"' ? local : 0;
}

char *address_without_extension(const char *address, const char *delimiters)
{
    const size_t local = divisible_len(address, delimiters);
    /* As Postfix: the first delimiter splits, and a local part cannot be extension alone. */
    for (size_t i = 1; i < local; i++)
        if (strchr(delimiters, address[i]))
            return g_strdup_printf("%.*s%s", (int)i, address, address + local);
    return NULL;
}

char *address_without_last_extension(const char *address, const char *delimiters)
{
    const size_t local = divisible_len(address, delimiters);
    for (size_t i = local; i > 1; i--)
        if (strchr(delimiters, address[i - 1]))
            return g_strdup_printf("%.*s%s", (int)(i - 1), address, address + local);
    return NULL;
}

const char *address_domain(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at + 1 : "";
}

static bool plain(char c)
{
    return g_ascii_islower(c) || g_ascii_isdigit(c) || strchr("@._+-", c);
}

char *address_to_file_name(const char *address)
{
    GString *out = g_string_new(NULL);
    for (const char *p = address; *p; p++) {
        if (plain(*p) && !(p == address && *p == '.'))
            g_string_append_c(out, *p);
        else
            g_string_append_printf(out, "%%%02X", (unsigned char)*p);
    }
    if (out->len > FILE_NAME_MAX_BYTES) {
        g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, address, -1);
        g_string_truncate(out, FILE_NAME_KEPT_BYTES);
        g_string_append_printf(out, "~%s", digest);
    }
    return g_string_free(out, FALSE);
}
