/* What strangers write about who they are: From, DKIM-Signature, DMARC records; and what we report of it.
 * The input's first byte says which. A message also goes through libopendkim, with the input's first line
 * as the answer for each key. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "rules/auth/authres.h"
#include "rules/auth/dkim.h"
#include "rules/auth/dkim_body.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/dmarc_from.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a resolver that answers everything with the same text ---- */

static const char *answer;
static size_t answer_len;

void resolver_ask(struct resolver *r, const char *name, enum dns_type type,
                  void (*fn)(const struct dns_answer *answer, void *arg), void *arg)
{
    (void)r;
    (void)name;
    (void)type;
    struct dns_record record = {.text = g_strndup(answer, answer_len), .len = answer_len};
    struct dns_answer a = {.status = DNS_OK, .records = g_ptr_array_new()};
    g_ptr_array_add(a.records, &record);
    fn(&a, arg);
    g_ptr_array_unref(a.records);
    g_free(record.text);
}

void resolver_forget(struct resolver *r, const void *arg)
{
    (void)r;
    (void)arg;
}

/* ---- the parsers ---- */

static void check_domain(const char *domain)
{
    for (const char *p = domain; *p; p++)
        if (!g_ascii_islower(*p) && !g_ascii_isdigit(*p) && !strchr("-_.", *p))
            abort();
}

static void from(const char *text, size_t len)
{
    const struct header h = {.name = "From", .name_len = 4, .value = text, .value_len = len};
    struct dmarc_from *f = dmarc_from_read(&h, 1);
    check_domain(f->domain);
    if (!f->wrong != (*f->domain != 0) || (!f->wrong && !f->certain) || (f->wrong && *f->address))
        abort();
    for (guint i = 0; i < f->addresses->len; i++) {
        const char *at = strrchr(f->addresses->pdata[i], '@');
        if (!at || !at[1])
            abort();
        check_domain(at + 1);
    }
    for (guint i = 0; i < f->named->len; i++)
        check_domain(strrchr(f->named->pdata[i], '@') + 1);
    check_domain(f->instead);
    if (f->beyond && (f->certain || !f->wrong))
        abort();
    /* The one address is among those that readers may see. */
    if (!f->wrong && !g_str_has_suffix(f->addresses->pdata[0], f->domain))
        abort();
    if (!f->wrong)
        g_free(dmarc_registered_domain(f->domain));
    dmarc_from_free(&f);
    g_autofree char *host = g_strndup(text, len);
    g_free(dmarc_registered_domain(host));
}

static void record(const char *text, size_t len)
{
    struct dmarc_record r;
    if (dmarc_record_parse(text, len, &r) &&
        (r.percent < 0 || r.percent > 100 || !dmarc_record_is(text, len)))
        abort();
}

/* One line, nothing in it but what belongs there. */
static void told(const GArray *signatures, const struct dmarc_result *dmarc, const char *text,
                 size_t len)
{
    struct bytes out = {0};
    g_autofree char *value = g_strndup(text, len);
    struct spf_question q = {"192.0.2.1", value, value};
    struct spf_result spf = {.code = SPF_CODE_FAIL};
    g_strlcpy(spf.domain, value, sizeof spf.domain);
    g_strlcpy(spf.reason, value, sizeof spf.reason);
    struct authres a = {"mx.example", &spf, &q, signatures, dmarc};
    authres_header(&out, &a);
    for (size_t i = 0; i < out.len; i++) {
        const unsigned char *c = out.data + i;
        bool end = c[0] == '\n' && (i + 1 == out.len || c[1] == '\t');
        if (*c >= 127 || !*c || (*c < 32 && *c != '\t' && *c != '\r' && !end))
            abort();
    }
    bytes_free(&out);
}

static void mail(const char *text, size_t len)
{
    static struct dkim_library *library;
    if (!library)
        library = dkim_library_new();
    struct message *m = message_new(text, len);
    size_t head = (size_t)(m->body - m->raw);
    struct dkim_check *dkim = dkim_check_new(library, NULL, text, head);
    struct dmarc_check *dmarc = dmarc_check_new(NULL, text, head, NULL);
    const GArray *found = dkim_check_finish(dkim, m);
    for (guint i = 0; i < found->len; i++)
        if (g_array_index(found, struct dkim_signature, i).code == DKIM_CODE_PASS)
            abort(); /* nobody here can sign */
    const struct spf_result spf = {.code = SPF_CODE_FAIL};
    (void)dmarc_check_ask(dmarc, &spf, found);
    struct dmarc_result d = dmarc_check_finish(dmarc, &spf, found);
    told(found, &d, text, len);
    if (dkim_body_length(m->body, m->body_len, true) >
        dkim_body_length(m->body, m->body_len, false))
        abort();
    dmarc_check_free(&dmarc);
    dkim_check_free(&dkim);
    message_free(&m);
}

static void answer_and_mail(const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);
    const size_t line = end ? (size_t)(end - text) + 1 : 0;
    answer = text;
    answer_len = line ? line - 1 : 0;
    mail(text + line, len - line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    g_autofree char *text = g_malloc(size);
    memcpy(text, data + 1, size - 1);
    size_t len = size - 1;
    if (data[0] % 4 == 0)
        from(text, len);
    else if (data[0] % 4 == 1)
        record(text, len);
    else
        answer_and_mail(text, len);
    return 0;
}
