/* Tables of header_checks: what they match, which are refused, and what a replacement must not do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "rules/anonymize.h"
#include "t/unit/test_folder.h"

static const char as[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static struct anonymize *load(const char *text, gssize len, char **error_r)
{
    assert_true(g_file_set_contents(file, text, len, NULL));
    return anonymize_load(file, error_r);
}

/* what is "keep", "drop" or the new field. */
static void expect_at(struct anonymize *a, const char *field, size_t index, const char *what)
{
    g_autofree char *text = NULL;
    enum anonymize_action action = anonymize_field(a, field, strlen(field), index, &text);
    const char *got = action == ANONYMIZE_KEEP ? "keep" : action == ANONYMIZE_DROP ? "drop" : text;
    if (strcmp(got, what) != 0)
        fail_msg("\"%s\": got \"%s\", expected \"%s\"", field, got, what);
    assert_true((action == ANONYMIZE_REPLACE) == (text != NULL));
}

/* Pairs of field and what becomes of it. */
static void expect(const char *table, const char *const *pairs)
{
    char *error = NULL;
    struct anonymize *a = load(table, -1, &error);
    if (!a)
        fail_msg("%s", error);
    for (; pairs[0]; pairs += 2)
        expect_at(a, pairs[0], 0, pairs[1]);
    anonymize_free(&a);
    assert_null(a);
}

#define PAIRS(...) (const char *const[]){__VA_ARGS__, NULL}

static void actions(void **state)
{
    (void)state;
    expect("/^a:/ IGNORE\n/^b:/ strip a reason\n/^c:/ DUNNO\n/^[cd]:/ Replace X-D: new\n",
           PAIRS("A: x", "drop", "a:", "drop", "B: x", "drop", "C: x", "keep", "D: x", "X-D: new",
                 "E: a:", "keep", "no header", "keep", "", "keep"));
}

static void logical_lines(void **state)
{
    (void)state;
    expect("# first\r\n\n   # not a continuation\n/^a:/\n# in between\n\n\tREPLACE\n  A: b\n  c\n"
           "/^b:/ IGNORE",
           PAIRS("a: x", "A: b  c", "b:", "drop"));
}

static void pattern_flags(void **state)
{
    (void)state;
    expect("/^A:/i IGNORE\n/^b: x.y$/ IGNORE\n/^c: x.y$/s IGNORE\n/^ y/m IGNORE\n/^ z/ IGNORE\n"
           "/ ^ d : /x IGNORE\n/e:/A IGNORE\n%^f\\%: x$%E IGNORE\n|^g/:| IGNORE\n/^h: (.*)x/U REPLACE H: $1\n",
           PAIRS("A:", "drop", "a:", "keep", "b: x\r\ny", "drop", "c: x\r\ny", "keep", "q:\r\n y",
                 "drop", "q:\r\n z", "keep", "d : 1", "drop", "f%: x", "drop", "e: 1", "drop", "X-e: 1", "keep",
                 "g/: 1", "drop", "h: 1x2x", "H: 1"));
}

static void negated(void **state)
{
    (void)state;
    expect("!/^(a|b):/ IGNORE\n! ! /^b/ REPLACE B: 1\n", PAIRS("a: x", "keep", "c: x", "drop", "b: x", "B: 1"));
}

static void blocks(void **state)
{
    (void)state;
    expect("if /^X-/\nif !/keep/\n/a/ IGNORE\nendif\n/b/ REPLACE X: b\nENDIF\nIF/^Y/\n/./ IGNORE\n"
           "endif trailing\n/a/ REPLACE Z: a\n",
           PAIRS("X-1: a", "drop", "X-1: keep a", "Z: a", "X-1: keep b", "X: b", "X-1: b", "X: b",
                 "Y: b", "drop", "V: a", "Z: a", "V: b", "keep"));
}

static void topmost(void **state)
{
    char *error = NULL;
    struct anonymize *a = load("if topmost\n/^Received:/ IGNORE\nendif\n", -1, &error);
    (void)state;
    assert_non_null(a);
    expect_at(a, "Received: x", 0, "drop");
    expect_at(a, "Received: x", 1, "keep");
    anonymize_free(&a);
}

static void groups(void **state)
{
    (void)state;
    expect("/^(A): (x)?(.*)$/ REPLACE ${1}: [$2]$(3) $$1",
           PAIRS("A: xy", "A: [x]y $1", "A: z", "A: []z $1", "A : z\r\n\tw", "A: []z\r\n\tw $1"));
}

/* The captured text is the sender's: it must not end the field, nor begin another. */
static void one_field(void **state)
{
    (void)state;
    expect("/^a: (.*)$/ REPLACE $1\n/^b: (.*)$/ REPLACE B: $1\n",
           PAIRS("a: X: y", "X: y", "a: no field", "drop", "a: X : y", "drop", "a: : y", "drop",
                 "a: ", "drop", "a: X\tY: 1", "drop", "b: 1\r\n 2", "B: 1\r\n 2",
                 "b: 1\nEvil: 2", "drop", "b: 1\rEvil: 2", "drop", "b: 1\r\r\n 2", "B: 1\r\n 2",
                 "b: 1\r\n \r\n\t\r\n 2", "B: 1\r\n 2", "b: 1\r\n ", "B: 1", "b: ", "B: "));
    char *text, *error = NULL;
    struct anonymize *a = load("/^b: (.*)$/ REPLACE B: $1\n", -1, &error);
    assert_int_equal(anonymize_field(a, "b: 1\0002", 6, 0, &text), ANONYMIZE_DROP);
    assert_null(text);
    anonymize_free(&a);
}

static void long_lines(void **state)
{
    char *error = NULL, *text;
    struct anonymize *a = load("/^a: (.*)$/ REPLACE A: $1\n/^b: /REPLACE IGNORE", -1, &error);
    (void)state;
    assert_null(a);
    g_clear_pointer(&error, g_free);
    a = load("/^a: (.*)$/ REPLACE A: $1\n/end$/ IGNORE\n/^b:/ IGNORE\n", -1, &error);
    GString *field = g_string_new("a: ");
    for (int i = 0; i < 3000; i++)
        g_string_append(field, "word ");
    assert_int_equal(anonymize_field(a, field->str, field->len, 0, &text), ANONYMIZE_REPLACE);
    char **lines = g_strsplit(text, "\r\n", -1);
    GString *joined = g_string_new(NULL);
    for (char **l = lines; *l; l++) {
        assert_true(strlen(*l) <= 998 && (l == lines || **l == ' '));
        g_string_append(joined, *l);
    }
    assert_true(g_strv_length(lines) > 15);
    assert_int_equal(g_ascii_strncasecmp(joined->str, field->str, joined->len), 0);
    assert_true(joined->len >= field->len - 1);
    g_string_free(joined, TRUE);
    g_strfreev(lines);
    g_free(text);
    g_string_assign(field, "a: ");
    for (int i = 0; i < 3000; i++) /* nowhere to break it */
        g_string_append(field, "word-");
    assert_int_equal(anonymize_field(a, field->str, field->len, 0, &text), ANONYMIZE_DROP);
    g_string_assign(field, "b: ");
    while (field->len < 500000)
        g_string_append(field, "0123456789 ");
    g_string_append(field, "end");
    assert_int_equal(anonymize_field(a, field->str, field->len, 0, &text), ANONYMIZE_DROP);
    field->str[0] = 'c'; /* what is past the limit is not looked at */
    assert_int_equal(anonymize_field(a, field->str, field->len, 0, &text), ANONYMIZE_KEEP);
    g_string_free(field, TRUE);
    anonymize_free(&a);
}

/* Patterns that would run for ages: by depth, and by steps alone. */
static void limits(void **state)
{
    char *error = NULL, *text;
    struct anonymize *a = load("/^x: (a+)+$/ IGNORE\n/^x: (a|b|ab)*c/ IGNORE\n!/^x: (a|b|ab)*c/ IGNORE\n"
                               "/.*.*.*=x/ IGNORE\n/^x: a/ REPLACE Y: z\n", -1, &error);
    GString *field = g_string_new("x: ");
    (void)state;
    assert_non_null(a);
    while (field->len < 100000)
        g_string_append(field, "aab");
    assert_int_equal(anonymize_field(a, field->str, field->len, 0, &text), ANONYMIZE_REPLACE);
    assert_string_equal(text, "Y: z");
    g_free(text);
    g_string_free(field, TRUE);
    anonymize_free(&a);
}

/* The steps are ours, not PCRE's own: each a more costs 1.6 times as many. 20 take 100,000, 27 take 3
 * million, of which PCRE would allow ten. */
static void steps(void **state)
{
    char *error = NULL, *text;
    struct anonymize *a = load("/^x: (a|aa)+-|^x: a/ IGNORE\n", -1, &error);
    g_autofree char *few = g_strdup_printf("x: %.20s", as), *many = g_strdup_printf("x: %.27s", as);
    (void)state;
    assert_non_null(a);
    assert_int_equal(anonymize_field(a, few, strlen(few), 0, &text), ANONYMIZE_DROP);
    assert_int_equal(anonymize_field(a, many, strlen(many), 0, &text), ANONYMIZE_KEEP);
    assert_int_equal(anonymize_field(a, few, strlen(few), 0, &text), ANONYMIZE_DROP);
    anonymize_free(&a);
}

/* Each on its own: one that is past its limit does not keep the next from being tried. */
static void ten_that_run_for_ages(void **state)
{
    char *error = NULL, *text;
    GString *table = g_string_new(NULL);
    (void)state;
    for (int i = 0; i < 10; i++)
        g_string_append(table, "/^x: (a+)+(a+)+$/ IGNORE\n");
    g_string_append(table, "/^x:/ REPLACE Y: z\n");
    struct anonymize *a = load(table->str, -1, &error);
    g_autofree char *field = g_strdup_printf("x: %s-", as);
    assert_non_null(a);
    assert_int_equal(anonymize_field(a, field, strlen(field), 0, &text), ANONYMIZE_REPLACE);
    assert_string_equal(text, "Y: z");
    g_free(text);
    g_string_free(table, TRUE);
    anonymize_free(&a);
}

static void bad(const char *text, int line, const char *what)
{
    g_autofree char *error = NULL;
    struct anonymize *a = load(text, -1, &error);
    g_autofree char *prefix = g_strdup_printf("%s:%d: ", file, line);
    if (a)
        fail_msg("accepted: %s", text);
    if (!g_str_has_prefix(error, prefix) || !strstr(error, what) || strchr(error, '\n'))
        fail_msg("got \"%s\", expected \"%s...%s\"", error, prefix, what);
}

static void errors(void **state)
{
    static const char *const foreign[] = {"WARN x", "REJECT", "FILTER x:y", "HOLD", "DISCARD",
                                          "REDIRECT a@b", "BCC a@b", "INFO", "PASS", "PREPEND X: y"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(foreign); i++) {
        char *table = g_strdup_printf("# x\n/^a:/ IGNORE\n/^b:/\n %s\n", foreign[i]);
        bad(table, 3, "is not known here: expected IGNORE, STRIP, REPLACE or DUNNO");
        g_free(table);
    }
    bad("/^a:/\n", 1, "no action");
    bad("/^a: IGNORE\n", 1, "no closing /");
    bad("/^a:\\/", 1, "no closing /");
    bad("/^a(:/ IGNORE\n", 1, "missing closing parenthesis");
    bad("\n/^a:/IGNORE\n", 2, "unknown flag \"I\"");
    bad("/^a:/ REPLACE\n", 1, "REPLACE needs");
    bad("/^a:/ REPLACE A: $1\n", 1, "$1: the pattern has 0 groups");
    bad("/^(a):/ REPLACE A: $0\n", 1, "$0");
    bad("/^(a):/ REPLACE A: $x\n", 1, "$x");
    bad("/^(a):/ REPLACE A: ${1\n", 1, "expected $1");
    bad("/^(a):/ REPLACE A: $\n", 1, "expected $1");
    bad("/^(a):/ REPLACE A: $99999999999999999999\n", 1, "expected $1");
    bad("!/^(a):/ REPLACE A: $1\n", 1, "negated");
    bad(" /^a:/ IGNORE\n", 1, "begins with a blank");
    bad("a: IGNORE\n", 1, "expected /pattern/");
    bad("endif\n", 1, "endif without an if");
    bad("/a/ IGNORE\nif /a/\nif /b/\nendif\n/c/ IGNORE\n", 2, "no endif");
    bad("if\n", 1, "expected a pattern");
    bad("if x\n", 1, "expected a pattern");
    g_autofree char *error = NULL;
    assert_null(load("/a/ IGNORE\0", 12, &error));
    assert_non_null(strstr(error, "NUL"));
    g_clear_pointer(&error, g_free);
    assert_null(anonymize_load("/nonexistent/table", &error));
    assert_non_null(strstr(error, "/nonexistent/table"));
}

static int make_folder(void **state)
{
    (void)state;
    log_to_fd(1023); /* closed: nothing is logged */
    return folder_make("table.pcre");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions),   cmocka_unit_test(logical_lines), cmocka_unit_test(pattern_flags),
        cmocka_unit_test(negated),   cmocka_unit_test(blocks),        cmocka_unit_test(topmost),
        cmocka_unit_test(groups),    cmocka_unit_test(one_field),     cmocka_unit_test(long_lines),
        cmocka_unit_test(limits),    cmocka_unit_test(steps),
        cmocka_unit_test(ten_that_run_for_ages), cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
