/* Reads the rules of tables in the syntax of pcre_table(5) and regexp_table(5). Called by pattern.c. */
#include "filterd/tables/pattern_rules.h"

#include <string.h>

#include "base/log.h"
#include "filterd/tables/lines.h"

#define BLANKS " \t\r\v\f"

struct reader {
    struct pattern_rules *rules;
    GArray *open; /* of guint: indices of ifs without an endif yet */
    const char *name;
    int line;
};

static void rule_free(gpointer data)
{
    struct pattern_rule *r = data;
    g_ptr_array_unref(r->pieces);
    g_free(r);
}

void pattern_rules_free(struct pattern_rules **rules)
{
    if (!*rules)
        return;
    for (guint i = 0; i < (*rules)->rules->len; i++) {
        const struct pattern_rule *r = (*rules)->rules->pdata[i];
        if (r->code)
            (*rules)->engine->free(r->code);
    }
    g_ptr_array_unref((*rules)->rules);
    g_clear_pointer(rules, g_free);
}

static struct pattern_rule *add_rule(struct reader *reader)
{
    struct pattern_rule *r = g_new0(struct pattern_rule, 1);
    r->pieces = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(reader->rules->rules, r);
    return r;
}

static bool complain(const struct reader *r, const char *what)
{
    log_warn("%s:%d: %s: the rule is left out", r->name, r->line, what);
    return false;
}

/* Reads [!]/pattern/flags; moves *at behind it and the blanks after it. */
static bool read_pattern(const struct reader *reader, struct pattern_rule *r, guint *groups_r, const char **at)
{
    g_autofree char *why = NULL;
    for (; **at == '!' || (**at && strchr(BLANKS, **at)); (*at)++)
        r->negated ^= **at == '!';
    const char delimiter = **at, *begin = *at + 1, *end = begin;
    if (!delimiter)
        return complain(reader, "there is no pattern");
    for (; *end && *end != delimiter; end++)
        end += end[0] == '\\' && end[1];
    if (!*end)
        return complain(reader, "the pattern does not end");
    g_autofree char *pattern = g_strndup(begin, (gsize)(end - begin));
    r->code = reader->rules->engine->compile(pattern, end + 1, groups_r, &why);
    if (!r->code)
        return complain(reader, why);
    end += strcspn(end, BLANKS);
    *at = end + strspn(end, BLANKS);
    return true;
}

/* Reads $1, ${1} or $(1); *at is at the dollar and moves behind it all. The number's text, NULL if it is none. */
static char *group_number(const char **at, guint groups)
{
    const char close = (*at)[1] == '{' ? '}' : (*at)[1] == '(' ? ')' : 0;
    const char *name = *at + (close ? 2 : 1), *end = name;
    guint64 number;
    while (g_ascii_isalnum(*end) || *end == '_')
        end++;
    g_autofree char *text = g_strndup(name, (gsize)(end - name));
    *at = end + (close && *end ? 1 : 0);
    if ((close && *end != close) || !g_ascii_string_to_unsigned(text, 10, 1, groups, &number, NULL))
        return NULL;
    return g_steal_pointer(&text);
}

static void end_literal(struct pattern_rule *r, GString *literal)
{
    g_ptr_array_add(r->pieces, g_strdup(literal->str));
    g_string_truncate(literal, 0);
}

static bool read_result(const struct reader *reader, struct pattern_rule *r, guint groups, const char *at)
{
    GString *literal = g_string_new(NULL);
    bool ok = true;
    while (ok && *at) {
        if (at[0] != '$' || at[1] == '$') {
            g_string_append_c(literal, *at);
            at += at[0] == '$' ? 2 : 1;
            continue;
        }
        char *number = r->negated || !groups ? NULL : group_number(&at, groups);
        ok = number || complain(reader, "a $ in the result that names no group of the pattern");
        end_literal(r, literal);
        if (ok)
            g_ptr_array_add(r->pieces, number);
    }
    end_literal(r, literal);
    g_string_free(literal, TRUE);
    return ok;
}

static void forget_last(struct reader *reader)
{
    GPtrArray *rules = reader->rules->rules;
    const struct pattern_rule *r = rules->pdata[rules->len - 1];
    if (r->code)
        reader->rules->engine->free(r->code);
    g_ptr_array_set_size(rules, (int)rules->len - 1);
}

static void read_rule(struct reader *reader, const char *at)
{
    guint groups = 0;
    struct pattern_rule *r = add_rule(reader);
    if (!read_pattern(reader, r, &groups, &at) || !read_result(reader, r, groups, at))
        forget_last(reader);
    else if (!*at)
        log_warn("%s:%d: there is no result: what matches is deferred", reader->name, reader->line);
}

static void read_if(struct reader *reader, const char *at)
{
    guint groups;
    const guint index = reader->rules->rules->len;
    struct pattern_rule *r = add_rule(reader);
    r->kind = PATTERN_IF;
    if (read_pattern(reader, r, &groups, &at))
        g_array_append_val(reader->open, index);
    else
        forget_last(reader);
}

static void read_endif(struct reader *reader)
{
    GPtrArray *rules = reader->rules->rules;
    if (!reader->open->len) {
        complain(reader, "an endif without an if");
        return;
    }
    struct pattern_rule *its_if = rules->pdata[g_array_index(reader->open, guint, reader->open->len - 1)];
    g_array_set_size(reader->open, reader->open->len - 1);
    add_rule(reader)->kind = PATTERN_ENDIF;
    its_if->after = rules->len;
}

static bool is_word(const char *line, const char *word)
{
    const size_t len = strlen(word);
    return !g_ascii_strncasecmp(line, word, len) && !g_ascii_isalnum(line[len]);
}

static void read_line(struct reader *reader, const char *line)
{
    if (!g_ascii_isalnum(*line))
        read_rule(reader, line);
    else if (is_word(line, "if"))
        read_if(reader, line + 2);
    else if (is_word(line, "endif"))
        read_endif(reader);
    else
        complain(reader, "neither a pattern nor if or endif");
}

struct pattern_rules *pattern_rules_read(const struct pattern_engine *engine, const char *name, const char *text,
                                         gsize len)
{
    struct pattern_rules *rules = g_new0(struct pattern_rules, 1);
    *rules = (struct pattern_rules){engine, g_ptr_array_new_with_free_func(rule_free)};
    struct reader reader = {rules, g_array_new(FALSE, FALSE, sizeof(guint)), name, 0};
    struct lines lines = lines_of(text, len);
    GString *line = g_string_new(NULL);
    while (lines_next(&lines, line, &reader.line))
        read_line(&reader, line->str + strspn(line->str, BLANKS));
    for (guint i = 0; i < reader.open->len; i++) {
        struct pattern_rule *r = rules->rules->pdata[g_array_index(reader.open, guint, i)];
        r->after = rules->rules->len;
        log_warn("%s: an if has no endif: it holds to the end", name);
    }
    g_string_free(line, TRUE);
    g_array_unref(reader.open);
    return rules;
}
