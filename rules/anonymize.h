/* anonymize: tables in the syntax of Postfix's header_checks(5) and pcre_table(5), of which it
 * knows IGNORE, STRIP, REPLACE and DUNNO, if ... endif, and negated patterns. A word of our own,
 * "if topmost", holds for the first field of its name only: for Received, the line that our own MTA
 * wrote. (Postfix reads it as a pattern that matches nothing.) */
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
 * with CRLF, lines under 999 bytes, one field and nothing else; g_free. A replacement that is none
 * drops the field. Patterns see the first 102,400 bytes (header_size_limit), line ends as LF. */
enum anonymize_action anonymize_field(struct anonymize *a, const char *field, size_t len,
                                      size_t index, char **text_r);

#endif
