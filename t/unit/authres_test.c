/* Authentication-Results and Received-SPF: each result is written as RFC 8601 and RFC 7208 say, whatever
 * foreign text it quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "rules/auth/authres.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"

/* A field has one CRLF at its end and one CRLF with a tab at each fold, and else printable ASCII only. */
static void check_shape(const struct bytes *b)
{
    const char *text = (const char *)b->data;
    assert_int_equal(strlen(text), b->len);
    assert_true(g_str_has_suffix(text, "\r\n"));
    for (const char *p = text; *p; p++) {
        if (*p == '\r')
            assert_true(p[1] == '\n' && (p[2] == '\t' || p[2] == 0));
        else if (*p == '\n')
            assert_true(p > text && p[-1] == '\r');
        else if (*p == '\t')
            assert_true(p > text && p[-1] == '\n');
        else
            assert_true(g_ascii_isprint(*p));
    }
}

static void expect(const struct authres *a, const char *want)
{
    struct bytes b = {0};
    authres_header(&b, a);
    check_shape(&b);
    assert_string_equal((const char *)b.data, want);
    bytes_free(&b);
}

static void nothing_checked(void **state)
{
    (void)state;
    struct authres a = {.authserv_id = "mx.example.com"};
    expect(&a, "Authentication-Results: mx.example.com;\r\n\tnone\r\n");
}

static GArray *signatures(const struct dkim_signature *s, guint count)
{
    GArray *list = g_array_new(FALSE, FALSE, sizeof *s);
    g_array_append_vals(list, s, count);
    return list;
}

static void all_checked(void **state)
{
    (void)state;
    struct spf_question q = {"192.0.2.1", "mail.example.org", "jane@example.org"};
    struct spf_result spf = {
        .code = SPF_CODE_PASS, .domain = "example.org", .reason = "ip4:192.0.2.1"};
    struct dkim_signature s[] = {
        {.code = DKIM_CODE_PASS,
         .domain = "example.org",
         .selector = "k1",
         .algorithm = "rsa-sha256",
         .b = "ab/+cd=="},
        {.code = DKIM_CODE_FAIL,
         .domain = "list.example",
         .selector = "s",
         .algorithm = "rsa-sha256",
         .b = "abcdefgh",
         .reason = "body hash did not verify"},
    };
    struct dmarc_result dmarc = {.code = DMARC_CODE_PASS,
                                 .policy = DMARC_POLICY_REJECT,
                                 .domain = "example.org",
                                 .reason = "DKIM of example.org"};
    GArray *dkim = signatures(s, 2);
    struct authres a = {"mx.example.com", &spf, &q, dkim, &dmarc};
    expect(&a,
           "Authentication-Results: mx.example.com;\r\n"
           "\tspf=pass reason=\"ip4:192.0.2.1\" smtp.mailfrom=jane@example.org;\r\n"
           "\tdkim=pass header.d=example.org header.s=k1 header.a=rsa-sha256\r\n"
           "\theader.b=\"ab/+cd==\";\r\n"
           "\tdkim=fail reason=\"body hash did not verify\" header.d=list.example header.s=s\r\n"
           "\theader.a=rsa-sha256 header.b=abcdefgh;\r\n"
           "\tdmarc=pass reason=\"DKIM of example.org\" header.from=example.org\r\n"
           "\tpolicy.dmarc=reject\r\n");
    g_array_unref(dkim);
}

static void little_found(void **state)
{
    (void)state;
    struct spf_question q = {"2001:db8::1", "mail.example.org", ""};
    struct spf_result spf = {.code = SPF_CODE_NONE, .domain = "mail.example.org", .by_helo = true};
    struct dmarc_result dmarc = {.code = DMARC_CODE_PERMERROR, .reason = "no From"};
    GArray *dkim = signatures(NULL, 0);
    struct authres a = {"mx.example.com", &spf, &q, dkim, &dmarc};
    expect(&a, "Authentication-Results: mx.example.com;\r\n"
               "\tspf=none smtp.helo=mail.example.org;\r\n"
               "\tdkim=none;\r\n"
               "\tdmarc=permerror reason=\"no From\"\r\n");
    g_array_unref(dkim);
}

/* Names and addresses come from the sender: nothing in them may end the field or begin another. */
static void foreign_bytes(void **state)
{
    (void)state;
    struct spf_question q = {"x\r\ny", "a\r\nBcc: x\r\n\r\n", "\"a\\ b\"@x\r\nSubject: evil"};
    struct spf_result spf = {
        .code = SPF_CODE_FAIL, .domain = "a;b", .reason = "x\";\r\n\tdkim=pass"};
    struct dkim_signature s = {.code = DKIM_CODE_FAIL,
                               .domain = "a.b; dmarc=pass",
                               .selector = "\xc3\xa4",
                               .b = "\"\\\r\n"};
    struct dmarc_result dmarc = {.code = DMARC_CODE_FAIL, .domain = "x y", .reason = "(\x01)"};
    GArray *dkim = signatures(&s, 1);
    struct authres a = {"mx.example.com", &spf, &q, dkim, &dmarc};
    expect(&a,
           "Authentication-Results: mx.example.com;\r\n"
           "\tspf=fail reason=\"x\\\";???dkim=pass\"\r\n"
           "\tsmtp.mailfrom=\"\\\"a\\\\ b\\\"@x??Subject: evil\";\r\n"
           "\tdkim=fail header.d=\"a.b; dmarc=pass\" header.s=\"??\" header.b=\"\\\"\\\\?\?\";\r\n"
           "\tdmarc=fail reason=\"(?)\" header.from=\"x y\" policy.dmarc=none\r\n");
    struct bytes b = {0};
    authres_received_spf(&b, &a);
    check_shape(&b);
    assert_string_equal((const char *)b.data,
                        "Received-SPF: fail receiver=mx.example.com; identity=mailfrom;\r\n"
                        "\tclient-ip=\"x??y\"; helo=\"a??Bcc: x????\";\r\n"
                        "\tenvelope-from=\"\\\"a\\\\ b\\\"@x??Subject: evil\"; "
                        "mechanism=\"x\\\";???dkim=pass\";\r\n");
    bytes_free(&b);
    g_array_unref(dkim);
}

static void long_values(void **state)
{
    (void)state;
    g_autofree char *longest = g_strnfill(5000, 'a');
    g_autofree char *address = g_strconcat(longest, "@", longest, NULL);
    struct spf_question q = {"192.0.2.1", longest, address};
    struct spf_result spf = {.code = SPF_CODE_PASS, .domain = "x.example"};
    struct authres a = {longest, &spf, &q, NULL, NULL};
    struct bytes b = {0};
    authres_header(&b, &a);
    check_shape(&b);
    assert_true(b.len < 900);
    bytes_clear(&b);
    authres_received_spf(&b, &a);
    check_shape(&b);
    assert_true(b.len < 1500);
    bytes_free(&b);
}

static void received_spf(void **state)
{
    (void)state;
    struct spf_question q = {"2001:db8::1", "mail.example.org", "jane@example.org"};
    struct spf_result spf = {.code = SPF_CODE_SOFTFAIL, .domain = "example.org", .reason = "~all"};
    struct authres a = {.authserv_id = "mx.example.com", .spf = &spf, .asked = &q};
    struct bytes b = {0};
    authres_received_spf(&b, &a);
    assert_string_equal((const char *)b.data,
                        "Received-SPF: softfail receiver=mx.example.com; identity=mailfrom;\r\n"
                        "\tclient-ip=\"2001:db8::1\"; helo=mail.example.org;\r\n"
                        "\tenvelope-from=\"jane@example.org\"; mechanism=~all;\r\n");
    bytes_clear(&b);
    a.spf = NULL;
    authres_received_spf(&b, &a);
    assert_int_equal(b.len, 0);
    bytes_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_checked), cmocka_unit_test(all_checked),
        cmocka_unit_test(little_found),    cmocka_unit_test(foreign_bytes),
        cmocka_unit_test(long_values),     cmocka_unit_test(received_spf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
