/* Applies a header_checks table to header fields. Called by headers_anonymize.c of the pipeline. */
#include "rules/anonymize.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"
#include "base/log.h"
#include "rules/anonymize_table.h"

#define TABLE_BYTES (1024 * 1024)
#define LINE_BYTES 998       /* RFC 5322 section 2.1.1 */
/* PCRE's limits for one match, about 20 ms at worst; a pattern that needs more counts as not matching. */
#define MATCH_STEPS 500000
#define MATCH_HEAP_KB 20000

struct anonymize {
    char *file;
    GPtrArray *rules;
    pcre2_match_context *limits;
    bool odd_text; /* a replacement that is no header field was logged once */
};

struct anonymize *anonymize_load(const char *file, char **error_r)
{
    g_autofree char *text = NULL;
    gsize len = 0;
    GError *error = NULL;
    GPtrArray *rules = NULL;
    if (!g_file_get_contents(file, &text, &len, &error)) {
        *error_r = g_strdup(error->message);
        g_error_free(error);
        return NULL;
    }
    if (len > TABLE_BYTES || memchr(text, 0, len))
        *error_r = g_strdup_printf("%s:1: no table: it holds a NUL or more than 1 MB", file);
    else
        rules = anonymize_table_parse(file, text, error_r);
    if (!rules)
        return NULL;
    struct anonymize *a = g_new0(struct anonymize, 1);
    a->file = g_strdup(file);
    a->rules = rules;
    a->limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(a->limits, MATCH_STEPS);
    pcre2_set_heap_limit(a->limits, MATCH_HEAP_KB);
    return a;
}

void anonymize_free(struct anonymize **a)
{
    if (!*a)
        return;
    g_ptr_array_unref((*a)->rules);
    pcre2_match_context_free((*a)->limits);
    g_free((*a)->file);
    g_clear_pointer(a, g_free);
}

/* The field as Postfix passes it to a table: no blanks before the colon, LF between lines. */
static GString *subject_of(const char *field, size_t len)
{
    const size_t most = limits_get()->line_bytes;
    GString *s = g_string_sized_new(MIN(len, most));
    const char *colon = memchr(field, ':', len), *at = field, *end = field + len;
    for (; colon && at < colon && !g_ascii_isspace(*at); at++)
        g_string_append_c(s, *at);
    for (at = colon ? colon : at; at < end && s->len < most; at++)
        if (*at != '\r' || at + 1 == end || at[1] != '\n')
            g_string_append_c(s, *at);
    return s;
}

struct match {
    const GString *subject;
    pcre2_match_data *data;
    bool topmost;
};

/* True if the rule matches, after negation. A rule that hits PCRE's limits never does, negated or not. */
static bool applies(struct anonymize *a, struct anonymize_rule *r, struct match *m)
{
    if (r->kind == ANONYMIZE_IF_TOPMOST)
        return m->topmost;
    g_clear_pointer(&m->data, pcre2_match_data_free);
    m->data = pcre2_match_data_create_from_pattern(r->code, NULL);
    int rc = pcre2_match(r->code, (PCRE2_SPTR)m->subject->str, m->subject->len, 0, 0, m->data,
                         a->limits);
    if (rc >= 0 || rc == PCRE2_ERROR_NOMATCH)
        return (rc >= 0) != r->negated;
    if (!r->exhausted)
        log_warn("%s:%d: the pattern took too long for a header field and was left out", a->file,
                 r->line);
    r->exhausted = true;
    return false;
}

static struct anonymize_rule *first_match(struct anonymize *a, struct match *m)
{
    guint i = 0;
    while (i < a->rules->len) {
        struct anonymize_rule *r = a->rules->pdata[i];
        if (r->kind == ANONYMIZE_ENDIF) {
            i++;
            continue;
        }
        const bool yes = applies(a, r, m);
        if (yes && r->kind == ANONYMIZE_RULE)
            return r;
        i = r->kind == ANONYMIZE_RULE || yes ? i + 1 : r->after;
    }
    return NULL;
}

static GString *expand(const struct anonymize_rule *r, const struct match *m)
{
    GString *out = g_string_new(NULL);
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(m->data);
    for (guint i = 0; i < r->pieces->len; i++) {
        const char *piece = r->pieces->pdata[i];
        if (i % 2 == 0) {
            g_string_append(out, piece);
            continue;
        }
        const guint64 n = g_ascii_strtoull(piece, NULL, 10);
        /* \K in a pattern can set a match's start after its end. */
        if (at[2 * n] != PCRE2_UNSET && at[2 * n] < at[2 * n + 1])
            g_string_append_len(out, m->subject->str + at[2 * n],
                                (gssize)(at[2 * n + 1] - at[2 * n]));
    }
    return out;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The length of "Name:", or 0 if the line does not begin with a field name. */
static size_t name_len(const char *line, size_t len)
{
    size_t n = 0;
    while (n < len && line[n] > ' ' && line[n] < 127 && line[n] != ':')
        n++;
    return n > 0 && n < len && line[n] == ':' ? n + 1 : 0;
}

/* Where to fold a line that is too long: at a blank with text before and after it; 0 if there is none. */
static size_t fold_at(const char *line, size_t from)
{
    size_t at = LINE_BYTES;
    while (at > from && !(is_blank(line[at]) && !is_blank(line[at - 1])))
        at--;
    return at > from ? at : 0;
}

/* Appends one line, folded where it is too long. from: length of its beginning that must not be folded off. */
static bool put_line(GString *out, const char *line, size_t len, size_t from)
{
    while (len > LINE_BYTES && is_blank(line[len - 1]))
        len--;
    while (len > LINE_BYTES) {
        const size_t at = fold_at(line, from);
        if (!at)
            return false;
        g_string_append_len(out, line, (gssize)at);
        g_string_append(out, "\r\n");
        line += at;
        len -= at;
        for (from = 0; from < len && is_blank(line[from]); from++)
            ;
    }
    g_string_append_len(out, line, (gssize)len);
    return true;
}

/* The text as exactly one header field, folded with CRLF; NULL if it is not one. Blank lines are left out:
 * software that trims them would take one for the end of the header. */
static char *field_of(const GString *text)
{
    GString *out = g_string_new(NULL);
    const char *at = text->str, *end = at + text->len;
    bool ok = !memchr(at, 0, text->len);
    for (bool first = true; ok && at < end; first = false) {
        const char *lf = memchr(at, '\n', (size_t)(end - at)), *next = lf ? lf + 1 : end;
        size_t len = (size_t)((lf ? lf : end) - at), blanks = 0;
        if (lf && len && at[len - 1] == '\r')
            len--;
        while (blanks < len && is_blank(at[blanks]))
            blanks++;
        const size_t from = first ? name_len(at, len) : blanks;
        ok = !memchr(at, '\r', len) && (first || blanks || !len) && (!first || from);
        if (ok && blanks < len) {
            g_string_append(out, first ? "" : "\r\n");
            ok = put_line(out, at, len, from);
        }
        at = next;
    }
    ok = ok && out->len;
    return g_string_free(out, !ok);
}

static enum anonymize_action replace(struct anonymize *a, const struct anonymize_rule *r,
                                     const struct match *m, char **text_r)
{
    GString *text = expand(r, m);
    *text_r = field_of(text);
    g_string_free(text, TRUE);
    if (*text_r)
        return ANONYMIZE_REPLACE;
    if (!a->odd_text)
        log_warn("%s:%d: what REPLACE made was no header field: dropped", a->file, r->line);
    a->odd_text = true;
    return ANONYMIZE_DROP;
}

enum anonymize_action anonymize_field(struct anonymize *a, const char *field, size_t len,
                                      size_t index, char **text_r)
{
    enum anonymize_action action = ANONYMIZE_KEEP;
    GString *subject = subject_of(field, len);
    struct match m = {.subject = subject, .topmost = index == 0};
    const struct anonymize_rule *r = first_match(a, &m);
    *text_r = NULL;
    if (r && r->verb == ANONYMIZE_VERB_REPLACE)
        action = replace(a, r, &m, text_r);
    else if (r && r->verb != ANONYMIZE_VERB_DUNNO)
        action = ANONYMIZE_DROP;
    if (m.data)
        pcre2_match_data_free(m.data);
    explicit_bzero(subject->str, subject->len);
    g_string_free(subject, TRUE);
    return action;
}
