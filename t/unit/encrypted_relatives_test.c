/* What programs, servers and lists make of encrypted mail passes; what a sender can read into it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "gpg/beside.h"
#include "gpg/packets.h"
#include "gpg/session_key.h"
#include "t/unit/encrypted_pieces.h"

/* ---- pieces ---- */

static char *base64_lines(const void *data, size_t len)
{
    g_autofree char *all = g_base64_encode(data, len);
    GString *lines = g_string_new(NULL);
    for (const char *at = all; *at; at += MIN(strlen(at), 76))
        g_string_append_printf(lines, "%.76s\r\n", at);
    return g_string_free(lines, FALSE);
}

static char *bare_packets(void)
{
    struct bytes packets = {0};
    add_pkesk(&packets);
    add_seipd(&packets);
    char *text = base64_lines(packets.data, packets.len);
    bytes_free(&packets);
    return text;
}

/* In the text "@" stands for an armored block, "~" for one in base64, "^" for one in quoted-printable, "&" for its
 * packets in base64. */
static char *filled(const char *text)
{
    g_autofree char *block = good_block();
    g_autofree char *base64 = base64_lines(block, strlen(block)), *packets = bare_packets();
    g_auto(GStrv) pieces = g_strsplit(block, "=", -1);
    g_autofree char *qp = g_strjoinv("=3D", pieces);
    GString *s = g_string_new(text);
    g_string_replace(s, "~", base64, 0);
    g_string_replace(s, "^", qp, 0);
    g_string_replace(s, "&", packets, 0);
    g_string_replace(s, "@", block, 0);
    return g_string_free(s, FALSE);
}

static void passes(bool want, const char *text)
{
    g_autofree char *raw = filled(text);
    if (is_encrypted(raw) != want)
        fail_msg("%s: %s", want ? "not recognised" : "wrongly taken for encrypted", text);
}

static char *of_length(char c, size_t n)
{
    char *s = g_malloc(n + 1);
    memset(s, c, n);
    s[n] = 0;
    return s;
}

/* A text with %s, filled with so many letters. */
static void passes_with(bool want, const char *format, size_t n)
{
    g_auto(GStrv) two = g_strsplit(format, "%s", 2);
    g_autofree char *letters = of_length('x', n), *text = g_strconcat(two[0], letters, two[1], NULL);
    passes(want, text);
}

#define VERSION "Content-Type: application/pgp-encrypted\r\n"
#define DATA "Content-Type: application/octet-stream; name=encrypted.asc\r\n"
#define CTE "Content-Transfer-Encoding: "
#define IN_MIME(version, data, content)                                                            \
    TOP PGP_TYPE "\r\n--bo\r\n" version "\r\nVersion: 1\r\n\r\n--bo\r\n" data "\r\n" content "\r\n--bo--\r\n"
#define MIXED "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bo\r\n"
#define LIST "List-Id: <list.example.org>\r\n"

/* ---- parts ---- */

static void encoded_parts(void **state)
{
    (void)state;
    passes(true, IN_MIME(VERSION, DATA, "@"));
    passes(true, IN_MIME(VERSION "MIME-Version: 1.0\r\n" CTE "7bit\r\n", DATA "MIME-Version: 1.0\r\n" CTE "7bit\r\n", "@"));
    passes(true, IN_MIME(VERSION, DATA CTE "base64\r\nContent-ID: <f_x.flowcrypt>\r\nX-Attachment-Id: f_x\r\n", "~"));
    passes(true, IN_MIME(VERSION, DATA CTE "quoted-printable\r\n", "^"));
    passes(true, IN_MIME(VERSION, DATA CTE "base64\r\n", "&"));
    passes(true, TOP PGP_TYPE "\r\n--bo\r\n" VERSION CTE "base64\r\n\r\nVmVyc2lvbjogMQ0K\r\n\r\n--bo\r\n" DATA "\r\n@\r\n--bo--\r\n");
    passes(false, IN_MIME(VERSION, DATA CTE "base64\r\n", "~aGVsbG8="));
    passes(false, IN_MIME(VERSION, DATA CTE "base64\r\n", "hello, this is a plain text there\r\n"));
    passes(false, IN_MIME(VERSION, DATA CTE "base64\r\n", "SGVsbG8gdGhlcmUsIG1lZXQgbWU=\r\n"));
    passes(false, IN_MIME(VERSION, DATA CTE "quoted-printable\r\n", "^hello"));
    passes(false, IN_MIME(VERSION, DATA CTE "base64\r\n" CTE "7bit\r\n", "~"));
    passes(false, IN_MIME(VERSION, DATA CTE "x-other\r\n", "@"));
    passes(false, IN_MIME(VERSION, "Content-Type: text/plain\r\n", "@"));
    passes(false, IN_MIME(VERSION, "Content-Type: application/(hello)octet-stream\r\n", "@"));
    passes(false, IN_MIME(DATA, DATA, "@"));
}

static void fields_of_parts(void **state)
{
    (void)state;
    passes(true, IN_MIME(VERSION "Content-Description: PGP/MIME version identification\r\n",
                         DATA "Content-Description: OpenPGP encrypted message\r\nContent-Disposition: inline; filename=msg.asc\r\n", "@"));
    passes(false, IN_MIME(VERSION, DATA "Content-Description: the plan is to meet at nine\r\n", "@"));
    passes(false, IN_MIME(VERSION, DATA "Subject: hello\r\n", "@"));
    passes(false, IN_MIME(VERSION, DATA "Content-Secret: hello\r\n", "@"));
    passes_with(true, IN_MIME(VERSION, DATA "X-A: %s\r\n", "@"), 100);
    passes_with(false, IN_MIME(VERSION, DATA "X-A: %s\r\n", "@"), 101);
    passes(true, IN_MIME(VERSION, DATA "X-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\n", "@"));
    passes(false, IN_MIME(VERSION, DATA "X-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\nX-E: 5\r\n", "@"));
    passes_with(true, IN_MIME(VERSION, DATA "Content-Disposition: inline; filename=%s\r\n", "@"), 500);
    passes_with(false, IN_MIME(VERSION, DATA "Content-Disposition: inline; filename=%s\r\n", "@"), 1000);
    passes(false, TOP PGP_TYPE "\r\n--bo\r\n" VERSION "hello there\r\n\r\nVersion: 1\r\n--bo\r\n" DATA "\r\n@\r\n--bo--\r\n");
}

static void preambles(void **state)
{
    (void)state;
    passes(true, TOP PGP_TYPE "\r\nThis is a multi-part message in MIME format.\r\n\r\n" CONTROL OCTETS "@\r\n--bo--\r\n");
    passes_with(true, TOP PGP_TYPE "\r\n%s\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", 200);
    passes_with(false, TOP PGP_TYPE "\r\n%s\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", 201);
    passes_with(false, MIXED "\r\n%s\r\n" OCTETS "@\r\n--bo--\r\n", 201);
    for (size_t n = 200; n <= 201; n++) {
        g_autofree char *b = of_length('b', n);
        g_autofree char *text = g_strconcat("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=", b, "\r\n\r\n--", b,
                                            "\r\n\r\n@\r\n--", b, "--\r\n", NULL);
        passes(n == 200, text);
    }
}

/* ---- forms of servers and programs ---- */

#define EMPTY "--bo\r\nContent-Type: text/plain\r\n\r\n\r\n"

static void exchange(void **state)
{
    (void)state;
    passes(true, MIXED "\r\n" EMPTY CONTROL OCTETS "@\r\n--bo--\r\n");
    passes(true, MIXED "\r\n" EMPTY CONTROL "--bo\r\n" DATA CTE "base64\r\n\r\n~\r\n--bo--\r\n");
    passes(false, MIXED "\r\n--bo\r\nContent-Type: text/plain\r\n\r\nhello\r\n" CONTROL OCTETS "@\r\n--bo--\r\n");
    passes(false, MIXED "\r\n" EMPTY CONTROL OCTETS "@\r\n--bo\r\nContent-Type: text/plain\r\n\r\nhello\r\n--bo--\r\n");
    passes(false, MIXED "\r\n" EMPTY CONTROL OCTETS "@\r\n--bo--\r\nhello\r\n");
    passes(false, MIXED "\r\n" EMPTY CONTROL "--bo--\r\n");
    passes(false, MIXED "\r\n" EMPTY CONTROL OCTETS "@\r\n--bo\r\nContent-Type: image/png\r\n\r\n@\r\n--bo--\r\n");
    passes(false, MIXED CTE "base64\r\n\r\n" EMPTY CONTROL OCTETS "@\r\n--bo--\r\n");
}

/* Symantec's PGP: a packet that says nothing first; a text and its attachments encrypted each on its own. */
static void symantec(void **state)
{
    (void)state;
    struct bytes packets = {0};
    bytes_add(&packets, "\xa8\x03PGP", 5);
    add_pkesk(&packets);
    add_seipd(&packets);
    g_autofree char *block = armored(&packets, "MESSAGE");
    char *version = strstr(block, "\r\n\r\n");
    bytes_free(&packets);
    *version = 0;
    g_autofree char *text = g_strconcat(
        TOP PGP_TYPE "X-PGP-Encoding-Format: MIME\r\n\r\n--bo\r\n"
        "Content-Type: application/pgp-encrypted;\r\n\tx-mac-type=54455854;\r\n\tname=Version.txt\r\n"
        "Content-Disposition: attachment; filename=Version.txt\r\n\r\nVersion: 1\r\n\r\n--bo\r\n"
        "Content-Type: application/octet-stream;\r\n\tx-mac-type=70674546;\r\n\tname=Message.pgp\r\n"
        "Content-Disposition: attachment; filename=Message.pgp\r\n\r\n",
        block, "\r\nVersion: PGP Universal 3.3.2 (Build 21495)\r\n\r\n", version + 4, "\r\n--bo--\r\n", NULL);
    passes(true, text);
    passes(true, MIXED "X-PGP-Encoding-Format: Partitioned\r\n\r\n--bo\r\nContent-Type: text/plain\r\n\r\n@\r\n"
                       "--bo\r\nContent-Type: application/octet-stream; name=PGPexch.htm.pgp\r\n" CTE "base64\r\n\r\n&\r\n"
                       "--bo\r\nContent-Type: application/pgp-encrypted; name=offer.pdf.pgp\r\n" CTE "base64\r\n\r\n&\r\n--bo--\r\n");
    passes(false, MIXED "\r\n--bo\r\nContent-Type: text/plain\r\n\r\n@\r\n"
                        "--bo\r\nContent-Type: application/octet-stream; name=PGPexch.htm.pgp\r\n\r\nhello\r\n--bo--\r\n");
    passes(false, MIXED "\r\n--bo\r\nContent-Type: text/plain\r\n\r\n@hello\r\n--bo--\r\n");
}

static void proton_bridge(void **state)
{
    (void)state;
    g_autofree char *block = good_block();
    char *headers = strstr(block, "\r\n\r\n");
    *headers = 0;
    g_autofree char *text = g_strconcat(
        MIXED "\r\n--bo\r\nContent-Type: text/plain\r\n\r\n", block, "\r\nVersion: GopenPGP 2.1.3\r\n"
        "Comment: This message could not be decrypted: gopenpgp: error in reading message: openpgp: incorrect key\r\n\r\n",
        headers + 4, "\r\n--bo\r\nContent-Type: application/pgp-encrypted; name=\"offer.pdf.pgp\"\r\n\r\n@\r\n--bo--\r\n", NULL);
    passes(true, text);
}

static void encoded_inline(void **state)
{
    (void)state;
    passes(true, CTE "base64\r\n\r\n~");
    passes(true, CTE "quoted-printable\r\n\r\n^");
    passes(false, CTE "quoted-printable\r\n\r\n^hello\r\n");
    passes(false, CTE "quoted-printable\r\n\r\nhello =\r\n^");
    passes(false, CTE "base64\r\n\r\n&"); /* bare packets are no text */
    passes(false, CTE "base64\r\n\r\naGVsbG8gdGhlcmUsIGFuZCBnb29kIG1vcm5pbmc=\r\n");
}

/* ---- mailing lists ---- */

static void footers(void **state)
{
    (void)state;
    static const char footer[] = "--bo\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\n\r\n%s\r\n";
    g_autofree char *wrapped = g_strconcat(
        LIST MIXED "\r\n--bo\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=in\r\n\r\n"
        "--in\r\n" VERSION "\r\nVersion: 1\r\n--in\r\n" DATA "\r\n@\r\n--in--\r\n\r\n", footer, "--bo--\r\n", NULL);
    g_autofree char *appended = g_strconcat(LIST TOP PGP_TYPE "\r\n" CONTROL OCTETS "@\r\n--bo--\r\n%s\r\n", NULL);
    g_autofree char *below = g_strconcat(LIST "\r\n@\r\n%s\r\n", NULL);
    const char *const forms[] = {wrapped, appended, below};
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        passes_with(true, forms[i], 2048);
        passes_with(false, forms[i], 2049);
        g_autofree char *no_list = g_strconcat("X-", forms[i], NULL);
        passes_with(false, no_list, 20);
        passes_with(true, no_list, 0);
    }
    g_autofree char *twice = g_strconcat(LIST MIXED "\r\n", OCTETS, "@\r\n", footer, "--bo\r\n\r\nmore\r\n--bo--\r\n", NULL);
    passes_with(false, twice, 20);
    g_autofree char *under_and_part = g_strconcat(LIST MIXED "\r\n--bo\r\n\r\n@\r\nmore\r\n", footer, "--bo--\r\n", NULL);
    passes_with(false, under_and_part, 20);
    passes(false, LIST MIXED "\r\n--bo\r\n\r\na text above\r\n" OCTETS "@\r\n--bo--\r\n");
    passes(false, LIST "\r\nhello\r\n@");
}

/* ---- armor headers ---- */

static void armor_headers(bool want, const char *lines)
{
    g_autofree char *block = good_block();
    char *headers = strstr(block, "\r\n\r\n");
    *headers = 0;
    g_autofree char *text = g_strconcat("Subject: x\r\n\r\n", block, "\r\n", lines, "\r\n", headers + 4, NULL);
    if (is_encrypted(text) != want)
        fail_msg("%s", lines);
}

static void lines_of_armor(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "Version: GnuPG v2\r\n", "Version: OpenPGP.js v4.10.10\r\nComment: https://openpgpjs.org\r\n",
        "Version: BCPG v1.61\r\nHash: SHA256\r\nCharset: utf-8\r\nMessageID: d4e5f6\r\n",
        "Version: FlowCrypt 7.9.1 Gmail Encryption\r\nComment: Seamlessly send and receive encrypted email\r\n",
        "Version: ProtonMail\r\nComment: Using GnuPG with Thunderbird - https://www.enigmail.net/\r\n",
        "Version: Encryption Desktop 10.3.2 (Build 21495)\r\n", "Comment: x\r\n", "Comment: made by GnuPG\r\n"};
    static const char *const bad[] = {
        "Comment: the secret plan is here in a long comment\r\n", "Version: the plan is to meet\r\n",
        "Hash: meet me there\r\n", "Charset: we have a plan\r\n", "MessageID: the plan is\r\n", "Subject: x\r\n",
        "Comment: x\r\nComment: x\r\nComment: x\r\nComment: x\r\nComment: x\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        armor_headers(true, good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        armor_headers(false, bad[i]);
    g_autofree char *most = of_length('x', 100), *fits = g_strconcat("Comment: ", most, "\r\n", NULL);
    g_autofree char *more = g_strconcat("Comment: x", most, "\r\n", NULL);
    armor_headers(true, fits);
    armor_headers(false, more);
}

/* ---- invented packets ---- */

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

static void check_session_key(bool want, const void *data, size_t len, guint64 id, const char *what)
{
    const struct packet k = {.tag = PACKET_PKESK, .data = data, .first_len = len, .total_len = len};
    uint64_t got = 1;
    int version = 0;
    const bool is = session_key_of_public(&k, &got, &version);
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
            for (int numbers = a == 16 ? 2 : 1; numbers; numbers--) {
                bytes_add(&b, "\4\0\x80", 3); /* 1024 bits */
                add_noise(&b, 127);
            }
        }
        if (known[i].counted || a == 18) {
            bytes_add(&b, "\x29", 1);
            add_noise(&b, 41);
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
            add_pkesk(&b);
        add_seipd(&b);
        check_packets(!extra, &b, "a thousand keys, and one more");
    }
    add_pkesk(&b);
    add_head(&b, PACKET_AEAD, 104);
    bytes_add(&b, "\1\x09\2\x10", 4);
    add_noise(&b, 100);
    check_packets(true, &b, "GnuPG's AEAD");
}

static void readable(void **state)
{
    (void)state;
    unsigned char noise[256];
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (unsigned char)(0x80 + i % 0x80);
    assert_false(beside_has_text(noise, sizeof noise, BESIDE_TEXT_BYTES));
    memset(noise + 100, 'x', 63);
    assert_false(beside_has_text(noise, sizeof noise, BESIDE_TEXT_BYTES));
    noise[163] = '\n';
    assert_true(beside_has_text(noise, sizeof noise, BESIDE_TEXT_BYTES));
    memset(noise + sizeof noise - 3, 0xf0, 3); /* a character that the end cuts off */
    assert_false(beside_has_text(noise + sizeof noise - 3, 3, 1));
    assert_false(beside_has_text((const unsigned char *)"", 0, 1));
}

/* ---- for whom ---- */

static bool is_for(const char *raw, guint64 first, guint64 second)
{
    struct message *m = message_new(raw, strlen(raw));
    struct encrypted *e = encrypted_new(m);
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    assert_non_null(e);
    if (first)
        g_array_append_val(ids, first);
    if (second)
        g_array_append_val(ids, second);
    const bool yes = encrypted_is_for(e, ids);
    g_array_unref(ids);
    encrypted_free(&e);
    message_free(&m);
    return yes;
}

static char *block_for(guint64 first, guint64 second)
{
    struct bytes packets = {0};
    add_pkesk_for(&packets, first);
    if (second)
        add_pkesk_for(&packets, second);
    add_seipd(&packets);
    char *block = armored(&packets, "MESSAGE");
    bytes_free(&packets);
    return block;
}

static void whose_it_is(void **state)
{
    (void)state;
    const guint64 a = 0xa1b2c3d4e5f60718, b = 0x8877665544332211, c = 0x0123456789abcdef;
    g_autofree char *for_a = block_for(a, 0), *for_both = block_for(a, b);
    g_autofree char *one = g_strconcat("Subject: x\r\n\r\n", for_a, NULL);
    g_autofree char *both = g_strconcat("Subject: x\r\n\r\n", for_both, NULL);
    assert_true(is_for(one, a, 0));
    assert_true(is_for(one, c, a)); /* one of several keys */
    assert_false(is_for(one, b, c));
    assert_false(is_for(one, 0, 0));
    assert_true(is_for(both, a, 0));
    assert_true(is_for(both, b, 0));
    assert_false(is_for(both, c, 0));
    g_autofree char *unnamed = block_for(0, a);
    g_autofree char *hidden = g_strconcat("Subject: x\r\n\r\n", unnamed, NULL);
    assert_true(is_for(hidden, c, 0));
    g_autofree char *parts = g_strconcat(MIXED "\r\n--bo\r\n\r\n", for_a, "--bo\r\n\r\n", for_both, "--bo--\r\n", NULL);
    assert_true(is_for(parts, a, 0));
    assert_false(is_for(parts, b, 0)); /* opens one part, not the other */
    assert_true(is_for("Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n" CTE "base64\r\n\r\n"
                       "MDYGCSqGSIb3DQEHA6ApMCcCAQAxAjAAMB4GCSqGSIb3DQEHATAAgA9hYmNk\r\nZWZnaGlqa2xtbm8=\r\n", c, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_parts),  cmocka_unit_test(fields_of_parts), cmocka_unit_test(preambles),
        cmocka_unit_test(exchange),       cmocka_unit_test(symantec),        cmocka_unit_test(proton_bridge),
        cmocka_unit_test(encoded_inline), cmocka_unit_test(footers),         cmocka_unit_test(lines_of_armor),
        cmocka_unit_test(text_in_packets), cmocka_unit_test(session_keys),   cmocka_unit_test(numbers_and_fingerprints),
        cmocka_unit_test(versions_together), cmocka_unit_test(readable),     cmocka_unit_test(whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
