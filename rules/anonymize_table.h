/* anonymize_table: parses and compiles a table's rules; used only by anonymize.c. */
#ifndef RULES_ANONYMIZE_TABLE_H
#define RULES_ANONYMIZE_TABLE_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <glib.h>
#include <pcre2.h>
#include <stdbool.h>

enum anonymize_verb { ANONYMIZE_VERB_IGNORE, ANONYMIZE_VERB_STRIP, ANONYMIZE_VERB_REPLACE,
                      ANONYMIZE_VERB_DUNNO };

struct anonymize_rule {
    enum { ANONYMIZE_RULE, ANONYMIZE_IF, ANONYMIZE_IF_TOPMOST, ANONYMIZE_ENDIF } kind;
    int line;
    bool negated;
    pcre2_code *code;  /* NULL for "if topmost" and endif */
    guint after;       /* for an if: index of the rule after its endif */
    enum anonymize_verb verb;
    GPtrArray *pieces; /* the replacement: literal text and numbers of capture groups (as text), alternating */
    bool exhausted;    /* a match once hit PCRE's limits, which was logged */
};

/* Array of struct anonymize_rule*; unref frees all. NULL with "FILE:LINE: ...". */
GPtrArray *anonymize_table_parse(const char *file, const char *text, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
