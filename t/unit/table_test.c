/* Postfix's tables without servers: types whose content is in their name or in a text file, how chains are read, SQL
 * templates, and what must not work. t/tables.t holds all types beside Postfix itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/log.h"
#include "filterd/tables/cdb.h"
#include "filterd/tables/postmap.h"
#include "filterd/tables/sql_template.h"
#include "filterd/tables/table.h"
#include "t/unit/test_folder.h"

static struct table *opened(const char *chain)
{
    char *error = NULL;
    struct table *t = table_open(chain, &error);
    if (!t)
        fail_msg("%s: %s", chain, error);
    return t;
}

/* want: the value, "none", or "temp" */
static void expect_flags(struct table *t, const char *key, unsigned flags, const char *want)
{
    GString *value = NULL;
    g_autofree char *error = NULL;
    const enum table_result r = table_ask(t, key, flags, &value, &error);
    const char *got = r == TABLE_FOUND ? value->str : r == TABLE_NONE ? "none" : "temp";
    if (strcmp(got, want))
        fail_msg("\"%s\": \"%s\", expected \"%s\" (%s)", key, got, want, error ? error : "");
    assert_true((r == TABLE_TEMP) == (error != NULL));
    assert_true((r == TABLE_NONE) == (table_answered_by(t) == NULL));
    if (value)
        g_string_free(value, TRUE);
}

/* Pairs of key and what is wanted. */
static void expect(const char *chain, const char *const *pairs)
{
    struct table *t = opened(chain);
    for (; pairs[0]; pairs += 2)
        expect_flags(t, pairs[0], 0, pairs[1]);
    table_free(&t);
    assert_null(t);
}

#define PAIRS(...) (const char *const[]){__VA_ARGS__, NULL}

static void in_the_name(void **state)
{
    (void)state;
    expect("inline:{a=1, {b = x y},A=2} proxy:static:rest",
           PAIRS("a", "2", "A", "2", "B", "x y", "c", "rest", "\xc3\x28", "none"));
    expect("static:{ a b }", PAIRS("", "a b"));
    expect("inline:{\xc3\x89=1}", PAIRS("\xc3\xa9", "1", "\xc3\x89", "1"));
    expect("inline:{a=} static:x", PAIRS("a", "temp", "b", "x")); /* an empty value ends the search */
}

static void joined(void **state)
{
    (void)state;
    expect("unionmap:{static:a, inline:{b=1}, pcre:{{/^B$/ upper} {/^b$/i lower}}}", PAIRS("b", "a,1,upper", "c", "a"));
    expect("unionmap:{inline:{a=,b=}, inline:{b=1}}", PAIRS("a", "none", "b", "1"));
    expect("pipemap:{inline:{a=b,c=d},inline:{b=z}}", PAIRS("a", "z", "c", "none", "b", "none"));
}

static void texthash(void **state)
{
    (void)state;
    g_autofree char *chain = g_strconcat("texthash:", file, NULL);
    assert_true(g_file_set_contents(file, "# c\n\"a b\" 1\nD  5 \n cont\nd 6\nkey\nbad\xff 1\n", -1, NULL));
    struct table *t = opened(chain);
    expect_flags(t, "\"A B\"", 0, "1");
    expect_flags(t, "a b", 0, "none");
    expect_flags(t, "d", 0, "5  cont");
    assert_true(g_file_set_contents(file, "new and longer than before, so that size and all differ\n", -1, NULL));
    expect_flags(t, "d", 0, "none");
    expect_flags(t, "new", 0, "and longer than before, so that size and all differ");
    assert_int_equal(g_remove(file), 0);
    expect_flags(t, "new", 0, "temp");
    table_free(&t);
}

static void patterns(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        g_autofree char *chain = g_strdup_printf("%s:%s", i ? "pcre" : "regexp", file);
        assert_true(g_file_set_contents(file, "/^a(.)(.)?$/ <$2${1}$(1)$$>\nif !/@/\n/^b/\n x\n!/c/ no $1\nendif\n"
                                              "/(/ bad\n/^D$/i case\n/^e$/ $1\n/^f$/\n", -1, NULL));
        struct table *t = opened(chain);
        expect_flags(t, "aX", 0, "<XX$>");
        expect_flags(t, "axy", 0, "<yxx$>");
        expect_flags(t, "B", 0, "x");
        expect_flags(t, "b@", 0, "none");
        expect_flags(t, "D", 0, "case");
        expect_flags(t, "d", 0, "none");
        expect_flags(t, "e", 0, "none");
        expect_flags(t, "f", 0, "temp");
        expect_flags(t, "aX", TABLE_PARTIAL, "none");
        table_free(&t);
    }
}

/* A sender chooses the key: a pattern that backtracks without end must end. */
static void endless_pattern(void **state)
{
    (void)state;
    expect("pcre:{{/^(a+)+$/ x}}", PAIRS("aaaa", "x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "temp"));
}

static void refuse(const char *chain, const char *why)
{
    g_autofree char *error = NULL;
    struct table *t = table_open(chain, &error);
    if (t || !strstr(error, why) || strchr(error, '\n'))
        fail_msg("%s: %s, expected %s", chain, error ? error : "opened", why);
}

static void refused(void **state)
{
    (void)state;
    refuse("", "no table");
    refuse("ldap:/etc/x.cf", "ldap: tables of this type cannot be read here");
    refuse("hash", "expected type:name");
    refuse("hash:", "expected type:name");
    refuse("hash:aliases", "full path");
    refuse("texthash:/nonexistent/x", "/nonexistent/x: No such file");
    refuse("inline:{a}", "key = value");
    refuse("inline:{a=1", "} is missing");
    refuse("static:a inline:{ }", "nothing in the braces");
    refuse("unionmap:{static:a,nis:b}", "nis: tables");
    refuse("pcre:{/a/ b}", "expected {");
    refuse("pgsql:pg", "parameters in main.cf");
    refuse("a\nb:c\n", "");
}

static void refuse_file(const char *type, const char *text, const char *why)
{
    g_autofree char *chain = g_strdup_printf("%s:%s", type, file);
    assert_true(g_file_set_contents(file, text, -1, NULL));
    refuse(chain, why);
}

static void sql_files(void **state)
{
    (void)state;
    refuse_file("pgsql", "query = x\n", "dbname is missing");
    refuse_file("mysql", "query = x\n", "dbname is missing");
    refuse_file("sqlite", "query = x\n", "dbpath is missing");
    refuse_file("pgsql", "dbname = x\n", "neither query nor select_field");
    refuse_file("pgsql", "dbname = x\nselect_field = a\ntable = b\n", "neither query nor where_field");
    refuse_file("mysql", "dbname = x\nquery = %x\n", "query: a % may stand");
    refuse_file("mysql", "dbname = x\nquery = x\nresult_format = 50%\n", "result_format: a % may stand");
    refuse_file("mysql", "dbname = x\nquery = x\nexpansion_limit = many\n", "expansion_limit: expected a number");
    refuse_file("mysql", "dbname = x\nquery = x\ntls_verify_cert = maybe\n", "tls_verify_cert: expected yes or no");
    refuse_file("pgsql", "dbname = x\nquery x\n", ":2: expected name = value");
    refuse_file("pgsql", "dbname = x\nquery = x\ndomain = ldap:/x\n", "ldap: tables");
    refuse_file("mysql", "hosts = unix:/nonexistent\ndbname = x\nselect_function = f\n", "neither query");
}

/* No host: it fails, and what is not even asked does not. */
static void unreachable(void **state)
{
    (void)state;
    const char *const types[] = {"pgsql", "mysql", "sqlite"};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *chain = g_strdup_printf("%s:%s static:never", types[i], file);
        g_autofree char *error = NULL;
        char *value;
        assert_true(g_file_set_contents(file, "hosts = unix:/nonexistent/x\ndbname = d\ndbpath = /nonexistent/x\n"
                                              "password = geheim\ndomain = b, !c, static:all\nquery = SELECT '%u%1'\n", -1, NULL));
        struct table *t = opened(chain);
        expect_flags(t, "a@c", 0, "never");
        expect_flags(t, "@b", 0, "never");
        expect_flags(t, "a", 0, "never");
        expect_flags(t, "a@.", 0, "never");
        assert_int_equal(table_get(t, "secret@b", &value, &error), TABLE_TEMP);
        assert_null(strstr(error, "secret"));
        assert_null(strstr(error, "geheim"));
        assert_non_null(strstr(error, file));
        expect_flags(t, "a@b", 0, "temp"); /* it rests */
        table_free(&t);
    }
}

static bool quote(void *arg, const char *text, gsize len, GString *out)
{
    (void)arg;
    g_string_append_printf(out, "<%.*s>", (int)len, text);
    return true;
}

static void expect_query(const char *template, const char *key, const char *want)
{
    struct sql_template *t = sql_template_new(template);
    GString *out = g_string_new(NULL);
    assert_non_null(t);
    if (!sql_template_query_fits(t, key))
        g_string_assign(out, "not asked");
    else
        assert_true(sql_template_query(t, key, quote, NULL, out));
    assert_string_equal(out->str, want);
    g_string_free(out, TRUE);
    sql_template_free(&t);
}

static void queries(void **state)
{
    (void)state;
    expect_query("%s|%u|%d|%%", "a@b@c.d", "<a@b@c.d>|<a@b>|<c.d>|%");
    expect_query("%S %U %D %1 %2", "a@b..c.", "<a@b..c.> <a> <b..c.> <c> <b>");
    expect_query("%u", "a", "<a>");
    expect_query("%u", "@b", "not asked");
    expect_query("%d", "a", "not asked");
    expect_query("%d", "a@", "not asked");
    expect_query("%3", "a@b.c", "not asked");
    expect_query("constant", "", "not asked");
    assert_null(sql_template_new("%"));
    assert_null(sql_template_new("%0"));
}

static void expect_dump(const char *data, gsize len, bool ok)
{
    GString *out = g_string_new(NULL);
    assert_int_equal(cdb_dump(data, len, out), ok);
    g_string_free(out, TRUE);
}

static void damaged_cdb(void **state)
{
    char data[2048 + 16] = "";
    (void)state;
    for (int i = 0; i < 2048; i += 8)
        data[i + 1] = 8; /* an empty table at 2048 */
    expect_dump(data, 2048, true);
    expect_dump(data, 2047, false);
    data[4] = 3; /* three slots, and room for two */
    expect_dump(data, sizeof data, false);
    for (int i = 0; i < 2048; i += 8)
        data[i] = 16; /* one record before the tables */
    data[4] = 0;
    data[2048] = 4;
    data[2052] = 4;
    expect_dump(data, sizeof data, true);
    data[2052] = 5; /* it reaches into them */
    expect_dump(data, sizeof data, false);
}

static int set_up(void **state)
{
    (void)state;
    log_to_fd(1023); /* closed: nothing is logged */
    postmap_facts_set(true, 3, 10);
    return folder_make("table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_name), cmocka_unit_test(joined),      cmocka_unit_test(texthash),
        cmocka_unit_test(patterns),    cmocka_unit_test(refused),     cmocka_unit_test(endless_pattern),
        cmocka_unit_test(sql_files),   cmocka_unit_test(unreachable), cmocka_unit_test(queries),
        cmocka_unit_test(damaged_cdb),
    };
    return cmocka_run_group_tests(tests, set_up, folder_remove);
}
