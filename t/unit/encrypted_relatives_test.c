/* What programs, servers and lists make of encrypted mail passes; what a sender can read into it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "t/unit/encrypted_pieces.h"

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
    passes_with(true, IN_MIME(VERSION, DATA "Content-Disposition: inline; filename=%s\r\n", "@"), 48);
    passes_with(false, IN_MIME(VERSION, DATA "Content-Disposition: inline; filename=%s\r\n", "@"), 49);
    passes(false, TOP PGP_TYPE "\r\n--bo\r\n" VERSION "hello there\r\n\r\nVersion: 1\r\n--bo\r\n" DATA "\r\n@\r\n--bo--\r\n");
}

static void preambles(void **state)
{
    (void)state;
    passes(true, TOP PGP_TYPE "\r\nThis is a multi-part message in MIME format.\r\n\r\n" CONTROL OCTETS "@\r\n--bo--\r\n");
    passes_with(true, TOP PGP_TYPE "\r\n%s\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", 200);
    passes_with(false, TOP PGP_TYPE "\r\n%s\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", 201);
    passes_with(false, MIXED "\r\n%s\r\n" OCTETS "@\r\n--bo--\r\n", 201);
    for (size_t n = 100; n <= 101; n++) {
        g_autofree char *b = of_length('b', n);
        g_autofree char *text = g_strconcat("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=", b, "\r\n\r\n--", b,
                                            "\r\n\r\n@\r\n--", b, "--\r\n", NULL);
        passes(n == 100, text);
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

#define REAL_LIST LIST "List-Post: <https://lists.example.org/>\r\n"
#define FOOTER "--bo\r\nContent-Type: text/plain; charset=us-ascii\r\nContent-Disposition: inline\r\n\r\n"
#define WRAPPED                                                                                                        \
    MIXED "\r\n--bo\r\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=in\r\n\r\n" \
          "--in\r\n" VERSION "\r\nVersion: 1\r\n--in\r\n" DATA "\r\n@\r\n--in--\r\n\r\n" FOOTER "%s\r\n--bo--\r\n"
#define APPENDED TOP PGP_TYPE "\r\n" CONTROL OCTETS "@\r\n--bo--\r\n%s\r\n"
#define BELOW "\r\n@\r\n%s\r\n"

/* A footer of this length, made of the list's name. */
static void passes_footer(bool want, const char *list, const char *form, size_t n)
{
    g_auto(GStrv) two = g_strsplit(form, "%s", 2);
    g_autofree char *letters = of_length('x', n > 20 ? n - 20 : 0);
    g_autofree char *footer = g_strdup_printf("%.*s%s", (int)MIN(n, 20), "list at example.org ", letters);
    g_autofree char *text = g_strconcat(list, two[0], footer, two[1], NULL);
    passes(want, text);
}

static void footers(void **state)
{
    (void)state;
    static const char *const forms[] = {WRAPPED, APPENDED, BELOW};
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        passes_footer(true, REAL_LIST, forms[i], 2048);
        passes_footer(false, REAL_LIST, forms[i], 2049);
        passes_footer(true, LIST "Precedence: list\r\n", forms[i], 2048);
        passes_footer(false, LIST "Precedence: first-class\r\n", forms[i], 2048);
        passes_footer(false, LIST "List-Post: NO\r\n", forms[i], 2048);
        passes_footer(false, LIST, forms[i], 301); /* with a List-Id alone as much as beside any ciphertext */
        passes_footer(true, LIST, forms[i], 200);
        passes_footer(false, "X-" LIST, forms[i], 20);
        passes_footer(false, "List-Post: <https://lists.example.org/>\r\n", forms[i], 20);
        passes_footer(true, "Subject: x\r\n", forms[i], 0);
    }
    passes_with(false, REAL_LIST BELOW, 2048); /* no word of the list's domain */
    passes_with(true, REAL_LIST BELOW, 250);
    passes_footer(false, "List-Id: <list.at>\r\nPrecedence: list\r\n", BELOW, 600); /* a domain that any text names */
    passes_footer(true, "List-Id: <list.some.example.org>\r\nPrecedence: list\r\n", BELOW, 600);
    passes_footer(false, REAL_LIST, MIXED "\r\n" OCTETS "@\r\n" FOOTER "%s\r\n--bo\r\n\r\nmore\r\n--bo--\r\n", 20);
    passes_footer(false, REAL_LIST, MIXED "\r\n--bo\r\n\r\n@\r\nmore\r\n" FOOTER "%s\r\n--bo--\r\n", 20);
    passes(false, REAL_LIST MIXED "\r\n--bo\r\n\r\na text of list above\r\n" OCTETS "@\r\n--bo--\r\n");
    passes(false, REAL_LIST "\r\nhello, list\r\n@");
}

/* Anybody can write a field that looks a little like a list's. */
static void lists_of_no_kind(void **state)
{
    (void)state;
    static const char *const ids[] = {"List-Id:\r\n", "List-Id: <x>\r\n", "List-Id: list.example.org\r\n", "List-Id: <.org>\r\n",
                                      "List-Id: <list example.org>\r\n", "List-Id: <list..org>\r\n", "List-Id: <list.>\r\n",
                                      LIST LIST, "List-Id: <list.example.org> of friends\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
        g_autofree char *list = g_strconcat(ids[i], "List-Post: <https://lists.example.org/>\r\n", NULL);
        passes_footer(false, list, BELOW, 20);
    }
    passes_footer(true, "List-Id: \"Friends, all of them\" <list.example.org>\r\nPrecedence: bulk\r\n", BELOW, 600);
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
        "Version: BCPG C# v1.6.1.0\r\n", "Version: FlowCrypt Email Encryption 8.5.7\r\n",
        "Version: FlowCrypt 7.9.1 Gmail Encryption\r\nComment: Seamlessly send and receive encrypted email\r\n",
        "Version: ProtonMail\r\nComment: Using GnuPG with Thunderbird - https://www.enigmail.net/\r\n",
        "Version: ProtonMail\r\nComment: https://protonmail.com\r\n", "Comment: https://gopenpgp.org\r\nVersion: GopenPGP 2.7.5\r\n",
        "Version: Encryption Desktop 10.3.2 (Build 21495)\r\nCharset: utf-8\r\n", "Version: PGP Universal 2.9.1 (Build 347)\r\n",
        "Version: PGP Desktop 9.12.0 (Build 1035) - not licensed for commercial use: www.pgp.com\r\n",
        "Version: PGPfreeware 6.5.8 for non-commercial use <http://www.pgp.com>\r\n", "Version: 2.6.3i\r\n",
        "Version: Mailvelope v1.3.2\r\nComment: https://www.mailvelope.com\r\n",
        "Comment: Email security by Mailvelope - https://www.mailvelope.com\r\n", "Version: OpenPGP.js v0.10.1-IE\r\n",
        "Charset: utf-8\r\nVersion: GnuPG/MacGPG2 v2.0.22 (Darwin)\r\nComment: GPGTools - https://gpgtools.org\r\n",
        "Version: GnuPG v1.4.11 (GNU/Linux)\r\nComment: Using GnuPG with Mozilla - http://enigmail.mozdev.org/\r\n",
        "Comment: For info see http://www.gnupg.org\r\n", "Comment: Use GnuPG with Firefox : http://getfiregpg.org (Version: 0.7.10)\r\n",
        "Comment: Created with Canary Mail\r\n", "Version: Canary PGP V3\r\n", "Version: iPGMail (2.0.1)\r\n",
        "Version: OpenKeychain v2.1.2\r\n", "Comment: https://keybase.io/download\r\nVersion: Keybase Go 1.0.10 (linux)\r\n",
        "Comment: Z1 SecureMail Gateway Processing Info\r\n", "Version: Didisoft OpenPGP Library for Java 3.2\r\n",
        "Comment: Encrypted with https://tessercube.com/\r\n", "Version: NetPGP portable 3.99.14/[20101103]\r\n",
        "Comment: x\r\n", "Version: Newcomer 1.2\r\n", "Comment: made by GnuPG\r\n"};
    static const char *const bad[] = {
        "Comment: the secret plan is here in a long comment\r\n", "Version: the plan is to meet\r\n",
        "Comment: the plan is to meet PGP\r\n", "Comment: the plan is to meet ://\r\n", "Comment: plan to encrypt with GnuPG\r\n",
        "Comment: the_plan_is_to_meet_Bob_at_nine\r\n", "Version: we meet at 9 at the mill\r\n", "Comment: https://meet.bob.at.nine.example\r\n",
        "Version: v1 v2 v3 v4\r\n", "Version: 9meet-bob-at-nine-at-mill\r\n", "Comment: GnuPG is to meet Bob\r\n", "Comment: meetxGnuPG\r\nComment: y\xff\r\n",
        "Hash: meet me there\r\n", "Hash: meet-me-there\r\n", "Charset: we have a plan\r\n", "Charset: utf-8-meet-me\r\n",
        "MessageID: the plan is\r\n", "MessageID: the-plan-is-to-meet-Bob-at-nine-at-the-mill\r\n", "Subject: x\r\n", "Note: gpg\r\n",
        "Comment: x\r\nComment: x\r\nComment: x\r\nComment: x\r\nComment: x\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        armor_headers(true, good[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        armor_headers(false, bad[i]);
    /* Each of many blocks may have such versions, and all together no letter. */
    GString *mail = g_string_new(MIXED "\r\n");
    for (int i = 0; i < 40; i++)
        g_string_append(mail, "--bo\r\n\r\n@\r\n");
    g_string_replace(mail, "@", "\001", 0);
    g_string_append(mail, "--bo--\r\n");
    g_autofree char *block = good_block();
    for (int n = 0; n < 2; n++) {
        g_auto(GStrv) pieces = g_strsplit(block, "\r\n\r\n", 2), parts = g_strsplit(mail->str, "\001", -1);
        g_autofree char *with = g_strconcat(pieces[0], "\r\nVersion: GnuPG ", n ? "1Bob 2has 3map" : "1.2.3", "\r\n\r\n", pieces[1], NULL);
        g_autofree char *text = g_strjoinv(with, parts);
        if (is_encrypted(text) == n)
            fail_msg("forty versions with %sletters", n ? "" : "no ");
    }
    g_string_free(mail, TRUE);
    for (size_t n = 20; n <= 21; n++) {
        g_autofree char *word = of_length('x', n), *line = g_strconcat("Comment: ", word, "\r\n", NULL);
        armor_headers(n == 20, line);
    }
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
                       "MIIAwgYJKoZIhvcNAQcDoIIAszCCAK8CAQIxbDBqAgEAgBSePNp4F7VT8Y8uzGoIp0XjgR++XDAN\r\n"
                       "BgkqhkiG9w0BAQEFAARAnjzaeBe1U/GPLsxqCKdF44Efvlz6mDbVcxGvTuyKKMZlA6E/3nwauFb1\r\n"
                       "kzHPbQyqSOaFI8Ff/Zw62HYVs1HvjTA8BgkqhkiG9w0BBwEwHQYJYIZIAWUDBAEqBBCePNp4F7VT\r\n"
                       "8Y8uzGoIp0XjgBCePNp4F7VT8Y8uzGoIp0Xj\r\n", c, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoded_parts),  cmocka_unit_test(fields_of_parts), cmocka_unit_test(preambles),
        cmocka_unit_test(exchange),       cmocka_unit_test(symantec),        cmocka_unit_test(proton_bridge),
        cmocka_unit_test(encoded_inline), cmocka_unit_test(footers),         cmocka_unit_test(lists_of_no_kind),
        cmocka_unit_test(lines_of_armor), cmocka_unit_test(whose_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
