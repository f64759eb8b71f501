/* DKIM's own parsers: lists of tags, signatures, keys, body lengths; and how many signatures are checked.
 * The real library with real signatures: t/dkim.t. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "rules/auth/dkim.h"
#include "rules/auth/dkim_body.h"
#include "rules/auth/dkim_field.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/taglist.h"

/* ---- a resolver that answers as the selector says, and "silent" never ---- */

static int asked, forgotten;

static void record_free(gpointer data)
{
    g_free(data);
}

static void add_record(struct dns_answer *a, const char *text, size_t len)
{
    struct dns_record *r = g_new0(struct dns_record, 1);
    r->text = (char *)(uintptr_t)text;
    r->len = len;
    g_ptr_array_add(a->records, r);
}

void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    static const char key[] = "v=DKIM1; k=rsa; p=AAAA";
    struct dns_answer a = {.status = DNS_OK};
    (void)r;
    asked++;
    assert_int_equal(type, DNS_TXT);
    assert_true(g_str_has_suffix(name, "._domainkey.example.org"));
    if (g_str_has_prefix(name, "silent."))
        return;
    a.records = g_ptr_array_new_with_free_func(record_free);
    if (g_str_has_prefix(name, "none."))
        a.status = DNS_NONE;
    else if (g_str_has_prefix(name, "down."))
        a.status = DNS_TEMP;
    else
        add_record(&a, key, g_str_has_prefix(name, "nul.") ? sizeof key : sizeof key - 1);
    if (g_str_has_prefix(name, "two."))
        add_record(&a, key, sizeof key - 1);
    fn(&a, arg);
    g_ptr_array_unref(a.records);
}

void resolver_forget(struct resolver *r, const void *arg)
{
    (void)r;
    (void)arg;
    forgotten++;
}

/* ---- lists of tags ---- */

static void tag_lists(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name, *value; /* value NULL: the text is no list, or has no such tag */
        bool list;
    } cases[] = {
        {"a=1; b=2", "b", "2", true},
        {"a=1;b=2;", "a", "1", true},
        {" a \t=\r\n 1 2 \r\n ; ", "a", "1 2", true},
        {"a=", "a", "", true},
        {"a=b=c==", "a", "b=c==", true},
        {"", "a", NULL, true},
        {"A=1", "a", NULL, true},
        {"a=1;;b=2", "a", NULL, false},
        {"a=1; a=2", "a", NULL, false},
        {"a", "a", NULL, false},
        {"=1", "a", NULL, false},
        {"1a=1", "a", NULL, false},
        {"a-b=1", "a", NULL, false},
        {"a=\x01", "a", NULL, false},
        {"a=\xc3\xa9", "a", NULL, false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct taglist *t = taglist_new(cases[i].text, strlen(cases[i].text));
        if (!t != !cases[i].list)
            fail_msg("%s", cases[i].text);
        const char *value = t ? taglist_get(t, cases[i].name) : NULL;
        if (g_strcmp0(value, cases[i].value))
            fail_msg("%s: %s", cases[i].text, value);
        taglist_free(&t);
    }
    struct taglist *t = taglist_new("a=\0;b=1", 7);
    assert_null(t);
}

static void too_many_tags(void **state)
{
    (void)state;
    GString *text = g_string_new(NULL);
    for (int i = 0; i < 64; i++)
        g_string_append_printf(text, "t%d=;", i);
    struct taglist *t = taglist_new(text->str, text->len);
    assert_non_null(t);
    taglist_free(&t);
    g_string_append(text, "z=");
    assert_null(taglist_new(text->str, text->len));
    g_string_free(text, TRUE);
}

/* ---- DKIM-Signature ---- */

#define GOOD "v=1; a=rsa-sha256; d=Example.org; s=Sel; h=from; bh=x; b=abcdefghijk"

static GArray *fields_of(const char *header)
{
    size_t count;
    g_autofree struct header *headers = message_scan_headers(header, strlen(header), NULL, &count);
    GArray *fields = dkim_field_list(headers, count, NULL);
    return fields;
}

static struct dkim_field field_of(const char *tags)
{
    g_autofree char *header = g_strdup_printf("DKIM-Signature: %s\r\n", tags);
    GArray *fields = fields_of(header);
    assert_int_equal(fields->len, 1);
    struct dkim_field f = g_array_index(fields, struct dkim_field, 0);
    g_array_unref(fields);
    return f;
}

static void a_field(void **state)
{
    (void)state;
    struct dkim_field f = field_of(
        "v=1; a=ed25519-sha256; c=simple/relaxed; d=Example.org;\r\n\ts=Sel; i=@a.example.org;"
        " l=12; h=from:to; bh=x; b=ab c\r\n defghijk");
    assert_true(f.usable && f.has_length && f.relaxed_body && !f.sha1);
    assert_int_equal(f.length, 12);
    assert_string_equal(f.signature.domain, "example.org");
    assert_string_equal(f.signature.selector, "sel");
    assert_string_equal(f.signature.identity, "@a.example.org");
    assert_string_equal(f.signature.algorithm, "ed25519-sha256");
    assert_string_equal(f.signature.b, "abcdefgh");
    assert_string_equal(f.key, "sel._domainkey.example.org");
    f = field_of(GOOD "; c=relaxed");
    assert_true(f.usable && !f.has_length && !f.relaxed_body);
    assert_true(field_of("v=1; a=rsa-sha1; d=a.b; s=c; h=from; bh=x; b=x").sha1);
}

static void bad_fields(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "nonsense",
        GOOD "; d=other.org",
        "v=2; a=rsa-sha256; d=a.b; s=c; h=from; bh=x; b=x",
        "a=rsa-sha256; d=a.b; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-md5; d=a.b; s=c; h=from; bh=x; b=x",
        "v=1; d=a.b; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=a..b; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=.b; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=b.; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=a b; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=a/b; s=c; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=a.b; s=; h=from; bh=x; b=x",
        "v=1; a=rsa-sha256; d=a.b; s=c; h=; bh=x; b=x",
        "v=1; a=rsa-sha256; d=a.b; s=c; h=from; b=x",
        "v=1; a=rsa-sha256; d=a.b; s=c; h=from; bh=x; b=",
        GOOD "; c=relaxed/nothing",
        GOOD "; i=x@evil.org",
        GOOD "; i=x@badexample.org",
        GOOD "; i=example.org",
        GOOD "; l=-1",
        GOOD "; l=1x",
        GOOD "; l=18446744073709551614",
        GOOD "; t=soon",
        GOOD "; x=12 or so",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        struct dkim_field f = field_of(bad[i]);
        if (f.usable || *f.key || f.signature.code != DKIM_CODE_NEUTRAL || !*f.signature.reason)
            fail_msg("%s", bad[i]);
    }
    /* What it is of is told all the same. */
    assert_string_equal(field_of(GOOD "; l=x").signature.domain, "example.org");
    g_autofree char *names = g_strnfill(4001, 'x');
    g_autofree char *many = g_strdup_printf("v=1; a=rsa-sha256; d=a.b; s=c; h=%s; bh=x; b=x", names);
    assert_false(field_of(many).usable);
    g_autofree char *longest = g_strnfill(250, 'x');
    g_autofree char *text = g_strdup_printf("v=1; a=rsa-sha256; d=%s; s=c; h=from; bh=x; b=x", longest);
    assert_false(field_of(text).usable);
}

static void how_many(void **state)
{
    (void)state;
    g_autofree char *filler = g_strnfill(DKIM_FIELD_MAX_BYTES, 'x');
    GString *header = g_string_new(NULL);
    g_string_append_printf(header, "DKIM-Signature: " GOOD "; z=%s\r\n", filler);
    for (int i = 0; i < 12; i++)
        g_string_append_printf(header,
                               "dkim-signature: v=1; a=rsa-sha256; d=d%d.org; s=s; h=from;"
                               " bh=x; b=x\r\n",
                               i);
    GArray *fields = fields_of(header->str);
    assert_int_equal(fields->len, 10);
    for (guint i = 0; i < fields->len; i++) {
        g_autofree char *want = g_strdup_printf("d%u.org", i);
        assert_string_equal(g_array_index(fields, struct dkim_field, i).signature.domain, want);
    }
    g_array_unref(fields);
    g_string_free(header, TRUE);
}

/* ---- keys ---- */

static void keys(void **state)
{
    (void)state;
    static const struct {
        const char *selector, *reason;
        enum dkim_code code;
    } cases[] = {
        {"silent", "no answer for the key", DKIM_CODE_TEMPERROR},
        {"down", "no answer for the key", DKIM_CODE_TEMPERROR},
        {"none", "no key", DKIM_CODE_PERMERROR},
        {"two", "more than one key", DKIM_CODE_PERMERROR},
        {"nul", "key is no text", DKIM_CODE_PERMERROR},
        {"silent", "no answer for the key", DKIM_CODE_TEMPERROR},
    };
    GString *raw = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_string_append_printf(raw,
                               "DKIM-Signature: v=1; a=rsa-sha256; d=Example.org; s=%s; h=from;"
                               " bh=x; b=AAAA\r\n",
                               cases[i].selector);
    g_string_append(raw, "From: a@example.org\r\n\r\nHi\r\n");
    struct message *m = message_new(raw->str, raw->len);
    struct dkim_library *l = dkim_library_new();
    asked = forgotten = 0;
    struct dkim_check *c = dkim_check_new(l, NULL, raw->str, (size_t)(m->body - m->raw));
    assert_int_equal(asked, 5);
    const GArray *found = dkim_check_finish(c, m);
    assert_int_equal(found->len, G_N_ELEMENTS(cases));
    for (guint i = 0; i < found->len; i++) {
        const struct dkim_signature *s = &g_array_index(found, struct dkim_signature, i);
        assert_string_equal(s->selector, cases[i].selector);
        assert_string_equal(s->reason, cases[i].reason);
        assert_int_equal(s->code, cases[i].code);
    }
    dkim_check_free(&c);
    assert_int_equal(forgotten, 5);
    dkim_library_free(&l);
    message_free(&m);
    g_string_free(raw, TRUE);
}

/* ---- bodies ---- */

static void body_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t simple, relaxed;
    } cases[] = {
        {"", 2, 0},
        {"\r\n", 2, 0},
        {"\r\n\r\n", 2, 0},
        {"a", 3, 3},
        {"a\r\n", 3, 3},
        {"a\r\n\r\n\r\n", 3, 3},
        {"\r\na\r\n", 5, 5},
        {"a  b\t\r\n", 7, 5},
        {" \ta\r\n \t\r\n", 9, 4},
        {"a\r\n \r\n", 6, 3},
        {" C \r\nD \t E\r\n\r\n\r\n", 5 + 7, 4 + 5},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *b = cases[i].body;
        assert_int_equal(dkim_body_length(b, strlen(b), false), cases[i].simple);
        assert_int_equal(dkim_body_length(b, strlen(b), true), cases[i].relaxed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tag_lists), cmocka_unit_test(too_many_tags),
        cmocka_unit_test(a_field),   cmocka_unit_test(bad_fields),
        cmocka_unit_test(how_many),  cmocka_unit_test(body_lengths),
        cmocka_unit_test(keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
