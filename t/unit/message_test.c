/* Messages taken apart: header and body, MIME parts, decoded text, broken structure, and limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/mail/message_part.h"

static struct message *parse(const char *text)
{
    return message_new(text, strlen(text));
}

static void is_text(const char *start, size_t len, const char *want)
{
    if (len != strlen(want) || memcmp(start, want, len) != 0)
        fail_msg("got \"%.*s\", expected \"%s\"", (int)len, start, want);
}

/* "kind depth type charset name data" of each part, one a line. */
static void describe(const struct message_part *p, void *arg)
{
    static const char *const kinds[] = {"leaf", "multipart", "message"};
    GString *out = arg;
    g_string_append_printf(out, "%s %d %s %s %s%s [", kinds[p->kind], p->depth, p->type,
                           p->charset ? p->charset : "-", p->name ? p->name : "-",
                           p->attachment ? " attached" : "");
    if (p->data)
        g_string_append_len(out, (const char *)p->data, (gssize)p->len);
    g_string_append(out, "]\n");
}

static void parts_are(const struct message *m, const char *want)
{
    GString *out = g_string_new(NULL);
    message_each_part(m, describe, out);
    assert_string_equal(out->str, want);
    g_string_free(out, TRUE);
}

static void headers(void **state)
{
    (void)state;
    struct message *m = parse("Subject: one\r\n two\r\nX-Odd \t: x\r\nfrom:a@b\r\nEmpty:\r\n\r\nbody\r\n");
    assert_int_equal(m->header_count, 4);
    is_text(m->headers[0].name, m->headers[0].name_len, "Subject");
    is_text(m->headers[0].value, m->headers[0].value_len, " one\r\n two");
    is_text(m->headers[0].start, m->headers[0].len, "Subject: one\r\n two\r\n");
    assert_true(header_is(&m->headers[1], "x-odd"));
    assert_true(header_starts(&m->headers[1], "X-"));
    assert_false(header_is(&m->headers[1], "x-od"));
    is_text(message_header(m, "From")->value, 3, "a@b");
    is_text(m->headers[3].value, m->headers[3].value_len, "");
    assert_null(message_header(m, "To"));
    is_text(m->body, m->body_len, "body\r\n");
    assert_false(m->headers[0].dropped);
    message_free(&m);
    assert_null(m);
}

static void line_ends(void **state)
{
    (void)state;
    struct message *m = parse("From x@y Mon\nA: 1\nB: 2\n\nbody\n");
    assert_int_equal(m->header_count, 2);
    is_text(m->headers[1].value, m->headers[1].value_len, " 2");
    is_text(m->body, m->body_len, "body\n");
    message_free(&m);
    m = parse(">From x@y Mon\r\nA: 1");
    assert_int_equal(m->header_count, 1);
    is_text(m->headers[0].start, m->headers[0].len, "A: 1");
    assert_int_equal(m->body_len, 0);
    message_free(&m);
}

/* Every byte is a header's, the empty line's or the body's, whatever comes in. */
static void nothing_lost(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "", "\r\n", "hello\r\nworld\r\n", " folded first\r\nA: b\r\n\r\nx", "A: b\r\nno header\r\nC: d\r\n\r\nx",
        "A: b", "A: b\r\n", "A: b\r\n\r\n", ":\r\n\r\nx", "A b: c\r\n\r\nx", "\xe4: b\r\n\r\n", "A: b\r\n\t"};
    for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
        struct message *m = parse(odd[i]);
        const char *at = odd[i];
        for (size_t h = 0; h < m->header_count; h++) {
            assert_ptr_equal(m->headers[h].start, at);
            at += m->headers[h].len;
        }
        assert_true(m->body == at || m->body == at + 2);
        assert_int_equal(m->body_len, strlen(odd[i]) - (size_t)(m->body - odd[i]));
        message_free(&m);
    }
}

static void see_whole(const struct message_part *p, void *arg)
{
    assert_non_null(p->data);
    assert_non_null(p->raw);
    assert_int_equal(p->len, 0);
    ++*(int *)arg;
}

/* A message without a byte may come with a NULL pointer. */
static void nothing_at_all(void **state)
{
    (void)state;
    size_t count = 1;
    int parts = 0;
    struct message *m = message_new(NULL, 0);
    assert_non_null(m->raw);
    assert_ptr_equal(m->body, m->raw);
    assert_int_equal(m->len + m->body_len + m->header_count, 0);
    message_each_part(m, see_whole, &parts);
    assert_int_equal(parts, 1);
    message_free(&m);
    g_free(message_scan_headers(NULL, 0, NULL, &count));
    assert_int_equal(count, 0);
}

/* GMime must not see structure behind a line that ended the headers for everyone else. */
static void missing_empty_line(void **state)
{
    (void)state;
    struct message *m = parse("Subject: x\r\nsecret\r\nContent-Type: multipart/encrypted; boundary=b\r\n"
                              "\r\n--b\r\n\r\nx\r\n--b--\r\n");
    assert_string_equal(message_type(m), "text/plain");
    assert_int_equal(m->header_count, 1);
    assert_memory_equal(m->body, "secret\r\n", 8);
    assert_non_null(m->tree);
    message_free(&m);
}

static void structural(void **state)
{
    (void)state;
    struct message *m = parse("Content-Type: text/html\r\nMime-Version: 1.0\r\nContents: x\r\n\r\n");
    assert_true(header_is_structural(&m->headers[0]));
    assert_true(header_is_structural(&m->headers[1]));
    assert_false(header_is_structural(&m->headers[2]));
    assert_string_equal(message_type(m), "text/html");
    message_free(&m);
}

static void text(void **state)
{
    (void)state;
    struct message *m = parse("A: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n =?iso-8859-1?b?5A==?=\r\n"
                              "B: plain \r\n text \r\nC: \xff\xfe raw\r\n\r\n");
    g_autofree char *a = header_text(&m->headers[0], NULL), *b = header_text(&m->headers[1], NULL),
         *c = header_text(&m->headers[2], NULL);
    assert_string_equal(a, "gr\xc3\xbc\xc3\x9f" "e\xc3\xa4");
    assert_string_equal(b, "plain  text");
    assert_true(g_utf8_validate(c, -1, NULL) && strstr(c, "raw"));
    message_free(&m);
}

static void parts(void **state)
{
    (void)state;
    struct message *m = parse(
        "Content-Type: Multipart/Mixed; boundary=\"b\"; x=Y\r\n\r\npreamble\r\n--b\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        "a=3Db\r\n--b\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n"
        "Content-Disposition: attachment; filename=\"a b.zip\"\r\n\r\naGVsbG8=\r\n--b\r\n"
        "Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\ninner\r\n--b--\r\n");
    assert_string_equal(message_type(m), "multipart/mixed");
    assert_string_equal(message_type_param(m, "x"), "Y");
    assert_null(message_type_param(m, "y"));
    parts_are(m, "multipart 0 multipart/mixed - - []\n"
                 "leaf 1 text/plain utf-8 - [a=b]\n"
                 "leaf 1 application/zip - a b.zip attached [hello]\n"
                 "message 1 message/rfc822 - - []\n"
                 "leaf 2 text/plain - - [inner]\n");
    message_free(&m);
}

struct seen {
    int leaves, defects;
    size_t raw_bytes, decoded_bytes;
};

static void see(const struct message_part *p, void *arg)
{
    struct seen *seen = arg;
    seen->defects |= p->defects;
    seen->leaves += p->kind == PART_LEAF;
    seen->raw_bytes += p->raw_len;
    seen->decoded_bytes += p->len;
}

/* GMime reads a large message in place, without a copy: its parts must be the same. */
static void large(void **state)
{
    (void)state;
    GString *mail = g_string_new("To: x:y@z;\r\nContent-Type: multipart/mixed; boundary=b\r\nX-A: b\r\n\r\n--b\r\n");
    g_string_append(mail, "Content-Type: image/png\r\n\r\n");
    for (int i = 0; i < 20000; i++)
        g_string_append(mail, "sixty-four bytes of something that is not looked into at all....\r\n");
    g_string_append(mail, "--b\r\n\r\nend\r\n--b--\r\n");
    struct message *m = message_new(mail->str, mail->len);
    struct seen seen = {0};
    message_each_part(m, see, &seen);
    assert_int_equal(seen.leaves, 2);
    assert_int_equal(seen.raw_bytes, 20000 * 66 - 2 + 3);
    assert_int_equal(seen.decoded_bytes, PART_OTHER_BYTES + 3);
    message_free(&m);
    g_string_free(mail, TRUE);
}

/* Text is decoded whole, whatever says so: type, name, or its first bytes. */
static void decoded_for_reading(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        bool whole;
    } cases[] = {{"text/plain", true},      {"image/svg+xml", true},     {"image/png", false},
                 {"application/x", true},   {"application/x; name=x.htm", true}, {"image/png; name=x.svg", true},
                 {"application/x; name=x.png", false},
                 {"application/x\r\nContent-Disposition: attachment", false},
                 {"image/svg+xml\r\nContent-Disposition: attachment", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GString *mail = g_string_new(NULL);
        g_string_printf(mail, "MIME-Version: 1.0\r\nContent-Transfer-Encoding: quoted-printable\r\nContent-Type: %s\r\n\r\n",
                        cases[i].head);
        for (int n = 0; n < 1000; n++)
            g_string_append(mail, "w=6Frd ");
        struct message *m = message_new(mail->str, mail->len);
        struct seen seen = {0};
        message_each_part(m, see, &seen);
        assert_int_equal(seen.decoded_bytes, cases[i].whole ? 5000 : PART_OTHER_BYTES);
        message_free(&m);
        g_string_free(mail, TRUE);
    }
}

static void defect(const char *mail, int want)
{
    struct message *m = parse(mail);
    struct seen seen = {0};
    message_each_part(m, see, &seen);
    assert_int_equal(seen.defects, want);
    message_free(&m);
}

static void defects(void **state)
{
    (void)state;
    defect("Content-Type: multipart/mixed\r\n\r\nx\r\n", PART_NO_BOUNDARY);
    defect("Content-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n", PART_NO_PARTS);
    defect("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n", PART_NOT_CLOSED);
    defect("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n", 0);
    defect("Content-Transfer-Encoding: base64;\r\n\r\naGVsbG8=\r\n", PART_ODD_ENCODING);
    defect("Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=aGVsbG8=\r\n", PART_DIRTY_BASE64);
}

static void no_tree(void **state)
{
    (void)state;
    struct message *m = parse("\r\nbody only");
    assert_null(m->tree);
    assert_string_equal(message_type(m), "text/plain");
    parts_are(m, "leaf 0 text/plain - - [body only]\n");
    message_free(&m);
}

static void depth(void **state)
{
    (void)state;
    GString *deep = g_string_new(NULL), *out = g_string_new(NULL);
    for (int i = 0; i < 100; i++)
        g_string_append(deep, "Content-Type: message/rfc822\r\n\r\n");
    g_string_append(deep, "A: b\r\n\r\nx");
    struct message *m = message_new(deep->str, deep->len);
    message_each_part(m, describe, out);
    assert_non_null(strstr(out->str, "message 99 "));
    assert_non_null(strstr(out->str, "leaf 100 "));
    message_free(&m);
    g_string_free(deep, TRUE);
    g_string_free(out, TRUE);
}

/* Which limits a message met, "tree " in front if GMime made sense of it. */
static const char *met(const char *before, const char *repeated, size_t times, const char *after)
{
    static char said[200];
    GString *text = g_string_new(before);
    for (size_t i = 0; i < times; i++)
        g_string_append(text, repeated);
    g_string_append(text, after);
    struct message *m = message_new(text->str, text->len);
    g_snprintf(said, sizeof said, "%s%s", m->tree ? "tree " : "", limits_noted(m->met));
    assert_true(m->body + m->body_len == text->str + text->len);
    message_free(&m);
    g_string_free(text, TRUE);
    return said;
}

static bool has_tree(const char *before, const char *repeated, size_t times, const char *after)
{
    GString *text = g_string_new(before);
    for (size_t i = 0; i < times; i++)
        g_string_append(text, repeated);
    g_string_append(text, after);
    struct message *m = message_new(text->str, text->len);
    bool tree = m->tree != NULL;
    assert_int_not_equal(m->header_count, 0);
    message_free(&m);
    g_string_free(text, TRUE);
    return tree;
}

#define MIXED "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define NESTED MIXED "--b\r\nContent-Type: message/rfc822\r\n\r\n"

/* Messages that must not reach GMime. */
static void limits(void **state)
{
    (void)state;
    assert_string_equal(met("To: ", "abcdefgh", 8 * 1024 - 100, "\r\n\r\n"), "tree ");
    assert_string_equal(met("To: ", "abcdefgh", 8 * 1024, "\r\n\r\n"), "tree address");
    assert_string_equal(met("To \t: ", "a@b,\r\n ", 10000, "c\r\n\r\n"), "tree address");
    assert_string_equal(met(NESTED "cc: ", "abcdefgh", 8 * 1024, "\r\n\r\n"), "tree address");
    assert_string_equal(met(NESTED "to: ", "g:", 5000 - 1, "\r\n\r\n"), "tree ");
    assert_string_equal(met(NESTED "to: ", "g:", 5000, "\r\n\r\n"), "tree address");
    assert_string_equal(met("Subject: ", "abcdefgh", 8 * 1024, "\r\n\r\n"), "tree ");
    assert_string_equal(met("Subject: ", "abcdefgh", 13 * 1024, "\r\n\r\n"), "tree line-length");
    assert_string_equal(met(NESTED "Subject: ", "abcdefgh", 13 * 1024, "\r\n\r\n"),
                        "tree line-length");
    assert_string_equal(met(MIXED, "--b\r\n\r\n", 2000, ""), "tree ");
    assert_string_equal(met(MIXED, "--b\r\n\r\n", 2001, ""), "tree parts");
    assert_string_equal(met("A: b\r\n\r\n", "--b\r\n", 30000, ""), "tree ");
    assert_string_equal(met(MIXED "--b\r\n", "C: d\r\n", 20001, "\r\n"), "tree header-count");
    assert_string_equal(met(MIXED "--b\r\nContent-Type: a/b", "; c=d", 20001, "\r\n\r\n"),
                        "tree header-count");
    assert_string_equal(met(NESTED "To: a@b\r\n", "Cc: \"a b\" <c@d>\r\n", 16000, "\r\n"), "tree address");
    assert_string_equal(met(NESTED, "C: d\r\n", 20001, "\r\n"), "tree header-count");
    assert_true(has_tree("Content-Type: text/plain; ", "a", 59, "=\xc3\xa4\r\n\r\n"));
    assert_false(has_tree("Content-Type: text/plain; ", "a", 60, "=\xc3\xa4\r\n\r\n"));
    assert_string_equal(met(NESTED "Content-Type: text/plain;\r\n\t", "a", 71, "*=x\r\n\r\n"),
                        "tree line-length");
}

static void depth_is_told_from_breadth(void **state)
{
    (void)state;
    assert_string_equal(met("", "Content-Type: message/rfc822\r\n\r\n", 100, "A: b\r\n\r\nx"), "tree ");
    assert_string_equal(met("", "Content-Type: message/rfc822\r\n\r\n", 101, "A: b\r\n\r\nx"),
                        "tree nesting");
    assert_string_equal(met(MIXED, "--b\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nx\r\n", 500,
                            "--b--\r\n"), "tree ");
    assert_string_equal(met(MIXED, "--b\r\nContent-type: MULTIPART/mixed; Boundary = \"c d\"\r\n\r\n"
                                   "--c d\r\n\r\nx\r\n--c d--\r\n", 500, "--b--\r\n"), "tree ");
    assert_string_equal(met(MIXED, "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", 101, ""),
                        "tree nesting"); /* the innermost of that name goes on */
    assert_string_equal(met(MIXED "--b\r\n", "Content-Type: multipart/mixed; boundary=c\r\n\r\n--d\r\n",
                            100, ""), "tree nesting");
}

static size_t fields_of(const char *repeated, size_t times, const char *after, const char *body)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < times; i++)
        g_string_append(text, repeated);
    g_string_append(text, after);
    struct message *m = message_new(text->str, text->len);
    const size_t count = m->header_count;
    assert_true(g_str_has_prefix(m->body, body));
    assert_true(m->body + m->body_len == text->str + text->len);
    message_free(&m);
    size_t early;
    g_free(message_scan_headers(text->str, text->len, NULL, &early));
    assert_int_equal(early, count);
    g_string_free(text, TRUE);
    return count;
}

/* A header that is too much ends, and what is left of it is body. */
static void header_limits(void **state)
{
    struct limits small = limits_default;
    (void)state;
    assert_string_equal(met("", "C: d\r\n", 2000, "\r\nx"), "tree ");
    assert_string_equal(met("", "C: d\r\n", 2001, "\r\nx"), "tree header-count");
    assert_int_equal(fields_of("C: d\r\n", 100000, "\r\nbody", "C: d\r\n"), 2000);
    assert_int_equal(fields_of("C: d\r\n e\r\n", 2000, "X: y\r\n z\r\n\r\nbody", "X: y\r\n z"), 2000);
    small.header_bytes = 1000;
    small.header_count = 200;
    limits_set(&small);
    assert_int_equal(fields_of("C: defg\r\n", 120, "Content-Type: x/y\r\n\r\n", "C: defg"), 111);
    assert_int_equal(fields_of("C: defg\r\n", 111, "\r\nbody", "body"), 111);
    assert_int_equal(fields_of("C: d\r\n", 10, "X: y\r\n", ""), 11);
    assert_string_equal(met("A: b\r\nLong: ", "x", 1000, "\r\nAfter: c\r\n\r\n"), "tree header-size");
    assert_string_equal(met("", "C: d\r\n", 201, "\r\n"), "tree header-size");
    limits_set(&limits_default);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers),      cmocka_unit_test(line_ends),
        cmocka_unit_test(nothing_lost), cmocka_unit_test(missing_empty_line),
        cmocka_unit_test(nothing_at_all),
        cmocka_unit_test(structural),   cmocka_unit_test(text),
        cmocka_unit_test(parts),        cmocka_unit_test(large),
        cmocka_unit_test(decoded_for_reading), cmocka_unit_test(defects), cmocka_unit_test(no_tree),
        cmocka_unit_test(depth),        cmocka_unit_test(limits),
        cmocka_unit_test(header_limits), cmocka_unit_test(depth_is_told_from_breadth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
