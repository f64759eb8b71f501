/* newline: line ends as SMTP sends them. */
#ifndef BASE_NEWLINE_H
#define BASE_NEWLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Replaces b's content so that every CR, LF or CRLF is one CRLF (CR CR LF counts as one line end:
 * mbox tools leave it behind). A missing last line end is added to a text that is not empty. */
void newline_normalise(struct bytes *b);

/* The same with LF for every CRLF, as files and programs hold it: appended to out. */
void newline_add_lf(struct bytes *out, const void *data, size_t len);

/* True if it holds a CR without LF or a LF without CR. */
bool newline_has_bare(const void *data, size_t len);

#endif
