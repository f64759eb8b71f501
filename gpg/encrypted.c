/* Decides by structure whether a message is encrypted already (seal_is_encrypted in seal.h). What is not
 * clearly encrypted is encrypted: doing it once too often harms nobody. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "gpg/armor.h"
#include "gpg/cms.h"
#include "gpg/packets.h"
#include "gpg/seal.h"

#define PART_HEADERS_MAX_BYTES 2048

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

static bool text_is(struct text t, const char *want)
{
    return t.len == strlen(want) && !strncasecmp(t.at, want, t.len);
}

/* ---- headers ---- */

/* Finds the header field. *many_r: there are two or more, and mail readers differ in which one they believe. */
static const struct header *only_header(const struct message *m, const char *name, bool *many_r)
{
    const struct header *found = NULL;
    for (size_t i = 0; i < m->header_count; i++) {
        if (!header_is(&m->headers[i], name))
            continue;
        *many_r |= found != NULL;
        found = &m->headers[i];
    }
    return found;
}

enum coding { CODING_OTHER, CODING_NONE, CODING_BASE64 };

static enum coding coding_of(const struct message *m)
{
    bool many = false;
    only_header(m, "Content-Type", &many);
    const struct header *h = only_header(m, "Content-Transfer-Encoding", &many);
    if (many)
        return CODING_OTHER;
    if (!h)
        return CODING_NONE;
    struct text t = trimmed(h->value, h->value_len);
    if (text_is(t, "base64"))
        return CODING_BASE64;
    bool none = text_is(t, "7bit") || text_is(t, "8bit") || text_is(t, "binary");
    return none ? CODING_NONE : CODING_OTHER;
}

/* ---- one armored block and nothing else ---- */

static bool is_block(const char *body, size_t len)
{
    struct text t = trimmed(body, len);
    struct bytes packets = {0};
    size_t used = 0;
    bool ok = armor_read(t.at, t.len, "MESSAGE", &packets, &used) && used == t.len &&
              packets_are_encrypted(packets.data, packets.len);
    bytes_free(&packets);
    return ok;
}

/* ---- multipart/encrypted ---- */

struct parts {
    struct text part[2];
    int count;
};

/* True for the preamble that Enigmail, Thunderbird and their kin write: a fixed text, so no message hides in
 * it. */
static bool is_usual_preamble(struct text t)
{
    static const char usual[] = "This is an OpenPGP/MIME encrypted message (RFC ";
    if (t.len < sizeof usual || t.len > sizeof usual + 20 ||
        strncmp(t.at, usual, sizeof usual - 1) || t.at[t.len - 1] != ')')
        return false;
    struct text rest = {t.at + sizeof usual - 1, t.len - sizeof usual};
    for (size_t i = 0; i < rest.len; i++) {
        if (g_ascii_isdigit(rest.at[i]))
            continue;
        if (rest.len - i < 5 || strncmp(rest.at + i, " and ", 5))
            return false;
        i += 4;
    }
    return true;
}

/* Is this line the boundary delimiter (RFC 2046 section 5.1.1)? 1: yes; 2: the closing one; 0: no. */
static int is_delimiter(struct text line, const char *boundary, size_t boundary_len)
{
    while (line.len && strchr(" \t\r\n", line.at[line.len - 1]) && line.at[line.len - 1])
        line.len--;
    if (line.len < boundary_len + 2 || memcmp(line.at, "--", 2) ||
        memcmp(line.at + 2, boundary, boundary_len))
        return 0;
    struct text rest = {line.at + 2 + boundary_len, line.len - 2 - boundary_len};
    return rest.len == 0 ? 1 : rest.len == 2 && !memcmp(rest.at, "--", 2) ? 2 : 0;
}

/* Stores the text between two delimiters: the preamble, the first or the second part. */
static bool take_stretch(struct parts *p, const char *from, const char *to)
{
    struct text t = {from, (size_t)(to - from)};
    if (p->count == 0) {
        struct text preamble = trimmed(from, t.len);
        return preamble.len == 0 || is_usual_preamble(preamble);
    }
    if (p->count > 2)
        return false;
    p->part[p->count - 1] = t;
    return true;
}

static bool split(const struct message *m, const char *boundary, struct parts *p)
{
    const char *at = m->body, *end = m->body + m->body_len, *from = at;
    size_t boundary_len = strlen(boundary);
    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const char *next = lf ? lf + 1 : end;
        int kind = is_delimiter((struct text){at, (size_t)(next - at)}, boundary, boundary_len);
        if (kind) {
            if (!take_stretch(p, from, at))
                return false;
            if (kind == 2)
                return p->count == 2 && trimmed(next, (size_t)(end - next)).len == 0;
            p->count++;
            from = next;
        }
        at = next;
    }
    return false;
}

/* True if the part has this type and no header fields except those that describe a part. */
static bool is_plain_part(const struct message *part, const char *type)
{
    size_t headers_len = 0;
    for (size_t i = 0; i < part->header_count; i++) {
        if (!header_starts(&part->headers[i], "Content-"))
            return false;
        headers_len += part->headers[i].len;
    }
    return part->header_count && part->headers[0].start == part->raw &&
           headers_len <= PART_HEADERS_MAX_BYTES && coding_of(part) == CODING_NONE &&
           !strcmp(message_type(part), type);
}

static bool part_holds(struct text raw, const char *type, bool (*fits)(const char *, size_t))
{
    struct message *part = message_new(raw.at, raw.len);
    bool ok = is_plain_part(part, type) && fits(part->body, part->body_len);
    message_free(&part);
    return ok;
}

static bool is_version(const char *body, size_t len)
{
    return text_is(trimmed(body, len), "Version: 1");
}

static bool is_pgpmime(const struct message *m)
{
    struct parts p = {0};
    const char *protocol = message_type_param(m, "protocol");
    const char *boundary = message_type_param(m, "boundary");
    if (!protocol || strcasecmp(protocol, "application/pgp-encrypted") || !boundary ||
        !*boundary || strlen(boundary) > 200 || coding_of(m) != CODING_NONE)
        return false;
    return split(m, boundary, &p) &&
           part_holds(p.part[0], "application/pgp-encrypted", is_version) &&
           part_holds(p.part[1], "application/octet-stream", is_block);
}

/* ---- the others ---- */

static bool is_smime(const struct message *m)
{
    struct bytes der = {0};
    enum coding coding = coding_of(m);
    bool ok = false;
    if (coding == CODING_NONE)
        ok = cms_is_enveloped((const unsigned char *)m->body, m->body_len);
    else if (coding == CODING_BASE64)
        ok = armor_base64(m->body, m->body_len, &der) && cms_is_enveloped(der.data, der.len);
    bytes_free(&der);
    return ok;
}

bool seal_is_encrypted(const struct message *m)
{
    const char *type = message_type(m);
    if (!m->tree)
        return false;
    if (!strcmp(type, "multipart/encrypted"))
        return is_pgpmime(m);
    if (!strcmp(type, "application/pkcs7-mime") || !strcmp(type, "application/x-pkcs7-mime"))
        return is_smime(m);
    if (!strcmp(type, "text/plain"))
        return coding_of(m) == CODING_NONE && is_block(m->body, m->body_len);
    return false;
}
