/* Splits headers into fields. Called by message.c, the sealing code and everything that reads a field. */
#include "base/mail/header.h"

#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/rfc2047.h"

bool header_is(const struct header *h, const char *name)
{
    return h->name_len == strlen(name) && g_ascii_strncasecmp(h->name, name, h->name_len) == 0;
}

bool header_starts(const struct header *h, const char *prefix)
{
    size_t len = strlen(prefix);
    return h->name_len >= len && g_ascii_strncasecmp(h->name, prefix, len) == 0;
}

bool header_is_structural(const struct header *h)
{
    return header_starts(h, "Content-") || header_is(h, "MIME-Version");
}

char *header_text(const struct header *h, struct limits_met *met)
{
    struct bytes out = {0};
    rfc2047_decode(&out, h->value, MIN(h->value_len, limits_get()->line_bytes), met);
    char *text = g_strndup(out.len ? (const char *)out.data : "", out.len);
    bytes_free(&out);
    return g_strstrip(text);
}

/* ---- from the bytes ---- */

static const char *line_after(const char *p, const char *end)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    return eol ? eol + 1 : end;
}

static bool starts_with(const char *p, const char *end, const char *prefix)
{
    size_t len = strlen(prefix);
    return (size_t)(end - p) >= len && memcmp(p, prefix, len) == 0;
}

/* The length from p to end without the last line end. */
static size_t without_eol(const char *p, const char *end)
{
    if (end > p && end[-1] == '\n')
        end--;
    if (end > p && end[-1] == '\r')
        end--;
    return (size_t)(end - p);
}

/* The colon after a field name (blanks before it allowed, RFC 5322, section 4.5); NULL if the line is no field. */
static const char *colon_of(const char *p, const char *end, size_t *name_len_r)
{
    const char *q = p;
    while (q < end && *q > 0x20 && *q != 0x7f && *q != ':')
        q++;
    *name_len_r = (size_t)(q - p);
    while (q < end && (*q == ' ' || *q == '\t'))
        q++;
    return *name_len_r && q < end && *q == ':' ? q : NULL;
}

static bool is_address(const struct header *h)
{
    static const char *const names[] = {"From", "To", "Cc", "Bcc", "Sender", "Reply-To"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    return false;
}

/* How much of a header is read. */
struct bound {
    size_t fields, bytes;
};

/* False if the field exceeds the fields, or ends beyond the bytes after the first field. */
static bool has_room(const GArray *headers, const struct header *h, const struct bound *most, const char *first,
                     struct limits_met *met)
{
    if (headers->len >= most->fields)
        limits_note(met, LIMITS_HEADER_COUNT);
    else if ((size_t)(h->start + h->len - first) > most->bytes)
        limits_note(met, LIMITS_HEADER_SIZE);
    else
        return true;
    return false;
}

/* Notes a field that is too long. It is kept whole; header_text and the others stop at the limit. */
static void note_length(const struct header *h, struct limits_met *met)
{
    const struct limits *l = limits_get();
    if (h->len > l->line_bytes)
        limits_note(met, LIMITS_LINE);
    if (h->len > l->address_bytes && is_address(h))
        limits_note(met, LIMITS_ADDRESS);
}

/* A line that is no field ends the header, as in Postfix: the body begins with it, and nothing is lost. So does
 * the first field beyond the limits: later ones may be forged, and are never sent outside the ciphertext. */
static GArray *scan_headers(const char **at, const char *end, const struct bound *most, struct limits_met *met)
{
    GArray *headers = g_array_new(FALSE, TRUE, sizeof(struct header));
    const char *p = *at;
    while (p < end) {
        struct header h = {.name = p, .start = p};
        const char *colon = colon_of(p, end, &h.name_len);
        if (!colon)
            break;
        do
            p = line_after(p, end);
        while (p < end && (*p == ' ' || *p == '\t'));
        h.len = (size_t)(p - h.start);
        h.value = colon + 1;
        h.value_len = without_eol(h.value, p);
        if (!has_room(headers, &h, most, *at, met)) {
            p = h.start;
            break;
        }
        note_length(&h, met);
        g_array_append_val(headers, h);
    }
    *at = p;
    return headers;
}

/* Skips the From_ line that mbox files and some MTAs put in front. */
static const char *first_header(const char *raw, const char *end)
{
    bool mbox = starts_with(raw, end, "From ") || starts_with(raw, end, ">From ");
    return mbox ? line_after(raw, end) : raw;
}

struct header *header_scan(const char *raw, size_t len, struct limits_met *met, size_t *count_r,
                           const char **end_r)
{
    const struct limits *l = limits_get();
    const struct bound most = {l->header_count, l->header_bytes};
    const char *at = first_header(raw, raw + len);
    GArray *headers = scan_headers(&at, raw + len, &most, met);
    *count_r = headers->len;
    *end_r = at;
    return (struct header *)(void *)g_array_free(headers, FALSE);
}

struct header *header_scan_roomy(const char *raw, size_t len, size_t *count_r, const char **end_r)
{
    const struct limits *l = limits_get();
    const struct bound most = {l->header_count + HEADER_ROOM_FIELDS, l->header_bytes + HEADER_ROOM_BYTES};
    const char *at = first_header(raw, raw + len);
    GArray *headers = scan_headers(&at, raw + len, &most, NULL);
    *count_r = headers->len;
    *end_r = at;
    return (struct header *)(void *)g_array_free(headers, FALSE);
}
