/* DMARC: records, registered domains, and the verdict of all together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"

/* ---- a resolver that knows what the tests say ---- */

static const struct zone_line {
    const char *name;
    enum dns_status status;
    const char *first, *second;
} zone[] = {
    {"_dmarc.reject.example", DNS_OK, "v=DMARC1; p=reject", NULL},
    {"_dmarc.strict.example", DNS_OK, "v=DMARC1; p=quarantine; sp=none; adkim=s; aspf=s", NULL},
    {"_dmarc.half.example", DNS_OK, "v=DMARC1; p=reject; pct=50", NULL},
    {"_dmarc.never.example", DNS_OK, "v=DMARC1; p=reject; pct=0", NULL},
    {"_dmarc.mild.example", DNS_OK, "v=DMARC1; p=quarantine; pct=0", NULL},
    {"_dmarc.two.example", DNS_OK, "v=DMARC1; p=reject", "v=DMARC1; p=none"},
    {"_dmarc.other.example", DNS_OK, "v=spf1 -all", "v=DMARC1; p=reject"},
    {"_dmarc.spf.example", DNS_OK, "v=spf1 -all", NULL},
    {"_dmarc.odd.example", DNS_OK, "v=DMARC1; p=whatever", NULL},
    {"_dmarc.down.example", DNS_TEMP, NULL, NULL},
    {"_dmarc.own.reject.example", DNS_OK, "v=DMARC1; p=none", NULL},
    {"_dmarc.odd.reject.example", DNS_OK, "v=DMARC1; p=whatever", NULL},
    {"_dmarc.spf.reject.example", DNS_OK, "v=spf1 -all", NULL},
    {"_dmarc.down.reject.example", DNS_TEMP, NULL, NULL},
    {"_dmarc.co.uk", DNS_OK, "v=DMARC1; p=reject", NULL},
};

static void add_record(struct dns_answer *a, const char *text)
{
    if (!text)
        return;
    struct dns_record *r = g_new0(struct dns_record, 1);
    r->text = g_strdup(text);
    r->len = strlen(text);
    g_ptr_array_add(a->records, r);
}

static void record_free(gpointer data)
{
    g_free(((struct dns_record *)data)->text);
    g_free(data);
}

static GString *asked; /* the domains, with blanks between */

void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    struct dns_answer a = {.status = DNS_NONE};
    (void)r;
    assert_int_equal(type, DNS_TXT);
    g_string_append_printf(asked, "%s%s", asked->len ? " " : "", name + strlen("_dmarc."));
    if (strcmp(name, "_dmarc.silent.example") == 0)
        return;
    a.records = g_ptr_array_new_with_free_func(record_free);
    for (size_t i = 0; i < G_N_ELEMENTS(zone); i++) {
        if (strcmp(zone[i].name, name) != 0)
            continue;
        a.status = zone[i].status;
        add_record(&a, zone[i].first);
        add_record(&a, zone[i].second);
    }
    fn(&a, arg);
    g_ptr_array_unref(a.records);
}

void resolver_forget(struct resolver *r, const void *arg)
{
    (void)r;
    (void)arg;
}

/* ---- records ---- */

static void records(void **state)
{
    (void)state;
    enum { NO, QU, RE, NOT_ONE, UNUSABLE };
    static const struct {
        const char *text;
        int p, sp, dkim, spf, pct;
    } cases[] = {
        {"v=DMARC1; p=none", NO, NO, 0, 0, 100},
        {"v=DMARC1;p=reject;", RE, RE, 0, 0, 100},
        {" v = DMARC1 ; p = Quarantine ; sp=NONE ; adkim=S; aspf=s; pct=20", QU, NO, 1, 1, 20},
        {"v=DMARC1; adkim=r; p=reject; sp=quarantine; aspf=x; pct=0", RE, QU, 0, 0, 0},
        {"v=DMARC1; p=reject; pct=101", RE, RE, 0, 0, 100},
        {"v=DMARC1; p=reject; pct=-1", RE, RE, 0, 0, 100},
        {"v=DMARC1; p=reject; pct=5%", RE, RE, 0, 0, 100},
        {"v=DMARC1; p=reject; pct=0000", RE, RE, 0, 0, 100},
        {"v=DMARC1; p=reject; rua=mailto:a@b.c,mailto:d@e.f!10m; ruf=mailto:x@y; fo=1:d:s; "
         "rf=afrf; ri=1",
         RE, RE, 0, 0, 100},
        {"v=DMARC1; p=reject; np=none; psd=n; t=y; X9_=1", RE, RE, 0, 0, 100},
        {"v=DMARC1; rua=mailto:a@b.c", NO, NO, 0, 0, 100},
        {"v=DMARC1; p=rejected; rua=mailto:a@b.c", NO, NO, 0, 0, 100},
        {"v=DMARC1; p=reject; sp=all; rua=nonsense, mailto:a@b.c", NO, NO, 0, 0, 100},
        {"v=DMARC1", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1;", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p=rejected", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p=re ject", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p=reject; sp=all", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p=reject; sp=all; rua=nonsense", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p=reject; p=none", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p=reject;; pct=1", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC1; p", UNUSABLE, 0, 0, 0, 0},
        {"v=DMARC2; p=none", NOT_ONE, 0, 0, 0, 0},
        {"v=dmarc1; p=none", NOT_ONE, 0, 0, 0, 0},
        {"v=DMARC1 p=none", NOT_ONE, 0, 0, 0, 0},
        {"v=DMARC10; p=none", NOT_ONE, 0, 0, 0, 0},
        {"p=none; v=DMARC1", NOT_ONE, 0, 0, 0, 0},
        {"", NOT_ONE, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *text = cases[i].text;
        struct dmarc_record r;
        bool is = dmarc_record_is(text, strlen(text));
        bool usable = dmarc_record_parse(text, strlen(text), &r);
        if (is != (cases[i].p != NOT_ONE) || usable != (cases[i].p < NOT_ONE))
            fail_msg("%s: %d %d", text, is, usable);
        if (usable && ((int)r.policy != cases[i].p || (int)r.subdomain != cases[i].sp ||
                       r.strict_dkim != cases[i].dkim || r.strict_spf != cases[i].spf ||
                       r.percent != cases[i].pct))
            fail_msg("%s: %d %d %d %d %d", text, (int)r.policy, (int)r.subdomain, r.strict_dkim,
                     r.strict_spf, r.percent);
    }
}

/* ---- registered domains ---- */

static void registered_domains(void **state)
{
    (void)state;
    static const struct {
        const char *host, *domain;
    } cases[] = {
        {"example.org", "example.org"},
        {"A.B.Example.ORG.", "example.org"},
        {"a.example.co.uk", "example.co.uk"},
        {"a.github.io", "a.github.io"},
        {"www.b\xc3\xbc"
         "cher.de",
         "xn--bcher-kva.de"},
        {"www.xn--bcher-kva.de", "xn--bcher-kva.de"},
        {"a.b.xn--55qx5d.cn", "b.xn--55qx5d.cn"},
        {"a.b.\xe5\x85\xac\xe5\x8f\xb8.cn", "b.xn--55qx5d.cn"},
        {"a.b.test", "b.test"},
        {"co.uk", NULL},
        {"org", NULL},
        {"", NULL},
        {".", NULL},
        {"192.0.2.1", NULL},
        {"2001:db8::1", NULL},
        {"[192.0.2.1]", NULL},
        {".example.org", NULL},
        {"a..example.org", NULL},
        {"\xff.org", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *domain = dmarc_registered_domain(cases[i].host);
        if (g_strcmp0(domain, cases[i].domain))
            fail_msg("%s: %s", cases[i].host, domain);
    }
}

/* ---- the whole ---- */

static struct dmarc_result judge(const char *header, const struct spf_result *spf,
                                 const GArray *signatures)
{
    static char *const own[] = {(char *)"ours.example", NULL};
    struct dmarc_check *c = dmarc_check_new(NULL, header, strlen(header), own);
    (void)dmarc_check_ask(c, spf, signatures);
    struct dmarc_result r = dmarc_check_finish(c, spf, signatures);
    dmarc_check_free(&c);
    return r;
}

static struct dmarc_result judge_from(const char *domain, const struct spf_result *spf,
                                      const GArray *signatures)
{
    g_autofree char *header = g_strdup_printf("Subject: x\r\nFrom: <a@%s>\r\n", domain);
    struct dmarc_result r = judge(header, spf, signatures);
    return r;
}

#define S(word) SPF_CODE_##word
#define K(word) DKIM_CODE_##word
#define R(word) DMARC_CODE_##word
#define P(word) DMARC_POLICY_##word

static void verdicts(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        enum spf_code spf;
        const char *spf_domain;
        enum dkim_code dkim;
        const char *dkim_domain;
        enum dmarc_code code;
        enum dmarc_policy policy;
    } cases[] = {
        {"reject.example", S(PASS), "reject.example", K(FAIL), "x.example", R(PASS), P(REJECT)},
        {"reject.example", S(PASS), "Mail.Reject.example", K(NONE), "", R(PASS), P(REJECT)},
        {"reject.example", S(FAIL), "reject.example", K(PASS), "reject.example", R(PASS),
         P(REJECT)},
        {"reject.example", S(NONE), "", K(PASS), "a.reject.example", R(PASS), P(REJECT)},
        {"b.reject.example", S(NONE), "", K(PASS), "a.reject.example", R(PASS), P(REJECT)},
        {"reject.example", S(PASS), "evil.example", K(PASS), "evil.example", R(FAIL), P(REJECT)},
        {"reject.example", S(PASS), "notreject.example", K(PASS), "xreject.example", R(FAIL),
         P(REJECT)},
        {"reject.example", S(PASS), "example", K(PASS), "", R(FAIL), P(REJECT)},
        {"reject.example", S(SOFTFAIL), "reject.example", K(POLICY), "reject.example", R(FAIL),
         P(REJECT)},
        {"reject.example", S(NEUTRAL), "reject.example", K(PERMERROR), "reject.example", R(FAIL),
         P(REJECT)},
        {"reject.example", S(TEMPERROR), "reject.example", K(FAIL), "reject.example", R(TEMPERROR),
         P(REJECT)},
        {"reject.example", S(FAIL), "reject.example", K(TEMPERROR), "reject.example", R(TEMPERROR),
         P(REJECT)},
        {"reject.example", S(TEMPERROR), "evil.example", K(TEMPERROR), "evil.example", R(FAIL),
         P(REJECT)},
        {"reject.example", S(TEMPERROR), "reject.example", K(PASS), "reject.example", R(PASS),
         P(REJECT)},
        {"strict.example", S(PASS), "mail.strict.example", K(PASS), "a.strict.example", R(FAIL),
         P(QUARANTINE)},
        {"strict.example", S(PASS), "strict.example", K(NONE), "", R(PASS), P(QUARANTINE)},
        {"strict.example", S(NONE), "", K(PASS), "STRICT.example", R(PASS), P(QUARANTINE)},
        {"a.strict.example", S(PASS), "strict.example", K(PASS), "strict.example", R(FAIL),
         P(NONE)},
        {"a.strict.example", S(PASS), "a.strict.example", K(NONE), "", R(PASS), P(NONE)},
        {"never.example", S(NONE), "", K(NONE), "", R(FAIL), P(QUARANTINE)},
        {"mild.example", S(NONE), "", K(NONE), "", R(FAIL), P(NONE)},
        {"other.example", S(NONE), "", K(NONE), "", R(FAIL), P(REJECT)},
        {"own.reject.example", S(NONE), "", K(NONE), "", R(FAIL), P(NONE)},
        {"sub.own.reject.example", S(NONE), "", K(NONE), "", R(FAIL), P(REJECT)},
        {"spf.reject.example", S(NONE), "", K(NONE), "", R(FAIL), P(REJECT)},
        {"odd.reject.example", S(NONE), "", K(NONE), "", R(NONE), P(NONE)},
        {"two.example", S(NONE), "", K(NONE), "", R(NONE), P(NONE)},
        {"odd.example", S(NONE), "", K(NONE), "", R(NONE), P(NONE)},
        {"spf.example", S(NONE), "", K(NONE), "", R(NONE), P(NONE)},
        {"nothing.example", S(PASS), "nothing.example", K(NONE), "", R(NONE), P(NONE)},
        {"down.example", S(PASS), "down.example", K(NONE), "", R(TEMPERROR), P(NONE)},
        {"down.reject.example", S(PASS), "reject.example", K(NONE), "", R(TEMPERROR), P(NONE)},
        {"a.down.example", S(PASS), "down.example", K(NONE), "", R(TEMPERROR), P(NONE)},
        {"silent.example", S(PASS), "silent.example", K(NONE), "", R(TEMPERROR), P(NONE)},
        /* A public suffix has itself for an organisational domain, and nobody else. */
        {"co.uk", S(PASS), "a.co.uk", K(PASS), "b.co.uk", R(FAIL), P(REJECT)},
        {"a.co.uk", S(PASS), "a.co.uk", K(NONE), "", R(NONE), P(NONE)},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct spf_result spf = {.code = cases[i].spf};
        struct dkim_signature s[2] = {{.code = DKIM_CODE_FAIL, .domain = "first.example"},
                                      {.code = cases[i].dkim}};
        GArray *signatures = g_array_new(FALSE, FALSE, sizeof s[0]);
        g_strlcpy(spf.domain, cases[i].spf_domain, sizeof spf.domain);
        g_strlcpy(s[1].domain, cases[i].dkim_domain, sizeof s[1].domain);
        g_array_append_vals(signatures, s, 2);
        struct dmarc_result r = judge_from(cases[i].from, &spf, signatures);
        if (r.code != cases[i].code || r.policy != cases[i].policy ||
            strcmp(r.domain, cases[i].from) != 0)
            fail_msg("%zu %s: %s %s %s", i, cases[i].from, dmarc_word(r.code),
                     dmarc_policy_word(r.policy), r.reason);
        g_array_unref(signatures);
    }
}

/* A check that did not run neither passes nor fails DMARC. */
static void unchecked(void **state)
{
    (void)state;
    struct spf_result good = {.code = SPF_CODE_PASS, .domain = "reject.example"}, bad = good;
    bad.code = SPF_CODE_FAIL;
    GArray *none = g_array_new(FALSE, FALSE, sizeof(struct dkim_signature));
    assert_int_equal(judge_from("reject.example", NULL, none).code, DMARC_CODE_NONE);
    assert_int_equal(judge_from("reject.example", &bad, NULL).code, DMARC_CODE_NONE);
    assert_int_equal(judge_from("reject.example", &good, NULL).code, DMARC_CODE_PASS);
    assert_int_equal(judge_from("reject.example", &bad, none).code, DMARC_CODE_FAIL);
    g_array_unref(none);
}

static void not_one_from(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "Subject: x\r\n",
        "From: a@reject.example\r\nFrom: a@reject.example\r\n",
        "From: a@reject.example\r\nSubject: x\r\nfrom : b@evil.example\r\n",
        "From: a@reject.example, b@reject.example\r\n",
        "From: nobody\r\n",
        "",
    };
    struct spf_result spf = {.code = SPF_CODE_PASS, .domain = "reject.example"};
    for (size_t i = 0; i < G_N_ELEMENTS(headers); i++) {
        struct dmarc_result r = judge(headers[i], &spf, NULL);
        assert_int_equal(r.code, DMARC_CODE_PERMERROR);
        assert_string_equal(r.domain, "");
        assert_true(*r.reason != 0);
    }
    assert_int_equal(judge("From a Sat\r\nFrom: a@reject.example\r\n", &spf, NULL).code,
                     DMARC_CODE_PASS);
}

/* Of the domains that nothing proves the strictest policy counts; three are asked, own ones first. */
static void several_domains(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        enum dmarc_code code;
        enum dmarc_policy policy;
        const char *domain, *asked;
    } cases[] = {
        {"a@reject.example, x@junk.test", R(FAIL), P(REJECT), "reject.example", "reject.example"},
        {"x@junk.test, a@reject.example", R(FAIL), P(REJECT), "reject.example", "reject.example"},
        {"a@reject.example\r\nFrom: x@junk.test", R(FAIL), P(REJECT), "reject.example", "reject.example"},
        {"x@junk.test, y@mail.junk.test", R(PERMERROR), P(NONE), "", ""},
        {"x@junk.test, y@nothing.example", R(PERMERROR), P(NONE), "", "nothing.example"},
        {"a@mild.example, b@strict.example, c@nothing.example, x@junk.test", R(FAIL), P(QUARANTINE),
         "strict.example", "mild.example strict.example nothing.example"},
        {"x@junk.test, a@down.example", R(TEMPERROR), P(NONE), "", "down.example"},
        {"a@down.example, b@own.reject.example", R(FAIL), P(NONE), "own.reject.example",
         "down.example own.reject.example reject.example"},
        /* More of them than are asked for are a trick to keep one from being asked. */
        {"a@a.test, b@b.test, c@c.test, d@ours.example", R(FAIL), P(REJECT), "", "ours.example a.test b.test"},
        {"a@a.test, b@b.test, c@c.test, x@junk.test", R(PERMERROR), P(NONE), "", "a.test b.test c.test"},
        {"Bank <o@reject.example>>", R(FAIL), P(REJECT), "reject.example", "reject.example"},
        {"\"Bank <o@reject.example>", R(FAIL), P(REJECT), "reject.example", "reject.example"},
    };
    struct spf_result spf = {.code = SPF_CODE_PASS, .domain = "junk.test"};
    GArray *none = g_array_new(FALSE, FALSE, sizeof(struct dkim_signature));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *header = g_strdup_printf("From: %s\r\n", cases[i].from);
        g_string_truncate(asked, 0);
        struct dmarc_result r = judge(header, &spf, none);
        if (r.code != cases[i].code || r.policy != cases[i].policy || strcmp(r.domain, cases[i].domain) ||
            strcmp(asked->str, cases[i].asked))
            fail_msg("%s: %s %s %s, asked: %s", cases[i].from, dmarc_word(r.code), dmarc_policy_word(r.policy),
                     r.domain, asked->str);
    }
    GString *crowd = g_string_new("From: x@junk.test");
    for (int i = 0; i < 40; i++)
        g_string_append_printf(crowd, ", x@h%d.junk.test", i);
    g_string_append(crowd, "\r\n");
    struct dmarc_result r = judge(crowd->str, &spf, none);
    assert_int_equal(r.policy, DMARC_POLICY_REJECT);
    g_string_free(crowd, TRUE);
    g_array_unref(none);
}

/* A key for testing proves nothing, a signature by another or SPF beside it do. */
/* One domain is enough to hide another behind a thousand addresses. */
static void too_many_addresses(void **state)
{
    (void)state;
    struct spf_result spf = {.code = SPF_CODE_PASS, .domain = "junk.test"};
    GArray *none = g_array_new(FALSE, FALSE, sizeof(struct dkim_signature));
    for (int many = 1000; many <= 1001; many++) {
        GString *header = g_string_new("From: x0@junk.test");
        for (int i = 1; i < many; i++)
            g_string_append_printf(header, ",x%d@junk.test", i);
        g_string_append(header, "\r\n");
        const struct dmarc_result r = judge(header->str, &spf, none);
        assert_int_equal(r.code, many > 1000 ? R(FAIL) : R(PERMERROR));
        assert_int_equal(r.policy, many > 1000 ? P(REJECT) : P(NONE));
        assert_true(r.uncertain == (many > 1000));
        g_string_free(header, TRUE);
    }
    g_array_unref(none);
}

/* An address of ours in the name of somebody else's. */
static void borrowed_names(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        bool borrows;
    } cases[] = {
        {"o@ours.example <x@junk.test>", true},
        {"\"o@ours.example\" <x@junk.test>", true},
        {"\"o@MAIL.ours.example\" <x@junk.test>", true},
        {"x@junk.test (o@ours.example)", true},
        {"=?utf-8?q?o=40ours.example?= <x@junk.test>", true},
        {"\"o@ours.example\" <x@junk.test>, y@junk.test", true},
        {"\"o@ours.example\" <x@junk.test>, p@ours.example", false},
        {"\"o@ours.example\" <p@ours.example>", false},
        {"\"o@ours.example\" <p@mail.ours.example>", false},
        {"\"o@notours.example\" <x@junk.test>", false},
        {"\"ours.example\" <x@junk.test>", false},
        {"o@ours.example", false},
    };
    struct spf_result spf = {.code = SPF_CODE_PASS, .domain = "junk.test"};
    GArray *none = g_array_new(FALSE, FALSE, sizeof(struct dkim_signature));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *header = g_strdup_printf("From: %s\r\n", cases[i].from);
        const struct dmarc_result r = judge(header, &spf, none);
        if (r.borrows != cases[i].borrows || r.uncertain)
            fail_msg("%s", cases[i].from);
    }
    g_array_unref(none);
}

static void testing_keys(void **state)
{
    (void)state;
    struct spf_result spf = {.code = SPF_CODE_NONE};
    struct dkim_signature s[2] = {{.code = DKIM_CODE_PASS, .domain = "reject.example", .testing = true},
                                  {.code = DKIM_CODE_FAIL, .domain = "reject.example"}};
    GArray *signatures = g_array_new(FALSE, FALSE, sizeof s[0]);
    g_array_append_vals(signatures, s, 2);
    struct dmarc_result r = judge_from("reject.example", &spf, signatures);
    assert_true(r.code == DMARC_CODE_PASS && r.testing);
    g_array_index(signatures, struct dkim_signature, 1).code = DKIM_CODE_PASS;
    r = judge_from("reject.example", &spf, signatures);
    assert_true(r.code == DMARC_CODE_PASS && !r.testing);
    g_array_index(signatures, struct dkim_signature, 1).testing = true;
    r = judge_from("reject.example", &spf, signatures);
    assert_true(r.code == DMARC_CODE_PASS && r.testing);
    spf = (struct spf_result){.code = SPF_CODE_PASS, .domain = "reject.example"};
    r = judge_from("reject.example", &spf, signatures);
    assert_true(r.code == DMARC_CODE_PASS && !r.testing);
    g_array_unref(signatures);
}

/* pct=50 draws about half of all messages, and each message the same way each time. */
static void sampling(void **state)
{
    (void)state;
    struct spf_result spf = {.code = SPF_CODE_NONE};
    GArray *none = g_array_new(FALSE, FALSE, sizeof(struct dkim_signature));
    int drawn = 0;
    for (int i = 0; i < 1000; i++) {
        g_autofree char *header = g_strdup_printf("From: a@half.example\r\nMessage-ID: <%d@x>\r\n", i);
        enum dmarc_policy first = judge(header, &spf, none).policy;
        assert_int_equal(judge(header, &spf, none).policy, first);
        assert_int_not_equal(first, DMARC_POLICY_NONE);
        drawn += first == DMARC_POLICY_REJECT;
    }
    assert_in_range(drawn, 430, 570);
    g_array_unref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records),        cmocka_unit_test(registered_domains),
        cmocka_unit_test(verdicts),       cmocka_unit_test(unchecked),
        cmocka_unit_test(not_one_from),   cmocka_unit_test(several_domains),
        cmocka_unit_test(borrowed_names), cmocka_unit_test(too_many_addresses),
        cmocka_unit_test(testing_keys),   cmocka_unit_test(sampling),
    };
    asked = g_string_new(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_string_free(asked, TRUE);
    return failed;
}
