/* From: its one address, and all that mail readers may show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/mail/header.h"
#include "rules/auth/dmarc_from.h"

static struct dmarc_from *read_from(const char *from, size_t len)
{
    struct header h = {.name = "From", .name_len = 4, .value = from, .value_len = len};
    return dmarc_from_read(&h, 1);
}

static const struct {
    const char *from, *domain; /* NULL: not exactly one */
} one_address[] = {
    {"jane@Example.ORG", "example.org"},
    {" <jane@example.org>", "example.org"},
    {"Jane Doe <jane@example.org>", "example.org"},
    {"\"Doe, Jane\" <jane@example.org>", "example.org"},
    {"\"bank@example.com\" <jane@example.org>", "example.org"},
    {"\"a\\\"b@c.d\" <jane@example.org>", "example.org"},
    {"jane@example.org (Jane Doe)", "example.org"},
    {"(bank@example.com, (\\)nested) x) jane@example.org", "example.org"},
    {"Jane\r\n\tDoe\r\n <jane@example.org>", "example.org"},
    {"=?utf-8?Q?bank=40example.com?= <jane@example.org>", "example.org"},
    {"\"jane doe\"@example.org", "example.org"},
    {"\"a@b\"@example.org", "example.org"},
    {"<@relay.example,@b.example:jane@example.org>", "example.org"},
    {"Friends: jane@example.org;", "example.org"},
    {", ,jane@example.org,", "example.org"},
    {"jane @ example . org", "example.org"},
    {"jane@example.org.", "example.org"},
    {"J\xc3\xb6rg <j@b\xc3\xbc"
     "cher.example>",
     "xn--bcher-kva.example"},
    {"j@XN--BCHER-KVA.example", "xn--bcher-kva.example"},
    {"Doe, Jane <jane@example.org>", "example.org"},
    {"jane@example.org <jane@Example.org>", "example.org"},
    {"a@localhost", "localhost"},
    {"", NULL},
    {"Jane", NULL},
    {"undisclosed:;", NULL},
    {"<>", NULL},
    {"@example.org", NULL},
    {"<@example.org>", NULL},
    {"jane@", NULL},
    {"jane@[192.0.2.1]", NULL},
    {"jane@192.0.2.1", NULL},
    {"jane@example..org", NULL},
    {"jane@.example.org", NULL},
    {"jane@exa_mple!.org", NULL},
    {"jane@\xff.org", NULL},
    {"bank@example.com <jane@example.org>", "example.org"},
    {"Jane @ home <jane@example.org>", "example.org"},
    {"bank@example.com joe@example.net <jane@example.org>", "example.org"},
    {"<bank@example.com> <jane@example.org>", NULL},
    {"<jane@example.org> bank@example.com", NULL},
    {"bank@example.com, jane@example.org", NULL},
    {"bank@example.org, jane@example.org", NULL},
    {"Friends: a@example.org, b@example.org;", NULL},
    {"\"Jane <jane@example.org>", NULL},
    {"(Jane <jane@example.org>", NULL},
    {"jane@example.org (Jane", NULL},
    {"jane@example.org )", NULL},
    {")jane@example.org", NULL},
    {"jane@example.org ]", "example.org"},
    {"Jane <jane@example.org", NULL},
    {"Jane <jane@example.org> >", NULL},
    {"<jane@example.org@example.com>", NULL},
    {"jane@example.org..", NULL},
    {"jane@example(x).org", "example.org"},
    {"jane@exa(x)mple.org", NULL},
    {"jane@example.\"org\"", NULL},
    {"jane@example.org\"x\"", NULL},
    {"jane@example.org(x) Jane", "example.org"},
    {"jane@example.org Jane (x)", "example.org"},
    {"jane@ex\xe3\x85\xa4" "ample.org", NULL},
    {"\"Jane Doe\" jane@example.org", "example.org"},
};

static void from_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(one_address); i++) {
        struct dmarc_from *f = read_from(one_address[i].from, strlen(one_address[i].from));
        const char *domain = one_address[i].domain;
        if (!f->wrong != (domain != NULL) || strcmp(f->domain, domain ? domain : "") || (!f->wrong && !f->certain))
            fail_msg("%s: %s %s", one_address[i].from, f->domain, f->wrong);
        dmarc_from_free(&f);
    }
    struct dmarc_from *f = read_from("\"a\0\" <a@b.example>", 18);
    assert_string_equal(f->wrong, "NUL in From");
    assert_false(f->certain);
    dmarc_from_free(&f);
}

static void whole_addresses(void **state)
{
    (void)state;
    const struct {
        const char *from, *address;
    } cases[] = {
        {"jane@example.org", "jane@example.org"},
        {"Jane Doe <Jane@Example.org>", "Jane@Example.org"},
        {"\"bank@example.com\" <jane@example.org>", "jane@example.org"},
        {" jane (x) @ (y) example . org (Jane <joe@example.org>)", "jane@example.org"},
        {"<jane@example.org> (x <joe@example.org>)", "jane@example.org"},
        {"jane@example.org =?utf-8?q?=3Cjoe=40example.org=3E?=", "jane@example.org"},
        {"joe@example.org <jane@example.org>", "jane@example.org"},
        {"<@a.example,@b.example:jane@example.org>", "jane@example.org"},
        {"\"j <joe@example.org>\"@example.org", "\"j <joe@example.org>\"@example.org"},
        {"jane joe@example.org", ""},
        {"jane@example.org joe@example.org", ""},
        {"<jane joe@example.org>", ""},
        {"jane@example.org, joe@example.org", ""},
        {"jane@example.org <joe@example.com>", "joe@example.com"},
        {"jane", ""},
        {"", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct dmarc_from *f = read_from(cases[i].from, strlen(cases[i].from));
        if (strcmp(f->address, cases[i].address))
            fail_msg("%s: %s", cases[i].from, f->address);
        dmarc_from_free(&f);
    }
}

/* Every address that some mail reader may show, and whether all show the same. */
static const struct {
    const char *from;
    bool certain;
    const char *addresses; /* behind '|' those that only a name or comment shows */
} seen[] = {
    {"Bank <o@a.example>", true, "o@a.example"},
    {"\"x@b.example\" <o@a.example>", true, "o@a.example|x@b.example"},
    {"x@b.example <o@a.example>", true, "o@a.example|x@b.example"},
    {"o@a.example (x@b.example)", true, "o@a.example|x@b.example"},
    {"\"x@b.example (c), o@a.example\" <o@a.example> \"y\"", true, "o@a.example|x@b.example"},
    {"\"x@b.example\"@a.example", true, "\"x@b.example\"@a.example|x@b.example b.example@a.example"},
    {"=?utf-8?q?x=40b.example?= <o@a.example>", true, "o@a.example|x@b.example"},
    {"\"'x@b.example' via List\" <o@a.example>", true, "o@a.example|'x@b.example"},
    {"x\xef\xbc\xa0" "b.example <o@a.example>", true, "o@a.example|x@b.example"},
    {"\xe2\x80\xae<elpmaxe.b@x> <o@a.example>", true, "elpmaxe.b@x o@a.example|elpmaxe.a@o x@b.example"},
    {"J\xc3\xb6rg <o@a.example>", true, "o@a.example"},
    {"Bank <o@a.example>, x@b.example", true, "o@a.example x@b.example"},
    {"o@a.example, x@b.example <y@c.example>", true, "o@a.example y@c.example|x@b.example"},
    {"Us: o@A.example., x@b\xc3\xbc.example;", true, "o@a.example x@xn--b-eha.example"},
    {"\"o\"@a.example", true, "\"o\"@a.example"},
    {"undisclosed:;", true, ""},
    {"Jane", true, ""},
    {"<>", true, ""},
    {"Jane <>", true, ""},
    {"o@a.example <>", false, "o@a.example"},
    {"o@a.example <> <x@b.example>", false, "o@a.example x@b.example"},
    {"\"o@a.example\"", false, "o@a.example"},
    {"\"Bank <o@a.example>\" <>", false, "o@a.example"},
    {"(o@a.example)", false, "o@a.example"},
    {"Bank (o@a.example)", false, "o@a.example"},
    {"\"Bank <o@a.example>\", x@b.example", false, "o@a.example x@b.example"},
    {"\"o@a.example\": x@b.example;", false, "o@a.example x@b.example"},
    {"\"Bank <o@a.example>\" x@b.example", false, "x@b.example o@a.example"},
    {"=?utf-8?q?Bank_=3Co=40a.example=3E?=, x@b.example", false, "o@a.example x@b.example"},
    {"=?utf-8?q?Bank_=3Co=40a.example=3E?= x@b.example", false, "x@b.example o@a.example"},
    {"=?utf-7?q?Bank_+AEA-?=", false, ""},
    {"=?utf-7?q?Bank_+AEA-?= <o@a.example>", true, "o@a.example"},
    {"o@\"a.example\"", false, "o@a.example"},
    {"Bank <o@\"a.example\">", false, "o@a.example"},
    {"Bank <o@a\\.example>", false, "o@a o@a.example"},
    {"Bank <o@b\"a\".example>", false, "o@b o@ba.example"},
    {"Bank <o@b(x)a.example>", false, "o@b o@ba.example"},
    {"o@b(x)a.example", false, "o@b o@ba.example"},
    {"Bank <o@b a.example>", false, "o@b o@ba.example"},
    {"Bank <o@\xe2\x80\x8e" "a.example>", false, "o@a.example"},
    {"Bank <o@\xc2\xa0" "a.example>", false, "o@a.example"},
    {"Bank <o@b\xe3\x85\xa4" "a.example>", false, "o@b o@ba.example"},
    {"Bank <o\xef\xbc\xa0" "a.example>", false, "o@a.example"},
    {"o\xef\xb9\xab" "a.example", false, "o@a.example"},
    {"o\xef\xb9\xab" "a.example, x@b.example", false, "o@a.example x@b.example"},
    {"\xe2\x80\xae<elpmaxe.a@o>, x@b.example)", false, "elpmaxe.a@o x@b.example elpmaxe.b@x o@a.example"},
    {"Bank <o@a.example>>", false, "o@a.example"},
    {"\"Bank <o@a.example>", false, "o@a.example"},
    {"(Bank <o@a.example>", false, "o@a.example"},
    {"[Bank <o@a.example>", false, "o@a.example"},
    {"Bank <o@a.example", false, "o@a.example"},
    {"Bank <o@a.example.", false, "o@a.example"},
    {"((\"[Bank o@a.example", false, "o@a.example"},
    {"Bank) o@a.example", false, "o@a.example"},
    {"Bank <o@a(x).example", false, "o@a.example o@a"},
    {"<o@a.example> x@b.example", false, "o@a.example x@b.example"},
    {"o@a.example x@b.example", false, "o@a.example x@b.example"},
    {"<o@a.example@b.example>", false, "o@a.example a.example@b.example"},
    {"o@a.example!x", false, "o@a.example"},
    {"o@a.example\x01x", false, "o@a.example o@a.examplex"},
    {"o@a.example\xff", false, "o@a.example o@a.xn--example-i3a"},
    {"<o@[192.0.2.1]>, \"o @ a.example", false, "o@a.example"},
    {"\"x\" \"o\" @a.example.\"", false, "\"o\"@a.example o@a.example"},
    {"=?utf-8?q?o=40a.example?=", false, "o@a.example"},
    {"=?utf-8?q?Bank_<o=40a.example?= =?utf-8?q?>?=", false, "o@a.example"},
};

static void what_readers_see(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(seen); i++) {
        struct dmarc_from *f = read_from(seen[i].from, strlen(seen[i].from));
        g_ptr_array_add(f->addresses, NULL);
        g_ptr_array_add(f->named, NULL);
        g_autofree char *addresses = g_strjoinv(" ", (char **)f->addresses->pdata);
        g_autofree char *named = g_strjoinv(" ", (char **)f->named->pdata);
        g_autofree char *all = g_strjoin(*named ? "|" : "", addresses, named, NULL);
        if (f->certain != seen[i].certain || strcmp(all, seen[i].addresses))
            print_error("%s: \"%s\" %s\n", seen[i].from, all, f->wrong), wrong++;
        dmarc_from_free(&f);
    }
    assert_int_equal(wrong, 0);
    const struct {
        const char *from;
        size_t len;
        const char *address;
    } nul[] = {{"o@a.ex\0ample", 12, "o@a.example"}, {"o@a.example\0.b.example", 22, "o@a.example"},
               {"\0", 1, NULL}, {"Bank <\0o@a.example>", 20, "o@a.example"}};
    for (size_t i = 0; i < G_N_ELEMENTS(nul); i++) {
        struct dmarc_from *f = read_from(nul[i].from, nul[i].len);
        bool found = !nul[i].address;
        for (guint n = 0; n < f->addresses->len; n++)
            found |= nul[i].address && strcmp(f->addresses->pdata[n], nul[i].address) == 0;
        assert_true(found);
        assert_false(f->certain);
        dmarc_from_free(&f);
    }
}

/* However many there are, and whatever stays open: in time that grows with the length. */
static void many_addresses(void **state)
{
    (void)state;
    static const char *const pieces[] = {"x@d0.example,", "(", "\"", "[", "<", "@", "((a)", "<a@", "\\", ")", "=?u?q?",
                                         "\xc3\xa9,", "=?utf-8?q?a?=,", "\"a\" b@c.example,", "\xe2\x80\xae", "o\xef\xbc\xa0.a,"};
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        GString *text = g_string_new("o@first.example,");
        for (int n = 0; text->len < 60000; n++)
            if (*pieces[i] == 'x')
                g_string_append_printf(text, "x@d%d.example,", n);
            else
                g_string_append(text, pieces[i]);
        struct dmarc_from *f = read_from(text->str, text->len);
        assert_string_equal(f->addresses->pdata[0], "o@first.example");
        assert_in_range(f->addresses->len, 1, DMARC_FROM_MAX);
        assert_true(f->beyond == (*pieces[i] == 'x') && (!f->beyond || (f->wrong && !f->certain)));
        dmarc_from_free(&f);
        g_string_free(text, TRUE);
    }
}

/* What readers that ask an IMAP server take for the address. */
static void in_place_of_brackets(void **state)
{
    (void)state;
    static const struct {
        const char *from, *domain;
    } cases[] = {
        {"x@b.example <o@a.example>", "b.example"},
        {"Bank x@b.example <o@a.example>", "b.example"},
        {"x@b.example. <o@a.example>", "b.example"},
        {"x@b.example\v <o@a.example>", "b.example"},
        {"x @ b.example y@c.example <o@a.example>", "b.example"},
        {"\"x@b.example\" <o@a.example>", ""},
        {"o@a.example (x@b.example)", ""},
        {"x @ home <o@a.example>", ""},
        {"x@b.example, Jane <o@a.example>", ""},
        {"Jane <o@a.example>", ""},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct dmarc_from *f = read_from(cases[i].from, strlen(cases[i].from));
        if (strcmp(f->instead, cases[i].domain))
            fail_msg("%s: %s", cases[i].from, f->instead);
        dmarc_from_free(&f);
    }
}

static void long_from(void **state)
{
    (void)state;
    char *open = g_strnfill(64 * 1024 + 1, '('), *dots = g_strnfill(64 * 1024, '.');
    memcpy(dots, "a@", 2);
    const char *const wrong[] = {open, dots};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        struct dmarc_from *f = read_from(wrong[i], 64 * 1024);
        assert_true(f->wrong && !f->certain && !f->beyond);
        dmarc_from_free(&f);
    }
    memset(open, ' ', 64 * 1024 + 1);
    memcpy(open, "a@b.example", 11);
    struct dmarc_from *f = read_from(open, 64 * 1024);
    assert_string_equal(f->domain, "b.example");
    dmarc_from_free(&f);
    f = read_from(open, 64 * 1024 + 1);
    assert_string_equal(f->wrong, "From is too long");
    assert_true(f->beyond);
    assert_string_equal(f->addresses->pdata[0], "a@b.example");
    dmarc_from_free(&f);
    memset(open, ' ', 11);
    memcpy(open + 64 * 1024 - 10, "a@b.example", 11);
    f = read_from(open, 64 * 1024 + 1);
    assert_string_equal(f->addresses->pdata[f->addresses->len - 1], "a@b.example");
    dmarc_from_free(&f);
    g_free(open);
    g_free(dots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_addresses),   cmocka_unit_test(whole_addresses),
        cmocka_unit_test(what_readers_see), cmocka_unit_test(many_addresses),
        cmocka_unit_test(long_from),        cmocka_unit_test(in_place_of_brackets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
