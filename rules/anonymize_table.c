/* Parses and compiles header_checks tables. Called by anonymize.c. */
#include "rules/anonymize_table.h"

#include <stdint.h>
#include <string.h>

#include "base/pcre_flags.h"

#define KNOWN "IGNORE, STRIP, REPLACE or DUNNO"

struct parser {
    const char *file;
    int line; /* number of the logical line's first physical line */
    GPtrArray *rules;
    GArray *open; /* of guint: indices of ifs without an endif yet */
    char **error_r;
};

static void rule_free(gpointer data)
{
    struct anonymize_rule *r = data;
    pcre2_code_free(r->code);
    g_ptr_array_unref(r->pieces);
    g_free(r);
}

static struct anonymize_rule *add_rule(struct parser *p)
{
    struct anonymize_rule *r = g_new0(struct anonymize_rule, 1);
    r->line = p->line;
    r->pieces = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(p->rules, r);
    return r;
}

static bool fail(struct parser *p, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail(struct parser *p, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    *p->error_r = g_strdup_printf("%s:%d: %s", p->file, p->line, what);
    for (char *c = *p->error_r; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
    return false;
}

static const char *skip_blanks(const char *at)
{
    while (g_ascii_isspace(*at))
        at++;
    return at;
}

static bool compile(struct parser *p, struct anonymize_rule *r, const char *pattern, size_t len,
                    uint32_t options)
{
    PCRE2_UCHAR why[128];
    PCRE2_SIZE offset;
    int code;
    /* \C could match half a character, and no table needs it. */
    r->code = pcre2_compile((PCRE2_SPTR)pattern, len, options | PCRE2_NEVER_BACKSLASH_C, &code,
                            &offset, NULL);
    if (r->code)
        return true;
    pcre2_get_error_message(code, why, sizeof why);
    return fail(p, "pattern, at its character %zu: %s", (size_t)offset + 1, (char *)why);
}

/* Reads [!]/pattern/flags; moves *at behind it and the blanks after it. */
static bool pattern(struct parser *p, struct anonymize_rule *r, const char **at)
{
    uint32_t options;
    for (; **at == '!' || g_ascii_isspace(**at); (*at)++)
        r->negated ^= **at == '!';
    const char delimiter = **at, *begin = *at + 1;
    if (!delimiter || g_ascii_isalnum(delimiter))
        return fail(p, "expected a pattern such as /^User-Agent:/");
    const char *end = begin;
    while (*end && *end != delimiter)
        end += end[0] == '\\' && end[1] ? 2 : 1;
    if (!*end)
        return fail(p, "the pattern has no closing %c", delimiter);
    *at = end + 1;
    if (!pcre_flags_read(at, &options))
        return fail(p, "unknown flag \"%c\" behind the pattern: expected i m s x A E U", **at);
    *at = skip_blanks(*at);
    return compile(p, r, begin, (size_t)(end - begin), options);
}

static void end_literal(struct anonymize_rule *r, GString *literal)
{
    g_ptr_array_add(r->pieces, g_strdup(literal->str));
    g_string_truncate(literal, 0);
}

/* Reads $1, ${1} or $(1), a capture group; *at is behind the dollar. */
static bool group(struct parser *p, struct anonymize_rule *r, const char **at)
{
    const char close = **at == '{' ? '}' : **at == '(' ? ')' : 0;
    const char *name = *at + (close != 0), *end = name;
    uint32_t groups = 0;
    while (g_ascii_isalnum(*end) || *end == '_')
        end++;
    g_autofree char *text = g_strndup(name, (size_t)(end - name));
    guint64 number = 0;
    bool good = g_ascii_string_to_unsigned(text, 10, 1, 65535, &number, NULL);
    good = good && (!close || *end == close);
    *at = end + (close != 0);
    if (!good || r->negated) {
        fail(p, good ? "$%s in the text of a negated pattern, which has no groups"
                     : "\"$%s\" in the text: expected $1, ${1}, $(1), or $$ for a dollar", text);
        return false;
    }
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    good = number <= groups || fail(p, "$%s: the pattern has %u groups", text, (unsigned)groups);
    g_ptr_array_add(r->pieces, g_steal_pointer(&text));
    return good;
}

static bool replacement(struct parser *p, struct anonymize_rule *r, const char *at)
{
    GString *literal = g_string_new(NULL);
    bool ok = *at || fail(p, "REPLACE needs the new field, \"Name: value\"");
    while (ok && *at) {
        if (at[0] != '$' || at[1] == '$') {
            g_string_append_c(literal, *at);
            at += at[0] == '$' ? 2 : 1;
            continue;
        }
        at++;
        end_literal(r, literal);
        ok = group(p, r, &at);
    }
    end_literal(r, literal);
    g_string_free(literal, TRUE);
    return ok;
}

static bool action(struct parser *p, struct anonymize_rule *r, const char *at)
{
    static const char *const verbs[] = {"IGNORE", "STRIP", "REPLACE", "DUNNO"};
    const size_t len = strcspn(at, " \t");
    guint i = 0;
    while (i < G_N_ELEMENTS(verbs) &&
           (strlen(verbs[i]) != len || g_ascii_strncasecmp(verbs[i], at, len)))
        i++;
    if (len == 0)
        return fail(p, "the pattern has no action: expected " KNOWN);
    if (i == G_N_ELEMENTS(verbs))
        return fail(p, "action %.*s is not known here: expected " KNOWN, (int)MIN(len, 100), at);
    r->verb = (enum anonymize_verb)i;
    return r->verb != ANONYMIZE_VERB_REPLACE || replacement(p, r, skip_blanks(at + len));
}

static bool is_word(const char *line, const char *word)
{
    const size_t n = strlen(word);
    return g_ascii_strncasecmp(line, word, n) == 0 && !g_ascii_isalnum(line[n]);
}

static bool begin_if(struct parser *p, const char *at)
{
    const guint place = p->rules->len;
    struct anonymize_rule *r = add_rule(p);
    g_array_append_val(p->open, place);
    at = skip_blanks(at);
    r->kind = is_word(at, "topmost") ? ANONYMIZE_IF_TOPMOST : ANONYMIZE_IF;
    return r->kind == ANONYMIZE_IF_TOPMOST || pattern(p, r, &at);
}

static bool end_if(struct parser *p)
{
    if (p->open->len == 0)
        return fail(p, "endif without an if");
    struct anonymize_rule *opened = p->rules->pdata[g_array_index(p->open, guint, p->open->len - 1)];
    g_array_set_size(p->open, p->open->len - 1);
    add_rule(p)->kind = ANONYMIZE_ENDIF;
    opened->after = p->rules->len;
    return true;
}

static bool logical_line(struct parser *p, const char *line)
{
    if (g_ascii_isspace(*line))
        return fail(p, "a line that begins with a blank continues another, and there is none");
    if (is_word(line, "if"))
        return begin_if(p, line + strlen("if"));
    if (is_word(line, "endif"))
        return end_if(p);
    if (g_ascii_isalnum(*line))
        return fail(p, "expected /pattern/ ACTION, if /pattern/, or endif");
    struct anonymize_rule *r = add_rule(p);
    return pattern(p, r, &line) && action(p, r, line);
}

/* Joins logical lines. As in all Postfix tables, comments and empty lines do not end one. */
static bool parse(struct parser *p, char **lines)
{
    bool ok = true;
    for (guint i = 0; ok && lines[i];) {
        GString *line = g_string_new(NULL);
        for (; lines[i]; i++) {
            const char *first = skip_blanks(lines[i]);
            if (!*first || *first == '#')
                continue;
            if (line->len && first == lines[i])
                break;
            if (!line->len)
                p->line = (int)i + 1;
            g_string_append(line, lines[i]);
        }
        g_strchomp(line->str);
        ok = !line->str[0] || logical_line(p, line->str);
        g_string_free(line, TRUE);
    }
    if (!ok || !p->open->len)
        return ok;
    struct anonymize_rule *first = p->rules->pdata[g_array_index(p->open, guint, 0)];
    p->line = first->line;
    return fail(p, "this if has no endif");
}

GPtrArray *anonymize_table_parse(const char *file, const char *text, char **error_r)
{
    struct parser p = {.file = file, .error_r = error_r};
    char **lines = g_strsplit(text, "\n", -1);
    p.rules = g_ptr_array_new_with_free_func(rule_free);
    p.open = g_array_new(FALSE, FALSE, sizeof(guint));
    if (!parse(&p, lines))
        g_clear_pointer(&p.rules, g_ptr_array_unref);
    g_array_unref(p.open);
    g_strfreev(lines);
    return p.rules;
}
