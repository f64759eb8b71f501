/* anonymize: tables in the syntax of Postfix's header_checks (pcre), of which it knows IGNORE,
 * REPLACE and DUNNO, if ... endif, and negated patterns. */
#ifndef RULES_ANONYMIZE_H
#define RULES_ANONYMIZE_H

#include <stdbool.h>
#include <stddef.h>

struct anonymize;

/* NULL with one line, "FILE:LINE: ...", also for an action it does not know. */
struct anonymize *anonymize_load(const char *file, char **error_r);
void anonymize_free(struct anonymize **a);

enum anonymize_action { ANONYMIZE_KEEP, ANONYMIZE_DROP, ANONYMIZE_REPLACE };
/* One header field as it came, folded, without its last CRLF; index: its place among the headers of
 * that name, the topmost is 0. REPLACE: *text_r is the new field without CRLF at its end, folded
 * with CRLF, one field and nothing else; g_free. */
enum anonymize_action anonymize_field(struct anonymize *a, const char *field, size_t len,
                                      char **text_r);

#endif
