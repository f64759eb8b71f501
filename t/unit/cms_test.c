/* Which S/MIME messages count as encrypted: those that are nothing else, in the kinds that programs write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "gpg/cms.h"
#include "t/unit/encrypted_pieces.h"

/* ---- pieces ---- */

/* Frees content. */
static struct bytes tlv(int tag, struct bytes content)
{
    struct bytes b = {0};
    const unsigned char head[] = {(unsigned char)tag, 0x82, (unsigned char)(content.len >> 8), (unsigned char)content.len};
    if (content.len < 128)
        bytes_add(&b, (const unsigned char[]){head[0], head[3]}, 2);
    else
        bytes_add(&b, head, sizeof head);
    bytes_add(&b, content.data, content.len);
    bytes_free(&content);
    return b;
}

static struct bytes raw(const void *data, size_t len)
{
    struct bytes b = {0};
    bytes_add(&b, data, len);
    return b;
}

static struct bytes text(const char *s)
{
    return raw(s, strlen(s));
}

static struct bytes noise(size_t len)
{
    struct bytes b = {0};
    add_noise(&b, len);
    return b;
}

/* Frees both. */
static struct bytes join(struct bytes a, struct bytes b)
{
    bytes_add(&a, b.data, b.len);
    bytes_free(&b);
    return a;
}

static struct bytes join3(struct bytes a, struct bytes b, struct bytes c)
{
    return join(join(a, b), c);
}

#define RAW(bytes) raw(bytes, sizeof(bytes) - 1)
#define ENVELOPED "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03"
#define SIGNED "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define AUTHENTICATED "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x17"
#define ID_DATA "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"
#define RSA "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
#define AES_CBC "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2a"
#define AES_GCM "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2e"
#define AES_WRAP "\x30\x0b\x06\x09\x60\x86\x48\x01\x65\x03\x04\x01\x2d"
#define ECDH "\x06\x06\x2b\x81\x04\x01\x0b\x01"
#define CN "\x06\x03\x55\x04\x03"
#define LETTER "Dear Alice, let us meet at nine behind the old mill, as we said before, and bring the map. Yours, Bob."

static struct bytes number(int n)
{
    return raw((const unsigned char[]){0x02, 1, (unsigned char)n}, 3);
}

static struct bytes cipher(const char *oid, size_t oid_len, struct bytes parameters)
{
    return tlv(0x30, join(raw(oid, oid_len), parameters));
}
#define CIPHER(oid, parameters) cipher(oid, sizeof(oid) - 1, parameters)

static struct bytes name(const char *words)
{
    return tlv(0x30, tlv(0x31, tlv(0x30, join(RAW(CN), tlv(0x0c, text(words))))));
}

/* An issuer of this name and a serial number. */
static struct bytes issued(const char *words)
{
    return tlv(0x30, join(name(words), tlv(0x02, noise(16))));
}

static struct bytes transport(struct bytes certificate)
{
    return tlv(0x30, join3(number(0), certificate, join(RAW(RSA), tlv(0x04, noise(256)))));
}

static struct bytes key_id(void)
{
    return tlv(0x80, noise(20));
}

/* What is left out has its usual value. */
struct pieces {
    const char *type, *cipher;
    size_t type_len;
    struct bytes version, originator, recipients, content, behind;
};

static struct bytes message_of(struct pieces p)
{
    if (!p.type)
        p.type = ENVELOPED, p.type_len = sizeof ENVELOPED - 1;
    if (!p.version.data)
        p.version = number(0);
    if (!p.recipients.data)
        p.recipients = transport(issued("Example CA"));
    if (!p.content.data)
        p.content = tlv(0x80, noise(208));
    struct bytes info = tlv(0x30, join3(RAW(ID_DATA), CIPHER(AES_CBC, tlv(0x04, noise(16))), p.content));
    struct bytes body = join(join3(p.version, p.originator, tlv(0x31, p.recipients)), join(info, p.behind));
    return tlv(0x30, join(raw(p.type, p.type_len), tlv(0xa0, tlv(0x30, body))));
}

static void check_cms(bool want, const char *what, struct pieces p)
{
    struct bytes b = message_of(p);
    const bool is = cms_is_enveloped(b.data, b.len);
    bytes_free(&b);
    if (is != want)
        fail_msg("%s", what);
}

/* ---- what there is ---- */

static void structure(void **state)
{
    (void)state;
    struct bytes b = message_of((struct pieces){0});
    assert_true(cms_is_enveloped(b.data, b.len));
    for (size_t len = 0; len < b.len; len++)
        assert_false(cms_is_enveloped(b.data, len));
    bytes_adds(&b, "x");
    assert_false(cms_is_enveloped(b.data, b.len));
    bytes_free(&b);
    check_cms(false, "signed", (struct pieces){.type = SIGNED, .type_len = sizeof SIGNED - 1});
    check_cms(false, "nobody's", (struct pieces){.recipients = text("")});
    check_cms(false, "content that is not [0]", (struct pieces){.content = tlv(0x04, noise(208))});
    check_cms(false, "no content", (struct pieces){.content = tlv(0x80, text(""))});
    check_cms(false, "half a block of the cipher", (struct pieces){.content = tlv(0x80, noise(204))});
    check_cms(true, "strings of content",
              (struct pieces){.content = tlv(0xa0, join(tlv(0x04, noise(100)), tlv(0x04, noise(108))))});
}

static void authenticated(void **state)
{
    (void)state;
    const struct pieces p = {.type = AUTHENTICATED, .type_len = sizeof AUTHENTICATED - 1};
    struct pieces with = p, without = p, attributes = p, more = p;
    with.behind = tlv(0x04, noise(16));
    attributes.behind = join(tlv(0xa1, tlv(0x30, join(RAW("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03"), tlv(0x31, RAW(ID_DATA))))),
                             tlv(0x04, noise(16)));
    more.behind = join(tlv(0x04, noise(16)), tlv(0xa2, tlv(0x30, text("x"))));
    check_cms(true, "with its code", with);
    check_cms(true, "with attributes", attributes);
    check_cms(false, "without a code", without);
    check_cms(false, "with unauthenticated attributes", more);
}

/* Of each kind one that passes; each has a text in place of something in `text_in_recipients`. */
static struct bytes agreement(struct bytes originator, struct bytes material, struct bytes certificate)
{
    struct bytes keys = tlv(0x30, tlv(0x30, join(certificate, tlv(0x04, noise(40)))));
    return tlv(0xa1, join(join3(number(3), originator, material), join(CIPHER(ECDH, RAW(AES_WRAP)), keys)));
}

static struct bytes point(struct bytes bits)
{
    return tlv(0xa0, tlv(0xa1, join(tlv(0x30, RAW("\x06\x07\x2a\x86\x48\xce\x3d\x02\x01")),
                                    tlv(0x03, join(RAW("\0\4"), bits)))));
}

static struct bytes known_key(struct bytes id)
{
    return tlv(0xa2, join3(number(4), tlv(0x30, tlv(0x04, id)), join(RAW(AES_WRAP), tlv(0x04, noise(40)))));
}

static struct bytes password(struct bytes salt)
{
    struct bytes kdf = tlv(0xa0, join(RAW("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x05\x0c"), tlv(0x30, join(tlv(0x04, salt), RAW("\x02\x02\x08\x00")))));
    return tlv(0xa3, join3(number(0), kdf, join(CIPHER(AES_CBC, tlv(0x04, noise(16))), tlv(0x04, noise(48)))));
}

static struct bytes encapsulation(struct bytes certificate)
{
    struct bytes kem = tlv(0x30, RAW("\x06\x09\x60\x86\x48\x01\x65\x03\x04\x04\x02"));
    struct bytes kdf = tlv(0x30, RAW("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x03\x1c"));
    struct bytes rest = join3(kdf, RAW("\x02\x01\x20"), join(RAW(AES_WRAP), tlv(0x04, noise(40))));
    struct bytes value = tlv(0x30, join3(join(number(0), certificate), join(kem, tlv(0x04, noise(1088))), rest));
    return tlv(0xa4, join(RAW("\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x0d\x03"), value));
}

static void recipients(void **state)
{
    (void)state;
    check_cms(true, "by a key's identifier", (struct pieces){.recipients = transport(key_id())});
    check_cms(true, "agreed", (struct pieces){.recipients = agreement(point(noise(64)), text(""), issued("Example CA"))});
    check_cms(true, "agreed, with material",
              (struct pieces){.recipients = agreement(point(noise(64)), tlv(0xa1, tlv(0x04, noise(32))),
                                                      tlv(0xa0, tlv(0x04, noise(20))))});
    check_cms(true, "a key that both have", (struct pieces){.recipients = known_key(noise(4))});
    check_cms(true, "a password", (struct pieces){.recipients = password(noise(8))});
    check_cms(true, "encapsulated", (struct pieces){.recipients = encapsulation(key_id())});
    check_cms(true, "many of one issuer",
              (struct pieces){.recipients = join3(transport(issued("Example CA")), transport(issued("Example CA")),
                                                  transport(issued("Another CA")))});
    check_cms(false, "an unknown kind", (struct pieces){.recipients = tlv(0xa5, noise(30))});
}

/* ---- text in disguise ---- */

static void text_in_recipients(void **state)
{
    (void)state;
    check_cms(false, "for a recipient", (struct pieces){.recipients = tlv(0x30, tlv(0x0c, text(LETTER)))});
    check_cms(false, "for a certificate", (struct pieces){.recipients = transport(tlv(0x30, tlv(0x0c, text(LETTER))))});
    check_cms(false, "for a key's identifier", (struct pieces){.recipients = transport(tlv(0x80, text(LETTER)))});
    check_cms(false, "for a serial number",
              (struct pieces){.recipients = transport(tlv(0x30, join(name("CA"), tlv(0x02, text(LETTER)))))});
    check_cms(false, "for a part of a name", (struct pieces){.recipients = transport(issued(LETTER))});
    check_cms(false, "for an algorithm",
              (struct pieces){.recipients = tlv(0x30, join3(number(0), key_id(), join(tlv(0x30, tlv(0x06, text(LETTER))), tlv(0x04, noise(256)))))});
    check_cms(false, "for parameters",
              (struct pieces){.recipients = tlv(0x30, join3(number(0), key_id(), join(CIPHER("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", tlv(0x0c, text(LETTER))), tlv(0x04, noise(256)))))});
    check_cms(false, "for a salt", (struct pieces){.recipients = password(text(LETTER))});
    check_cms(false, "for a wrapped key",
              (struct pieces){.recipients = tlv(0x30, join3(number(0), key_id(), join(RAW(RSA), tlv(0x04, text(LETTER)))))});
    check_cms(false, "for a version",
              (struct pieces){.recipients = tlv(0x30, join3(tlv(0x02, text(LETTER)), key_id(), join(RAW(RSA), tlv(0x04, noise(256)))))});
    check_cms(false, "behind the key",
              (struct pieces){.recipients = tlv(0x30, join3(number(0), key_id(), join3(RAW(RSA), tlv(0x04, noise(256)), tlv(0x0c, text(LETTER)))))});
    check_cms(false, "for a point", (struct pieces){.recipients = agreement(point(text(LETTER)), text(""), key_id())});
    check_cms(false, "for material",
              (struct pieces){.recipients = agreement(point(noise(64)), tlv(0xa1, tlv(0x04, text(LETTER))), key_id())});
    check_cms(false, "for the name of a key", (struct pieces){.recipients = known_key(text(LETTER))});
}

static void text_elsewhere(void **state)
{
    (void)state;
    check_cms(false, "for the version", (struct pieces){.version = tlv(0x02, text(LETTER))});
    check_cms(false, "from the sender", (struct pieces){.originator = tlv(0xa0, tlv(0x0c, text(LETTER)))});
    check_cms(true, "nothing from the sender", (struct pieces){.originator = tlv(0xa0, text(""))});
    check_cms(false, "in an attribute", (struct pieces){.behind = tlv(0xa1, tlv(0x30, tlv(0x0c, text(LETTER))))});
    check_cms(false, "in an attribute's string",
              (struct pieces){.behind = tlv(0xa1, tlv(0x30, join(RAW(ID_DATA), tlv(0x31, tlv(0x04, text(LETTER))))))});
    check_cms(false, "behind it all", (struct pieces){.behind = tlv(0x0c, text(LETTER))});
    check_cms(false, "for the content", (struct pieces){.content = tlv(0x80, raw(LETTER, 96))});
    check_cms(false, "a short one", (struct pieces){.content = tlv(0x80, raw(LETTER, 48))});
    check_cms(false, "in pieces",
              (struct pieces){.content = tlv(0xa0, join3(tlv(0x04, raw(LETTER, 20)), tlv(0x04, raw(&LETTER[20], 20)), tlv(0x04, raw(&LETTER[40], 8))))});
    check_cms(false, "in pieces of pieces", (struct pieces){.content = tlv(0xa0, tlv(0x24, tlv(0x04, noise(208))))});
}

/* Names of issuers are text, and there is no more of them than recipients of a few authorities have. */
static void names(void **state)
{
    (void)state;
    for (int count = 1; count <= 9; count++) {
        struct bytes all = {0};
        for (int i = 0; i < count; i++) {
            g_autofree char *words = g_strdup_printf("%.59s %d", LETTER, i);
            all = join(all, transport(issued(words)));
        }
        check_cms(count <= 8, "names of issuers", (struct pieces){.recipients = all});
    }
    struct bytes wide = tlv(0x30, tlv(0x31, tlv(0x30, join(RAW(CN), tlv(0x1e, noise(128))))));
    check_cms(true, "64 letters of two bytes", (struct pieces){.recipients = transport(tlv(0x30, join(wide, tlv(0x02, noise(16)))))});
    struct bytes same = {0};
    for (int i = 0; i < 100; i++)
        same = join(same, transport(issued("Example Certification Authority of Some Place")));
    check_cms(true, "one issuer", (struct pieces){.recipients = same});
    struct bytes ids = {0};
    for (int i = 0; i < 20; i++)
        ids = join(ids, transport(tlv(0x80, raw(&LETTER[4 * i], 20))));
    check_cms(false, "a letter in identifiers, twenty bytes each", (struct pieces){.recipients = ids});
}

/* BER as streaming programs write it: lengths left open, closed by two zero bytes. */
static struct bytes opened(int tag, struct bytes content)
{
    struct bytes b = {0};
    bytes_add(&b, (const unsigned char[]){(unsigned char)tag, 0x80}, 2);
    bytes_add(&b, content.data, content.len);
    bytes_free(&content);
    bytes_add(&b, "\0\0", 2);
    return b;
}

static void open_lengths(void **state)
{
    (void)state;
    struct bytes content = opened(0xa0, join(tlv(0x04, noise(40)), tlv(0x04, noise(40))));
    struct bytes info = opened(0x30, join3(RAW(ID_DATA), CIPHER(AES_CBC, tlv(0x04, noise(16))), content));
    struct bytes body = opened(0x30, join3(number(2), tlv(0x31, transport(key_id())), info));
    struct bytes b = opened(0x30, join(RAW(ENVELOPED), opened(0xa0, body)));
    assert_true(cms_is_enveloped(b.data, b.len));
    for (size_t len = 0; len < b.len; len++)
        assert_false(cms_is_enveloped(b.data, len));
    bytes_free(&b);
    unsigned char deep[5000];
    memset(deep, 0x80, sizeof deep);
    for (size_t i = 0; i < sizeof deep; i += 2)
        deep[i] = 0x30;
    assert_false(cms_is_enveloped(deep, sizeof deep));
}

/* ---- as mail ---- */

static char *base64_of(const struct bytes *b)
{
    g_autofree char *all = g_base64_encode(b->data, b->len);
    GString *lines = g_string_new(NULL);
    for (const char *at = all; *at; at += MIN(strlen(at), 64))
        g_string_append_printf(lines, "%.64s\r\n", at);
    return g_string_free(lines, FALSE);
}

static void check_smime(bool want, const char *head, const char *before, const char *after)
{
    struct bytes der = message_of((struct pieces){0});
    g_autofree char *base64 = base64_of(&der);
    g_autofree char *mail = g_strconcat(head, "\r\n", before, base64, after, NULL);
    bytes_free(&der);
    if (is_encrypted(mail) != want)
        fail_msg("%s with \"%s\", \"%s\"", head, before, after);
}

#define BASE64 "Content-Transfer-Encoding: base64\r\n"

static void smime(void **state)
{
    (void)state;
    static const char head[] = "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n" BASE64;
    check_smime(true, head, "", "\r\n");
    check_smime(true, "Content-Type: application/x-pkcs7-mime\r\n" BASE64, "\r\n", "\r\n\r\n");
    check_smime(true, "Content-Type: application/octet-stream; name=smime.p7m\r\n" BASE64, "", "");
    check_smime(true, "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"Smime.P7M\"\r\n" BASE64, "", "");
    check_smime(true, "Content-Type: multipart/mixed; boundary=b\r\n", "--b\r\nContent-Type: application/octet-stream; name=smime.p7m\r\n" BASE64 "\r\n", "\r\n--b--\r\n");
    check_smime(false, head, "", "\r\nhello there\r\n");
    check_smime(false, head, "hello, there\r\n", "\r\n");
    check_smime(false, head, "", "=\r\n");
    check_smime(false, "Content-Type: application/pkcs7-mime\r\n", "", "\r\n");
    check_smime(false, "Content-Type: application/octet-stream\r\n" BASE64, "", "\r\n");
    check_smime(false, "Content-Type: application/octet-stream; name=smime.p7s\r\n" BASE64, "", "\r\n");
}

static void binary(void **state)
{
    (void)state;
    for (int end = 0; end < 4; end++) {
        static const char *const ends[] = {"", "\r\n", "\n", "\r\nx"};
        struct bytes der = message_of((struct pieces){0});
        struct bytes mail = text("Content-Type: application/pkcs7-mime; name=smime.p7m\r\nContent-Transfer-Encoding: binary\r\n\r\n");
        bytes_add(&mail, der.data, der.len);
        bytes_adds(&mail, ends[end]);
        struct message *m = message_new((char *)mail.data, mail.len);
        struct encrypted *e = encrypted_new(m);
        assert_true(!e == (end == 3));
        encrypted_free(&e);
        message_free(&m);
        bytes_free(&mail);
        bytes_free(&der);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(structure),          cmocka_unit_test(authenticated),  cmocka_unit_test(recipients),
        cmocka_unit_test(text_in_recipients), cmocka_unit_test(text_elsewhere), cmocka_unit_test(names),
        cmocka_unit_test(open_lengths),       cmocka_unit_test(smime),          cmocka_unit_test(binary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
