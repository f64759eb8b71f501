/* Parses SPF records. Called by spf_terms.c; spf_layer.c writes them anew. */
#include "rules/auth/spf_record.h"

#include <arpa/inet.h>
#include <string.h>

#include "rules/auth/spf_macro.h"

#define VERSION "v=spf1"
#define VERSION_LEN (sizeof VERSION - 1)

/* Parser state for one term; p moves towards end. */
struct reader {
    const char *p, *end;
    const char *error;
};

static const struct {
    const char *name;
    enum spf_term_kind kind;
    bool may_domain, must_domain, may_bits;
} mechanisms[] = {
    {"all", SPF_TERM_ALL, false, false, false},
    {"include", SPF_TERM_INCLUDE, true, true, false},
    {"a", SPF_TERM_A, true, false, true},
    {"mx", SPF_TERM_MX, true, false, true},
    {"ptr", SPF_TERM_PTR, true, false, false},
    {"ip4", SPF_TERM_IP4, false, false, false},
    {"ip6", SPF_TERM_IP6, false, false, false},
    {"exists", SPF_TERM_EXISTS, true, true, false},
};

static bool fail(struct reader *in, const char *error)
{
    in->error = error;
    return false;
}

/* Cuts a prefix length "/N" off the end: no leading zero, at most max. Without one *bits_r stays unchanged. */
static bool cut_bits(struct reader *in, const char *slashes, int max, int *bits_r)
{
    const char *digits = in->end;
    size_t n = strlen(slashes);
    while (digits > in->p && g_ascii_isdigit(digits[-1]))
        digits--;
    size_t count = (size_t)(in->end - digits);
    if (!count || (size_t)(digits - in->p) < n || memcmp(digits - n, slashes, n))
        return true;
    if (count > 3 || (count > 1 && *digits == '0'))
        return fail(in, "a prefix length is none");
    int bits = 0;
    for (const char *d = digits; d < in->end; d++)
        bits = bits * 10 + *d - '0';
    if (bits > max)
        return fail(in, "a prefix length is too large");
    *bits_r = bits;
    in->end = digits - n;
    return true;
}

static bool read_address(struct reader *in, struct spf_term *t)
{
    bool v6 = t->kind == SPF_TERM_IP6;
    char text[INET6_ADDRSTRLEN];
    if (in->p == in->end || *in->p++ != ':')
        return fail(in, "an address is missing");
    if (!cut_bits(in, "/", v6 ? 128 : 32, v6 ? &t->bits6 : &t->bits4))
        return false;
    size_t len = (size_t)(in->end - in->p);
    if (len >= sizeof text)
        return fail(in, "an address is none");
    memcpy(text, in->p, len);
    text[len] = 0;
    if (inet_pton(v6 ? AF_INET6 : AF_INET, text, t->address) != 1)
        return fail(in, "an address is none");
    return true;
}

static bool read_spec(struct reader *in, struct spf_term *t)
{
    size_t len = (size_t)(in->end - in->p);
    if (!spf_macro_is_domain(in->p, len))
        return fail(in, "a domain is none");
    t->spec = g_strndup(in->p, len);
    return true;
}

/* Reads what follows a mechanism's name (RFC 7208 section 5). */
static bool read_arguments(struct reader *in, struct spf_term *t, size_t i)
{
    if (t->kind == SPF_TERM_IP4 || t->kind == SPF_TERM_IP6)
        return read_address(in, t);
    if (mechanisms[i].may_bits &&
        (!cut_bits(in, "//", 128, &t->bits6) || !cut_bits(in, "/", 32, &t->bits4)))
        return false;
    if (in->p == in->end)
        return !mechanisms[i].must_domain || fail(in, "a domain is missing");
    if (*in->p++ != ':' || !mechanisms[i].may_domain)
        return fail(in, "a mechanism has what it cannot have");
    return read_spec(in, t);
}

static bool read_mechanism(struct reader *in, struct spf_term *t)
{
    if (strchr("+-~?", *in->p))
        t->qualifier = *in->p++;
    const char *name = in->p;
    while (in->p < in->end && g_ascii_isalnum(*in->p))
        in->p++;
    size_t len = (size_t)(in->p - name);
    for (size_t i = 0; i < G_N_ELEMENTS(mechanisms); i++)
        if (strlen(mechanisms[i].name) == len &&
            g_ascii_strncasecmp(mechanisms[i].name, name, len) == 0) {
            t->kind = mechanisms[i].kind;
            return read_arguments(in, t, i);
        }
    return fail(in, "a mechanism is unknown");
}

static size_t modifier_name(const struct reader *in)
{
    const char *p = in->p;
    if (!g_ascii_isalpha(*p))
        return 0;
    while (p < in->end && (g_ascii_isalnum(*p) || strchr("-_.", *p)))
        p++;
    return p < in->end && *p == '=' ? (size_t)(p - in->p) : 0;
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return len == strlen(word) && g_ascii_strncasecmp(text, word, len) == 0;
}

struct modifiers {
    struct spf_term *redirect;
    bool explained;
};

/* Reads a modifier (RFC 7208 section 6). exp= is checked and dropped: nobody needs its text, and libspf2's
 * expansion of it had a hole (CVE-2023-42118). */
static bool read_modifier(struct reader *in, size_t len, struct modifiers *m)
{
    const char *name = in->p;
    in->p += len + 1;
    if (is_word(name, len, "redirect")) {
        if (m->redirect)
            return fail(in, "redirect= stands there twice");
        m->redirect = g_new0(struct spf_term, 1);
        m->redirect->kind = SPF_TERM_REDIRECT;
        return read_spec(in, m->redirect);
    }
    if (is_word(name, len, "exp")) {
        if (m->explained)
            return fail(in, "exp= stands there twice");
        m->explained = true;
        return spf_macro_is_domain(in->p, (size_t)(in->end - in->p)) ||
               fail(in, "a domain is none");
    }
    return spf_macro_is_string(in->p, (size_t)(in->end - in->p)) ||
           fail(in, "a modifier has wrong macros");
}

static bool read_term(struct reader *in, struct spf_record *r, struct modifiers *m)
{
    for (const char *p = in->p; p < in->end; p++)
        if (*p < 0x21 || *p > 0x7e)
            return fail(in, "a byte is not visible ASCII");
    size_t name = modifier_name(in);
    if (name)
        return read_modifier(in, name, m);
    struct spf_term *t = g_new0(struct spf_term, 1);
    *t = (struct spf_term){.qualifier = '+', .bits4 = 32, .bits6 = 128};
    g_ptr_array_add(r->terms, t);
    return read_mechanism(in, t);
}

static void free_term(gpointer term)
{
    g_autofree struct spf_term *t = term;
    if (t)
        g_free(t->spec);
}

bool spf_record_is_one(const char *text, size_t len)
{
    return len >= VERSION_LEN && g_ascii_strncasecmp(text, VERSION, VERSION_LEN) == 0 &&
           (len == VERSION_LEN || text[VERSION_LEN] == ' ');
}

struct spf_record *spf_record_parse(const char *text, size_t len, const char **error_r)
{
    struct spf_record *r = g_new0(struct spf_record, 1);
    struct modifiers m = {0};
    struct reader in = {.error = spf_record_is_one(text, len) ? NULL : "it is no v=spf1 record"};
    r->terms = g_ptr_array_new_with_free_func(free_term);
    const char *p = text + VERSION_LEN, *end = text + len;
    while (!in.error && p < end) {
        const char *space = memchr(p, ' ', (size_t)(end - p));
        in.p = p;
        in.end = space ? space : end;
        p = in.end + 1;
        if (in.p < in.end)
            read_term(&in, r, &m);
    }
    if (m.redirect)
        g_ptr_array_add(r->terms, m.redirect);
    *error_r = in.error;
    if (in.error)
        spf_record_free(&r);
    return r;
}

void spf_record_free(struct spf_record **r)
{
    if (!*r)
        return;
    g_ptr_array_unref((*r)->terms);
    g_clear_pointer(r, g_free);
}
