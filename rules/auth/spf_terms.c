/* Looks up what the terms of SPF records name. Called by spf_layer.c. */
#include "rules/auth/spf_terms.h"

#include <arpa/inet.h>
#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/dns/dns_answer.h"
#include "rules/auth/spf_macro.h"

struct place {
    enum spf_term_kind kind;
    char *spec;   /* NULL: the record's own domain */
    char *domain; /* the domain whose record has the term */
    char *name;   /* spec expanded; NULL until needed */
    int bits;     /* prefix length of A or MX for the client's address family */
    guint last;   /* the last place of the same record */
};

struct spf_terms {
    struct spf_lookup *lookup;
    const struct spf_client *client;
    GPtrArray *places;  /* of struct place* */
    GPtrArray *records; /* of struct spf_record* */
    GPtrArray *names;   /* validated names of the client; NULL: not looked up yet */
    char *reverse;      /* the client's name under in-addr.arpa or ip6.arpa */
    guint open;         /* first place of the record being added */
    guint asked_to;     /* all places before this one were looked up in advance */
    guint counted, voids;
    enum spf_code code; /* the failure; NONE without reason: none so far */
    char reason[sizeof((struct spf_result *)0)->reason];
};

bool spf_client_is_in(const struct spf_client *c, const guint8 *address, int bits)
{
    int whole = bits / 8, rest = bits % 8;
    return memcmp(c->address, address, (size_t)whole) == 0 &&
           (!rest || (c->address[whole] ^ address[whole]) >> (8 - rest) == 0);
}

static void free_place(gpointer place)
{
    g_autofree struct place *p = place;
    g_free(p->spec);
    g_free(p->domain);
    g_free(p->name);
}

static void free_record(gpointer record)
{
    struct spf_record *r = record;
    spf_record_free(&r);
}

static char *reverse_name(const struct spf_client *c)
{
    GString *out = g_string_new(NULL);
    for (int i = c->v6 ? 15 : 3; i >= 0; i--) {
        if (c->v6)
            g_string_append_printf(out, "%x.%x.", c->address[i] & 15, c->address[i] >> 4);
        else
            g_string_append_printf(out, "%d.", c->address[i]);
    }
    g_string_append(out, c->v6 ? "ip6.arpa" : "in-addr.arpa");
    return g_string_free(out, FALSE);
}

struct spf_terms *spf_terms_new(struct spf_lookup *lookup, const struct spf_client *client)
{
    static const struct spf_term first = {.kind = SPF_TERM_INCLUDE};
    struct spf_terms *t = g_new0(struct spf_terms, 1);
    t->lookup = lookup;
    t->client = client;
    t->places = g_ptr_array_new_with_free_func(free_place);
    t->records = g_ptr_array_new_with_free_func(free_record);
    t->reverse = reverse_name(client);
    spf_terms_add(t, &first, client->domain);
    spf_terms_end(t);
    return t;
}

void spf_terms_free(struct spf_terms **t)
{
    if (!*t)
        return;
    g_ptr_array_unref((*t)->places);
    g_ptr_array_unref((*t)->records);
    if ((*t)->names)
        g_ptr_array_unref((*t)->names);
    g_free((*t)->reverse);
    g_clear_pointer(t, g_free);
}

guint spf_terms_add(struct spf_terms *t, const struct spf_term *term, const char *domain)
{
    struct place *p = g_new0(struct place, 1);
    p->kind = term->kind;
    p->spec = g_strdup(term->spec);
    p->domain = g_strdup(domain);
    p->bits = t->client->v6 ? term->bits6 : term->bits4;
    g_ptr_array_add(t->places, p);
    return t->places->len - 1;
}

void spf_terms_end(struct spf_terms *t)
{
    for (guint i = t->open; i < t->places->len; i++)
        ((struct place *)t->places->pdata[i])->last = t->places->len - 1;
    t->open = t->places->len;
}

guint spf_terms_count(const struct spf_terms *t)
{
    return t->places->len;
}

bool spf_terms_outcome(const struct spf_terms *t, struct spf_result *result)
{
    if (!t->reason[0])
        return true;
    result->code = t->code;
    g_strlcpy(result->reason, t->reason, sizeof result->reason);
    return false;
}

/* Records a failure; only the first one counts. Always returns NULL. */
static void *fail(struct spf_terms *t, enum spf_code code, const char *format, ...)
{
    va_list args;
    if (t->reason[0])
        return NULL;
    va_start(args, format);
    vsnprintf(t->reason, sizeof t->reason, format, args);
    va_end(args);
    t->code = code;
    return NULL;
}

static void *fail_temp(struct spf_terms *t, const char *name)
{
    return fail(t, SPF_CODE_TEMPERROR, "no answer about %s", name);
}

/* False for names that the DNS cannot have: they count as not existing, but not as void lookups. */
static bool can_be_asked(const char *name)
{
    size_t len = strlen(name);
    if (!len || len > SPF_MACRO_NAME_MAX)
        return false;
    while (true) {
        size_t label = strcspn(name, ".");
        if (!label || label > 63)
            return false;
        if (!name[label])
            return true;
        name += label + 1;
    }
}

static enum dns_type address_type(const struct spf_terms *t)
{
    return t->client->v6 ? DNS_AAAA : DNS_A;
}

static bool is_client(const struct spf_terms *t, const struct dns_record *r)
{
    return memcmp(r->address, t->client->address, t->client->v6 ? 16 : 4) == 0;
}

/* The client's names whose addresses include the client (RFC 7208 section 5.5); names that do not answer are
 * skipped. */
static GPtrArray *validated_names(struct spf_terms *t)
{
    if (t->names)
        return t->names;
    t->names = g_ptr_array_new();
    const struct dns_answer *a = spf_lookup_get(t->lookup, t->reverse, DNS_PTR);
    guint n = MIN(a->records->len, SPF_TERMS_NAMES_MAX);
    for (guint i = 0; i < n; i++) {
        const struct dns_record *r = a->records->pdata[i];
        if (can_be_asked(r->text))
            spf_lookup_start(t->lookup, r->text, address_type(t));
    }
    for (guint i = 0; i < n; i++) {
        const struct dns_record *r = a->records->pdata[i];
        if (!can_be_asked(r->text))
            continue;
        const struct dns_answer *back = spf_lookup_get(t->lookup, r->text, address_type(t));
        bool found = false;
        for (guint k = 0; k < back->records->len && !found; k++)
            found = is_client(t, back->records->pdata[k]);
        if (found)
            g_ptr_array_add(t->names, r->text);
    }
    return t->names;
}

static bool is_below(const char *name, const char *domain)
{
    size_t n = strlen(name), d = strlen(domain);
    return n >= d && g_ascii_strcasecmp(name + n - d, domain) == 0 &&
           (n == d || name[n - d - 1] == '.');
}

/* The name for %{p} (RFC 7208 section 7.3): the domain itself, else a name below it, else any. */
static const char *validated_name(const char *domain, void *arg)
{
    GPtrArray *names = validated_names(arg);
    const char *below = NULL;
    for (guint i = 0; i < names->len; i++) {
        if (g_ascii_strcasecmp(names->pdata[i], domain) == 0)
            return names->pdata[i];
        if (!below && is_below(names->pdata[i], domain))
            below = names->pdata[i];
    }
    return below ? below : names->len ? names->pdata[0] : "unknown";
}

/* Escapes special characters from macros as \DDD, the resolver's notation for names. */
static char *escape(char *name)
{
    GString *out = g_string_new(NULL);
    for (const char *p = name; *p; p++)
        if (g_ascii_isgraph(*p) && *p != '\\')
            g_string_append_c(out, *p);
        else
            g_string_append_printf(out, "\\%03u", (unsigned char)*p);
    g_free(name);
    return g_string_free(out, FALSE);
}

static const char *name_of(struct spf_terms *t, struct place *p)
{
    const struct spf_client *c = t->client;
    if (p->name)
        return p->name;
    struct spf_macro_values v = {.sender = c->sender, .local = c->local,
                                 .sender_domain = c->domain, .helo = c->helo,
                                 .domain = p->domain, .v6 = c->v6, .address = c->address,
                                 .validated_name = validated_name, .arg = t};
    p->name = p->spec ? escape(spf_macro_expand(p->spec, &v)) : g_strdup(p->domain);
    return p->name;
}

static enum dns_type first_type(const struct spf_terms *t, const struct place *p)
{
    switch (p->kind) {
    case SPF_TERM_INCLUDE:
    case SPF_TERM_REDIRECT: return DNS_TXT;
    case SPF_TERM_MX: return DNS_MX;
    case SPF_TERM_PTR: return DNS_PTR;
    case SPF_TERM_EXISTS: return DNS_A;
    default: return address_type(t);
    }
}

static const char *first_name(struct spf_terms *t, struct place *p)
{
    return p->kind == SPF_TERM_PTR ? t->reverse : name_of(t, p);
}

/* Sends the queries of this place and of those after it in its record, as many as the limit still allows, so
 * that the answers come in parallel. */
static void ask_in_advance(struct spf_terms *t, guint place)
{
    const struct place *first = t->places->pdata[place];
    guint left = SPF_TERMS_MAX + 1 - MIN(t->counted, SPF_TERMS_MAX + 1);
    for (guint i = MAX(place, t->asked_to); i <= first->last && i < place + left; i++) {
        struct place *p = t->places->pdata[i];
        bool known = p->kind == SPF_TERM_PTR || !p->spec || !spf_macro_wants_name(p->spec);
        if (known && can_be_asked(first_name(t, p)))
            spf_lookup_start(t->lookup, first_name(t, p), first_type(t, p));
        t->asked_to = i + 1;
    }
}

/* True if this run can decide nothing more: the check failed, or an answer is missing. */
static bool is_over(const struct spf_terms *t)
{
    return t->reason[0] || spf_lookup_is_waiting(t->lookup);
}

/* Counts the term and gets its first answer. NULL if the check has failed or an answer is missing. *none_r: its
 * name cannot be queried. */
static const struct dns_answer *evaluate(struct spf_terms *t, guint place, bool *none_r)
{
    struct place *p = t->places->pdata[place];
    *none_r = false;
    if (is_over(t))
        return NULL;
    if (place && ++t->counted > SPF_TERMS_MAX)
        return fail(t, SPF_CODE_PERMERROR, "more than %d terms look something up", SPF_TERMS_MAX);
    ask_in_advance(t, place);
    const char *name = first_name(t, p);
    if (is_over(t)) /* the name contains the client's name (%{p}), whose lookup is not finished */
        return NULL;
    if (!can_be_asked(name)) {
        *none_r = true;
        return NULL;
    }
    const struct dns_answer *a = spf_lookup_get(t->lookup, name, first_type(t, p));
    if (a->status == DNS_TEMP)
        return p->kind == SPF_TERM_PTR ? a : fail_temp(t, name);
    if (a->status == DNS_NONE && place && p->kind != SPF_TERM_INCLUDE &&
        p->kind != SPF_TERM_REDIRECT && ++t->voids > SPF_TERMS_VOIDS_MAX)
        return fail(t, SPF_CODE_PERMERROR, "more than %d lookups found nothing",
                    SPF_TERMS_VOIDS_MAX);
    return a;
}

static void add_address(GArray *out, const struct dns_record *r)
{
    g_array_append_vals(out, r->address, 1);
}

static bool is_among(const struct spf_terms *t, const GArray *addresses, int bits)
{
    for (guint i = 0; i < addresses->len; i++)
        if (spf_client_is_in(t->client, (const guint8 *)addresses->data + 16 * i, bits))
            return true;
    return false;
}

/* Adds the addresses of the MX hosts, in order (RFC 7208 section 5.4), until the client is among them. So a
 * host without an answer fails the check only if no host before it is the client. */
static bool add_exchangers(struct spf_terms *t, const struct dns_answer *mx, struct place *p,
                           GArray *out)
{
    if (mx->records->len > SPF_TERMS_NAMES_MAX) {
        fail(t, SPF_CODE_PERMERROR, "%s has more than %d MX", name_of(t, p), SPF_TERMS_NAMES_MAX);
        return false;
    }
    for (guint i = 0; i < mx->records->len; i++) {
        const struct dns_record *r = mx->records->pdata[i];
        if (can_be_asked(r->text))
            spf_lookup_start(t->lookup, r->text, address_type(t));
    }
    for (guint i = 0; i < mx->records->len && !is_among(t, out, p->bits); i++) {
        const struct dns_record *r = mx->records->pdata[i];
        if (!can_be_asked(r->text))
            continue;
        const struct dns_answer *a = spf_lookup_get(t->lookup, r->text, address_type(t));
        if (a->status == DNS_TEMP) {
            fail_temp(t, r->text);
            return false;
        }
        for (guint k = 0; k < a->records->len; k++)
            add_address(out, a->records->pdata[k]);
    }
    return true;
}

static bool ptr_matches(struct spf_terms *t, struct place *p)
{
    const char *domain = name_of(t, p);
    GPtrArray *names = validated_names(t);
    for (guint i = 0; i < names->len; i++)
        if (is_below(names->pdata[i], domain))
            return true;
    return false;
}

GArray *spf_terms_addresses(struct spf_terms *t, guint place)
{
    static const struct dns_record zero;
    struct place *p = t->places->pdata[place];
    bool none;
    const struct dns_answer *a = evaluate(t, place, &none);
    if (!a && !none)
        return NULL;
    GArray *out = g_array_new(FALSE, FALSE, 16);
    if (none)
        return out;
    if (p->kind == SPF_TERM_PTR ? ptr_matches(t, p)
                                : p->kind == SPF_TERM_EXISTS && a->records->len > 0)
        add_address(out, &zero);
    if (p->kind == SPF_TERM_MX && !add_exchangers(t, a, p, out)) {
        g_array_unref(out);
        return NULL;
    }
    for (guint i = 0; p->kind == SPF_TERM_A && i < a->records->len; i++)
        add_address(out, a->records->pdata[i]);
    return out;
}

/* RFC 7208 section 4.5: finds the one record of this version; two or more are an error. */
static const struct dns_record *select_record(struct spf_terms *t, const struct dns_answer *a,
                                              const char *name)
{
    const struct dns_record *found = NULL;
    for (guint i = 0; a && i < a->records->len; i++) {
        const struct dns_record *r = a->records->pdata[i];
        if (!spf_record_is_one(r->text, r->len))
            continue;
        if (found)
            return fail(t, SPF_CODE_PERMERROR, "%s has more than one record", name);
        found = r;
    }
    return found;
}

const struct spf_record *spf_terms_record(struct spf_terms *t, guint place, const char **domain_r)
{
    struct place *p = t->places->pdata[place];
    bool none;
    const char *error;
    const struct dns_answer *a = evaluate(t, place, &none);
    if (!a && !none)
        return NULL;
    *domain_r = name_of(t, p);
    const struct dns_record *r = select_record(t, a, *domain_r);
    if (!r)
        return place ? fail(t, SPF_CODE_PERMERROR, "%s has no record", *domain_r)
                     : fail(t, SPF_CODE_NONE, "no record");
    if (r->len > SPF_TERMS_TXT_MAX)
        return fail(t, SPF_CODE_PERMERROR, "the record of %s is too long", *domain_r);
    struct spf_record *record = spf_record_parse(r->text, r->len, &error);
    if (!record)
        return fail(t, SPF_CODE_PERMERROR, "the record of %s: %s", *domain_r, error);
    g_ptr_array_add(t->records, record);
    return record;
}
