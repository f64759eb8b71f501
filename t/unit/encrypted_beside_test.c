/* What stands beside a ciphertext: the fields and forms of programs pass, a sender's words do not, and there is one budget
 * for what nobody can tell apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "t/unit/encrypted_pieces.h"

#define PLAN "The plan is to meet Bob at nine at the old mill"
#define PLAN_ "The_plan_is_to_meet_Bob_at_nine_at_the_old_mill"

/* These fields, of the part that holds the ciphertext, or of the whole message. */
static void check_field(bool want, const char *field)
{
    g_autofree char *inside = g_strconcat(TOP PGP_TYPE "\r\n" CONTROL "--bo\r\nContent-Type: application/octet-stream\r\n", field,
                                          "\r\n\r\n@\r\n--bo--\r\n", NULL);
    passes(want, inside);
}

static void check_outer(bool want, const char *fields)
{
    g_autofree char *mail = g_strconcat("Subject: x\r\n", fields, "\r\n\r\n@\r\n", NULL);
    passes(want, mail);
}

static void check_type(bool want, const char *type)
{
    g_autofree char *mail = g_strconcat(TOP PGP_TYPE "\r\n" CONTROL "--bo\r\nContent-Type: application/octet-stream", type,
                                        "\r\n\r\n@\r\n--bo--\r\n", NULL);
    passes(want, mail);
}

/* ---- words of the sender's ---- */

static void words_in_fields(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "X-Note: " PLAN, "X-Note: the plan is here", "X-A: 1\r\nX-B: 2\r\nX-C: 3\r\nX-D: 4\r\nX-E: 5", "Note: x", "Content-Note: x",
        "Content-Description: " PLAN, "Content-Description: " PLAN_, "Content-Description: " PLAN " (encrypt)",
        "Content-Description: " PLAN " www.", "Content-ID: <" PLAN ">", "Content-Location: " PLAN, "Content-Language: " PLAN,
        "Content-Language: meetmeatnine", "Content-Disposition: " PLAN, "Content-Disposition: attachment; filename=\"" PLAN ".pdf.asc\"",
        "Content-Disposition: attachment; size=\"" PLAN "\"", "Content-Disposition: attachment; creation-date=\"" PLAN "\"",
        "Content-Disposition: attachment; creation-date=\"Bob has the\"", "Content-Disposition: attachment_" PLAN_, "Content-Disposition: inline" PLAN_,
        "Content-Disposition:", "Content-Disposition: attachment; filename*" PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ "=x",
        "Content-Disposition: attachment; (" PLAN ")", "Content-Disposition: attachment; x=\"" PLAN "\"",
        "MIME-Version: 1.0 (" PLAN ")", "MIME-Version: 1.0 (Mac OS X Mail at nine)", "MIME-Version: 2.0",
        "Content-Transfer-Encoding: 7bit (" PLAN ")", " " PLAN, "The plan is here",
    };
    static const char *const good[] = {
        "X-Attachment-Id: f_k1x2", "X-Scanned: by some program", "Content-ID: <9B0E514FF55B3A499E1A6F0BFC9C839A\002example.com>",
        "Content-Language: en-US, de", "MIME-Version: 1.0", "MIME-Version: 1.0 (Mac OS X Mail 16.0 \\(3696.80.82.1.1\\))",
        "Content-Description: OpenPGP encrypted message.asc", "Content-Description: offer.pdf.asc",
        ("Content-Disposition: attachment; filename=\"encrypted.asc\"; size=3639;\r\n\tcreation-date=\"Tue, 20 Aug 2019 11:12:56 GMT\";\r\n"
         "\tmodification-date=\"Tue, 20 Aug 2019 11:12:56 GMT\""),
        "Content-Disposition: attachment; filename*=utf-8''%D0%BF%D0%BB%D0%B0%D0%BD.pdf.asc",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        check_field(false, bad[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        check_field(true, good[i]);
}

static void words_in_parameters(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "; name=\"" PLAN ". " PLAN ".asc\"", "; charset=\"" PLAN "\"", "; charset=" PLAN_ PLAN_ PLAN_, "; x=\"" PLAN "\"", "; (" PLAN ")", "; x",
        " x", "; name=a b.asc", "; name=\"a", "; (a", "; ((a))", "; name*=utf-8''" PLAN_ "%20" PLAN_, "; format=\"" PLAN "\"", "; name=\"a\\",
    };
    static const char *const good[] = {
        "; name=encrypted.asc", ";name = \"OpenPGP encrypted message.asc\" ;", ";\r\n\tx-mac-type=70674546;\r\n\tname=Message.pgp", " (pgp)",
        "; name=\"PGPMIME Versions Identification\"", "; charset=utf-8; format=flowed; delsp=yes", "; x-new=value", "; name=\"offer 3.pdf.pgp\"",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        check_type(false, bad[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        check_type(true, good[i]);
}

static void words_outside(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "Content-Description: " PLAN, "Content-Type: text/plain; charset=\"" PLAN "\"", "Content-Type: text/plain; x=\"" PLAN "\"",
        "Content-Type: text/plain; name=\"" PLAN ", " PLAN ".txt\"", "Content-Type: text/plain (" PLAN ")", "Content-Note: " PLAN,
        "MIME-Version: 1.0 (" PLAN ")", "Content-Disposition: inline; filename=\"" PLAN ", " PLAN ".txt\"", "Content-Language: " PLAN,
        ("Content-" PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ ": x"), ("Content-Type: text/plain; " PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ PLAN_ "=x"),
    };
    static const char *const good[] = {
        "Content-Type: text/plain; charset=utf-8; format=flowed", "Content-Class: urn:content-classes:message", "Content-Language: en-US",
        "MIME-Version: 1.0 (Mac OS X Mail 13.4 \\(3608.120.23.2.4\\))", ("X-Any: " PLAN), "Content-Type: text/plain; reply-type=original",
        "Content-Type: text/plain; charset=\"iso-8859-15\"", "Content-Type: text/plain; charset=windows-1252",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        check_outer(false, bad[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        check_outer(true, good[i]);
}

static void words_in_a_boundary(void **state)
{
    (void)state;
    passes(false, TOP "Content-Type: multipart/mixed; boundary=\"" PLAN "\"\r\n\r\n--" PLAN "\r\n\r\n@\r\n--" PLAN "--\r\n");
    passes(true, TOP "Content-Type: multipart/mixed; boundary=\"=_a-1.b\"\r\n\r\n--=_a-1.b\r\n\r\n@\r\n--=_a-1.b--\r\n");
}

/* What stands in front of a part's fields is no part's. */
static void words_in_front(void **state)
{
    (void)state;
    static const char *const fields[] = {"", "Content-Type: application/octet-stream\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
        g_autofree char *part = g_strconcat(MIXED "\r\n--bo\r\nFrom " PLAN "\r\n", fields[i], "\r\n@\r\n--bo--\r\n", NULL);
        g_autofree char *quoted = g_strconcat(MIXED "\r\n--bo\r\n>From " PLAN "\r\n", fields[i], "\r\n@\r\n--bo--\r\n", NULL);
        passes(false, part);
        passes(false, quoted);
    }
}

/* ---- one budget ---- */

#define PART "--bo\r\nContent-Type: text/plain"

/* So many parts, each with as many words as one alone may have. */
static void check_parts(bool want, int count, const char *form)
{
    GString *s = g_string_new(MIXED "\r\n");
    for (int i = 0; i < count; i++) {
        g_string_append(s, form);
        g_string_replace(s, "%d", i % 2 ? "1" : "2", 0);
    }
    g_string_append(s, OCTETS "@\r\n--bo--\r\n");
    passes(want, s->str);
    g_string_free(s, TRUE);
}

static void sum_over_parts(void **state)
{
    (void)state;
    check_parts(true, 90, PART "\r\n\r\n\r\n");
    check_parts(true, 5, PART "; name=\"meet Bob at nine at the mill %d.txt\"\r\n\r\n\r\n");
    check_parts(false, 10, PART "; name=\"meet Bob at nine at the mill %d.txt\"\r\n\r\n\r\n");
    check_parts(false, 20, PART "\r\nX-%d: meet Bob soon\r\n\r\n\r\n");
    check_parts(false, 20, PART "\r\nContent-ID: <meet.Bob.at.nine.%d\002x>\r\n\r\n\r\n");
    check_parts(false, 60, PART "\r\nContent-Language: meet-Bob-%d\r\n\r\n\r\n");
    check_parts(false, 20, PART "; x=meet.Bob.at.nine.%d\r\n\r\n\r\n");
    check_parts(false, 20, "--bo\r\nContent-Type: text/html\r\n\r\n<p title='meet Bob at nine'>\r\n");
    check_parts(false, 40, PART "; (meet Bob %d)\r\n\r\n\r\n");
    check_parts(false, 20, PART "\r\nContent-Disposition: inline; size=feedbeefcafe%d\r\n\r\n\r\n");
    check_parts(false, 1, PART "\r\nContent-Disposition: inline; creation-date=\"Bob has the map %d\"\r\n\r\n\r\n");
    check_parts(true, 60, PART "; charset=utf-8; format=flowed\r\nContent-Disposition: inline; size=%d\r\n\r\n\r\n");
}

/* What each may have alone is too much together. */
static void sum_of_kinds(void **state)
{
    (void)state;
    passes_with(true, TOP PGP_TYPE "\r\n%s\r\n" CONTROL "--bo\r\nContent-Type: application/octet-stream; name=meet.asc\r\n\r\n@\r\n--bo--\r\n", 200);
    passes_with(false, TOP PGP_TYPE "\r\n%s\r\n" CONTROL "--bo\r\nContent-Type: application/octet-stream; name=" PLAN_ "\r\n"
                           "Content-Location: " PLAN_ "\r\n\r\n@\r\n--bo--\r\n", 200);
    passes_with(false, TOP "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"bo\"; x=" PLAN_ "; y=" PLAN_
                           "\r\n\r\n%s\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", 200);
}

/* ---- forms of programs ---- */

#define EXCHANGE_DATA "Content-Description: OpenPGP encrypted message.asc\r\nContent-Disposition: attachment; filename=\"encrypted.asc\"; size=3639;\r\n" \
    "\tcreation-date=\"Tue, 20 Aug 2019 11:12:56 GMT\";\r\n\tmodification-date=\"Tue, 20 Aug 2019 11:12:56 GMT\"\r\n" \
    "Content-ID: <9B0E514FF55B3A499E1A6F0BFC9C839A\002example.com>\r\nContent-Transfer-Encoding: base64\r\n"

static void exchange(void **state)
{
    (void)state;
    static const char version[] =
        "--_003_7BA412A72CCB4EEE9E2D7EB07A6A3FA5examplecom_\r\nContent-Type: application/pgp-encrypted;\r\n\tname=\"PGPMIME Versions Identification\"\r\n"
        "Content-Description: PGP/MIME Versions Identification\r\nContent-Disposition: attachment; filename=\"PGPMIME Versions Identification\";\r\n"
        "\tsize=13; creation-date=\"Tue, 20 Aug 2019 11:12:56 GMT\"\r\nContent-ID: <3CDF5874AF94024C83F757B409A01691\002example.com>\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\nVmVyc2lvbjogMQ0NCg==\r\n\r\n";
    g_autofree char *mail = g_strconcat(
        "Subject: x\r\nContent-Language: en-US\r\nContent-Type: multipart/mixed;\r\n boundary=\"_003_7BA412A72CCB4EEE9E2D7EB07A6A3FA5examplecom_\"\r\n"
        "MIME-Version: 1.0\r\n\r\n--_003_7BA412A72CCB4EEE9E2D7EB07A6A3FA5examplecom_\r\nContent-Type: text/plain; charset=\"iso-8859-1\"\r\n"
        "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\r\n\r\n", version,
        "--_003_7BA412A72CCB4EEE9E2D7EB07A6A3FA5examplecom_\r\nContent-Type: application/octet-stream; name=\"encrypted.asc\"\r\n" EXCHANGE_DATA
        "\r\n~\r\n--_003_7BA412A72CCB4EEE9E2D7EB07A6A3FA5examplecom_--\r\n", NULL);
    passes(true, mail);
}

/* A gateway of Symantec saves what it changes. */
static void symantec(void **state)
{
    (void)state;
    passes(true, MIXED "\r\n--bo\r\nContent-Type: text/plain\r\nX-Content-PGP-Universal-Saved-Content-Type: text/plain;\r\n\tcharset=\"us-ascii\"\r\n"
                 "X-Content-PGP-Universal-Saved-Content-Transfer-Encoding: 7bit\r\nX-PGP-MIME-Structure: alternative\r\nX-PGP-Context: body\r\n"
                 "X-PGP-Encoding-Format: Partitioned\r\nX-PGP-Encoding-Version: 2.0.2\r\n\r\n@\r\n--bo\r\n"
                 "Content-Type: application/octet-stream; name=PGPexch.htm.pgp\r\nX-Content-PGP-Universal-Saved-Content-Type: text/html;\r\n\tcharset=\"us-ascii\"\r\n"
                 "X-Content-PGP-Universal-Saved-Content-Transfer-Encoding: quoted-printable\r\nX-PGP-Context: body\r\n\r\n@\r\n--bo--\r\n");
}

#define HTML "--bo\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n"

static void empty_html(void **state)
{
    (void)state;
    static const char *const good[] = {
        "", "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=us-ascii\"></head><body></body></html>",
        "<!DOCTYPE html>\r\n<HTML>\r\n<body  dir=\"ltr\">\r\n<div>\003nbsp;</div><br />\r\n</body></HTML>\r\n",
        ("<html><head>\r\n<meta name=\"Generator\" content=\"Microsoft Exchange Server\">\r\n<!-- converted from text --></head>\r\n<body>\r\n"
         "<font size=\"2\"><span style=\"font-size:11pt;\"><div class=\"PlainText\">\003nbsp;</div></span></font></body></html>"),
        "<p style=\"margin:0\"></p>",
    };
    static const char *const bad[] = {
        "<p>" PLAN "</p>", PLAN, "<html", "<p><", "<!-- " PLAN " -->", "<" PLAN ">", "<img src=x>", "\003lt;", "\003nbsp", "<p>x</p>", "<style>" PLAN "</style>",
        "<p title='" PLAN PLAN PLAN PLAN PLAN PLAN PLAN "'>", "<pplan is>", "<!doctype html " PLAN ">",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        g_autofree char *mixed = g_strconcat(MIXED "\r\n" HTML, good[i], "\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", NULL);
        g_autofree char *nested = g_strconcat(
            MIXED "\r\n--bo\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain\r\n\r\n\r\n"
            "--in\r\nContent-Type: text/html\r\n\r\n", good[i], "\r\n--in--\r\n\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", NULL);
        passes(true, mixed);
        passes(true, nested);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *mixed = g_strconcat(MIXED "\r\n" HTML, bad[i], "\r\n" CONTROL OCTETS "@\r\n--bo--\r\n", NULL);
        passes(false, mixed);
    }
    passes(false, MIXED "\r\n" HTML "<html></html>\r\n--bo--\r\n"); /* no ciphertext at all */
}

static void other_types(void **state)
{
    (void)state;
    passes(true, "Content-Type: application/pgp; format=text; x-action=encrypt\r\n\r\n@");
    passes(true, "Content-Type: application/pgp; x-action=pgp-encrypted\r\n" CTE "quoted-printable\r\n\r\n^");
    passes(false, "Content-Type: application/pgp; format=text; x-action=encrypt\r\n\r\n@hello");
    passes(true, "Content-Type: application/octet-stream; name=message.pgp\r\n" CTE "base64\r\n\r\n&");
    passes(false, "Content-Type: application/octet-stream; name=message.pgp\r\n" CTE "base64\r\n\r\nTG9vaywgYSBwbGFpbiB0ZXh0Lg==\r\n");
    passes(true, TOP "Content-Type: multipart/encrypted (pgp); protocol=\"application/pgp-encrypted\"; boundary=bo\r\n\r\n" CONTROL OCTETS "@\r\n--bo--\r\n");
    passes(true, TOP "Content-Type: multipart/alternative; boundary=bo\r\n\r\n--bo\r\nContent-Type: text/plain\r\n\r\n@\r\n--bo--\r\n");
    passes(false, TOP "Content-Type: multipart/alternative; boundary=bo\r\n\r\n--bo\r\nContent-Type: text/plain\r\n\r\n@\r\n--bo\r\nContent-Type: text/html\r\n\r\n<p>hello</p>\r\n--bo--\r\n");
    passes(false, TOP "Content-Type: multipart/related; boundary=bo\r\n\r\n--bo\r\nContent-Type: text/plain\r\n\r\n@\r\n--bo--\r\n");
}

static void binary_parts(void **state)
{
    (void)state;
    static const char *const ends[] = {"\r\n--bo--\r\n", "\n--bo--\n", "hello\r\n--bo--\r\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        struct bytes mail = {0};
        bytes_adds(&mail, TOP PGP_TYPE "\r\n" CONTROL "--bo\r\nContent-Type: application/octet-stream\r\n" CTE "binary\r\n\r\n");
        add_pkesk(&mail);
        add_seipd(&mail);
        bytes_adds(&mail, ends[i]);
        struct message *m = message_new((char *)mail.data, mail.len);
        struct encrypted *e = encrypted_new(m);
        assert_true(!e == (i == 2));
        encrypted_free(&e);
        message_free(&m);
        bytes_free(&mail);
    }
}

static void words_for_base64(void **state)
{
    (void)state;
    g_autofree char *block = good_block();
    char *body = strstr(block, "\r\n\r\n") + 4;
    g_autofree char *head = g_strndup(block, (gsize)(body - block));
    GString *spaced = g_string_new("Subject: x\r\n\r\n"), *broken = g_string_new("Subject: x\r\n\r\n");
    g_string_append(spaced, head);
    g_string_append(broken, head);
    for (const char *at = body; *at; at++) {
        const bool first = at - body < 60 && *at != '\r' && *at != '\n';
        g_string_append_printf(spaced, "%c%s", *at, first && (at - body) % 8 == 5 ? " " : "");
        g_string_append_printf(broken, "%c%s", *at, first && (at - body) % 8 == 5 ? "\r\n" : "");
    }
    passes(false, spaced->str);
    passes(false, broken->str);
    g_string_free(spaced, TRUE);
    g_string_free(broken, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_in_fields),     cmocka_unit_test(words_in_parameters), cmocka_unit_test(words_outside),
        cmocka_unit_test(words_in_a_boundary), cmocka_unit_test(words_in_front), cmocka_unit_test(sum_over_parts),      cmocka_unit_test(sum_of_kinds),
        cmocka_unit_test(symantec),            cmocka_unit_test(exchange),         cmocka_unit_test(empty_html),          cmocka_unit_test(other_types),
        cmocka_unit_test(binary_parts),        cmocka_unit_test(words_for_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
