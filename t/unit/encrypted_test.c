/* What passes as encrypted already: only a message that is ciphertext from its first byte to its last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "gpg/armor.h"
#include "gpg/ciphertext.h"
#include "gpg/packets.h"
#include "t/unit/encrypted_pieces.h"

/* ---- PGP/MIME ---- */

static void pgpmime(void **state)
{
    (void)state;
    check(true, TOP PGP_TYPE "\r\n" CONTROL OCTETS "@\r\n--bo--\r\n");
    check(true, TOP PGP_TYPE "\r\n\r\n" CONTROL OCTETS "\r\n@--bo--\r\n \r\n");
    check(true, TOP PGP_TYPE "\r\nThis is an OpenPGP/MIME encrypted message (RFC 4880 and 3156)"
                             "\r\n" CONTROL OCTETS "@\r\n--bo--");
    check(true, "content-type: Multipart/Encrypted; boundary=bo;\r\n"
                " protocol=\"application/PGP-encrypted\"\r\n\r\n" CONTROL OCTETS "@\r\n--bo--\r\n");
    check(true, TOP PGP_TYPE "Content-Transfer-Encoding: 7Bit \r\n\r\n" CONTROL OCTETS
                             "@\r\n--bo--\r\n");
}

static void pgpmime_with_more(void **state)
{
    (void)state;
    static const char *const bodies[] = {
        CONTROL OCTETS "@\r\n--bo--\r\nhello",
        CONTROL OCTETS "@\r\n--bo--\r\n--bo\r\n\r\nhello\r\n",
        CONTROL OCTETS "@\r\n",
        CONTROL OCTETS "@hello\r\n--bo--\r\n",
        CONTROL OCTETS "hello\r\n@\r\n--bo--\r\n",
        CONTROL OCTETS "@@\r\n--bo--\r\n",
        CONTROL OCTETS "@\r\n--bo\r\nContent-Type: text/plain\r\n\r\nhello\r\n--bo--\r\n",
        CONTROL "--bo--\r\n",
        OCTETS "@\r\n--bo--\r\n",
        OCTETS "@\r\n" CONTROL "--bo--\r\n",
        "--bo\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\nhello\r\n" OCTETS
        "@\r\n--bo--\r\n",
        "--bo\r\nSubject: hello\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        OCTETS "@\r\n--bo--\r\n",
        "--bo\r\nFrom hello there\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n"
        OCTETS "@\r\n--bo--\r\n",
        CONTROL "--bo\r\nContent-Type: text/html\r\n\r\n@\r\n--bo--\r\n",
        CONTROL "--bo\r\nContent-Type: application/octet-stream\r\n"
                "Content-Transfer-Encoding: base64\r\n\r\n@\r\n--bo--\r\n",
        CONTROL OCTETS "-----BEGIN PGP MESSAGE-----\r\n\r\nhello\r\n-----END PGP MESSAGE-----\r\n"
                       "--bo--\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *text = g_strconcat(TOP PGP_TYPE "\r\n", bodies[i], NULL);
        check(false, text);
    }
}

static void pgpmime_by_another_name(void **state)
{
    (void)state;
    static const char *const heads[] = {
        "Content-Type: multipart/related; protocol=\"application/pgp-encrypted\"; boundary=bo\r\n",
        "Content-Type: multipart/encrypted; boundary=bo\r\n",
        "Content-Type: multipart/encrypted; protocol=\"application/x\"; boundary=bo\r\n",
        PGP_TYPE "Content-Type: text/plain\r\n",
        "Content-Type: text/plain\r\n" PGP_TYPE,
        PGP_TYPE "Content-Transfer-Encoding: base64\r\n",
        "Subject: multipart/encrypted application/pgp-encrypted BEGIN PGP MESSAGE\r\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(heads); i++) {
        g_autofree char *text =
            g_strconcat(TOP, heads[i], "\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", NULL);
        check(false, text);
    }
}

/* ---- inline ---- */

static void inline_block(void **state)
{
    (void)state;
    check(true, "Subject: x\r\n\r\n@");
    check(true, "Content-Type: text/plain; charset=utf-8\r\n\r\n\r\n\r\n@\r\n\r\n");
    check(false, "Subject: x\r\n\r\nhello\r\n@");
    check(false, "Subject: x\r\n\r\n@hello");
    check(false, "Subject: x\r\n\r\n@\r\n-- \r\nme\r\n");
    check(false, "Subject: x\r\n\r\n@@");
    check(false, "Subject: x\r\n\r\n> @");
    check(false, "Content-Type: text/html\r\n\r\n@");
    check(false, "Content-Transfer-Encoding: base64\r\n\r\n@");
    check(false, "Content-Transfer-Encoding: x-rot13\r\n\r\n@");
    check(false, "Subject: x\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhello\r\n"
                 "-----END PGP MESSAGE-----\r\n");
    check(false, "Subject: x\r\n\r\n");
    check(false, "");
    check(false, "@");
}

/* One change somewhere in an armored block. */
static void check_armor(bool want, const char *from, const char *to)
{
    g_autofree char *block = good_block();
    char *at = strstr(block, from);
    assert_non_null(at);
    *at = 0;
    g_autofree char *raw =
        g_strconcat("Subject: x\r\n\r\n", block, to, at + strlen(from), NULL);
    if (is_encrypted(raw) != want)
        fail_msg("\"%s\" for \"%s\"", to, from);
}

static void armor_is_read_strictly(void **state)
{
    (void)state;
    check_armor(true, "-----\r\n\r\n", "-----\r\nVersion: GnuPG v2\r\nComment: x\r\n\r\n");
    check_armor(true, "\r\n", "\n");
    check_armor(false, "-----\r\n\r\n", "-----\r\nhello there\r\n\r\n");
    check_armor(false, "-----\r\n\r\n", "-----\r\nSubject: hello\r\n\r\n");
    check_armor(false, "-----\r\n\r\n", "-----\r\n");
    check_armor(false, "-----\r\n\r\n", "-----\r\n\r\nhello, there!\r\n");
    check_armor(false, "-----\r\n\r\n", "-----\r\n\r\naGVsbG8K\r\n");
    check_armor(false, "\r\n=", "\r\nAAAA=");
    check_armor(false, "END PGP MESSAGE", "END PGP SIGNATURE");
    check_armor(false, "BEGIN PGP MESSAGE", "BEGIN PGP PUBLIC KEY BLOCK");
    check_armor(false, "-----END", "AAAA\r\n-----END");
}

static void checksum(void **state)
{
    (void)state;
    g_autofree char *block = good_block();
    char *sum = strstr(block, "\r\n=") + 3;
    struct bytes out = {0};
    assert_true(armor_read(block, strlen(block), "MESSAGE", &out, NULL));
    *sum = *sum == 'A' ? 'B' : 'A';
    assert_false(armor_read(block, strlen(block), "MESSAGE", &out, NULL));
    memmove(sum - 1, sum + 6, strlen(sum + 6) + 1); /* without one it is allowed */
    assert_true(armor_read(block, strlen(block), "MESSAGE", &out, NULL));
    bytes_free(&out);
}

static void base64(void **state)
{
    (void)state;
    static const char *const good[] = {"", "YQ==", "YWI=", " YW\r\nJj ", "YWJjYQ= ="};
    static const char *const bad[] = {"Y", "YQ=", "YQ==YWJj", "YQ==YQ==", "Y===", "=", "====",
                                      "YW=j", "YWJj=", "YWJj.", "YWJj-_A="};
    struct bytes out = {0};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        assert_true(armor_base64(good[i], strlen(good[i]), &out));
    assert_string_equal((char *)out.data, "aababcabca");
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        if (armor_base64(bad[i], strlen(bad[i]), &out))
            fail_msg("%s", bad[i]);
    bytes_free(&out);
}

/* ---- packets ---- */

static void check_packets(bool want, const struct bytes *b, const char *what)
{
    if (are_encrypted(b->data, b->len) != want)
        fail_msg("%s", what);
}

static void packets_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *tags; /* p: PKESK, s: SKESK, E: SEIPD, A: AEAD, l: literal, m: marker, n: another marker */
        bool want;
    } cases[] = {{"pE", true},   {"ppE", true},  {"psE", true},  {"spE", true},  {"pA", true},
                 {"E", false},   {"p", false},   {"pp", false},  {"sE", false},  {"pl", false},
                 {"l", false},   {"pEl", false}, {"pEE", false}, {"Ep", false},  {"plE", false},
                 {"lpE", false}, {"mpE", true},  {"npE", false},  {"pmE", false}, {"mmpE", false}, {"m", false},  {"", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct bytes b = {0};
        for (const char *t = cases[i].tags; *t; t++) {
            if (*t == 'p')
                add_pkesk(&b);
            else if (*t == 's')
                add_skesk(&b);
            else if (*t == 'E')
                add_seipd(&b);
            else if (*t == 'A') {
                add_head(&b, PACKET_AEAD, 100);
                bytes_add(&b, "\x01\x09\x02\x10", 4);
                add_noise(&b, 96);
            } else if (*t == 'l') {
                add_packet(&b, 11, 100, 1);
            } else {
                add_head(&b, PACKET_MARKER, 3);
                bytes_adds(&b, *t == 'm' ? "PGP" : "pgp");
            }
        }
        check_packets(cases[i].want, &b, cases[i].tags);
        bytes_free(&b);
    }
}

static void packets_cut_off(void **state)
{
    (void)state;
    struct bytes b = {0};
    add_pkesk(&b);
    add_seipd(&b);
    for (size_t len = 0; len < b.len; len++)
        assert_false(are_encrypted(b.data, len));
    assert_true(are_encrypted(b.data, b.len));
    bytes_add(&b, "x", 1);
    assert_false(are_encrypted(b.data, b.len));
    bytes_free(&b);
}

static void packet_lengths(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_add(&b, "\x85\x01\x0c\x03", 4); /* old format, two bytes of length: 268 */
    bytes_add(&b, "\1\2\3\4\5\6\7\x8\1\x8\0\x80", 12); /* a key id, RSA, 2048 bits */
    add_noise(&b, 255);
    size_t start = b.len;
    bytes_add(&b, "\xd2\xe9\x01", 3); /* chunks of 512, 65536, then 300 and the end */
    add_noise(&b, 511);
    bytes_add(&b, "\xf0", 1);
    add_noise(&b, 65536);
    bytes_add(&b, "\xc0\x6c", 2);
    add_noise(&b, 300);
    check_packets(true, &b, "chunks");
    b.len--;
    check_packets(false, &b, "last chunk cut off");
    b.len = start;
    bytes_add(&b, "\xd2\xff\x00\x00\x01\x00\x01", 7); /* five bytes of length: 256 */
    add_noise(&b, 255);
    check_packets(true, &b, "long length");
    b.len = start;
    bytes_add(&b, "\xd2\xff\xff\xff\xff\xff\x01", 7);
    add_noise(&b, 255);
    check_packets(false, &b, "length beyond the end");
    b.len = 0;
    bytes_add(&b, "\x87\x03", 2); /* an old packet without a length takes the rest */
    add_noise(&b, 500);
    check_packets(false, &b, "no length");
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pgpmime),         cmocka_unit_test(pgpmime_with_more),
        cmocka_unit_test(pgpmime_by_another_name), cmocka_unit_test(inline_block),
        cmocka_unit_test(armor_is_read_strictly),  cmocka_unit_test(checksum),
        cmocka_unit_test(base64),
        cmocka_unit_test(packets_in_order), cmocka_unit_test(packets_cut_off),
        cmocka_unit_test(packet_lengths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
