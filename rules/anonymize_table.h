/* anonymize_table: the rules of a table, compiled; only the anonymizer's own files use it. */
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
    guint after;       /* of an if: the place behind its endif */
    enum anonymize_verb verb;
    GPtrArray *pieces; /* of the text: by turns literal text and, as text, a group's number */
    bool exhausted;    /* it ran into its limits once, which was logged */
};

/* Array of struct anonymize_rule*, whose free function is set. NULL with "FILE:LINE: ...". */
GPtrArray *anonymize_table_parse(const char *file, const char *text, char **error_r);

#endif
