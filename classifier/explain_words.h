/* explain_words: a feature in words that a person understands. */
#ifndef CLASSIFIER_EXPLAIN_WORDS_H
#define CLASSIFIER_EXPLAIN_WORDS_H

#include "base/bytes.h"

/* Appends what a token (first NULL), or one behind another, says of a message, as UTF-8 that can be
 * printed; what is not known is quoted as it stands:
 *   the subject says "cheap pills"; it links to example.com; "buy" followed by "now" */
void explain_words(struct bytes *out, const char *first, const char *second);

#endif
