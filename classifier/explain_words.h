/* explain_words: puts a feature into words that a person understands. */
#ifndef CLASSIFIER_EXPLAIN_WORDS_H
#define CLASSIFIER_EXPLAIN_WORDS_H

#include "base/bytes.h"

/* Appends what one token (first NULL), or second right after first, says about the message; printable UTF-8.
 * Unknown tokens are quoted as they are:
 *    the subject says "cheap pills"; it links to example.com; "buy" followed by "now" */
void explain_words(struct bytes *out, const char *first, const char *second);

#endif
