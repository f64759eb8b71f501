/* With small limits: reading stops there with a note, and what lies below them is read as ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/mail/header.h"
#include "base/mail/links.h"
#include "base/mail/message.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "rules/auth/dkim_field.h"
#include "rules/auth/dmarc_from.h"

static struct limits small;
static struct limits_met seen; /* of the last message */

static int begin(void **state)
{
    (void)state;
    small = limits_default;
    seen = (struct limits_met){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    limits_set(&limits_default);
    seen = (struct limits_met){0};
    return 0;
}

static char *repeated(const char *before, const char *text, size_t times, const char *after)
{
    GString *out = g_string_new(before);
    for (size_t i = 0; i < times; i++)
        g_string_append(out, text);
    g_string_append(out, after);
    return g_string_free(out, FALSE);
}

static char *subject_of(size_t words)
{
    g_autofree char *raw = repeated("Subject: ", "=?utf-8?q?a?= ", words, "\r\n\r\n");
    struct message *m = message_new(raw, strlen(raw));
    char *text = header_text(&m->headers[0], m->met);
    seen = *m->met;
    message_free(&m);
    return text;
}

static void encoded_words(void **state)
{
    (void)state;
    small.encoded_words = 3;
    limits_set(&small);
    char *text = subject_of(3);
    assert_string_equal(text, "aaa");
    assert_string_equal(limits_noted(&seen), "");
    g_free(text);
    text = subject_of(5);
    assert_string_equal(text, "aaa =?utf-8?q?a?= =?utf-8?q?a?=");
    assert_string_equal(limits_noted(&seen), "encoded-words");
    g_free(text);
}

static void line_bytes(void **state)
{
    (void)state;
    small.line_bytes = 1000;
    limits_set(&small);
    g_autofree char *raw = repeated("Subject: ", "x", 2000, "\r\n\r\n");
    struct message *m = message_new(raw, strlen(raw));
    g_autofree char *text = header_text(&m->headers[0], m->met);
    seen = *m->met;
    assert_in_range(strlen(text), 900, 1000);
    assert_int_equal(m->headers[0].len, strlen(raw) - 2); /* kept whole */
    assert_string_equal(limits_noted(&seen), "line-length");
    message_free(&m);
}

static size_t tokens_in(size_t words)
{
    g_autofree char *raw = repeated("A: b\r\n\r\n", "one two three four five six seven eight ", words / 8, "\r\n");
    struct message *m = message_new(raw, strlen(raw));
    struct tokens *t = tokens_new(m);
    const size_t count = tokens_count(t);
    seen = *m->met;
    tokens_free(&t);
    message_free(&m);
    return count;
}

static void tokens(void **state)
{
    (void)state;
    small.tokens = 200;
    limits_set(&small);
    assert_in_range(tokens_in(80), 80, 199);
    assert_string_equal(limits_noted(&seen), "");
    assert_in_range(tokens_in(400), 200, 202); /* gaps are none */
    assert_string_equal(limits_noted(&seen), "tokens");
}

static void time_is_up(void **state)
{
    (void)state;
    const size_t all = tokens_in(80);
    assert_string_equal(limits_noted(&seen), "");
    small.cpu_seconds = 0;
    limits_set(&small);
    const size_t some = tokens_in(80);
    assert_in_range(some, 1, all - 60); /* what its header says */
    assert_string_equal(limits_noted(&seen), "time");
}

static size_t uris_in(size_t n)
{
    g_autofree char *text = repeated("", "http://a.example/ ", n, "");
    seen = (struct limits_met){0};
    struct links links = {.met = &seen};
    links_scan(&links, text, strlen(text), true);
    const size_t count = links.count;
    links_free(&links);
    return count;
}

static void uris(void **state)
{
    (void)state;
    small.uris = 5;
    limits_set(&small);
    assert_int_equal(uris_in(4), 4);
    assert_string_equal(limits_noted(&seen), "");
    assert_int_equal(uris_in(9), 5);
    assert_string_equal(limits_noted(&seen), "uris");
}

static guint signatures_in(const char *field, size_t n)
{
    g_autofree char *raw = repeated("", field, n, "\r\n");
    size_t count;
    g_autofree struct header *headers = message_scan_headers(raw, strlen(raw), NULL, &count);
    seen = (struct limits_met){0};
    GArray *fields = dkim_field_list(headers, count, &seen);
    const guint found = fields->len;
    g_array_unref(fields);
    return found;
}

static void signatures(void **state)
{
    (void)state;
    small.signatures = 2;
    limits_set(&small);
    assert_int_equal(signatures_in("DKIM-Signature: v=1; d=a.example\r\n", 2), 2);
    assert_string_equal(limits_noted(&seen), "");
    assert_int_equal(signatures_in("DKIM-Signature: v=1; d=a.example\r\n", 3), 2);
    assert_string_equal(limits_noted(&seen), "signatures");
}

static void addresses(void **state)
{
    (void)state;
    small.address_bytes = 300;
    limits_set(&small);
    for (int n = 80; n <= 100; n += 20) {
        char *from = repeated("", "(c)", n, " a@b.example");
        const struct header h = {.name = "From", .name_len = 4, .value = from, .value_len = strlen(from)};
        struct dmarc_from *f = dmarc_from_read(&h, 1);
        assert_string_equal(f->address, n == 80 ? "a@b.example" : "");
        dmarc_from_free(&f);
        g_free(from);
    }
}

static void what_is_noted(void **state)
{
    (void)state;
    for (int i = 0; i < LIMITS_NOTES; i++)
        limits_note(&seen, (enum limits_note)i);
    assert_string_equal(limits_noted(&seen), "header-size,header-count,address,line-length,parts,nesting,"
                                        "encoded-words,tokens,uris,signatures,time");
    limits_note(NULL, LIMITS_TIME); /* nobody wants to know */
}

/* What one message met is nothing that the next one, or one read at the same time, has met. */
static void each_message_has_its_own(void **state)
{
    (void)state;
    small.header_count = 1;
    limits_set(&small);
    struct message *first = message_new("A: b\r\nC: d\r\n\r\n", 14);
    struct message *second = message_new("A: b\r\n\r\n", 8);
    assert_string_equal(limits_noted(first->met), "header-count");
    assert_string_equal(limits_noted(second->met), "");
    message_free(&first);
    message_free(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_message_has_its_own, begin, end),
        cmocka_unit_test_setup_teardown(encoded_words, begin, end),
        cmocka_unit_test_setup_teardown(line_bytes, begin, end),
        cmocka_unit_test_setup_teardown(tokens, begin, end), cmocka_unit_test_setup_teardown(time_is_up, begin, end),
        cmocka_unit_test_setup_teardown(uris, begin, end),
        cmocka_unit_test_setup_teardown(signatures, begin, end),
        cmocka_unit_test_setup_teardown(addresses, begin, end),
        cmocka_unit_test_setup_teardown(what_is_noted, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
