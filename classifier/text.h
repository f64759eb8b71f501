/* text: decoded parts to plain UTF-8, and UTF-8 to lower-case words.
 *
 * All of it is plaintext of mail: it goes into struct bytes and is never written anywhere. */
#ifndef CLASSIFIER_TEXT_H
#define CLASSIFIER_TEXT_H

#include <stddef.h>

#include "base/bytes.h"

/* Words longer than this many characters are noise (base64, ids) and left out. */
#define TEXT_WORD_CHARS 30

/* Appends data as valid UTF-8. charset may be NULL or a lie: bytes it does not explain become
 * U+FFFD; an unknown charset is read as UTF-8 if it is that, else as Latin-1. */
void text_to_utf8(struct bytes *out, const void *data, size_t len, const char *charset);
/* Appends what a reader would see of HTML to out, and the values of href and src, one a line, to
 * urls. Entities are decoded; comments, style and script leave nothing. Input is UTF-8. */
void text_from_html(struct bytes *out, struct bytes *urls, const char *html, size_t len);

enum text_kind { TEXT_WORD, TEXT_URL };
/* Calls fn for every word (lower case, no blanks) and every URL (as it stands) in order. Runs that
 * look like base64 and inline OpenPGP blocks are skipped. Input is valid UTF-8. */
void text_words(const char *text, size_t len,
                void (*fn)(enum text_kind kind, const char *word, size_t len, void *arg), void *arg);
/* The lower-case host of a URL into out (any size; cut); "" if it has none. */
void text_url_host(const char *url, size_t len, char *out, size_t out_size);

#endif
