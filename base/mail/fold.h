/* fold: letters that look like others, back to what a reader takes them for. */
#ifndef BASE_MAIL_FOLD_H
#define BASE_MAIL_FOLD_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* Fullwidth, mathematical, circled and squared letters and ligatures' first letters become plain
 * ones, others stay. */
gunichar fold_compat(gunichar c);
/* If the word mixes ASCII letters with Cyrillic, Greek or other letters that look like them, and
 * nothing else, it becomes ASCII in place. Returns its new length, 0 if nothing was done. */
size_t fold_homoglyphs(char *word, size_t len);

#endif
