/* The wire format of DNS (RFC 1035, section 4). Called by resolver_transport.c (questions, matching) and
 * resolver.c (answers). */
#include "base/dns/dnswire.h"

#include <string.h>

enum {
    HEADER_BYTES = DNSWIRE_HEADER_BYTES,
    TYPE_SOA = 6,
    TYPE_OPT = 41,
    CLASS_IN = 1,
    OPT_BYTES = 11,
    FLAG_ANSWER = 0x80,
    FLAG_CUT = 0x02,
    RCODE_NXDOMAIN = 3,
    MAX_NAME_BYTES = 255,
    MAX_POINTERS = 64,
    MAX_ALIASES = 8,
};

static guint16 get16(const guint8 *p)
{
    return (guint16)(p[0] << 8 | p[1]);
}

static guint32 get32(const guint8 *p)
{
    return (guint32)get16(p) << 16 | get16(p + 2);
}

static guint8 *put16(guint8 *p, guint16 value)
{
    p[0] = (guint8)(value >> 8);
    p[1] = (guint8)value;
    return p + 2;
}

/* ---- questions ---- */

/* Reads one byte of a name; \DDD as in answers. -1 if the byte is not allowed. */
static int next_byte(const char **p)
{
    const char *s = *p;
    if (*s != '\\')
        return g_ascii_isgraph(*s) ? *s : -1;
    if (!g_ascii_isdigit(s[1]) || !g_ascii_isdigit(s[2]) || !g_ascii_isdigit(s[3]))
        return -1;
    *p += 3;
    const int byte = (s[1] - '0') * 100 + (s[2] - '0') * 10 + s[3] - '0';
    return byte < 256 ? byte : -1;
}

static size_t put_name(guint8 *out, const char *name)
{
    const size_t len = strlen(name);
    size_t label = 0, at = 1; /* offsets of the label's length and of its next byte */
    if (strcmp(name, ".") == 0) {
        out[0] = 0;
        return 1;
    }
    if (len == 0)
        return 0;
    for (const char *p = name; *p; p++) {
        if (*p != '.') {
            const int byte = next_byte(&p);
            if (byte < 0 || at - label > 63 || at >= MAX_NAME_BYTES - 1)
                return 0;
            out[at++] = (guint8)byte;
            continue;
        }
        if (at - label == 1 || at >= MAX_NAME_BYTES - 1)
            return 0;
        out[label] = (guint8)(at - label - 1);
        label = at++;
    }
    if (at - label > 1) {
        out[label] = (guint8)(at - label - 1);
        label = at++;
    }
    out[label] = 0;
    return label + 1;
}

size_t dnswire_question(guint8 out[DNSWIRE_QUESTION_BYTES], const char *name, guint16 type,
                        guint16 id)
{
    guint8 *p = out;
    p = put16(p, id);
    p = put16(p, 0x0100); /* recursion desired */
    p = put16(p, 1);
    p = put16(p, 0);
    p = put16(p, 0);
    p = put16(p, 1);
    const size_t len = put_name(p, name);
    if (len == 0)
        return 0;
    p = put16(p + len, type);
    p = put16(p, CLASS_IN);
    *p++ = 0; /* OPT belongs to the root name (RFC 6891, section 6.1.2) */
    p = put16(p, TYPE_OPT);
    p = put16(p, DNSWIRE_UDP_BYTES);
    memset(p, 0, 6);
    return (size_t)(p + 6 - out);
}

size_t dnswire_without_edns(guint8 *question, size_t len)
{
    put16(question + HEADER_BYTES - 2, 0);
    return len - OPT_BYTES;
}

/* ---- is it the answer to that question? ---- */

guint dnswire_rcode(const guint8 *answer)
{
    return answer[3] & 0xf;
}

bool dnswire_is_cut(const guint8 *answer)
{
    return answer[2] & FLAG_CUT;
}

guint16 dnswire_id(const guint8 *packet)
{
    return get16(packet);
}

/* Compares name, type and class, ignoring case (RFC 4343). Lowering also the length bytes does no harm: they
 * are below 64, which is no letter. */
static bool is_same_question(const guint8 *asked, size_t asked_len, const guint8 *data, size_t len)
{
    const size_t end = asked_len - (get16(asked + HEADER_BYTES - 2) ? OPT_BYTES : 0);
    if (len < end)
        return false;
    for (size_t i = HEADER_BYTES; i < end; i++)
        if (g_ascii_tolower((char)asked[i]) != g_ascii_tolower((char)data[i]))
            return false;
    return true;
}

bool dnswire_is_answer_to(const guint8 *asked, size_t asked_len, const guint8 *data, size_t len)
{
    if (len < HEADER_BYTES || !(data[2] & FLAG_ANSWER) || get16(data) != get16(asked))
        return false;
    /* A server that could not parse the question answers without one, and with an error code. */
    if (get16(data + 4) == 0)
        return dnswire_rcode(data) != 0 && dnswire_rcode(data) != RCODE_NXDOMAIN;
    return get16(data + 4) == 1 && is_same_question(asked, asked_len, data, len);
}

/* ---- answers ---- */

struct wire {
    const guint8 *data;
    size_t len;
};

struct rr {
    char *owner;
    guint16 type;
    guint32 ttl;
    size_t at, len; /* of the record's data */
};

static void rr_clear(gpointer data)
{
    g_free(((struct rr *)data)->owner);
}

/* Appends a label; bytes that are not graphic, '.' and '\' become \DDD, so that no two names look alike. */
static void add_label(GString *out, const guint8 *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (g_ascii_isgraph(bytes[i]) && bytes[i] != '.' && bytes[i] != '\\')
            g_string_append_c(out, (char)bytes[i]);
        else
            g_string_append_printf(out, "\\%03u", bytes[i]);
    }
}

/* Reads the name at *at (RFC 1035, section 4.1.4) and moves *at behind it; NULL if it is malformed. The root is
 * ".". */
static char *get_name(const struct wire *w, size_t *at)
{
    GString *out = g_string_new(NULL);
    size_t p = *at, bytes = 0;
    int pointers = 0;
    while (p < w->len && bytes <= MAX_NAME_BYTES) {
        const guint8 len = w->data[p];
        if (len >= 0xc0) {
            if (p + 2 > w->len || ++pointers > MAX_POINTERS)
                break;
            if (pointers == 1)
                *at = p + 2;
            p = get16(w->data + p) & 0x3fff;
            continue;
        }
        if (len == 0) {
            if (pointers == 0)
                *at = p + 1;
            if (out->len == 0)
                g_string_append_c(out, '.');
            return g_string_free(out, FALSE);
        }
        if (len > 63 || p + 1 + len > w->len)
            break;
        if (out->len)
            g_string_append_c(out, '.');
        add_label(out, w->data + p + 1, len);
        bytes += 1 + len;
        p += 1 + (size_t)len;
    }
    g_string_free(out, TRUE);
    return NULL;
}

/* Reads COUNT records from *at on; false if one is malformed. */
static bool get_records(const struct wire *w, size_t *at, guint count, GArray *out)
{
    for (guint i = 0; i < count; i++) {
        struct rr rr = {.owner = get_name(w, at)};
        if (!rr.owner)
            return false;
        const bool whole = *at + 10 <= w->len && *at + 10 + get16(w->data + *at + 8) <= w->len;
        if (!whole) {
            g_free(rr.owner);
            return false;
        }
        const guint8 *fixed = w->data + *at;
        rr.type = get16(fixed);
        rr.ttl = get32(fixed + 4);
        if (rr.ttl > G_MAXINT32)
            rr.ttl = 0; /* a TTL with the top bit set is 0 (RFC 2181, section 8) */
        rr.len = get16(fixed + 8);
        rr.at = *at + 10;
        *at = rr.at + rr.len;
        if (get16(fixed + 2) == CLASS_IN)
            g_array_append_val(out, rr);
        else
            g_free(rr.owner);
    }
    return true;
}

static bool get_text(const struct wire *w, const struct rr *rr, struct dns_record *out)
{
    GString *text = g_string_new(NULL);
    size_t p = 0;
    while (p < rr->len && p + 1 + w->data[rr->at + p] <= rr->len) {
        const guint8 len = w->data[rr->at + p];
        g_string_append_len(text, (const char *)w->data + rr->at + p + 1, len);
        p += 1 + (size_t)len;
    }
    out->len = text->len;
    out->text = g_string_free(text, FALSE);
    return p == rr->len && rr->len > 0;
}

static bool get_host(const struct wire *w, const struct rr *rr, size_t skip, struct dns_record *out)
{
    size_t at = rr->at + skip;
    if (rr->len <= skip)
        return false;
    out->text = get_name(w, &at);
    out->len = out->text ? strlen(out->text) : 0;
    return out->text && at == rr->at + rr->len;
}

static bool get_address(const struct wire *w, const struct rr *rr, size_t want,
                        struct dns_record *out)
{
    if (rr->len != want)
        return false;
    memcpy(out->address, w->data + rr->at, want);
    return true;
}

static bool get_data(const struct wire *w, const struct rr *rr, struct dns_record *out)
{
    switch (rr->type) {
    case DNS_A:
        return get_address(w, rr, 4, out);
    case DNS_AAAA:
        return get_address(w, rr, 16, out);
    case DNS_TXT:
        return get_text(w, rr, out);
    case DNS_MX:
        out->preference = rr->len >= 2 ? get16(w->data + rr->at) : 0;
        return get_host(w, rr, 2, out);
    default:
        return get_host(w, rr, 0, out);
    }
}

static struct dns_answer *malformed(struct dns_answer *a)
{
    g_ptr_array_set_size(a->records, 0);
    a->status = DNS_TEMP;
    a->no_such_name = false;
    a->ttl = 0;
    return a;
}

/* The target of NAME's CNAME, g_free; NULL if it has none. *ok is false if that is malformed. */
static char *alias_of(const struct wire *w, const GArray *rrs, const char *name, bool *ok,
                      guint32 *ttl)
{
    for (guint i = 0; i < rrs->len; i++) {
        const struct rr *rr = &g_array_index(rrs, struct rr, i);
        struct dns_record r = {0};
        if (rr->type != DNS_CNAME || g_ascii_strcasecmp(rr->owner, name) != 0)
            continue;
        *ok = get_host(w, rr, 0, &r);
        *ttl = MIN(*ttl, rr->ttl);
        if (!*ok)
            g_clear_pointer(&r.text, g_free);
        return r.text;
    }
    return NULL;
}

/* Collects the records of NAME, following its aliases; *end_r becomes the last name of that chain. */
static bool take_records(const struct wire *w, const GArray *rrs, enum dns_type type,
                         struct dns_answer *a, char **end_r)
{
    bool ok = true;
    guint32 ttl = G_MAXUINT32;
    for (int i = 0; i < MAX_ALIASES && type != DNS_CNAME; i++) {
        char *target = alias_of(w, rrs, *end_r, &ok, &ttl);
        if (!target)
            break;
        g_free(*end_r);
        *end_r = target;
    }
    for (guint i = 0; ok && i < rrs->len; i++) {
        const struct rr *rr = &g_array_index(rrs, struct rr, i);
        if (rr->type != type || g_ascii_strcasecmp(rr->owner, *end_r) != 0)
            continue;
        struct dns_record *r = g_new0(struct dns_record, 1);
        g_ptr_array_add(a->records, r);
        ok = get_data(w, rr, r);
        ttl = MIN(ttl, rr->ttl);
    }
    a->ttl = ttl == G_MAXUINT32 ? 0 : ttl;
    return ok;
}

/* The TTL of a negative answer: the lesser of the SOA's TTL and its MINIMUM (RFC 2308, section 5). */
static bool negative_ttl(const struct wire *w, const GArray *rrs, guint32 *ttl_r)
{
    for (guint i = 0; i < rrs->len; i++) {
        const struct rr *rr = &g_array_index(rrs, struct rr, i);
        if (rr->type == TYPE_SOA && rr->len >= 22) {
            const guint32 minimum = get32(w->data + rr->at + rr->len - 4);
            *ttl_r = MIN(rr->ttl, minimum);
            return true;
        }
    }
    return false;
}

static void take_answer(const struct wire *w, const char *name, enum dns_type type,
                        struct dns_answer *a, char **more_r)
{
    const guint rcode = w->data[3] & 0xf;
    const bool dotted = strlen(name) > 1 && g_str_has_suffix(name, ".");
    GArray *rrs = g_array_new(FALSE, FALSE, sizeof(struct rr));
    GArray *authority = g_array_new(FALSE, FALSE, sizeof(struct rr));
    g_autofree char *first = g_strndup(name, strlen(name) - dotted);
    g_autofree char *end = g_strdup(first);
    size_t at = HEADER_BYTES;
    g_autofree char *asked = get_name(w, &at);
    at += 4;
    g_array_set_clear_func(rrs, rr_clear);
    g_array_set_clear_func(authority, rr_clear);
    if (!asked || !get_records(w, &at, get16(w->data + 6), rrs) ||
        !take_records(w, rrs, type, a, &end)) {
        malformed(a);
    } else if (a->records->len == 0) {
        a->status = DNS_NONE;
        a->no_such_name = rcode == RCODE_NXDOMAIN;
        guint32 negative = 0;
        const bool said = get_records(w, &at, get16(w->data + 8), authority) &&
                          negative_ttl(w, authority, &negative);
        if (!said && !a->no_such_name && g_ascii_strcasecmp(end, first) != 0)
            *more_r = g_strdup(end);
        else
            a->ttl = negative;
    }
    g_array_unref(rrs);
    g_array_unref(authority);
}

struct dns_answer *dnswire_answer(const guint8 *data, size_t len, const char *name,
                                  enum dns_type type, char **more_r)
{
    const struct wire w = {data, len};
    struct dns_answer *a = dns_answer_new(DNS_OK);
    *more_r = NULL;
    if (len < HEADER_BYTES)
        return malformed(a);
    const guint rcode = data[3] & 0xf;
    const bool is_answer = (data[2] & 0xf8) == 0x80;
    const bool cut = data[2] & 0x02;
    if (!is_answer || cut || get16(data + 4) != 1 || (rcode != 0 && rcode != RCODE_NXDOMAIN))
        return malformed(a);
    take_answer(&w, name, type, a, more_r);
    return a;
}
