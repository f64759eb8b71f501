/* text: splits valid UTF-8 into lower-case words as a reader would see them.
 *
 * All of it is plaintext of mail: never write it anywhere. */
#ifndef BASE_MAIL_TEXT_H
#define BASE_MAIL_TEXT_H

#include <stddef.h>

#include "base/mail/links.h"

/* Words with more characters are noise (base64, ids) and dropped. */
#define TEXT_WORD_CHARS 40

enum text_kind {
    TEXT_WORD,
    TEXT_LINK, /* word is the host, len the link's index in links */
    TEXT_GAP, /* of length 0: punctuation separates the words before from those after it; never two in a row */
};

/* Tricks that hide words from filters; text_words undoes them. */
enum text_note {
    TEXT_NOTE_HOMOGLYPH = 1,   /* lookalike letters in a Latin word */
    TEXT_NOTE_COMPAT = 2,      /* fullwidth, mathematical and circled letters */
    TEXT_NOTE_ZERO_WIDTH = 4,  /* invisible characters inside a word */
    TEXT_NOTE_SOFT_HYPHEN = 8, /* the same, but word processors insert them, too */
    TEXT_NOTE_SPLIT = 16,      /* "w o r d" or "w.o.r.d": the joined word is reported, too */
    TEXT_NOTE_CIPHER = 32,     /* an inline OpenPGP, S/MIME or uuencoded block was skipped */
};

struct text {
    const char *text; /* valid UTF-8 */
    size_t len;
    const struct links *links; /* from links_scan of this text or a longer one; NULL: none searched */
};

/* Calls fn for every word (lower case, no blanks), link and gap, in order. Skips encoded blocks and runs that
 * look like base64, with the links in them. Linear. Returns bits of enum text_note. */
int text_words(const struct text *text,
               void (*fn)(enum text_kind kind, const char *word, size_t len, void *arg), void *arg);

#endif
