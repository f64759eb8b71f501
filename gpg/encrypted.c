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
#include "gpg/mime_part.h"

#define PARTS_MAX 100
#define BOUNDARY_BYTES_MAX 200
#define EMPTY_PART_BYTES 1024
#define BEGINNING_BYTES 256

struct encrypted {
    GPtrArray *blocks; /* of GArray of guint64: the key ids that one ciphertext names; S/MIME: none */
};

/* Where in a message we are. */
struct search {
    struct encrypted *found;
    bool list;  /* a mailing list's footer may follow: one */
    int nested; /* in so many multiparts */
};

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

/* True if these packets, or the block of armor, are one ciphertext. *used_r: how much of the text the block takes. */
static bool holds_ciphertext(struct search *p, struct mime_text t, bool binary, size_t *used_r)
{
    struct bytes packets = {0};
    GArray *ids = block_new();
    *used_r = t.len;
    const bool ok = binary ? ciphertext_is((const unsigned char *)t.at, t.len, ids)
                           : beside_armor_fits(t.at, t.len) && armor_read(t.at, t.len, "MESSAGE", &packets, used_r) &&
                                 ciphertext_is(packets.data, packets.len, ids);
    bytes_free(&packets);
    if (ok)
        g_ptr_array_add(p->found->blocks, ids);
    else
        block_free(ids);
    return ok;
}

static bool is_blank(struct mime_text t)
{
    return mime_part_trimmed(t.at, t.len).len == 0;
}

/* What stands below the end is a mailing list's footer, if there is a list. */
static bool may_follow(struct search *p, struct mime_text t)
{
    const bool fits = is_blank(t) || (p->list && mime_part_trimmed(t.at, t.len).len <= BESIDE_FOOTER_BYTES);
    p->list = p->list && is_blank(t);
    return fits;
}

static bool is_binary(struct mime_text t)
{
    return t.len && (unsigned char)t.at[0] & 0x80;
}

/* Looks at its beginning alone: most mail has no ciphertext, and is not decoded for that. */
static bool may_be_ciphertext(enum mime_part_coding coding, struct mime_text body)
{
    struct bytes held = {0};
    struct mime_text t = mime_part_trimmed(body.at, body.len);
    if (coding == MIME_PART_BASE64) {
        decode_base64(&held, t.at, MIN(t.len, BEGINNING_BYTES), BEGINNING_BYTES);
        t = (struct mime_text){(const char *)held.data, held.len};
    } else if (coding == MIME_PART_QP) {
        decode_qp(&held, t.at, MIN(t.len, BEGINNING_BYTES), BEGINNING_BYTES);
        t = (struct mime_text){(const char *)held.data, held.len};
    }
    bool maybe = coding == MIME_PART_BASE64 && is_binary(t);
    if (!maybe && t.at) {
        t = mime_part_trimmed(t.at, t.len);
        maybe = t.len >= 10 && !memcmp(t.at, "-----BEGIN", 10);
    }
    bytes_free(&held);
    return maybe;
}

/* Armor, or behind base64 bare packets; as text only armor, which a footer may follow. */
static bool is_ciphertext(struct search *p, enum mime_part_coding coding, struct mime_text body, bool as_text)
{
    struct bytes held = {0};
    struct mime_text t;
    size_t used;
    bool ok = may_be_ciphertext(coding, body) && mime_part_decode(coding, body, &held, &t);
    if (ok) {
        const bool binary = !as_text && coding == MIME_PART_BASE64 && is_binary(t);
        t = binary ? t : mime_part_trimmed(t.at, t.len);
        ok = holds_ciphertext(p, t, binary, &used);
        const struct mime_text rest = ok ? (struct mime_text){t.at + used, t.len - used} : t;
        ok = ok && (as_text ? may_follow(p, rest) : is_blank(rest));
    }
    bytes_free(&held);
    return ok;
}

static bool is_smime(struct search *p, enum mime_part_coding coding, struct mime_text body)
{
    struct bytes held = {0};
    struct mime_text t;
    const bool ok = mime_part_decode(coding, body, &held, &t) && cms_is_enveloped((const unsigned char *)t.at, t.len);
    bytes_free(&held);
    if (ok)
        g_ptr_array_add(p->found->blocks, block_new());
    return ok;
}

/* ---- parts ---- */

/* What a part is in a multipart that holds ciphertext; OTHER: nothing that belongs there. */
enum inner_kind { INNER_OTHER, INNER_VERSION, INNER_CIPHERTEXT, INNER_EMPTY, INNER_FOOTER };

static bool is_short_text(const struct mime_part *part, size_t max, bool version)
{
    struct bytes held = {0};
    struct mime_text t;
    bool ok = mime_part_decode(part->coding, part->body, &held, &t);
    if (ok) {
        t = mime_part_trimmed(t.at, t.len);
        ok = version ? t.len == max && !strncasecmp(t.at, "Version: 1", max) : t.len <= max;
    }
    bytes_free(&held);
    return ok;
}

static bool is_multipart(struct search *p, const struct message *m);

static bool is_nested(struct search *p, const struct mime_part *part)
{
    struct message *m = message_new(part->raw.at, part->raw.len);
    const bool ok = !p->nested++ && m->tree && !strcmp(message_type(m), part->type) && is_multipart(p, m);
    p->nested--;
    message_free(&m);
    return ok;
}

static enum inner_kind inner_kind_of(struct search *p, const struct mime_part *part)
{
    static const char *const data[] = {"application/octet-stream", "application/pgp-encrypted", "application/pgp", NULL};
    static const char *const smime[] = {"application/pkcs7-mime", "application/x-pkcs7-mime", NULL};
    static const char *const texts[] = {"text/plain", "text/html", NULL};
    const bool plain = !strcmp(part->type, "text/plain");
    const size_t len = part->body.len;
    if (!beside_fields_fit(part->raw.at, part->fields, part->field_count))
        return INNER_OTHER;
    if (!strcmp(part->type, data[1]) && is_short_text(part, strlen("Version: 1"), true))
        return INNER_VERSION;
    if ((plain || is_one_of(part->type, data)) && is_ciphertext(p, part->coding, part->body, plain))
        return INNER_CIPHERTEXT;
    if (is_one_of(part->type, smime) && is_smime(p, part->coding, part->body))
        return INNER_CIPHERTEXT;
    if (!strcmp(part->type, "multipart/encrypted") && is_nested(p, part))
        return INNER_CIPHERTEXT;
    if (is_one_of(part->type, texts) && len <= EMPTY_PART_BYTES && is_short_text(part, 0, false))
        return INNER_EMPTY;
    /* Three times: quoted-printable of other letters than Latin ones. */
    if (plain && p->list && len <= 3 * BESIDE_FOOTER_BYTES && is_short_text(part, BESIDE_FOOTER_BYTES, false))
        return INNER_FOOTER;
    return INNER_OTHER;
}

/* The parts that may come in this order. */
static bool may_come(enum inner_kind kind, size_t before, bool ciphertext, const char *multipart)
{
    if (!strcmp(multipart, "multipart/encrypted"))
        return kind == (before == 0 ? INNER_VERSION : before == 1 ? INNER_CIPHERTEXT : INNER_OTHER);
    return kind != INNER_OTHER && (kind != INNER_FOOTER || ciphertext);
}

static bool is_part(struct search *p, struct mime_text raw, size_t before, const char *multipart)
{
    const guint blocks = p->found->blocks->len;
    struct mime_part part;
    enum inner_kind kind = mime_part_read(&part, raw) ? inner_kind_of(p, &part) : INNER_OTHER;
    if (kind == INNER_CIPHERTEXT && !strcmp(multipart, "multipart/encrypted") && strcmp(part.type, "application/octet-stream"))
        kind = INNER_OTHER;
    mime_part_clear(&part);
    p->list = p->list && kind != INNER_FOOTER;
    return kind != INNER_OTHER && may_come(kind, before, blocks > 0, multipart);
}

static bool is_multipart(struct search *p, const struct message *m)
{
    const char *boundary = message_type_param(m, "boundary"), *type = message_type(m);
    const char *protocol = message_type_param(m, "protocol");
    const guint before = p->found->blocks->len;
    struct mime_parts parts = {boundary, {m->body, m->body_len}};
    struct mime_text stretch;
    bool last = false;
    if (!boundary || !*boundary || strlen(boundary) > BOUNDARY_BYTES_MAX ||
        mime_part_coding(m->headers, m->header_count) != MIME_PART_PLAIN)
        return false;
    if (!strcmp(type, "multipart/encrypted") && (!protocol || strcasecmp(protocol, "application/pgp-encrypted")))
        return false;
    if (!mime_parts_next(&parts, &stretch, &last) || last ||
        mime_part_trimmed(stretch.at, stretch.len).len > BESIDE_PREAMBLE_BYTES)
        return false;
    for (size_t i = 0; !last; i++)
        if (i == PARTS_MAX || !mime_parts_next(&parts, &stretch, &last) || !is_part(p, stretch, i, type))
            return false;
    return p->found->blocks->len > before && may_follow(p, parts.left);
}

/* ---- the whole ---- */

static bool is_encrypted(struct search *p, const struct message *m)
{
    static const char *const smime[] = {"application/pkcs7-mime", "application/x-pkcs7-mime", NULL};
    static const char *const multiparts[] = {"multipart/encrypted", "multipart/mixed", NULL};
    const char *type = message_type(m);
    const enum mime_part_coding coding = mime_part_coding(m->headers, m->header_count);
    const struct mime_text body = {m->body, m->body_len};
    if (is_one_of(type, multiparts))
        return is_multipart(p, m);
    if (is_one_of(type, smime))
        return is_smime(p, coding, body);
    return !strcmp(type, "text/plain") && is_ciphertext(p, coding, body, true);
}

struct encrypted *encrypted_new(const struct message *m)
{
    struct encrypted *e = g_new0(struct encrypted, 1);
    struct search p = {.found = e, .list = message_header(m, "List-Id") != NULL};
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
