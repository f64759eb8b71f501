/* Splits multiparts strictly, without GMime, which forgives what other mail readers do not. Called by
 * encrypted.c. */
#include "gpg/mime_part.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#include "base/mail/decode.h"
#include "gpg/armor.h"
#include "gpg/mime_value.h"

/* ---- header ---- */

/* Finds the field. *many_r: there are two or more, and mail readers differ in which one they believe. */
static const struct header *only_field(const struct header *fields, size_t count, const char *name, bool *many_r)
{
    const struct header *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!header_is(&fields[i], name))
            continue;
        *many_r |= found != NULL;
        found = &fields[i];
    }
    return found;
}

enum mime_part_coding mime_part_coding(const struct header *fields, size_t count)
{
    static const struct {
        const char *word;
        enum mime_part_coding coding;
    } known[] = {{"7bit", MIME_PART_PLAIN}, {"8bit", MIME_PART_PLAIN}, {"binary", MIME_PART_PLAIN},
                 {"base64", MIME_PART_BASE64}, {"quoted-printable", MIME_PART_QP}};
    bool many = false;
    only_field(fields, count, "Content-Type", &many);
    const struct header *h = only_field(fields, count, "Content-Transfer-Encoding", &many);
    if (many)
        return MIME_PART_UNKNOWN;
    if (!h)
        return MIME_PART_PLAIN;
    const struct mime_text t = mime_text_trimmed(h->value, h->value_len);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (t.len == strlen(known[i].word) && !strncasecmp(t.at, known[i].word, t.len))
            return known[i].coding;
    return MIME_PART_UNKNOWN;
}

char *mime_part_type(const struct header *fields, size_t count)
{
    bool many = false;
    const struct header *h = only_field(fields, count, "Content-Type", &many);
    struct mime_value v = {.left = {h ? h->value : "", h ? h->value_len : 0}};
    struct mime_piece p;
    if (!h)
        return g_strdup("text/plain");
    while (!many && mime_value_next(&v, &p) == 1)
        if (p.kind == MIME_WORD)
            return g_ascii_strdown(p.text.at, (gssize)p.text.len);
    return NULL;
}

bool mime_part_read(struct mime_part *p, struct mime_text raw)
{
    const char *end;
    *p = (struct mime_part){.raw = raw};
    p->fields = header_scan(raw.at, raw.len, NULL, &p->field_count, &end);
    p->body = (struct mime_text){end, (size_t)(raw.at + raw.len - end)};
    const size_t line_end = p->body.len >= 2 && !memcmp(end, "\r\n", 2) ? 2 : p->body.len && *end == '\n';
    p->body.at += line_end;
    p->body.len -= line_end;
    p->coding = mime_part_coding(p->fields, p->field_count);
    p->type = mime_part_type(p->fields, p->field_count);
    /* header_scan skips a line "From ", as mbox files have it; a part has none. */
    const bool from = (p->field_count ? p->fields[0].start : end) != raw.at;
    return line_end && !from && p->type && p->coding != MIME_PART_UNKNOWN;
}

void mime_part_clear(struct mime_part *p)
{
    g_free(p->fields);
    g_free(p->type);
    *p = (struct mime_part){0};
}

/* ---- content ---- */

bool mime_part_decode(enum mime_part_coding coding, struct mime_text body, struct bytes *held,
                      struct mime_text *content_r)
{
    bool ok = coding != MIME_PART_UNKNOWN;
    *content_r = body;
    if (coding == MIME_PART_BASE64)
        ok = armor_base64(body.at, body.len, held);
    else if (coding == MIME_PART_QP)
        decode_qp(held, body.at, body.len, body.len);
    if (coding == MIME_PART_BASE64 || coding == MIME_PART_QP)
        *content_r = (struct mime_text){held->data ? (const char *)held->data : "", held->len};
    return ok;
}

/* ---- delimiters ---- */

/* Is this line a delimiter? 1: yes; 2: the closing one; 0: no. */
static int is_delimiter(struct mime_text line, const char *boundary, size_t boundary_len)
{
    while (line.len && g_ascii_isspace(line.at[line.len - 1]))
        line.len--;
    if (line.len < boundary_len + 2 || memcmp(line.at, "--", 2) ||
        memcmp(line.at + 2, boundary, boundary_len))
        return 0;
    const struct mime_text rest = {line.at + 2 + boundary_len, line.len - 2 - boundary_len};
    return rest.len == 0 ? 1 : rest.len == 2 && !memcmp(rest.at, "--", 2) ? 2 : 0;
}

bool mime_parts_next(struct mime_parts *p, struct mime_text *before_r, bool *last_r)
{
    const char *start = p->left.at, *end = start + p->left.len;
    const size_t boundary_len = strlen(p->boundary);
    for (const char *at = start, *next; at < end; at = next) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        next = lf ? lf + 1 : end;
        const int kind = is_delimiter((struct mime_text){at, (size_t)(next - at)}, p->boundary, boundary_len);
        if (!kind)
            continue;
        *before_r = (struct mime_text){start, (size_t)(at - start)};
        *last_r = kind == 2;
        p->left = (struct mime_text){next, (size_t)(end - next)};
        return true;
    }
    return false;
}
