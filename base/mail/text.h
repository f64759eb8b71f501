/* text: valid UTF-8 to lower-case words, as a reader would take them.
 *
 * All of it is plaintext of mail: it is never written anywhere. */
#ifndef BASE_MAIL_TEXT_H
#define BASE_MAIL_TEXT_H

#include <stddef.h>

#include "base/mail/links.h"

/* Words longer than this many characters are noise (base64, ids) and left out. */
#define TEXT_WORD_CHARS 40

enum text_kind {
    TEXT_WORD,
    TEXT_LINK, /* word is its host, len its number in links */
    TEXT_GAP, /* of length 0: a sign parts what is before from what comes; never two on end */
};

/* What was done to hide words from filters, and undone here. */
enum text_note {
    TEXT_NOTE_HOMOGLYPH = 1,   /* Cyrillic or Greek letters in a Latin word */
    TEXT_NOTE_COMPAT = 2,      /* fullwidth, mathematical and circled letters */
    TEXT_NOTE_ZERO_WIDTH = 4,  /* invisible characters inside a word */
    TEXT_NOTE_SOFT_HYPHEN = 8, /* the same, but word processors do that as well */
    TEXT_NOTE_SPLIT = 16,      /* "w o r d" or "w.o.r.d"; the whole comes as a word besides */
    TEXT_NOTE_CIPHER = 32,     /* an inline OpenPGP message, S/MIME or uuencoded block, skipped */
};

struct text {
    const char *text; /* valid UTF-8 */
    size_t len;
    const struct links *links; /* as links_scan found them in it, of a longer text maybe; NULL if it was not asked */
};

/* Calls fn for every word (lower case, no blanks), link and gap in order. Runs that look like base64
 * and encoded blocks are skipped, with the links in them. Linear. Returns the bits of enum text_note. */
int text_words(const struct text *text,
               void (*fn)(enum text_kind kind, const char *word, size_t len, void *arg), void *arg);

#endif
