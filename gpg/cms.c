/* Recognises S/MIME enveloped-data by its DER or BER structure (RFC 5652). Called by encrypted.c. */
#include "gpg/cms.h"

#include <stdint.h>
#include <string.h>

#include "gpg/beside.h"

#define NESTING_MAX 16

#define TAG_INTEGER 0x02
#define TAG_OID 0x06
#define TAG_SEQUENCE 0x30
#define TAG_SET 0x31
#define TAG_CONTEXT_0 0xa0
#define TAG_CONTEXT_0_PLAIN 0x80

struct ber { /* read position in encoded values */
    const unsigned char *data;
    size_t len;
};

struct element {
    int tag;
    struct ber content;
};

static bool read_head(struct ber *b, int *tag_r, size_t *len_r, bool *open_r)
{
    if (b->len < 2 || (b->data[0] & 0x1f) == 0x1f)
        return false;
    *tag_r = b->data[0];
    unsigned first = b->data[1], count = first & 0x7f;
    b->data += 2;
    b->len -= 2;
    *open_r = first == 0x80;
    *len_r = first < 0x80 ? first : 0;
    if (first <= 0x80)
        return !*open_r || (*tag_r & 0x20);
    if (count > 4 || count > b->len)
        return false;
    for (; count; count--, b->data++, b->len--)
        *len_r = *len_r << 8 | *b->data;
    return true;
}

/* Finds the end of a value with indefinite length, which two zero bytes close (X.690 section 8.1.3.6). */
static bool skip_open(struct ber *b, int depth)
{
    while (depth < NESTING_MAX) {
        int tag;
        size_t len;
        bool open;
        if (!read_head(b, &tag, &len, &open))
            return false;
        if (tag == 0 && len == 0 && !open)
            return true;
        if (open ? !skip_open(b, depth + 1) : len > b->len)
            return false;
        b->data += len;
        b->len -= len;
    }
    return false;
}

static bool next(struct ber *b, struct element *e_r)
{
    size_t len;
    bool open;
    if (!read_head(b, &e_r->tag, &len, &open))
        return false;
    e_r->content = (struct ber){b->data, len};
    if (open) {
        const unsigned char *start = b->data;
        if (!skip_open(b, 0))
            return false;
        e_r->content.len = (size_t)(b->data - start) - 2;
        return true;
    }
    if (len > b->len)
        return false;
    b->data += len;
    b->len -= len;
    return true;
}

/* Replaces b by the content of its element, if b is exactly one element with this tag. */
static bool enter_only(struct ber *b, int tag)
{
    struct element e;
    if (!next(b, &e) || e.tag != tag || b->len)
        return false;
    *b = e.content;
    return true;
}

static bool is_enveloped_type(const struct ber *oid)
{
    static const unsigned char enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
    static const unsigned char auth_enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                                   0x01, 0x09, 0x10, 0x01, 0x17};
    return (oid->len == sizeof enveloped && !memcmp(oid->data, enveloped, oid->len)) ||
           (oid->len == sizeof auth_enveloped && !memcmp(oid->data, auth_enveloped, oid->len));
}

/* RFC 5652 section 6.1, EncryptedContentInfo: content type, algorithm, [0] encrypted content. */
static bool has_encrypted_content(struct ber info)
{
    struct element type, algorithm, content;
    return next(&info, &type) && type.tag == TAG_OID && next(&info, &algorithm) &&
           algorithm.tag == TAG_SEQUENCE && next(&info, &content) &&
           (content.tag == TAG_CONTEXT_0 || content.tag == TAG_CONTEXT_0_PLAIN) &&
           content.content.len > 0 && info.len == 0 &&
           !beside_has_text(content.content.data, content.content.len, BESIDE_TEXT_BYTES);
}

/* RFC 5652 section 6.2: each is a KeyTransRecipientInfo or one of [1] to [4]. */
static bool are_recipients(struct ber set)
{
    struct element e;
    while (set.len)
        if (!next(&set, &e) || (e.tag != TAG_SEQUENCE && (e.tag < TAG_CONTEXT_0 + 1 || e.tag > TAG_CONTEXT_0 + 4)))
            return false;
    return true;
}

static bool is_enveloped_body(struct ber body)
{
    struct element e;
    if (!next(&body, &e) || e.tag != TAG_INTEGER || !next(&body, &e))
        return false;
    if (e.tag == TAG_CONTEXT_0 && !next(&body, &e)) /* originatorInfo, optional */
        return false;
    if (e.tag != TAG_SET || !e.content.len || !are_recipients(e.content) || !next(&body, &e) || e.tag != TAG_SEQUENCE)
        return false;
    return has_encrypted_content(e.content);
}

bool cms_is_enveloped(const unsigned char *data, size_t len)
{
    struct ber b = {data, len};
    struct element type;
    if (!enter_only(&b, TAG_SEQUENCE) || !next(&b, &type) || type.tag != TAG_OID ||
        !is_enveloped_type(&type.content))
        return false;
    return enter_only(&b, TAG_CONTEXT_0) && enter_only(&b, TAG_SEQUENCE) && is_enveloped_body(b);
}
