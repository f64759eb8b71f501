/* Tokens of whole messages: the golden files of t/golden/tokens, facts as tokens, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/message.h"
#include "base/newline.h"
#include "classifier/osb.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"

#define GOLDEN "t/golden/tokens"

static struct tokens *tokens_of(const char *data, size_t len)
{
    struct bytes raw = {0};
    bytes_add(&raw, data, len);
    newline_normalise(&raw);
    struct message *m = message_new(raw.data ? (char *)raw.data : "", raw.len);
    struct tokens *t = tokens_new(m);
    message_free(&m);
    bytes_free(&raw);
    return t;
}

static void add_line(const char *token, void *arg)
{
    g_string_append_printf(arg, "%s\n", token);
}

static GString *lines_of(const struct tokens *t)
{
    GString *lines = g_string_new(NULL);
    tokens_each(t, add_line, lines);
    return lines;
}

static void test_golden_files(void **state)
{
    (void)state;
    GDir *dir = g_dir_open(GOLDEN, 0, NULL);
    int count = 0;
    assert_non_null(dir);
    for (const char *name; (name = g_dir_read_name(dir));) {
        if (!g_str_has_suffix(name, ".eml"))
            continue;
        char *data, *expected;
        gsize len;
        g_autofree char *mail = g_build_filename(GOLDEN, name, NULL);
        g_autofree char *golden = g_strdup_printf("%.*s.tokens", (int)strlen(mail) - 4, mail);
        assert_true(g_file_get_contents(mail, &data, &len, NULL));
        assert_true(g_file_get_contents(golden, &expected, NULL, NULL));
        struct tokens *t = tokens_of(data, len);
        GString *lines = lines_of(t);
        assert_string_equal(lines->str, expected);
        g_string_free(lines, TRUE);
        tokens_free(&t);
        g_free(data);
        g_free(expected);
        count++;
    }
    g_dir_close(dir);
    assert_true(count >= 20);
}

static void test_facts_are_tokens_too(void **state)
{
    (void)state;
    const char *const facts[] = {"dnsbl", "spf:fail", NULL};
    struct tokens *t = tokens_of("Subject: x\n\ny\n", 14);
    tokens_add_facts(t, facts);
    GString *lines = lines_of(t);
    assert_true(g_str_has_prefix(lines->str, "h:subject:x\n"));
    assert_true(g_str_has_suffix(lines->str, "\nf:dnsbl\nf:spf:fail\n"));
    g_string_free(lines, TRUE);
    tokens_free(&t);
    assert_null(t);
}

static void test_nothing_gives_little(void **state)
{
    (void)state;
    struct tokens *t = tokens_of("", 0);
    const unsigned char key[16] = {1};
    GArray *features = osb_features(t, key);
    assert_true(features->len < 10);
    g_array_unref(features);
    tokens_free(&t);
}

static void test_size_is_limited(void **state)
{
    (void)state;
    GString *mail = g_string_new("Subject: x\n");
    for (int i = 0; i < 1900; i++)
        g_string_append_printf(mail, "X-H%d: word%d and more\n", i, i);
    g_string_append(mail, "\n");
    for (int i = 0; i < 100000; i++)
        g_string_append_printf(mail, "w%d ", i);
    struct tokens *t = tokens_of(mail->str, mail->len);
    GString *lines = lines_of(t);
    assert_in_range(tokens_count(t), limits_default.tokens / 2 + 1000, limits_default.tokens + 1 /* a gap */);
    assert_non_null(strstr(lines->str, "\nw100\n")); /* headers did not eat the body's share */
    assert_null(strstr(lines->str, "\nw50000\n"));
    g_string_free(lines, TRUE);
    g_string_free(mail, TRUE);
    tokens_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_files),
        cmocka_unit_test(test_facts_are_tokens_too),
        cmocka_unit_test(test_nothing_gives_little),
        cmocka_unit_test(test_size_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
