/* Decides by structure whether a message is encrypted already. What is not clearly encrypted is sealed: doing it
 * once too often harms nobody. Called by the pipeline and by seal.c. */
#include "gpg/encrypted.h"

#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/mail/decode.h"
#include "base/mail/header.h"
#include "gpg/armor.h"
#include "gpg/beside.h"
#include "gpg/ciphertext.h"
#include "gpg/cms.h"
#include "gpg/empty_html.h"
#include "gpg/list_footer.h"
#include "gpg/mime_part.h"
#include "gpg/mime_value.h"
#include "gpg/radix.h"

#define PARTS_MAX 100
#define BOUNDARY_BYTES_MAX 100 /* RFC 2046 allows 70 */
#define NESTED_MAX 2 /* a list around what Exchange makes of two empty texts */
#define EMPTY_BYTES 256
#define EMPTY_HTML_BYTES 2048
#define BEGINNING_BYTES 256

struct encrypted {
    GPtrArray *blocks; /* of GArray of guint64: the key ids that one ciphertext names; S/MIME: none */
};

/* Where in a message we are. */
struct search {
    struct encrypted *found;
    struct beside beside;
    const struct message *whole;
    bool footer; /* its list's one footer was there */
    int nested;  /* in so many multiparts */
};

static const char *const data_types[] = {"application/octet-stream", "application/pgp-encrypted", "application/pgp", NULL};
static const char *const smime_types[] = {"application/pkcs7-mime", "application/x-pkcs7-mime", NULL};

static bool is_one_of(const char *type, const char *const *types)
{
    return g_strv_contains(types, type);
}

/* ---- what a ciphertext is ---- */

static void block_free(gpointer block)
{
    g_array_unref(block);
}

static GArray *block_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(guint64));
}

/* Notes whose keys a ciphertext names, if it is one. */
static bool found(struct search *p, bool ok, GArray *ids)
{
    if (ok)
        g_ptr_array_add(p->found->blocks, ids);
    else
        block_free(ids);
    return ok;
}

static bool are_packets(struct search *p, struct mime_text t)
{
    GArray *ids = block_new();
    return found(p, ciphertext_is((const unsigned char *)t.at, t.len, ids), ids);
}

/* True if the text begins with a block of armor that is one ciphertext. *used_r: how much of the text it takes. */
static bool is_armor(struct search *p, struct mime_text t, size_t *used_r)
{
    struct bytes packets = {0};
    GArray *ids = block_new();
    const bool ok = armor_read(t.at, t.len, "MESSAGE", &packets, used_r) && beside_takes_armor(&p->beside, t) &&
                    !radix_armor_has_words((struct mime_text){t.at, *used_r}, ciphertext_head(packets.data, packets.len)) &&
                    ciphertext_is(packets.data, packets.len, ids);
    bytes_free(&packets);
    return found(p, ok, ids);
}

static bool is_blank(struct mime_text t)
{
    return mime_text_trimmed(t.at, t.len).len == 0;
}

/* What stands below the end is a mailing list's footer, if there is a list; be it one that says little of itself, if
 * it is as short as what may stand above. */
static bool may_follow(struct search *p, struct mime_text t)
{
    if (is_blank(t))
        return true;
    const struct list list = list_of(p->whole);
    const bool again = p->footer;
    p->footer = true;
    return list.id.len && !again &&
           (list_footer_is(&list, t) || beside_takes(&p->beside, mime_text_trimmed(t.at, t.len).len));
}

static bool is_binary(struct mime_text t)
{
    return t.len && (unsigned char)t.at[0] & 0x80;
}

/* Without the line end that belongs to the delimiter behind a part, unless base64 has none. */
static struct mime_text without_line_end(struct mime_text t)
{
    size_t len = t.len;
    if (len && t.at[len - 1] == '\n')
        len--;
    if (len && len < t.len && t.at[len - 1] == '\r')
        len--;
    return (struct mime_text){t.at, len};
}

/* Looks at its beginning alone: most mail has no ciphertext, and is not decoded for that. */
static bool may_be_ciphertext(enum mime_part_coding coding, struct mime_text body, bool as_text)
{
    struct bytes held = {0};
    struct mime_text t = mime_text_trimmed(body.at, body.len);
    if (coding == MIME_PART_BASE64) {
        decode_base64(&held, t.at, MIN(t.len, BEGINNING_BYTES), BEGINNING_BYTES);
        t = (struct mime_text){(const char *)held.data, held.len};
    } else if (coding == MIME_PART_QP) {
        decode_qp(&held, t.at, MIN(t.len, BEGINNING_BYTES), BEGINNING_BYTES);
        t = (struct mime_text){(const char *)held.data, held.len};
    }
    bool maybe = !as_text && is_binary(t);
    if (!maybe && t.at) {
        t = mime_text_trimmed(t.at, t.len);
        maybe = t.len >= 10 && !memcmp(t.at, "-----BEGIN", 10);
    }
    bytes_free(&held);
    return maybe;
}

/* True if the decoded content is packets, to the last byte. */
static bool is_bare_ciphertext(struct search *p, enum mime_part_coding coding, struct mime_text body, struct mime_text t)
{
    if (coding == MIME_PART_BASE64)
        return !radix_has_words(body, ciphertext_head((const unsigned char *)t.at, t.len)) && are_packets(p, t);
    return are_packets(p, without_line_end(t)) || are_packets(p, t);
}

/* Armor, or bare packets; as text only armor, which a footer may follow. */
static bool is_ciphertext(struct search *p, enum mime_part_coding coding, struct mime_text body, bool as_text)
{
    struct bytes held = {0};
    struct mime_text t;
    size_t used;
    bool ok = may_be_ciphertext(coding, body, as_text) && mime_part_decode(coding, body, &held, &t);
    if (ok && !as_text && is_binary(t)) {
        ok = is_bare_ciphertext(p, coding, body, t);
    } else if (ok) {
        t = mime_text_trimmed(t.at, t.len);
        ok = is_armor(p, t, &used);
        const struct mime_text rest = ok ? (struct mime_text){t.at + used, t.len - used} : t;
        ok = ok && (as_text ? may_follow(p, rest) : is_blank(rest));
    }
    bytes_free(&held);
    return ok;
}

static bool is_cms(struct mime_text t)
{
    return cms_is_enveloped((const unsigned char *)t.at, t.len);
}

static bool is_smime(struct search *p, enum mime_part_coding coding, struct mime_text body)
{
    struct bytes held = {0};
    struct mime_text t;
    bool ok = mime_part_decode(coding, body, &held, &t);
    if (coding == MIME_PART_BASE64)
        ok = ok && !radix_has_words(body, t.len) && is_cms(t); /* names of issuers are text */
    else
        ok = ok && (is_cms(without_line_end(t)) || is_cms(t));
    bytes_free(&held);
    return found(p, ok, block_new());
}

/* True if a file's name ends so: programs that do not know the type call S/MIME application/octet-stream. */
static bool is_file_p7m(const struct header *fields, size_t count)
{
    static const char ending[] = ".p7m";
    const size_t n = strlen(ending);
    for (size_t i = 0; i < count; i++) {
        struct mime_value v = {.left = {fields[i].value, fields[i].value_len}};
        struct mime_piece piece;
        if (!header_is(&fields[i], "Content-Type") && !header_is(&fields[i], "Content-Disposition"))
            continue;
        while (mime_value_next(&v, &piece) == 1)
            if (piece.kind == MIME_PARAMETER && piece.text.len > n &&
                !strncasecmp(piece.text.at + piece.text.len - n, ending, n))
                return true;
    }
    return false;
}

/* What a message or a part of it says of its content. */
struct entity {
    const char *type; /* in lower case */
    enum mime_part_coding coding;
    const struct header *fields;
    size_t field_count;
    struct mime_text body;
};

static bool is_encrypted_leaf(struct search *p, const struct entity *e)
{
    const bool plain = !strcmp(e->type, "text/plain");
    if (is_one_of(e->type, smime_types) || (!strcmp(e->type, data_types[0]) && is_file_p7m(e->fields, e->field_count)))
        return is_smime(p, e->coding, e->body);
    return (plain || is_one_of(e->type, data_types)) && is_ciphertext(p, e->coding, e->body, plain);
}

/* ---- parts ---- */

/* What a part is in a multipart that holds ciphertext; OTHER: nothing that belongs there. */
enum inner_kind { INNER_OTHER, INNER_VERSION, INNER_CIPHERTEXT, INNER_EMPTY, INNER_FOOTER };

static bool is_version(struct mime_text t)
{
    static const char version[] = "Version: 1";
    return t.len == strlen(version) && !strncasecmp(t.at, version, t.len);
}

static enum inner_kind text_kind_of(struct search *p, const char *type, struct mime_text t)
{
    size_t other;
    if (!strcmp(type, "application/pgp-encrypted"))
        return is_version(t) ? INNER_VERSION : INNER_OTHER;
    if (!t.len || (!strcmp(type, "text/html") && empty_html_is(t, &other) && beside_takes(&p->beside, other)))
        return INNER_EMPTY;
    return !strcmp(type, "text/plain") && p->found->blocks->len && may_follow(p, t) ? INNER_FOOTER : INNER_OTHER;
}

/* A part that holds no ciphertext, but belongs to one. */
static enum inner_kind short_kind_of(struct search *p, const struct mime_part *part)
{
    static const char *const texts[] = {"text/plain", "text/html", "application/pgp-encrypted", NULL};
    /* Three times: quoted-printable of other letters than Latin ones. */
    const size_t most = !strcmp(part->type, "text/html") ? EMPTY_HTML_BYTES
                        : p->found->blocks->len          ? 3 * LIST_FOOTER_BYTES
                                                         : EMPTY_BYTES;
    struct bytes held = {0};
    struct mime_text t;
    enum inner_kind kind = INNER_OTHER;
    if (is_one_of(part->type, texts) && part->body.len <= most && mime_part_decode(part->coding, part->body, &held, &t))
        kind = text_kind_of(p, part->type, mime_text_trimmed(t.at, t.len));
    bytes_free(&held);
    return kind;
}

static bool is_multipart(struct search *p, const struct message *m, const char *type);

static enum inner_kind nested_kind_of(struct search *p, const struct mime_part *part)
{
    const guint before = p->found->blocks->len;
    struct message *m = message_new(part->raw.at, part->raw.len);
    const bool ok = p->nested++ < NESTED_MAX && m->tree && is_multipart(p, m, part->type);
    p->nested--;
    message_free(&m);
    return !ok ? INNER_OTHER : p->found->blocks->len > before ? INNER_CIPHERTEXT : INNER_EMPTY;
}

static const char *const multipart_types[] = {"multipart/encrypted", "multipart/mixed", "multipart/alternative", NULL};

static enum inner_kind inner_kind_of(struct search *p, const struct mime_part *part)
{
    const struct entity e = {part->type, part->coding, part->fields, part->field_count, part->body};
    if (!beside_takes_fields(&p->beside, part->fields, part->field_count))
        return INNER_OTHER;
    if (is_one_of(part->type, multipart_types))
        return nested_kind_of(p, part);
    return is_encrypted_leaf(p, &e) ? INNER_CIPHERTEXT : short_kind_of(p, part);
}

/* multipart/encrypted has a version and a ciphertext (RFC 3156 section 4). */
static bool may_come(enum inner_kind kind, size_t before, const char *multipart)
{
    if (!strcmp(multipart, multipart_types[0]))
        return before < 2 && kind == (before ? INNER_CIPHERTEXT : INNER_VERSION);
    return kind != INNER_OTHER;
}

static bool is_part(struct search *p, struct mime_text raw, size_t before, const char *multipart)
{
    struct mime_part part;
    enum inner_kind kind = mime_part_read(&part, raw) ? inner_kind_of(p, &part) : INNER_OTHER;
    if (kind == INNER_CIPHERTEXT && !strcmp(multipart, "multipart/encrypted") && strcmp(part.type, data_types[0]))
        kind = INNER_OTHER;
    mime_part_clear(&part);
    return may_come(kind, before, multipart);
}

/* True if no part holds anything but ciphertext and what belongs to it; there may be no ciphertext. */
static bool is_multipart(struct search *p, const struct message *m, const char *type)
{
    const char *boundary = message_type_param(m, "boundary"), *protocol = message_type_param(m, "protocol");
    struct mime_parts parts = {boundary, {m->body, m->body_len}};
    struct mime_text stretch;
    bool last = false;
    if (!boundary || !*boundary || strlen(boundary) > BOUNDARY_BYTES_MAX ||
        mime_part_coding(m->headers, m->header_count) != MIME_PART_PLAIN)
        return false;
    if (!strcmp(type, "multipart/encrypted") && (!protocol || strcasecmp(protocol, "application/pgp-encrypted")))
        return false;
    if (!mime_parts_next(&parts, &stretch, &last) || last || !beside_takes_preamble(&p->beside, stretch))
        return false;
    for (size_t i = 0; !last; i++)
        if (i == PARTS_MAX || !mime_parts_next(&parts, &stretch, &last) || !is_part(p, stretch, i, type))
            return false;
    return may_follow(p, parts.left);
}

/* ---- the whole ---- */

static bool is_encrypted(struct search *p, const struct message *m)
{
    g_autofree char *type = mime_part_type(m->headers, m->header_count);
    const struct entity e = {type, mime_part_coding(m->headers, m->header_count), m->headers, m->header_count,
                             {m->body, m->body_len}};
    if (!type || !(is_one_of(type, multipart_types) ? is_multipart(p, m, type) : is_encrypted_leaf(p, &e)))
        return false;
    return p->found->blocks->len && beside_takes_outer(&p->beside, m->headers, m->header_count);
}

struct encrypted *encrypted_new(const struct message *m)
{
    struct encrypted *e = g_new0(struct encrypted, 1);
    struct search p = {.found = e, .whole = m};
    e->blocks = g_ptr_array_new_with_free_func(block_free);
    if (!m->tree || !is_encrypted(&p, m))
        encrypted_free(&e);
    return e;
}

void encrypted_free(struct encrypted **e)
{
    if (!*e)
        return;
    g_ptr_array_unref((*e)->blocks);
    g_clear_pointer(e, g_free);
}

static bool names_one_of(const GArray *block, const GArray *key_ids)
{
    for (guint i = 0; i < block->len; i++) {
        const guint64 id = g_array_index(block, guint64, i);
        for (guint k = 0; id && k < key_ids->len; k++)
            if (g_array_index(key_ids, guint64, k) == id)
                return true;
        if (!id)
            return true;
    }
    return block->len == 0;
}

bool encrypted_is_for(const struct encrypted *e, const GArray *key_ids)
{
    for (guint i = 0; i < e->blocks->len; i++)
        if (!names_one_of(e->blocks->pdata[i], key_ids))
            return false;
    return true;
}
