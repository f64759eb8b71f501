/* Writes and checks X-Filterd-Proof. Called by transaction_copy.c for a copy that goes to an MTA, and by
 * pipeline.c, transaction_handoff.c and session_data.c for a message that comes from one. */
#include "filterd/pipeline/handoff.h"

#include <gcrypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/mail/header.h"

#define FIELD "X-Filterd-Proof"
#define MAC_BYTES 16
#define MAC_HEX (2 * MAC_BYTES)
#define DIGEST_BYTES 32
#define LINES_MAX 50
#define VALUE_MAX_BYTES 2048
/* Longer than Postfix keeps mail queued. An older proof may be a replay; judging anew costs little. */
#define AGE_MAX_SECONDS (10 * 24 * 3600)
#define CLOCK_SECONDS 3600

struct handoff {
    const struct sitekey *key;
    const struct message *m;
    size_t first, lines; /* filterd's own lines in m->headers */
    struct bytes text;   /* the bytes of these lines, as received */
    char *time, **macs;
    char digest[2][2 * DIGEST_BYTES + 1]; /* of the message with Message-ID, and without */
};

/* ---- what a proof covers ---- */

static void hex(const unsigned char *in, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = 0;
}

/* Appends "name:value", the name in lower case, the value unfolded and without needless blanks (RFC 6376,
 * section 3.4.2). */
static void add_relaxed(struct bytes *out, const struct header *h)
{
    bool blank = false, begun = false;
    for (size_t i = 0; i < h->name_len; i++)
        bytes_add(out, &(char){g_ascii_tolower(h->name[i])}, 1);
    bytes_adds(out, ":");
    for (size_t i = 0; i < h->value_len; i++) {
        const char c = h->value[i];
        if (c == '\r' || c == '\n')
            continue;
        if (c == ' ' || c == '\t') {
            blank = begun;
            continue;
        }
        if (blank)
            bytes_adds(out, " ");
        bytes_add(out, &c, 1);
        blank = false;
        begun = true;
    }
    bytes_adds(out, "\n");
}

static bool is_covered(const struct header *h, bool with_id)
{
    static const char *const names[] = {"From", "Sender", "Reply-To", "Subject"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    return (with_id && header_is(h, "Message-ID")) ||
           (header_is_structural(h) && !header_is(h, "Content-Length")); /* Postfix drops it */
}

struct copy {
    const struct header *headers; /* the first of filterd's own lines */
    size_t count, lines;
    const char *body;
    size_t body_len;
};

static void hash(const void *data, size_t len, char out[2 * DIGEST_BYTES + 1])
{
    unsigned char digest[DIGEST_BYTES];
    gcry_md_hash_buffer(GCRY_MD_SHA256, digest, data, len);
    hex(digest, sizeof digest, out);
}

static void digest_of(const struct copy *c, bool with_id, const char *body_hash,
                      char out[2 * DIGEST_BYTES + 1])
{
    struct bytes text = {0};
    for (size_t i = 0; i < c->count; i++)
        if (i < c->lines || is_covered(&c->headers[i], with_id))
            add_relaxed(&text, &c->headers[i]);
    bytes_addf(&text, "\n%zu %s", c->lines, body_hash);
    hash(text.data, text.len, out);
    bytes_free(&text);
}

static void digests_of(const struct copy *c, char out[2][2 * DIGEST_BYTES + 1])
{
    char body_hash[2 * DIGEST_BYTES + 1];
    size_t len = c->body_len;
    while (len && (c->body[len - 1] == '\n' || c->body[len - 1] == '\r'))
        len--;
    hash(c->body, len, body_hash);
    digest_of(c, true, body_hash, out[0]);
    digest_of(c, false, body_hash, out[1]);
}

static void mac_of(const struct sitekey *key, const char *digest, const char *time,
                   const char *user, char out[MAC_HEX + 1])
{
    unsigned char mac[MAC_BYTES];
    g_autofree char *name = g_strdup_printf("%s %s %s", digest, time, user);
    sitekey_derive(key, "proof", name, mac);
    hex(mac, sizeof mac, out);
}

/* ---- making a proof ---- */

/* Parses a finished copy into header and body. Its fields are lent from copy; headers: g_free. */
static struct copy copy_of(const struct bytes *copy, const struct bytes *added)
{
    struct copy c = {0};
    const char *raw = (const char *)copy->data;
    const char *end = raw + copy->len;
    g_free(message_scan_headers((const char *)added->data, added->len, NULL, &c.lines));
    struct header *headers = message_scan_headers(raw, copy->len, NULL, &c.count);
    c.headers = headers;
    c.body = c.count ? headers[c.count - 1].start + headers[c.count - 1].len : raw;
    if (end - c.body >= 2 && !memcmp(c.body, "\r\n", 2))
        c.body += 2;
    c.body_len = (size_t)(end - c.body);
    return c;
}

char *handoff_field(const struct sitekey *key, const struct bytes *copy, const struct bytes *added,
                  const GPtrArray *users)
{
    char digest[2][2 * DIGEST_BYTES + 1], time[24], mac[MAC_HEX + 1];
    if (!added->len || !users->len || users->len > HANDOFF_USERS_MAX)
        return NULL;
    struct copy c = copy_of(copy, added);
    digests_of(&c, digest);
    g_snprintf(time, sizeof time, "%" G_GINT64_FORMAT, g_get_real_time() / G_USEC_PER_SEC);
    GString *field = g_string_new(NULL);
    g_string_printf(field, FIELD ": 1 %zu %s", c.lines, time);
    for (guint i = 0; i < users->len; i++) {
        mac_of(key, digest[0], time, users->pdata[i], mac);
        g_string_append_printf(field, "%s%s", i % 2 ? " " : "\r\n\t", mac);
    }
    g_string_append(field, "\r\n");
    g_free((void *)c.headers);
    return g_string_free(field, FALSE);
}

/* ---- checking a proof ---- */

bool handoff_is_in(const char *header, size_t len)
{
    size_t count;
    bool found = false;
    g_autofree struct header *headers = message_scan_headers(header, len, NULL, &count);
    for (size_t i = 0; i < count && !found; i++)
        found = header_is(&headers[i], FIELD);
    return found;
}

/* Fields that MTAs add on top after us. Any other field above the proof makes it invalid for that copy. */
static bool is_trace(const struct header *h)
{
    static const char *const names[] = {"Received", "Return-Path", "Delivered-To", "X-Original-To",
                                        "Envelope-To"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (header_is(h, names[i]))
            return true;
    return false;
}

static bool read_number(const char *text, gint64 *out)
{
    const size_t len = strlen(text);
    if (!len || len > 12 || strspn(text, "0123456789") != len)
        return false;
    *out = g_ascii_strtoll(text, NULL, 10);
    return true;
}

/* "1 LINES TIME MAC...". */
static bool read_value(struct handoff *p, const struct header *h)
{
    gint64 lines, time;
    const gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    if (h->value_len > VALUE_MAX_BYTES)
        return false;
    g_autofree char *value = g_strndup(h->value, h->value_len);
    char **words = g_strsplit_set(g_strstrip(value), " \t\r\n", -1);
    GPtrArray *kept = g_ptr_array_new();
    for (char **w = words; *w; w++)
        g_ptr_array_add(kept, **w ? g_strdup(*w) : NULL);
    for (guint i = kept->len; i > 0; i--)
        if (!kept->pdata[i - 1])
            g_ptr_array_remove_index(kept, i - 1);
    g_ptr_array_add(kept, NULL);
    g_strfreev(words);
    p->macs = (char **)g_ptr_array_free(kept, FALSE);
    const guint n = g_strv_length(p->macs);
    if (n < 4 || n > 3 + HANDOFF_USERS_MAX || strcmp(p->macs[0], "1") ||
        !read_number(p->macs[1], &lines) || !read_number(p->macs[2], &time))
        return false;
    p->lines = (size_t)lines;
    p->time = p->macs[2];
    return lines > 0 && lines <= LINES_MAX && time > now - AGE_MAX_SECONDS &&
           time < now + CLOCK_SECONDS;
}

static bool read_handoff(struct handoff *p)
{
    size_t i = 0;
    const struct message *m = p->m;
    while (i < m->header_count && is_trace(&m->headers[i]))
        i++;
    if (i == m->header_count || !header_is(&m->headers[i], FIELD) ||
        !read_value(p, &m->headers[i]) || p->lines > m->header_count - i - 1)
        return false;
    p->first = i + 1;
    for (size_t k = 0; k < p->lines; k++)
        bytes_add(&p->text, m->headers[p->first + k].start, m->headers[p->first + k].len);
    const struct copy c = {m->headers + p->first, m->header_count - p->first, p->lines, m->body,
                           m->body_len};
    digests_of(&c, p->digest);
    return true;
}

struct handoff *handoff_new(const struct sitekey *key, const struct message *m)
{
    struct handoff *p = g_new0(struct handoff, 1);
    p->key = key;
    p->m = m;
    if (!read_handoff(p))
        handoff_free(&p);
    return p;
}

void handoff_free(struct handoff **p)
{
    if (!*p)
        return;
    bytes_free(&(*p)->text);
    g_strfreev((*p)->macs);
    g_clear_pointer(p, g_free);
}

/* Compares every MAC to its end: the time taken tells nothing. */
static bool has_mac(const struct handoff *p, const char *mac)
{
    bool found = false;
    for (char **m = p->macs + 3; *m; m++) {
        if (strlen(*m) != MAC_HEX)
            continue;
        unsigned char differs = 0;
        for (size_t i = 0; i < MAC_HEX; i++)
            differs |= (unsigned char)((*m)[i] ^ mac[i]);
        found |= !differs;
    }
    return found;
}

bool handoff_holds(const struct handoff *p, const GPtrArray *users)
{
    char mac[MAC_HEX + 1];
    bool all = p && users->len;
    for (guint i = 0; all && i < users->len; i++) {
        bool one = false;
        for (int with = 0; !one && with < 2; with++) {
            mac_of(p->key, p->digest[with], p->time, users->pdata[i], mac);
            one = has_mac(p, mac);
        }
        all = one;
    }
    return all;
}

void handoff_outside(const struct handoff *p, const char *encrypted, struct outside *out)
{
    static const char ending[] = "-Encrypted";
    size_t count;
    g_autofree struct header *lines = message_scan_headers((const char *)p->text.data, p->text.len, NULL, &count);
    for (size_t i = 0; i < count; i++) {
        const struct header *h = &lines[i];
        const size_t n = strlen(ending);
        if (encrypted && h->name_len > n &&
            !g_ascii_strncasecmp(h->name + h->name_len - n, ending, n))
            bytes_addf(&out->added, "%.*s: %s\r\n", (int)h->name_len, h->name, encrypted);
        else
            bytes_add(&out->added, h->start, h->len);
    }
    out->replaced = p->m->headers + p->first;
    out->replaced_count = p->lines;
}
