/* pattern_rules: the rules of a table of patterns, read from its text. */
#ifndef FILTERD_TABLES_PATTERN_RULES_H
#define FILTERD_TABLES_PATTERN_RULES_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/tables/pattern_engine.h"

struct pattern_rule {
    enum { PATTERN_RULE, PATTERN_IF, PATTERN_ENDIF } kind;
    bool negated;
    void *code;        /* of the engine; NULL for an endif */
    guint after;       /* for an if: index of the rule behind its endif */
    GPtrArray *pieces; /* the result: literal text and numbers of groups (as text), alternating */
};

struct pattern_rules {
    const struct pattern_engine *engine;
    GPtrArray *rules; /* of struct pattern_rule* */
};

/* name is for warnings: a rule that makes no sense is logged and left out, as Postfix does. */
struct pattern_rules *pattern_rules_read(const struct pattern_engine *engine, const char *name, const char *text,
                                         gsize len);
void pattern_rules_free(struct pattern_rules **rules);

#endif
