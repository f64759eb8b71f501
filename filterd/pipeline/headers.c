/* Drops forged fields and writes filterd's own. Called by pipeline.c, transaction_copy.c and learn_session.c. */
#include "filterd/pipeline/headers.h"

#include <ctype.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/config/limits.h"
#include "base/mail/header.h"
#include "classifier/classifier.h"

/* Compares the authserv-id, the first word of the value after comments and folds (RFC 8601, section 2.2). A
 * value that cannot be parsed counts as ours: dropping one header too many is better than passing a forged one. */
static bool claims_our_id(const struct header *h, const char *hostname)
{
    const char *p = h->value, *end = h->value + h->value_len;
    int depth = 0;
    for (; p < end; p++) {
        if (*p == '\\' && depth)
            p++;
        else if (*p == '(')
            depth++;
        else if (*p == ')' && depth)
            depth--;
        else if (!depth && !isspace((unsigned char)*p))
            break;
    }
    if (p >= end)
        return true;
    if (*p == '"') {
        p++;
        const char *quote = memchr(p, '"', (size_t)(end - p));
        if (!quote || memchr(p, '\\', (size_t)(quote - p)))
            return true;
    }
    size_t n = strlen(hostname);
    if ((size_t)(end - p) < n || strncasecmp(p, hostname, n))
        return false;
    p += n;
    if (p < end && *p == '.') /* a trailing dot changes nothing */
        p++;
    else if (p < end && *p == '-')
        return false;
    return p == end || !isalnum((unsigned char)*p);
}

void headers_drop_forged(struct message *m, const struct settings *s)
{
    g_autofree char *prefix = g_strconcat(s->header_prefix, "-", NULL);
    for (size_t i = 0; i < m->header_count; i++) {
        struct header *h = &m->headers[i];
        if (header_starts(h, "X-Filterd-") || header_starts(h, "X-Spam-") ||
            header_starts(h, prefix) ||
            (header_is(h, "Authentication-Results") && claims_our_id(h, s->hostname)))
            h->dropped = true;
    }
}

/* Scripts written for dspam know its words only. */
static bool speaks_dspam(const struct settings *s)
{
    return g_ascii_strcasecmp(s->header_prefix, "X-DSPAM") == 0;
}

/* dspam has no Unsure: it calls such a message Innocent, so it goes to the inbox. */
static void judged_by_dspam(struct bytes *out, const struct settings *s, const struct verdict *v)
{
    const char *p = s->header_prefix;
    const time_t now = time(NULL);
    struct tm tm;
    char date[64] = "";
    if (localtime_r(&now, &tm))
        strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", &tm);
    bytes_addf(out, "%s-Result: %s\r\n", p,
               v->class == JUDGE_UNSURE ? "Innocent" : verdict_name(v));
    bytes_addf(out, "%s-Processed: %s\r\n", p, date);
    bytes_addf(out, "%s-Confidence: %.4f\r\n", p, v->confidence);
    bytes_addf(out, "%s-Probability: %.4f\r\n", p, v->probability);
}

static void judged(struct bytes *out, const struct settings *s, const struct verdict *v)
{
    const char *p = s->header_prefix;
    bytes_addf(out, "%s-Result: %s\r\n", p, verdict_name(v));
    bytes_addf(out, "%s-Probability: %.4f\r\n", p, v->probability);
    bytes_addf(out, "%s-Confidence: %.2f\r\n", p, v->confidence);
}

void headers_ours(struct bytes *out, const struct settings *s, const struct verdict *v,
                  const struct limits_met *met, const char *mark)
{
    const char *p = s->header_prefix;
    if (v->judged) {
        (speaks_dspam(s) ? judged_by_dspam : judged)(out, s, v);
        if (v->class == JUDGE_SPAM)
            bytes_adds(out, "X-Spam-Flag: YES\r\n");
    }
    if (v->signature)
        bytes_addf(out, "%s-Signature: %s\r\n", p, v->signature);
    if (*limits_noted(met))
        bytes_addf(out, "%s-Limits: %s\r\n", p, limits_noted(met));
    bytes_addf(out, "%s-Encrypted: %s\r\n", p, mark);
}

void headers_tag_subject(struct outside *out, const struct message *m, const char *tag)
{
    const struct header *own = NULL;
    for (size_t i = 0; !own && i < m->header_count; i++)
        if (header_is(&m->headers[i], "Subject") && !m->headers[i].dropped)
            own = &m->headers[i];
    bytes_addf(&out->added, "Subject: %s", tag);
    if (own) {
        /* Postfix would cut at a NUL what must come back as it is (handoff.h). */
        const char *nul = memchr(own->value, 0, own->value_len);
        bytes_add(&out->added, own->value, nul ? (size_t)(nul - own->value) : own->value_len);
        outside_replace(out, own);
    }
    bytes_adds(&out->added, "\r\n");
}
