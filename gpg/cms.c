/* Recognises S/MIME enveloped-data by its DER or BER structure (RFC 5652). Called by encrypted.c. */
#include "gpg/cms.h"

#include "gpg/ber.h"
#include "gpg/cms_recipient.h"
#include "gpg/noise.h"

#define VERSION_MAX 4
#define MAC_BYTES_MAX 64
#define ATTRIBUTES_BYTES 160 /* a content type and a time, as programs add them; text is longer */

static const unsigned char enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
static const unsigned char auth_enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
                                               0x01, 0x09, 0x10, 0x01, 0x17};
static const unsigned char content_types[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01};

/* CBC ends with a whole block, of 8 or 16 bytes. */
static bool is_block_cipher(const struct ber *oid)
{
    static const unsigned char aes[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};
    static const unsigned char rsadsi[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x03};
    const unsigned last = oid->len ? oid->data[oid->len - 1] : 0;
    if (ber_starts(oid, aes, sizeof aes) && oid->len == sizeof aes + 1)
        return last == 2 || last == 22 || last == 42;
    /* RC2, triple DES */
    return ber_starts(oid, rsadsi, sizeof rsadsi) && oid->len == sizeof rsadsi + 1 && (last == 2 || last == 7);
}

/* The content is one string, or several whose lengths programs left open. */
static bool add_content(struct noise *n, struct ber *info, size_t *len_r)
{
    struct ber e, chunk;
    *len_r = 0;
    if (ber_take(info, BER_CONTEXT, &e)) {
        noise_add(n, e.data, e.len);
        *len_r = e.len;
        return true;
    }
    if (!ber_take(info, BER_CONTEXT_HOLDS, &e))
        return false;
    while (e.len) {
        if (!ber_take(&e, BER_OCTETS, &chunk))
            return false;
        noise_add(n, chunk.data, chunk.len);
        *len_r += chunk.len;
    }
    return true;
}

/* RFC 5652 section 6.1, EncryptedContentInfo: content type, algorithm, [0] encrypted content. */
static bool has_encrypted_content(struct cms_reader *r, struct ber info)
{
    struct ber type, cipher;
    struct noise content = {0};
    size_t len;
    return ber_take(&info, BER_OID, &type) && ber_starts(&type, content_types, sizeof content_types) && type.len <= 16 &&
           cms_reader_algorithm(r, &info, &cipher) && add_content(&content, &info, &len) && !info.len && len &&
           (len % 8 == 0 || !is_block_cipher(&cipher)) && !noise_has_text(&content);
}

/* What stands behind the content: attributes of an enveloped message; attributes, a code and more attributes of an
 * authenticated one (RFC 5083 section 2.1). */
static bool ends_well(struct cms_reader *r, struct ber rest, bool authenticated)
{
    struct ber attributes, code;
    if (ber_take(&rest, BER_CONTEXT_HOLDS + 1, &attributes) &&
        (attributes.len > ATTRIBUTES_BYTES || !cms_reader_values(r, attributes)))
        return false;
    if (!authenticated)
        return !rest.len;
    if (!ber_take(&rest, BER_OCTETS, &code) || code.len > MAC_BYTES_MAX)
        return false;
    noise_add(&r->keys, code.data, code.len);
    return !rest.len;
}

static bool is_enveloped_body(struct ber body, bool authenticated)
{
    struct cms_reader r = {.keys.uneven = true, .ids.uneven = true};
    struct ber version, nothing, recipients, info;
    if (!ber_take(&body, BER_INTEGER, &version) || version.len != 1 || version.data[0] > VERSION_MAX)
        return false;
    /* The sender's certificates may stand here and never do: they could hold any text. */
    if (ber_take(&body, BER_CONTEXT_HOLDS, &nothing) && nothing.len)
        return false;
    return ber_take(&body, BER_SET, &recipients) && cms_reader_recipients(&r, recipients) &&
           ber_take(&body, BER_SEQUENCE, &info) && has_encrypted_content(&r, info) && ends_well(&r, body, authenticated) &&
           !noise_has_text(&r.keys) && !noise_has_text(&r.ids);
}

bool cms_is_enveloped(const unsigned char *data, size_t len)
{
    struct ber b = {data, len}, type;
    if (!ber_enter(&b, BER_SEQUENCE) || !ber_take(&b, BER_OID, &type))
        return false;
    const bool authenticated = ber_is(&type, auth_enveloped, sizeof auth_enveloped);
    return (authenticated || ber_is(&type, enveloped, sizeof enveloped)) && ber_enter(&b, BER_CONTEXT_HOLDS) &&
           ber_enter(&b, BER_SEQUENCE) && is_enveloped_body(b, authenticated);
}
