/* fold: replaces lookalike letters by the letters that a reader sees. */
#ifndef BASE_MAIL_FOLD_H
#define BASE_MAIL_FOLD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Fullwidth, mathematical, circled and squared letters become plain ones, ligatures their first letter; other
 * characters stay. */
gunichar fold_compat(gunichar c);
/* If a word consists of ASCII letters mixed with Cyrillic, Greek or other lookalikes and nothing else, rewrites
 * it in ASCII in place. Returns the new length, 0 if the word is unchanged. */
size_t fold_homoglyphs(char *word, size_t len);

#endif
