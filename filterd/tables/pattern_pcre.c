/* PCRE2 for pcre: tables, as pcre_table(5) says: bytes, not characters; case does not count and a dot takes a line
 * end, unless flags say otherwise. Called by pattern.c. */
#include "filterd/tables/pattern_pcre.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdbool.h>

#include "base/pcre_flags.h"

/* A sender chooses what is matched: a pattern that backtracks without end costs a fraction of a second. */
#define MATCH_LIMIT 1000000

struct code {
    pcre2_code *code;
    pcre2_match_data *match;
};

static pcre2_match_context *limits(void)
{
    static pcre2_match_context *context;
    if (!context && (context = pcre2_match_context_create(NULL)))
        pcre2_set_match_limit(context, MATCH_LIMIT);
    return context;
}

static void code_free(void *data)
{
    struct code *c = data;
    pcre2_match_data_free(c->match);
    pcre2_code_free(c->code);
    g_free(c);
}

static void *compile(const char *pattern, const char *flags, guint *groups_r, char **why_r)
{
    uint32_t options, groups = 0;
    int error;
    PCRE2_SIZE offset;
    PCRE2_UCHAR why[128];
    if (!pcre_flags_read(&flags, &options)) {
        *why_r = g_strdup("an unknown flag behind the pattern");
        return NULL;
    }
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &error, &offset, NULL);
    if (!code) {
        pcre2_get_error_message(error, why, sizeof why);
        *why_r = g_strdup((char *)why);
        return NULL;
    }
    struct code *c = g_new0(struct code, 1);
    *c = (struct code){code, pcre2_match_data_create_from_pattern(code, NULL)};
    pcre2_pattern_info(code, PCRE2_INFO_CAPTURECOUNT, &groups);
    *groups_r = groups;
    return c;
}

static enum pattern_match match(void *data, const char *subject)
{
    struct code *c = data;
    if (!c->match)
        return PATTERN_FAILED;
    const int rc = pcre2_match(c->code, (PCRE2_SPTR)subject, strlen(subject), 0, 0, c->match, limits());
    return rc >= 0 ? PATTERN_MATCHES : rc == PCRE2_ERROR_NOMATCH ? PATTERN_DIFFERS : PATTERN_FAILED;
}

static void group(const void *data, guint number, gsize *begin_r, gsize *end_r)
{
    const struct code *c = data;
    const PCRE2_SIZE *spans = pcre2_get_ovector_pointer(c->match);
    const bool set = number < pcre2_get_ovector_count(c->match) && spans[2 * number] != PCRE2_UNSET &&
                     spans[2 * number] <= spans[2 * number + 1]; /* \K can put the end first */
    *begin_r = set ? spans[2 * number] : 0;
    *end_r = set ? spans[2 * number + 1] : 0;
}

const struct pattern_engine pattern_pcre_engine = {compile, group, match, code_free};
