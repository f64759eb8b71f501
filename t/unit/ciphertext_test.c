/* OpenPGP packets: what programs write is ciphertext, packets that were invented to hold a text are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "gpg/packets.h"
#include "gpg/session_key.h"
#include "t/unit/encrypted_pieces.h"

static void check_packets(bool want, struct bytes *b, const char *what)
{
    if (are_encrypted(b->data, b->len) != want)
        fail_msg("%s", what);
    bytes_free(b);
}

#define LETTER "Dear Alice, let us meet at nine behind the old mill, as we said before, and bring the map. Yours, Bob."

static void text_in_packets(void **state)
{
    (void)state;
    struct bytes b = {0};
    add_pkesk(&b);
    add_head(&b, PACKET_SEIPD, 1 + strlen(LETTER));
    bytes_adds(&b, "\1" LETTER);
    check_packets(false, &b, "a letter for ciphertext");
    add_pkesk(&b);
    add_head(&b, PACKET_SEIPD, 40);
    bytes_add(&b, "\1" LETTER, 40);
    check_packets(false, &b, "a short one");
    add_pkesk(&b);
    bytes_add(&b, "\xd2\xc1\x00\x01", 4); /* 448 bytes, a letter in the middle */
    add_noise(&b, 150);
    bytes_add(&b, LETTER, 100);
    add_noise(&b, 197);
    check_packets(false, &b, "a letter within noise");
    add_head(&b, PACKET_PKESK, 12 + 128);
    bytes_add(&b, "\3\1\2\3\4\5\6\7\x8\1\x03\xff", 12); /* RSA, 1023 bits */
    bytes_add(&b, LETTER, 100);
    add_noise(&b, 28);
    add_seipd(&b);
    check_packets(false, &b, "a letter for a session key");
    const unsigned char utf8[] = "\1\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82"
                                 "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82";
    add_pkesk(&b);
    add_head(&b, PACKET_SEIPD, sizeof utf8 - 1);
    bytes_add(&b, utf8, sizeof utf8 - 1);
    check_packets(false, &b, "Cyrillic");
    add_pkesk(&b);
    add_head(&b, PACKET_SKESK, 4);
    bytes_add(&b, "\4\x09\0\x08", 4);
    add_seipd(&b);
    check_packets(true, &b, "a passphrase beside the key");
    add_pkesk(&b);
    add_head(&b, PACKET_SKESK, 129);
    bytes_add(&b, "\4", 1);
    add_noise(&b, 128);
    add_seipd(&b);
    check_packets(false, &b, "a passphrase's packet of any length");
}

/* A letter of n bytes, one in so many of which is no text's. */
static void add_broken(struct bytes *b, size_t n, size_t every)
{
    for (size_t i = 0; i < n; i++)
        bytes_add(b, i % every == every - 1 ? "\xff" : &LETTER[i % strlen(LETTER)], 1);
}

static void more_text_in_packets(void **state)
{
    (void)state;
    struct bytes b = {0};
    add_pkesk(&b);
    bytes_add(&b, "\xd2\xff\0\0\x08\1\1", 7); /* 2049 bytes */
    add_broken(&b, 2048, 60);
    check_packets(false, &b, "a letter, broken each 60 bytes");
    add_pkesk(&b);
    bytes_add(&b, "\xd2\xff\0\0\x08\1\1", 7);
    add_noise(&b, 1248);
    add_broken(&b, 800, 30);
    check_packets(false, &b, "a letter, broken each 30 bytes, below noise");
    add_pkesk(&b);
    bytes_add(&b, "\xd2\xe9\1", 3); /* a chunk of 512, then letters in chunks of one */
    add_noise(&b, 511);
    for (size_t i = 0; i < 600; i++)
        bytes_add(&b, (const char[]){(char)0xe0, LETTER[i % strlen(LETTER)]}, 2);
    bytes_add(&b, "\x32", 1);
    add_noise(&b, 50);
    check_packets(false, &b, "a letter in chunks of one byte");
    add_pkesk(&b);
    for (size_t i = 0; i < 3; i++) {
        add_head(&b, PACKET_SKESK, 4 + 60);
        bytes_add(&b, "\4\x09\0\2", 4);
        bytes_add(&b, LETTER, 60);
    }
    add_seipd(&b);
    check_packets(false, &b, "a letter for a passphrase's key");
    for (size_t i = 0; i + 8 <= strlen(LETTER); i += 8) {
        guint64 id = 0;
        for (int k = 0; k < 8; k++)
            id = id << 8 | (guint64)LETTER[i + (size_t)k];
        add_pkesk_for(&b, id);
    }
    add_seipd(&b);
    check_packets(false, &b, "a letter for the ids of keys");
    for (size_t i = 0; i + 48 <= 96; i += 48) {
        add_head(&b, PACKET_PKESK, 1 + 8 + 1 + 2 + 33 + 1 + 48);
        bytes_add(&b, "\3\1\2\3\4\5\6\7\x8\x12\1\7\x40", 13);
        bytes_add(&b, &LETTER[i], 32);
        bytes_add(&b, "\x30", 1);
        bytes_add(&b, &LETTER[i], 48);
    }
    add_seipd(&b);
    check_packets(false, &b, "a letter for a point and a wrapped key");
    add_head(&b, PACKET_PKESK, 1 + 8 + 1 + 2 + 60 + 1 + 60);
    bytes_add(&b, "\3\1\2\3\4\5\6\7\x8\x12\1\xe0\x80", 13);
    bytes_add(&b, LETTER, 59);
    bytes_add(&b, "\x3c", 1);
    bytes_add(&b, LETTER, 60);
    add_seipd(&b);
    check_packets(false, &b, "a point of no curve");
}

static void check_passphrase(bool want, const char *head, size_t head_len, size_t random)
{
    struct bytes b = {0};
    add_pkesk(&b);
    add_head(&b, PACKET_SKESK, head_len + random);
    bytes_add(&b, head, head_len);
    add_noise(&b, random);
    add_seipd(&b);
    if (are_encrypted(b.data, b.len) != want)
        fail_msg("version %d, kind %d, %zu bytes", head[0], head[2], head_len + random);
    bytes_free(&b);
}

/* RFC 9580 section 5.3: what is derived how, and to its last byte. */
static void passphrases(void **state)
{
    (void)state;
    check_passphrase(true, "\4\x09\0\x08", 4, 0);
    check_passphrase(true, "\4\x09\1\x08", 4, 8);
    check_passphrase(true, "\4\x09\3\x08", 4, 9);
    check_passphrase(true, "\4\x09\4", 3, 19);
    check_passphrase(true, "\4\x09\3\x08", 4, 9 + 17);
    check_passphrase(true, "\4\x09\3\x08", 4, 9 + 33);
    check_passphrase(true, "\5\x09\2\3\x08", 5, 9 + 15 + 16 + 16);
    check_passphrase(true, "\5\x09\1\3\x08", 5, 9 + 16 + 32 + 16);
    check_passphrase(true, "\6\x1a\x09\2\x0b\3\x08", 7, 9 + 15 + 32 + 16);
    check_passphrase(false, "\4\x09\0\x08", 4, 1);
    check_passphrase(false, "\4\x09\3\x08", 4, 8);
    check_passphrase(false, "\4\x09\3\x08", 4, 9 + 20);
    check_passphrase(false, "\4\x09\2\x08", 4, 9);
    check_passphrase(false, "\4\x09\3\x40", 4, 9);
    check_passphrase(false, "\4\x40\3\x08", 4, 9);
    check_passphrase(false, "\5\x09\4\3\x08", 5, 9 + 15 + 16 + 16);
    check_passphrase(false, "\5\x09\2\3\x08", 5, 9 + 15 + 17 + 16);
    check_passphrase(false, "\7\x09\2\3\x08", 5, 9 + 15 + 16 + 16);
    check_passphrase(false, "\4", 1, 0);
    struct bytes b = {0};
    for (int n = 8; n <= 9; n++) {
        add_pkesk(&b);
        for (int i = 0; i < n; i++)
            add_skesk(&b);
        add_seipd(&b);
        check_packets(n == 8, &b, "as many passphrases");
    }
}

static void check_session_key(bool want, const void *data, size_t len, guint64 id, const char *what)
{
    const struct packet k = {.tag = PACKET_PKESK, .data = data, .first_len = len, .total_len = len};
    uint64_t got = 1;
    int version = 0;
    struct session_key_noise noise = {{.uneven = true}, {.uneven = true}};
    const bool is = session_key_of_public(&k, &got, &version, &noise);
    if (is != want || (is && got != id))
        fail_msg("%s", what);
}

static void session_keys(void **state)
{
    (void)state;
    static const struct {
        int algorithm;
        size_t fields; /* bytes before the counted session key */
        bool counted;
    } known[] = {{1, 0, false}, {2, 0, false}, {16, 0, false}, {18, 0, false}, {25, 32, true}, {26, 56, true},
                 {35, 1120, true}, {36, 1624, true}, {17, 32, true}, {22, 32, true}, {0, 32, true}, {3, 0, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        struct bytes b = {0};
        const int a = known[i].algorithm;
        bytes_add(&b, "\3\1\2\3\4\5\6\7\x8", 9);
        bytes_add(&b, &(const unsigned char){(unsigned char)a}, 1);
        if (known[i].counted) {
            add_noise(&b, known[i].fields);
        } else {
            for (int numbers = a == 18 ? 0 : a == 16 ? 2 : 1; numbers; numbers--) {
                bytes_add(&b, "\4\0\x80", 3); /* 1024 bits */
                add_noise(&b, 127);
            }
        }
        if (known[i].counted) {
            bytes_add(&b, "\x29", 1);
            add_noise(&b, 41);
        } else if (a == 18) {
            bytes_add(&b, "\1\7\x40", 3); /* 263 bits */
            add_noise(&b, 32);
            bytes_add(&b, "\x30", 1);
            add_noise(&b, 48);
        }
        const bool want = a && a != 17 && a != 22 && a != 3;
        check_session_key(want, b.data, b.len, 0x0102030405060708, "as its algorithm demands");
        check_session_key(false, b.data, b.len - 1, 0, "cut off");
        bytes_add(&b, "x", 1);
        check_session_key(false, b.data, b.len, 0, "more behind it");
        bytes_free(&b);
    }
}

static void numbers_and_fingerprints(void **state)
{
    (void)state;
    struct bytes b = {0};
    bytes_add(&b, "\3\1\2\3\4\5\6\7\x8\1\4\0\x40", 13); /* 1023 bits, it says 1024 */
    add_noise(&b, 127);
    check_session_key(false, b.data, b.len, 0, "a number of another length");
    b.data[10] = 0;
    check_session_key(false, b.data, b.len, 0, "a number without bits");
    bytes_clear(&b);
    bytes_add(&b, "\6\x15\4aaaaaaaaaaaa\1\2\3\4\5\6\7\x8\x19", 24);
    add_noise(&b, 32);
    bytes_add(&b, "\x28", 1);
    add_noise(&b, 40);
    check_session_key(true, b.data, b.len, 0x0102030405060708, "version 6, a key of version 4");
    b.data[2] = 6;
    check_session_key(false, b.data, b.len, 0, "a fingerprint of another length");
    bytes_clear(&b);
    bytes_add(&b, "\6\x21\6\1\2\3\4\5\6\7\x8", 11);
    add_noise(&b, 24);
    bytes_add(&b, "\x19", 1);
    add_noise(&b, 32);
    bytes_add(&b, "\x28", 1);
    add_noise(&b, 40);
    check_session_key(true, b.data, b.len, 0x0102030405060708, "version 6, a key of version 6");
    bytes_clear(&b);
    bytes_add(&b, "\6\0\x19", 3);
    add_noise(&b, 32);
    bytes_add(&b, "\x28", 1);
    add_noise(&b, 40);
    check_session_key(true, b.data, b.len, 0, "version 6, nobody's");
    b.data[0] = 4;
    check_session_key(false, b.data, b.len, 0, "another version");
    bytes_free(&b);
}

/* Session keys of version 3 go with version 1 of the data, those of version 6 with version 2. */
static void versions_together(void **state)
{
    (void)state;
    for (int n = 0; n < 4; n++) {
        struct bytes b = {0};
        if (n & 1) {
            add_pkesk(&b);
        } else {
            add_head(&b, PACKET_PKESK, 3 + 32 + 1 + 40);
            bytes_add(&b, "\6\0\x19", 3);
            add_noise(&b, 32);
            bytes_add(&b, "\x28", 1);
            add_noise(&b, 40);
        }
        add_head(&b, PACKET_SEIPD, 104);
        bytes_add(&b, n & 2 ? "\1\x09\2\6" : "\2\x09\2\6", 4);
        add_noise(&b, 100);
        check_packets(n == 0 || n == 3, &b, "versions");
    }
    struct bytes b = {0};
    add_head(&b, PACKET_PKESK, 3 + 32 + 1 + 40);
    bytes_add(&b, "\6\0\x19", 3);
    add_noise(&b, 32);
    bytes_add(&b, "\x28", 1);
    add_noise(&b, 40);
    add_head(&b, PACKET_SEIPD, 104);
    bytes_add(&b, "\2\x09\4\6", 4);
    add_noise(&b, 100);
    check_packets(false, &b, "a mode that does not exist");
    for (int extra = 0; extra < 2; extra++) {
        for (int i = 0; i < 1000 + extra; i++)
            add_pkesk_for(&b, (guint64)(i + 1) * 0x9e3779b97f4a7c15);
        add_seipd(&b);
        check_packets(!extra, &b, "a thousand keys, and one more");
    }
    add_pkesk(&b);
    add_head(&b, PACKET_AEAD, 104);
    bytes_add(&b, "\1\x09\2\x10", 4);
    add_noise(&b, 100);
    check_packets(true, &b, "GnuPG's AEAD");
}

/* Many hidden recipients have much that is the same in each: no text for that. */
static void many_recipients(void **state)
{
    (void)state;
    uint64_t x = 1;
    for (int hidden = 0; hidden < 2; hidden++) {
        struct bytes b = {0};
        for (int i = 0; i < 1000; i++) {
            unsigned char key[33 + 48];
            for (size_t k = 0; k < sizeof key; k++)
                key[k] = (unsigned char)((x = x * 6364136223846793005u + 1442695040888963407u) >> 56);
            add_head(&b, PACKET_PKESK, 94);
            const guint64 id = hidden ? 0 : x;
            bytes_add(&b, "\3", 1);
            for (int shift = 56; shift >= 0; shift -= 8)
                bytes_add(&b, &(const unsigned char){(unsigned char)(id >> shift)}, 1);
            bytes_add(&b, "\x12\1\7\x40", 4);
            bytes_add(&b, key, 32);
            bytes_add(&b, "\x30", 1);
            bytes_add(&b, &key[33], 48);
        }
        assert_int_equal(ciphertext_head(b.data, b.len), b.len);
        add_seipd(&b);
        assert_int_equal(ciphertext_head(b.data, b.len), b.len - 100);
        g_autofree char *block = armored(&b, "MESSAGE"), *mail = g_strconcat("Subject: x\r\n\r\n", block, NULL);
        assert_true(is_encrypted(mail));
        bytes_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_in_packets), cmocka_unit_test(more_text_in_packets), cmocka_unit_test(passphrases),
        cmocka_unit_test(session_keys),    cmocka_unit_test(numbers_and_fingerprints), cmocka_unit_test(versions_together),
        cmocka_unit_test(many_recipients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
