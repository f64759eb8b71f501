/* The site's table, applied to the fields of a message: what a replaced field's parts are, where a field ends, and when
 * a table that could not be read is tried again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mail/message.h"
#include "filterd/pipeline/headers_anonymize.h"
#include "t/unit/test_folder.h"

static struct context context;
static struct message *m;
static GPtrArray *texts;
static gint64 now = 1000 * G_USEC_PER_SEC;

/* Instead of GLib's. */
gint64 g_get_monotonic_time(void)
{
    return now;
}

static void load(const char *table)
{
    char *error = NULL;
    g_autofree char *file = g_build_filename(folder, "table", NULL);
    assert_true(g_file_set_contents(file, table, -1, NULL));
    anonymize_free(&context.anonymize[ROLE_INBOUND]);
    context.anonymize[ROLE_INBOUND] = anonymize_load(file, &error);
    if (error)
        fail_msg("%s", error);
}

static void apply(const char *raw)
{
    message_free(&m);
    m = message_new(raw, strlen(raw));
    assert_true(headers_anonymize(&context, NULL, m, texts));
}

static int set_up(void **state)
{
    (void)state;
    texts = g_ptr_array_new_with_free_func(g_free);
    return folder_make("unused");
}

static int tear_down(void **state)
{
    message_free(&m);
    g_ptr_array_unref(texts);
    anonymize_free(&context.anonymize[ROLE_INBOUND]);
    return folder_remove(state);
}

static void part(const char *at, size_t len, const char *expected)
{
    g_autofree char *text = g_strndup(at, len);
    assert_string_equal(text, expected);
}

static void a_replaced_field(void **state)
{
    (void)state;
    load("/^X-Mailer:.*/ REPLACE Subject: other\n");
    apply("To: a\r\nX-Mailer: Somebody's\r\nCc: b\r\n\r\nbody\r\n");
    const struct header *h = &m->headers[1];
    part(h->start, h->len, "Subject: other\r\n");
    part(h->name, h->name_len, "Subject");
    part(h->value, h->value_len, " other");
    assert_true(header_is(h, "Subject") && !h->dropped);
    part(m->headers[0].start, m->headers[0].len, "To: a\r\n");
    part(m->headers[2].start, m->headers[2].len, "Cc: b\r\n");
}

/* The table sees a field without its line end, be that CRLF, LF, or the end of the message, and all that is before. */
static void where_a_field_ends(void **state)
{
    static const char *const raws[] = {"X-A: one\r\n\r\n", "X-A: one\n\n", "X-A: one", "X-A: one\r\nX-B: two\r\n\r\n", "X-A: one\nX-B: two\n\n"};
    (void)state;
    load("/^X-A: one$/ IGNORE\n/^X-B: two$/ IGNORE\n");
    for (size_t i = 0; i < G_N_ELEMENTS(raws); i++) {
        apply(raws[i]);
        for (size_t j = 0; j < m->header_count; j++)
            assert_true(m->headers[j].dropped);
        assert_true(m->header_count > 0);
    }
    load("/^X-A:$/ IGNORE\n");
    apply("X-A:\r\n\r\n");
    assert_true(m->headers[0].dropped);
    load("/^X-A: on$/ IGNORE\n");
    apply("X-A: one\r\n\r\n");
    assert_false(m->headers[0].dropped);
}

/* What did not work is tried again after a second, and not before. */
static void tried_again(void **state)
{
    g_autofree char *file = g_build_filename(folder, "late", NULL);
    struct settings s = {.anonymize_inbound = file, .anonymize_submission = file};
    (void)state;
    context = (struct context){.settings = &s, .mended = now, .no_anonymize = {true, true}, .rules = rules_new(&s, RULES_NO_SPF)};
    assert_true(g_file_set_contents(file, "/^X-A:/ IGNORE\n", -1, NULL));
    now += G_USEC_PER_SEC - 1;
    context_mend(&context);
    assert_true(context.no_anonymize[ROLE_INBOUND] && context.no_anonymize[ROLE_SUBMISSION]);
    now += 1;
    context_mend(&context);
    for (enum role role = ROLE_INBOUND; role <= ROLE_SUBMISSION; role++)
        assert_true(!context.no_anonymize[role] && context.anonymize[role]);
    assert_true(context.mended == now);
    anonymize_free(&context.anonymize[ROLE_SUBMISSION]);
    rules_free(&context.rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_replaced_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_a_field_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tried_again, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
