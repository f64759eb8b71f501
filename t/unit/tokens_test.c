#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/newline.h"
#include "classifier/learner.h"
#include "classifier/osb.h"
#include "classifier/tokens.h"

#define GOLDEN "t/golden/tokens"

static struct tokens *tokens_of(const char *data, size_t len, const char *const *facts)
{
    struct bytes raw = {0};
    bytes_add(&raw, data, len);
    newline_normalise(&raw);
    struct message *m = message_new(raw.data ? (char *)raw.data : "", raw.len);
    struct tokens *t = tokens_new(m, facts);
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
        char *mail = g_build_filename(GOLDEN, name, NULL);
        char *golden = g_strdup_printf("%.*s.tokens", (int)strlen(mail) - 4, mail);
        assert_true(g_file_get_contents(mail, &data, &len, NULL));
        assert_true(g_file_get_contents(golden, &expected, NULL, NULL));
        struct tokens *t = tokens_of(data, len, NULL);
        GString *lines = lines_of(t);
        assert_string_equal(lines->str, expected);
        g_string_free(lines, TRUE);
        tokens_free(&t);
        g_free(mail);
        g_free(golden);
        g_free(data);
        g_free(expected);
        count++;
    }
    g_dir_close(dir);
    assert_true(count >= 3);
}

static void test_facts_come_first(void **state)
{
    (void)state;
    const char *const facts[] = {"f:dnsbl", "f:spf-fail", NULL};
    struct tokens *t = tokens_of("Subject: x\n\ny\n", 14, facts);
    GString *lines = lines_of(t);
    assert_true(g_str_has_prefix(lines->str, "f:dnsbl\nf:spf-fail\nh:subject:x\n"));
    g_string_free(lines, TRUE);
    tokens_free(&t);
    assert_null(t);
}

static void test_nothing_gives_little(void **state)
{
    (void)state;
    struct tokens *t = tokens_of("", 0, NULL);
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
    for (int i = 0; i < 5000; i++)
        g_string_append_printf(mail, "X-H%d: word%d more\n", i, i);
    g_string_append(mail, "\n");
    for (int i = 0; i < 100000; i++)
        g_string_append_printf(mail, "w%d ", i);
    struct tokens *t = tokens_of(mail->str, mail->len, NULL);
    GString *lines = lines_of(t);
    assert_in_range(tokens_count(t), TOKENS_MAX / 2 + 1000, TOKENS_MAX);
    assert_non_null(strstr(lines->str, "\nw100\n")); /* headers did not eat the body's share */
    assert_null(strstr(lines->str, "\nw50000\n"));
    g_string_free(lines, TRUE);
    g_string_free(mail, TRUE);
    tokens_free(&t);
}

static GArray *features_of(const char *mail, unsigned char user)
{
    const unsigned char key[16] = {user};
    struct tokens *t = tokens_of(mail, strlen(mail), NULL);
    GArray *features = osb_features(t, key);
    tokens_free(&t);
    return features;
}

static guint shared(const GArray *a, const GArray *b)
{
    guint n = 0;
    for (guint i = 0; i < a->len; i++)
        for (guint k = 0; k < b->len; k++)
            n += g_array_index(a, guint32, i) == g_array_index(b, guint32, k);
    return n;
}

static void test_features_are_the_users_own(void **state)
{
    (void)state;
    const char *mail = "Subject: one two three four five six\n\nbody words here\n";
    GArray *a = features_of(mail, 1), *again = features_of(mail, 1), *b = features_of(mail, 2);
    assert_int_equal(a->len, again->len);
    assert_memory_equal(a->data, again->data, a->len * sizeof(guint32));
    assert_int_equal(shared(a, b), 0);
    for (guint i = 0; i < a->len; i++) /* no weight's place twice */
        for (guint k = 0; k < i; k++)
            assert_int_not_equal(g_array_index(a, guint32, i) % LEARNER_WEIGHTS,
                                 g_array_index(a, guint32, k) % LEARNER_WEIGHTS);
    g_array_unref(a);
    g_array_unref(again);
    g_array_unref(b);
}

struct pairs {
    GString *seen;
};

static void add_pair(guint32 feature, const char *first, const char *second, void *arg)
{
    (void)feature;
    struct pairs *p = arg;
    if (g_str_has_prefix(second, "h:subject:"))
        g_string_append_printf(p->seen, "%s%s%s ", first ? first + 10 : "", first ? "+" : "",
                               second + 10);
}

static void test_window_of_five(void **state)
{
    (void)state;
    const char *mail = "From: x\nSubject: aa bb cc dd ee ff\n\n";
    const unsigned char key[16] = {0};
    struct pairs p = {g_string_new(NULL)};
    struct tokens *t = tokens_of(mail, strlen(mail), NULL);
    osb_each(t, key, add_pair, &p);
    assert_string_equal(p.seen->str, "aa bb aa+bb cc bb+cc aa+cc dd cc+dd bb+dd aa+dd "
                                     "ee dd+ee cc+ee bb+ee aa+ee ff ee+ff dd+ff cc+ff bb+ff ");
    g_string_free(p.seen, TRUE);
    tokens_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_files),
        cmocka_unit_test(test_facts_come_first),
        cmocka_unit_test(test_nothing_gives_little),
        cmocka_unit_test(test_size_is_limited),
        cmocka_unit_test(test_features_are_the_users_own),
        cmocka_unit_test(test_window_of_five),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
