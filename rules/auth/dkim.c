/* Verifies DKIM signatures with libopendkim. Called by evidence.c and filterctl lookup. */
#include "rules/auth/dkim.h"

#include <dkim.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "base/mail/header.h"
#include "rules/auth/dkim_body.h"
#include "rules/auth/dkim_field.h"

enum {
    FIELDS_MAX = 2000, /* fields in a header: libopendkim searches them all for each name in each h= */
    MIN_KEY_BITS = 1024,
    BODY_CHUNK_BYTES = 64 * 1024,
};

/* An extra field that is given to libopendkim. The library writes one pointer too many if all fields are signed
 * and h= names one more. This field's name contains a character that h= cannot, so it is never signed. */
static const char unsigned_field[] = "never signed: 1";

struct dkim_library {
    DKIM_LIB *lib;
};

struct key {
    char *name;
    bool answered;
    enum dns_status status;
    guint count; /* number of TXT records */
    char *text;  /* the key record; NULL if none is text, or it is too long */
};

struct dkim_check {
    struct dkim_library *library;
    struct resolver *resolver;
    GPtrArray *keys;    /* of struct key* */
    GArray *signatures; /* their results */
};

const char *dkim_word(enum dkim_code code)
{
    static const char *const words[] = {"none",    "pass",      "fail",     "policy",
                                        "neutral", "temperror", "permerror"};
    return words[code];
}

static void set_result(struct dkim_signature *s, enum dkim_code code, const char *reason)
{
    s->code = code;
    g_strlcpy(s->reason, reason, sizeof s->reason);
}

/* ---- keys ---- */

static void key_free(gpointer data)
{
    struct key *k = data;
    g_free(k->name);
    g_free(k->text);
    g_free(k);
}

static struct key *key_of(const struct dkim_check *c, const char *name)
{
    for (guint i = 0; i < c->keys->len; i++) {
        struct key *k = c->keys->pdata[i];
        if (strcmp(k->name, name) == 0)
            return k;
    }
    return NULL;
}

static void take_key(const struct dns_answer *answer, void *arg)
{
    struct key *k = arg;
    k->answered = true;
    k->status = answer->status;
    k->count = answer->records->len;
    if (k->status != DNS_OK || k->count != 1)
        return;
    const struct dns_record *r = answer->records->pdata[0];
    if (r->text && !memchr(r->text, 0, r->len))
        k->text = g_strndup(r->text, r->len);
}

static void ask_keys(struct dkim_check *c, const GArray *fields)
{
    for (guint i = 0; i < fields->len; i++) {
        const struct dkim_field *f = &g_array_index(fields, struct dkim_field, i);
        if (!f->usable || key_of(c, f->key))
            continue;
        struct key *k = g_new0(struct key, 1);
        k->name = g_strdup(f->key);
        g_ptr_array_add(c->keys, k);
        resolver_ask(c->resolver, k->name, DNS_TXT, take_key, k);
    }
}

/* libopendkim calls this for a key; it never queries the DNS itself. */
static DKIM_CBSTAT give_key(DKIM *dkim, DKIM_SIGINFO *sig, unsigned char *buf, size_t size)
{
    const struct dkim_check *c = dkim_get_user_context(dkim);
    g_autofree char *given =
        g_strdup_printf("%s._domainkey.%s", dkim_sig_getselector(sig), dkim_sig_getdomain(sig));
    g_autofree char *name = g_ascii_strdown(given, -1);
    const struct key *k = key_of(c, name);
    if (!k || !k->answered || k->status == DNS_TEMP)
        return DKIM_CBSTAT_TRYAGAIN;
    if (k->status != DNS_OK || !k->text || g_strlcpy((char *)buf, k->text, size) >= size)
        return DKIM_CBSTAT_NOTFOUND;
    return DKIM_CBSTAT_CONTINUE;
}

/* Sets the result if the key lookup alone decides it; else returns false. */
static bool judge_key(const struct key *k, struct dkim_signature *s)
{
    if (!k || !k->answered || k->status == DNS_TEMP)
        set_result(s, DKIM_CODE_TEMPERROR, "no answer for the key");
    else if (k->status != DNS_OK)
        set_result(s, DKIM_CODE_PERMERROR, "no key");
    else if (k->count > 1)
        set_result(s, DKIM_CODE_PERMERROR, "more than one key");
    else if (!k->text)
        set_result(s, DKIM_CODE_PERMERROR, "key is no text");
    else
        return false;
    return true;
}

/* ---- verdicts ---- */

struct error_word {
    DKIM_SIGERROR error;
    enum dkim_code code;
    const char *reason;
};

static const struct error_word error_words[] = {
    {DKIM_SIGERROR_EXPIRED, DKIM_CODE_FAIL, "signature has expired"},
    {DKIM_SIGERROR_FUTURE, DKIM_CODE_FAIL, "signature is of the future"},
    {DKIM_SIGERROR_TIMESTAMPS, DKIM_CODE_FAIL, "signature expires before it was made"},
    {DKIM_SIGERROR_BADSIG, DKIM_CODE_FAIL, "signature did not verify"},
    {DKIM_SIGERROR_TOOLARGE_L, DKIM_CODE_FAIL, "body is shorter than l="},
    {DKIM_SIGERROR_NOKEY, DKIM_CODE_PERMERROR, "no key"},
    {DKIM_SIGERROR_KEYREVOKED, DKIM_CODE_PERMERROR, "key was revoked"},
    {DKIM_SIGERROR_SUBDOMAIN, DKIM_CODE_PERMERROR, "identity is not the key's domain (t=s)"},
    {DKIM_SIGERROR_INVALID_H, DKIM_CODE_PERMERROR, "From is not signed"},
};

static void judge_error(struct dkim_signature *s, DKIM_SIGERROR error)
{
    for (guint i = 0; i < G_N_ELEMENTS(error_words); i++)
        if (error_words[i].error == error)
            return set_result(s, error_words[i].code, error_words[i].reason);
    const char *text = dkim_sig_geterrorstr(error);
    set_result(s, DKIM_CODE_PERMERROR, text ? text : "cannot be verified");
}

/* Why a valid signature proves too little; NULL if it does not. */
static const char *doubt_of(const struct dkim_field *f, DKIM_SIGINFO *sig)
{
    unsigned bits = 0;
    if (f->sha1)
        return "rsa-sha1 proves nothing";
    /* For ed25519 keys the library reports size 0. */
    if (dkim_sig_getkeysize(sig, &bits) != DKIM_STAT_OK || (bits && bits < MIN_KEY_BITS))
        return "key under 1024 bits";
    return NULL;
}

/* Needs all three: after a t=s violation the library leaves the passed flag and the matching hash as they are,
 * and a signature can verify although the body's hash does not. */
static bool is_proved(DKIM_SIGINFO *sig)
{
    return (dkim_sig_getflags(sig) & DKIM_SIGFLAG_PASSED) != 0 &&
           dkim_sig_getbh(sig) == DKIM_SIGBH_MATCH && dkim_sig_geterror(sig) == DKIM_SIGERROR_OK;
}

static void judge(const struct dkim_check *c, struct dkim_field *f, DKIM_SIGINFO *sig)
{
    struct dkim_signature *s = &f->signature;
    DKIM_SIGERROR error = dkim_sig_geterror(sig);
    const char *doubt = doubt_of(f, sig);
    s->testing = (dkim_sig_getflags(sig) & DKIM_SIGFLAG_TESTKEY) != 0;
    /* Only if the library found no other error: an expired signature is reported as expired even if its key is
     * gone. */
    if ((error == DKIM_SIGERROR_UNKNOWN || error == DKIM_SIGERROR_NOKEY) &&
        judge_key(key_of(c, f->key), s))
        return;
    if (is_proved(sig) && doubt)
        set_result(s, DKIM_CODE_POLICY, doubt);
    else if (is_proved(sig))
        set_result(s, DKIM_CODE_PASS, s->testing ? "the key is for testing" : "");
    else if (dkim_sig_getbh(sig) == DKIM_SIGBH_MISMATCH)
        set_result(s, DKIM_CODE_FAIL, "body hash did not verify");
    else
        judge_error(s, error);
}

/* ---- libopendkim's run over one message ---- */

/* A field that occurs twice and must not; NULL if none. libopendkim's own check (DKIM_LIBFLAGS_STRICTHDRS) also
 * requires Date and a readable address, and leaks a copy of From if that is missing. */
static const char *repeated_field(const struct message *m)
{
    static const char *const once[] = {"From",
                                       "Sender",
                                       "Reply-To",
                                       "To",
                                       "Cc",
                                       "Subject",
                                       "Date",
                                       "Message-ID",
                                       "In-Reply-To",
                                       "References",
                                       "MIME-Version",
                                       "Content-Type",
                                       "Content-Transfer-Encoding"};
    guint seen[G_N_ELEMENTS(once)] = {0};
    for (size_t i = 0; i < m->header_count; i++)
        for (guint n = 0; n < G_N_ELEMENTS(once); n++)
            if (header_is(&m->headers[i], once[n]) && ++seen[n] > 1)
                return once[n];
    return NULL;
}

/* Why no signature of this message can be verified; NULL if they can be. g_free. */
static char *obstacle_of(const struct message *m)
{
    const char *twice = repeated_field(m);
    if (twice)
        return g_strdup_printf("more than one %s", twice);
    if (!message_header(m, "From"))
        return g_strdup("no From");
    if (m->header_count > FIELDS_MAX)
        return g_strdup("too many header fields");
    /* libopendkim stops at a NUL and mail readers do not: unsigned text after it would seem to be signed. */
    if (m->header_count && memchr(m->raw, 0, (size_t)(m->body - m->raw)))
        return g_strdup("NUL in the header");
    return NULL;
}

static bool is_among(const GArray *fields, const struct header *h)
{
    for (guint i = 0; i < fields->len; i++) {
        const struct dkim_field *f = &g_array_index(fields, struct dkim_field, i);
        if (f->usable && f->header->start == h->start)
            return true;
    }
    return false;
}

static size_t without_eol(const struct header *h)
{
    return (size_t)(h->value + h->value_len - h->start);
}

/* Feeds the header to libopendkim, but not signatures that are malformed, too large or too many. */
static void feed_header(DKIM *dkim, const struct message *m, const GArray *fields)
{
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header *h = &m->headers[i];
        if (!header_is(h, "DKIM-Signature") || is_among(fields, h))
            (void)dkim_header(dkim, (u_char *)(uintptr_t)h->start, without_eol(h));
    }
    (void)dkim_header(dkim, (u_char *)(uintptr_t)unsigned_field, strlen(unsigned_field));
}

static bool feed(DKIM *dkim, const struct message *m, const GArray *fields)
{
    bool testing;
    feed_header(dkim, m, fields);
    if (dkim_eoh(dkim) != DKIM_STAT_OK)
        return false;
    for (size_t at = 0; at < m->body_len; at += BODY_CHUNK_BYTES) {
        size_t len = MIN((size_t)BODY_CHUNK_BYTES, m->body_len - at);
        if (dkim_body(dkim, (u_char *)(uintptr_t)(m->body + at), len) != DKIM_STAT_OK)
            return false;
    }
    /* The library's return value is about one signature; judge_all reads each one's result. */
    (void)dkim_eom(dkim, &testing);
    return true;
}

static bool is_same(const struct dkim_field *f, DKIM_SIGINFO *sig)
{
    const u_char *domain = dkim_sig_getdomain(sig), *selector = dkim_sig_getselector(sig);
    return domain && selector &&
           g_ascii_strcasecmp((const char *)domain, f->signature.domain) == 0 &&
           g_ascii_strcasecmp((const char *)selector, f->signature.selector) == 0;
}

/* libopendkim lists signatures in the order in which it was fed the fields. */
static void judge_all(struct dkim_check *c, DKIM *dkim, GArray *fields)
{
    DKIM_SIGINFO **sigs = NULL;
    int count = 0, next = 0;
    if (dkim_getsiglist(dkim, &sigs, &count) != DKIM_STAT_OK)
        return;
    for (guint i = 0; i < fields->len && next < count; i++) {
        struct dkim_field *f = &g_array_index(fields, struct dkim_field, i);
        if (!f->usable)
            continue;
        if (is_same(f, sigs[next]))
            judge(c, f, sigs[next]);
        next++;
    }
}

static void verify(struct dkim_check *c, const struct message *m, GArray *fields)
{
    DKIM_STAT status;
    DKIM *dkim = dkim_verify(c->library->lib, (const u_char *)"message", NULL, &status);
    if (!dkim)
        return;
    dkim_set_user_context(dkim, c);
    if (feed(dkim, m, fields))
        judge_all(c, dkim, fields);
    (void)dkim_free(dkim);
}

/* ---- exported functions ---- */

struct dkim_library *dkim_library_new(void)
{
    /* DELAYSIGPROC: keys are asked for at the end, where a missing one does not stop the other signatures.
     * BADSIGHANDLES: a signature with an error stays in the list. Never TMPFILES, which writes plaintext to
     * disk. doubt_of checks the size of keys. */
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC | DKIM_LIBFLAGS_BADSIGHANDLES, any = 0;
    struct dkim_library *l = g_new0(struct dkim_library, 1);
    l->lib = dkim_init(NULL, NULL);
    if (!l->lib ||
        dkim_options(l->lib, DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags) !=
            DKIM_STAT_OK ||
        dkim_options(l->lib, DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &any, sizeof any) !=
            DKIM_STAT_OK ||
        dkim_set_key_lookup(l->lib, give_key) != DKIM_STAT_OK)
        dkim_library_free(&l);
    return l;
}

void dkim_library_free(struct dkim_library **l)
{
    if (!*l)
        return;
    if ((*l)->lib)
        dkim_close((*l)->lib);
    g_clear_pointer(l, g_free);
}

struct dkim_check *dkim_check_new(struct dkim_library *l, struct resolver *r, const char *header,
                                  size_t len)
{
    struct dkim_check *c = g_new0(struct dkim_check, 1);
    size_t count;
    g_autofree struct header *headers = message_scan_headers(header, len, NULL, &count);
    GArray *fields = dkim_field_list(headers, count, NULL);
    c->library = l;
    c->resolver = r;
    c->keys = g_ptr_array_new_with_free_func(key_free);
    c->signatures = g_array_new(FALSE, TRUE, sizeof(struct dkim_signature));
    ask_keys(c, fields);
    g_array_unref(fields);
    return c;
}

void dkim_check_free(struct dkim_check **c)
{
    if (!*c)
        return;
    for (guint i = 0; i < (*c)->keys->len; i++)
        resolver_forget((*c)->resolver, (*c)->keys->pdata[i]);
    g_ptr_array_unref((*c)->keys);
    g_array_unref((*c)->signatures);
    g_clear_pointer(c, g_free);
}

/* Marks signatures over a part of the body (l=) as POLICY before libopendkim runs: they prove too little, and
 * the library would hash the body again for each different l=. */
static void judge_lengths(GArray *fields, const struct message *m)
{
    size_t full[2] = {0, 0};
    for (guint i = 0; i < fields->len; i++) {
        struct dkim_field *f = &g_array_index(fields, struct dkim_field, i);
        size_t *length = &full[f->relaxed_body];
        if (!f->usable || !f->has_length)
            continue;
        if (!*length)
            *length = dkim_body_length(m->body, m->body_len, f->relaxed_body);
        if (f->length >= *length)
            continue;
        f->usable = false;
        set_result(&f->signature, DKIM_CODE_POLICY, "l= leaves a part of the body unsigned");
    }
}

/* Parses and marks the signatures. False if there is nothing to verify. */
static bool prepare(GArray *fields, const struct message *m)
{
    g_autofree char *obstacle = obstacle_of(m);
    bool any = false;
    judge_lengths(fields, m);
    for (guint i = 0; i < fields->len; i++) {
        struct dkim_field *f = &g_array_index(fields, struct dkim_field, i);
        if (f->usable)
            set_result(&f->signature, DKIM_CODE_PERMERROR,
                       obstacle ? obstacle : "cannot be verified");
        any = any || f->usable;
    }
    any = any && !obstacle;
    return any;
}

const GArray *dkim_check_finish(struct dkim_check *c, const struct message *m)
{
    GArray *fields = dkim_field_list(m->headers, m->header_count, m->met);
    if (prepare(fields, m))
        verify(c, m, fields);
    g_array_set_size(c->signatures, 0);
    for (guint i = 0; i < fields->len; i++)
        g_array_append_val(c->signatures, g_array_index(fields, struct dkim_field, i).signature);
    g_array_unref(fields);
    return c->signatures;
}
