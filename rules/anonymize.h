/* anonymize: header_checks(5) tables in the syntax of Postfix's pcre_table(5). Supported: the actions IGNORE,
 * STRIP, REPLACE and DUNNO, if ... endif, and negated patterns. filterd adds "if topmost", which holds only for
 * the first field of its name: for Received, the one that our own MTA wrote. (Postfix reads it as a pattern
 * that matches nothing.) */
#ifndef RULES_ANONYMIZE_H
#define RULES_ANONYMIZE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct anonymize;

/* NULL with one line, "FILE:LINE: ...", on any error; an unsupported action is one. */
struct anonymize *anonymize_load(const char *file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void anonymize_free(struct anonymize **a);

enum anonymize_action { ANONYMIZE_KEEP, ANONYMIZE_DROP, ANONYMIZE_REPLACE };
/* Applies the table to one header field as it came, folded, without its last CRLF. index: its number among the
 * fields of that name, 0 for the topmost. ANONYMIZE_REPLACE: *text_r is the new field, g_free: exactly one
 * field, folded with CRLF, lines under 999 bytes, no CRLF at its end. If the replacement text is not one header
 * field, the field is dropped. Patterns see the first 102,400 bytes (header_size_limit) with LF as line end. */
enum anonymize_action anonymize_field(struct anonymize *a, const char *field, size_t len,
                                      size_t index, char **text_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
