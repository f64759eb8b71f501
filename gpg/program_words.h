/* program_words: the words that programs write beside a ciphertext. A table, not a pattern: what is not in it may be
 * the sender's. */
#ifndef GPG_PROGRAM_WORDS_H
#define GPG_PROGRAM_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "gpg/mime_text.h"

/* True if a header line of armor (RFC 4880 section 6.2) is one that programs write. *unknown_r: bytes of it
 * that are in no table: one short word, such as the name of a new program, and letters of versions. */
bool program_words_armor(struct mime_text line, size_t *unknown_r);
/* True for a part's description, and for a file's name, that programs give to ciphertext. */
bool program_words_description(struct mime_text t);
bool program_words_file(struct mime_text t);
/* True for the text between the brackets in Apple Mail's "1.0 (Mac OS X Mail 16.0 \(3696.80.82.1.1\))". */
bool program_words_mime_version(struct mime_text t);
/* True for charsets (RFC 2978) that mail is written in. */
bool program_words_charset(struct mime_text t);

#endif
