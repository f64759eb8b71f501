/* Runs libspf2 over rewritten records. Called by spf.c. */
#include "rules/auth/spf_layer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <spf2/spf.h>

#include "rules/auth/spf_record.h"
#include "rules/auth/spf_result.h"

#define PLACE_NAME "t%u.invalid"

struct layer {
    SPF_dns_server_t dns; /* its hook points to this struct */
    struct spf_terms *terms;
    const struct spf_client *client;
    bool refused; /* libspf2 did not accept a rewritten record */
};

/* ---- writing the record for libspf2 ---- */

static void write_address(GString *out, const struct spf_term *t, bool v6, int bits)
{
    char text[INET6_ADDRSTRLEN];
    inet_ntop(v6 ? AF_INET6 : AF_INET, t->address, text, sizeof text);
    g_string_append_printf(out, " %c%s:%s/%d", t->qualifier, v6 ? "ip6" : "ip4", text, bits);
}

/* libspf2 takes "/0" for a missing prefix length. So "all" is written for IP4 and IP6 with /0, "exists" for A
 * and MX, where any address matches. */
static void write_term(GString *out, const struct spf_term *t, bool v6, guint place)
{
    int bits = v6 ? t->bits6 : t->bits4;
    switch (t->kind) {
    case SPF_TERM_ALL:
        g_string_append_printf(out, " %call", t->qualifier);
        break;
    case SPF_TERM_IP4:
    case SPF_TERM_IP6:
        if (bits)
            write_address(out, t, v6, bits);
        else
            g_string_append_printf(out, " %call", t->qualifier);
        break;
    case SPF_TERM_INCLUDE:
        g_string_append_printf(out, " %cinclude:" PLACE_NAME, t->qualifier, place);
        break;
    case SPF_TERM_REDIRECT:
        g_string_append_printf(out, " redirect=" PLACE_NAME, place);
        break;
    case SPF_TERM_A:
    case SPF_TERM_MX:
        if (bits) {
            g_string_append_printf(out, " %ca:" PLACE_NAME "%s%d", t->qualifier, place,
                                   v6 ? "//" : "/", bits);
            break;
        }
        /* fall through */
    default:
        g_string_append_printf(out, " %cexists:" PLACE_NAME, t->qualifier, place);
    }
}

/* True for a network that does not contain the client. Such terms are left out, because libspf2 keeps only 511
 * bytes of mechanisms and silently drops the rest: 43 networks are too many. */
static bool is_needless(const struct spf_term *t, const struct spf_client *c)
{
    if (t->kind == SPF_TERM_IP4)
        return c->v6 || !spf_client_is_in(c, t->address, t->bits4);
    return t->kind == SPF_TERM_IP6 && (!c->v6 || !spf_client_is_in(c, t->address, t->bits6));
}

char *spf_layer_write(struct spf_terms *terms, const struct spf_client *client,
                      const struct spf_record *record, const char *domain)
{
    GString *out = g_string_new("v=spf1");
    int lookups = 0;
    bool end = false;
    for (guint i = 0; i < record->terms->len && !end; i++) {
        const struct spf_term *t = record->terms->pdata[i];
        guint place = 0;
        if (is_needless(t, client))
            continue;
        /* Nothing after these is reached: a network written here contains the client. */
        end = t->kind == SPF_TERM_ALL || t->kind == SPF_TERM_IP4 || t->kind == SPF_TERM_IP6;
        if (!end) {
            place = spf_terms_add(terms, t, domain);
            end = ++lookups > SPF_TERMS_MAX;
        }
        write_term(out, t, client->v6, place);
    }
    spf_terms_end(terms);
    return g_string_free(out, FALSE);
}

/* The number of mechanisms that libspf2 must have read from the record. */
static unsigned mechanisms(const char *written)
{
    unsigned n = 0;
    for (const char *p = written; (p = strchr(p, ' ')); p++)
        n += !g_str_has_prefix(p, " redirect=");
    return n;
}

/* ---- answering libspf2's lookups ---- */

static bool read_place(const struct layer *l, const char *name, guint *place_r)
{
    int end = 0;
    return name && sscanf(name, PLACE_NAME "%n", place_r, &end) == 1 && end && !name[end] &&
           *place_r < spf_terms_count(l->terms);
}

static SPF_dns_rr_t *answer(struct layer *l, const char *name, ns_type type, GArray *addresses)
{
    size_t size = type == ns_t_aaaa ? sizeof(struct in6_addr) : sizeof(struct in_addr);
    int status = !addresses ? TRY_AGAIN : addresses->len ? NETDB_SUCCESS : NO_DATA;
    SPF_dns_rr_t *rr = SPF_dns_rr_new_init(&l->dns, name, type, 0, status);
    for (guint i = 0; rr && addresses && i < addresses->len; i++) {
        if (SPF_dns_rr_buf_realloc(rr, (int)i, sizeof *rr->rr[0]) != SPF_E_SUCCESS)
            break;
        memcpy(rr->rr[i], addresses->data + i * 16, size);
        rr->num_rr++;
    }
    return rr;
}

static SPF_dns_rr_t *lookup(SPF_dns_server_t *dns, const char *name, ns_type type, int should_cache)
{
    struct layer *l = dns->hook;
    guint place;
    (void)should_cache;
    GArray *addresses = NULL;
    if ((type == ns_t_a || type == ns_t_aaaa) && read_place(l, name, &place))
        addresses = spf_terms_addresses(l->terms, place);
    SPF_dns_rr_t *rr = answer(l, name, type, addresses);
    if (addresses)
        g_array_unref(addresses);
    return rr;
}

static SPF_errcode_t get_spf(SPF_server_t *server, SPF_request_t *request, SPF_response_t *response,
                             SPF_record_t **record_r)
{
    struct layer *l = server->resolver->hook;
    const char *domain;
    guint place;
    *record_r = NULL;
    if (!read_place(l, request->cur_dom, &place))
        return SPF_E_DNS_ERROR;
    const struct spf_record *record = spf_terms_record(l->terms, place, &domain);
    if (!record)
        return SPF_E_DNS_ERROR;
    g_autofree char *text = spf_layer_write(l->terms, l->client, record, domain);
    SPF_errcode_t error = SPF_record_compile(server, response, record_r, text);
    l->refused |= error != SPF_E_SUCCESS || (*record_r)->num_mech < mechanisms(text);
    return l->refused && !error ? SPF_E_BIG_MECH : error;
}

/* ---- the check ---- */

static enum spf_code code_of(SPF_result_t result)
{
    switch (result) {
    case SPF_RESULT_NEUTRAL: return SPF_CODE_NEUTRAL;
    case SPF_RESULT_PASS: return SPF_CODE_PASS;
    case SPF_RESULT_FAIL: return SPF_CODE_FAIL;
    case SPF_RESULT_SOFTFAIL: return SPF_CODE_SOFTFAIL;
    case SPF_RESULT_PERMERROR: return SPF_CODE_PERMERROR;
    default: return SPF_CODE_TEMPERROR;
    }
}

static SPF_request_t *request_new(SPF_server_t *server, const struct spf_client *c)
{
    struct in_addr v4;
    struct in6_addr v6;
    SPF_request_t *request = SPF_request_new(server);
    memcpy(&v4, c->address, sizeof v4);
    memcpy(&v6, c->address, sizeof v6);
    if (c->v6)
        SPF_request_set_ipv6(request, v6);
    else
        SPF_request_set_ipv4(request, v4);
    SPF_request_set_env_from(request, "s@t0.invalid");
    return request;
}

static void conclude(const struct layer *l, SPF_response_t *response, struct spf_result *result)
{
    if (!spf_terms_outcome(l->terms, result))
        return;
    result->code = l->refused ? SPF_CODE_PERMERROR : code_of(SPF_response_result(response));
    if (l->refused)
        g_strlcpy(result->reason, "libspf2 does not take a record", sizeof result->reason);
    else if (result->code == SPF_CODE_TEMPERROR || result->code == SPF_CODE_PERMERROR)
        snprintf(result->reason, sizeof result->reason, "libspf2: %s",
                 SPF_strerror(SPF_response_errcode(response)));
    else if (SPF_response_reason(response) == SPF_REASON_DEFAULT)
        g_strlcpy(result->reason, "no mechanism matched", sizeof result->reason);
    else
        g_strlcpy(result->reason, "a mechanism matched", sizeof result->reason);
}

void spf_layer_check(struct spf_lookup *looked_up, const struct spf_client *client,
                     struct spf_result *result)
{
    struct layer l = {.client = client, .terms = spf_terms_new(looked_up, client)};
    l.dns = (SPF_dns_server_t){.lookup = lookup, .get_spf = get_spf, .name = "filterd", .hook = &l};
    SPF_server_t *server = SPF_server_new_dns(&l.dns, 0);
    SPF_response_t *response = NULL;
    /* libspf2's default explanation contains macros, and nobody reads explanations here. */
    SPF_server_set_explanation(server, "no", &response);
    if (response)
        SPF_response_free(response);
    SPF_server_set_max_dns_mech(server, 1000); /* spf_terms has its own limits */
    SPF_request_t *request = request_new(server, client);
    response = NULL;
    SPF_request_query_mailfrom(request, &response);
    conclude(&l, response, result);
    SPF_response_free(response);
    SPF_request_free(request);
    SPF_server_free(server);
    spf_terms_free(&l.terms);
}
