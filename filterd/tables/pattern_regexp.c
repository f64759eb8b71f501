/* POSIX regular expressions for regexp: tables, as regexp_table(5) says: extended ones, and case does not count,
 * unless flags say otherwise. Called by pattern.c. */
#include "filterd/tables/pattern_regexp.h"

#include <regex.h>
#include <stdbool.h>
#include <string.h>

struct code {
    regex_t code;
    regmatch_t *spans;
    size_t count;
};

static bool read_flags(const char *flags, int *options_r, char **why_r)
{
    *options_r = REG_EXTENDED | REG_ICASE;
    for (; *flags && !strchr(" \t\r\v\f", *flags); flags++) {
        switch (*flags) {
        case 'i': *options_r ^= REG_ICASE; break;
        case 'm': *options_r ^= REG_NEWLINE; break;
        case 'x': *options_r ^= REG_EXTENDED; break;
        default:
            *why_r = g_strdup("an unknown flag behind the pattern");
            return false;
        }
    }
    return true;
}

static void code_free(void *data)
{
    struct code *c = data;
    regfree(&c->code);
    g_free(c->spans);
    g_free(c);
}

static void *compile(const char *pattern, const char *flags, guint *groups_r, char **why_r)
{
    char why[128];
    int options;
    if (!read_flags(flags, &options, why_r))
        return NULL;
    g_autofree struct code *c = g_new0(struct code, 1);
    const int error = regcomp(&c->code, pattern, options);
    if (error) {
        regerror(error, &c->code, why, sizeof why);
        *why_r = g_strdup(why);
        return NULL;
    }
    *groups_r = (guint)c->code.re_nsub;
    c->count = c->code.re_nsub + 1;
    c->spans = g_new0(regmatch_t, c->count);
    return g_steal_pointer(&c);
}

static enum pattern_match match(void *data, const char *subject)
{
    struct code *c = data;
    const int rc = regexec(&c->code, subject, c->count, c->spans, 0);
    return rc == 0 ? PATTERN_MATCHES : rc == REG_NOMATCH ? PATTERN_DIFFERS : PATTERN_FAILED;
}

static void group(const void *data, guint number, gsize *begin_r, gsize *end_r)
{
    const struct code *c = data;
    const bool set = number < c->count && c->spans[number].rm_so >= 0;
    *begin_r = set ? (gsize)c->spans[number].rm_so : 0;
    *end_r = set ? (gsize)c->spans[number].rm_eo : 0;
}

const struct pattern_engine pattern_regexp_engine = {compile, group, match, code_free};
