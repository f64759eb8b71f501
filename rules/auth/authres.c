/* Writes Authentication-Results and Received-SPF. Called by evidence.c. */
#include "rules/auth/authres.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "rules/auth/dkim.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"

enum {
    LINE_MAX_BYTES = 77, /* without the semicolon that may follow */
    VALUE_MAX_BYTES = 320,
};

/* A header field being written. */
struct field {
    struct bytes *out;
    size_t line; /* where the current line begins in out */
};

/* Writes a word, on a new line if the current one would become too long. */
static void put_word(struct field *f, const char *word)
{
    size_t column = f->out->len - f->line;
    if (column > 1 && column + 1 + strlen(word) > LINE_MAX_BYTES) {
        bytes_adds(f->out, "\r\n");
        f->line = f->out->len;
        bytes_adds(f->out, "\t");
    } else if (column > 1) {
        bytes_adds(f->out, " ");
    }
    bytes_adds(f->out, word);
}

static void begin(struct field *f, struct bytes *out, const char *name)
{
    f->out = out;
    f->line = out->len;
    bytes_adds(out, name);
}

static void next_result(struct field *f, const char *word)
{
    bytes_adds(f->out, ";\r\n");
    f->line = f->out->len;
    bytes_adds(f->out, "\t");
    bytes_adds(f->out, word);
}

/* ---- values ---- */

/* True if text is a token (RFC 2045 section 5.1), which needs no quotes. */
static bool is_token(const char *text)
{
    if (!*text)
        return false;
    for (; *text; text++)
        if (!g_ascii_isgraph(*text) || strchr("()<>@,;:\\\"/[]?=", *text))
            return false;
    return true;
}

/* Appends a quoted string; bytes other than printable ASCII become '?'. */
static void append_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (size_t n = 0; *text && n < VALUE_MAX_BYTES; text++, n++) {
        if (*text == '"' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, g_ascii_isprint(*text) ? *text : '?');
    }
    g_string_append_c(out, '"');
}

static char *value(const char *key, const char *text)
{
    GString *out = g_string_new(key);
    if (is_token(text) && strlen(text) <= VALUE_MAX_BYTES)
        g_string_append(out, text);
    else
        append_quoted(out, text);
    return g_string_free(out, FALSE);
}

static void put_value(struct field *f, const char *key, const char *text)
{
    if (!text || !*text)
        return;
    g_autofree char *word = value(key, text);
    put_word(f, word);
}

/* True if text is local@domain with a local part that needs no quotes (RFC 8601 section 2.2, pvalue). */
static bool is_plain_address(const char *text)
{
    const char *at = strchr(text, '@');
    g_autofree char *local = at ? g_strndup(text, (gsize)(at - text)) : NULL;
    bool plain = at && is_token(local) && is_token(at + 1) && strlen(text) <= VALUE_MAX_BYTES;
    return plain;
}

static void put_address(struct field *f, const char *key, const char *text)
{
    if (!is_plain_address(text)) {
        put_value(f, key, text);
        return;
    }
    g_autofree char *word = g_strconcat(key, text, NULL);
    put_word(f, word);
}

/* ---- Authentication-Results ---- */

static void spf_results(struct field *f, const struct authres *a)
{
    const struct spf_result *r = a->spf;
    char word[32];
    if (!r)
        return;
    g_snprintf(word, sizeof word, "spf=%s", spf_code_word(r->code));
    next_result(f, word);
    put_value(f, "reason=", r->reason);
    if (r->by_helo)
        put_value(f, "smtp.helo=", r->domain);
    else if (a->asked && a->asked->sender && *a->asked->sender)
        put_address(f, "smtp.mailfrom=", a->asked->sender);
    else
        put_value(f, "smtp.mailfrom=", r->domain);
}

static void dkim_results(struct field *f, const GArray *signatures)
{
    char word[32];
    if (signatures && !signatures->len)
        next_result(f, "dkim=none");
    for (guint i = 0; signatures && i < signatures->len; i++) {
        const struct dkim_signature *s = &g_array_index(signatures, struct dkim_signature, i);
        g_snprintf(word, sizeof word, "dkim=%s", dkim_word(s->code));
        next_result(f, word);
        put_value(f, "reason=", s->reason);
        put_value(f, "header.d=", s->domain);
        put_value(f, "header.s=", s->selector);
        put_value(f, "header.a=", s->algorithm);
        put_value(f, "header.b=", s->b);
    }
}

static void dmarc_results(struct field *f, const struct dmarc_result *r)
{
    char word[32];
    if (!r)
        return;
    g_snprintf(word, sizeof word, "dmarc=%s", dmarc_word(r->code));
    next_result(f, word);
    put_value(f, "reason=", r->reason);
    put_value(f, "header.from=", r->domain);
    if (r->code == DMARC_CODE_PASS || r->code == DMARC_CODE_FAIL)
        put_value(f, "policy.dmarc=", dmarc_policy_word(r->policy));
}

void authres_header(struct bytes *out, const struct authres *a)
{
    struct field f;
    begin(&f, out, "Authentication-Results:");
    put_value(&f, "", a->authserv_id);
    if (!a->spf && !a->dkim && !a->dmarc)
        next_result(&f, "none");
    spf_results(&f, a);
    dkim_results(&f, a->dkim);
    dmarc_results(&f, a->dmarc);
    bytes_adds(out, "\r\n");
}

/* ---- Received-SPF ---- */

static void put_pair(struct field *f, const char *key, const char *text)
{
    if (!text || !*text)
        return;
    g_autofree char *word = value(key, text), *ended = g_strconcat(word, ";", NULL);
    put_word(f, ended);
}

void authres_received_spf(struct bytes *out, const struct authres *a)
{
    struct field f;
    if (!a->spf || !a->asked)
        return;
    begin(&f, out, "Received-SPF:");
    put_word(&f, spf_code_word(a->spf->code));
    put_pair(&f, "receiver=", a->authserv_id);
    put_pair(&f, "identity=", a->spf->by_helo ? "helo" : "mailfrom");
    put_pair(&f, "client-ip=", a->asked->address);
    put_pair(&f, "helo=", a->asked->helo);
    put_pair(&f, "envelope-from=", a->asked->sender);
    put_pair(&f, "mechanism=", a->spf->reason);
    bytes_adds(out, "\r\n");
}
