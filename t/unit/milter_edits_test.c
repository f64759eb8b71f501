/* The edits that an MTA is asked for turn its message into the finished copy. They are carried out here as
 * an MTA does it, by name and number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/header.h"
#include "filterd/session/milter_edits.h"
#include "t/unit/milter_mta.h"

/* The MTA's fields after the edits, and how many there were. */
static char *edited(const char *old, const char *added, const char *rest, guint *edits_r)
{
    size_t n;
    g_autofree char *whole = g_strconcat(added, rest, NULL);
    struct header *h;
    assert_true(milter_edits_fields(old, strlen(old), NULL, &h, &n));
    const struct milter_edits_copy copy = {whole, strlen(whole), strlen(added)};
    GVariant *edits = g_variant_ref_sink(milter_edits_new(h, n, &copy));
    GPtrArray *list = fields_of(old, strlen(old));
    *edits_r = (guint)g_variant_n_children(edits);
    for (guint i = 0; i < *edits_r; i++) {
        GVariant *edit = g_variant_get_child_value(edits, i);
        apply(list, edit);
        g_variant_unref(edit);
    }
    char *text = joined(list);
    g_ptr_array_unref(list);
    g_variant_unref(edits);
    g_free(h);
    return text;
}

static void expect(const char *old, const char *added, const char *rest, guint most)
{
    guint edits;
    g_autofree char *whole = g_strconcat(added, rest, NULL);
    GPtrArray *want = fields_of(whole, strlen(whole));
    g_autofree char *text = edited(old, added, rest, &edits), *wanted = joined(want);
    assert_string_equal(text, wanted);
    assert_true(edits <= most);
    g_ptr_array_unref(want);
}

#define OURS "X-Result: Spam\r\nX-Encrypted: yes\r\n"
#define SEALED "MIME-Version: 1.0\r\nContent-Type: multipart/encrypted;\r\n\tboundary=x\r\n\r\nbody\r\n"

static void usual(void **state)
{
    (void)state;
    expect("From: a\r\n\r\nx\r\n", OURS, "From: a\r\n\r\nx\r\n", 2);
    expect("From: a\r\nTo: b\r\n c\r\n\r\nx\r\n", OURS, "From: a\r\nTo: b\r\n c\r\n" SEALED, 4);
    expect("From: a\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\nSubject: s\r\n\r\nx\r\n", OURS,
           "From: a\r\nSubject: s\r\n" SEALED, 6);
    expect("\r\nno fields\r\n", OURS, SEALED, 4);
    expect("From: a\r\n\r\n", "", "\r\nno fields\r\n", 1);
    expect("From: a\r\nContent-Type: text/plain\r\nMIME-Version: 1.0\r\nContent-Language: en\r\n\r\n", "",
           "From: a\r\n" SEALED, 3);
}

static void forged(void **state)
{
    (void)state;
    expect("X-Result: Innocent\r\nFrom: a\r\nx-result : no\r\nX-Encrypted: yes\r\nTo: b\r\nX-RESULT: 3\r\n\r\n",
           OURS, "From: a\r\nTo: b\r\n\r\n", 6);
    /* A forged field equal to ours, below all others: the order must still be right. */
    expect("From: a\r\nTo: b\r\nReceived: c\r\nX-Encrypted: yes\r\n\r\n", OURS,
           "From: a\r\nTo: b\r\nReceived: c\r\n" SEALED, 5);
    expect("Content-Type: a\r\nFrom: a\r\nContent-Type: b\r\nContent-Type: c\r\n\r\n", OURS,
           "From: a\r\nContent-Type: d\r\nMIME-Version: 1.0\r\n\r\nx\r\n", 6);
}

static void changed(void **state)
{
    (void)state;
    const char *old = "Received: one\r\nReceived: two\r\nReceived: three\r\nUser-Agent: x\r\nFrom: a\r\n\r\n";
    expect(old, OURS, "Received: one\r\nReceived: hidden\r\nReceived: three\r\nFrom: a\r\n\r\n", 4);
    expect(old, OURS, "Received: hidden\r\nReceived: hidden\r\nReceived: hidden\r\nFrom: a\r\n" SEALED, 8);
    expect("Subject: s\r\nFrom: a\r\n\r\n", "Subject: [SPAM] s\r\n", "From: a\r\n\r\n", 2);
    guint edits;
    /* A field whose value becomes empty cannot be changed in place: it is deleted and added below. */
    g_autofree char *text = edited("X: y\r\nFrom: a\r\n\r\n", "", "X:\r\nFrom: a\r\n\r\n", &edits);
    assert_string_equal(text, "From: a\nX:\n");
}

/* In every case the message has the copy's fields and no others, ours on top. */
static void any(void **state)
{
    (void)state;
    GRand *r = g_rand_new_with_seed(4711);
    for (int round = 0; round < 2000; round++) {
        GString *old = g_string_new(NULL), *rest = g_string_new(NULL);
        for (int i = g_rand_int_range(r, 0, 30); i > 0; i--) {
            g_autofree char *field = g_strdup_printf("%c: %d\r\n", g_rand_int_range(r, 'A', 'F'),
                                          g_rand_int_range(r, 0, 4));
            const int what = g_rand_int_range(r, 0, 8);
            g_string_append(old, field);
            if (what == 1)
                g_string_append_printf(rest, "%c: new\r\n", field[0]);
            else if (what > 1)
                g_string_append(rest, field);
        }
        g_string_append(old, "\r\nx\r\n");
        g_string_append(rest, SEALED);
        guint edits;
        char *whole = g_strconcat(OURS, rest->str, NULL);
        char *text = edited(old->str, OURS, rest->str, &edits);
        GPtrArray *want = fields_of(whole, strlen(whole));
        char *a = joined(want), *b = sorted(a), *c = sorted(text);
        assert_true(g_str_has_prefix(text, "X-Result: Spam\nX-Encrypted: yes\n"));
        assert_string_equal(b, c);
        g_free(a), g_free(b), g_free(c), g_free(text), g_free(whole);
        g_ptr_array_unref(want);
        g_string_free(old, TRUE);
        g_string_free(rest, TRUE);
    }
    g_rand_free(r);
}

/* Too many changes to ask of an MTA, or more fields than we read. */
static void too_many(void **state)
{
    (void)state;
    const struct limits wide = {.header_bytes = 1 << 20, .header_count = 10000, .line_bytes = 1000,
                                .address_bytes = 1000};
    const struct milter_edits_copy copy = {OURS "\r\n", strlen(OURS "\r\n"), strlen(OURS)};
    GString *old = g_string_new(NULL);
    size_t n;
    for (int i = 0; i < MILTER_EDITS_MAX - 2; i++)
        g_string_append(old, "A: b\r\n");
    limits_set(&wide);
    for (int more = 0; more < 2; more++) {
        g_autofree char *text = g_strconcat(old->str, more ? "A: b\r\n\r\n" : "\r\n", NULL);
        struct header *h;
        assert_true(milter_edits_fields(text, strlen(text), NULL, &h, &n));
        GVariant *edits = milter_edits_new(h, n, &copy);
        assert_true((edits != NULL) == !more);
        if (edits)
            g_variant_unref(g_variant_ref_sink(edits));
        g_free(h);
    }
    limits_set(&limits_default);
    g_string_append(old, "A: b\r\nA: b\r\nA: b\r\n\r\n");
    struct header *none;
    assert_false(milter_edits_fields(old->str, old->len, NULL, &none, &n));
    g_string_free(old, TRUE);
}

static void body_begins(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at;
    } cases[] = {{"A: b\r\n\r\nbody", 8}, {"\r\nA: b\r\n\r\n", 2}, {"A: b\r\n", 6}, {"", 0},
                 {"A: b\r\n \r\nC: d\r\n\r\n", 17}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(milter_edits_body(cases[i].text, strlen(cases[i].text)), cases[i].at);
}

/* The size of a body in Postfix's queue file: for each line, cut at 2048 bytes, a type byte and one or
 * more length bytes. */
static size_t in_queue_file(const char *body, size_t len)
{
    size_t bytes = 0;
    for (const char *p = body, *end = body + len; p < end;) {
        const char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
        size_t left = eol ? (size_t)(eol - p) : (size_t)(end - p);
        p = eol ? eol + 2 : end;
        do {
            const size_t n = MIN(left, 2048);
            bytes += n + 1 + (n < 128 ? 1 : 2);
            left -= n;
        } while (left);
    }
    return bytes;
}

static void never_shorter(void **state)
{
    (void)state;
    static const size_t widths[] = {0, 1, 76, 128, 998, 2047, 2048, 2049, 100000};
    for (size_t w = 0; w < G_N_ELEMENTS(widths); w++) {
        for (size_t lines = 0; lines < 40; lines++) {
            GString *old = g_string_new(NULL);
            struct bytes new = {0};
            for (size_t i = 0; i < lines; i++) {
                for (size_t k = 0; k < widths[w]; k++)
                    g_string_append_c(old, 'x');
                g_string_append(old, "\r\n");
            }
            bytes_adds(&new, "--boundary--\r\n");
            milter_edits_pad(&new, old->len, new.len);
            assert_true(in_queue_file((char *)new.data, new.len) >= in_queue_file(old->str, old->len));
            assert_memory_equal(new.data, "--boundary--\r\n ", 15);
            bytes_free(&new);
            g_string_free(old, TRUE);
        }
    }
    struct bytes none = {0};
    milter_edits_pad(&none, 1000, 2000); /* what is sealed is longer */
    assert_int_equal(none.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual),    cmocka_unit_test(forged),      cmocka_unit_test(changed),
        cmocka_unit_test(any),      cmocka_unit_test(too_many),    cmocka_unit_test(body_begins),
        cmocka_unit_test(never_shorter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
