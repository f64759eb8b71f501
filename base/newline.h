/* newline: line ends as SMTP sends them. */
#ifndef BASE_NEWLINE_H
#define BASE_NEWLINE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Rewrites b with CRLF line ends: every CR, LF or CRLF becomes one CRLF (CR CR LF counts as one line end, as
 * mbox tools produce it). Adds a missing last line end unless b is empty. */
void newline_normalise(struct bytes *b);

/* Appends data to out with LF for every CRLF, as files and local programs expect it. */
void newline_add_lf(struct bytes *out, const void *data, size_t len);

/* True if data holds a CR without LF or an LF without CR. */
bool newline_has_bare(const void *data, size_t len);

#endif
