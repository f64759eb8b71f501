/* newline: line ends as SMTP sends them. */
#ifndef BASE_NEWLINE_H
#define BASE_NEWLINE_H

#include "base/bytes.h"

/* Replaces b's content so that every CR, LF or CRLF is one CRLF (CR CR LF counts as one line end:
 * mbox tools leave it behind). A missing last line end is added to a text that is not empty. */
void newline_normalise(struct bytes *b);

#endif
