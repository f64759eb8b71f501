/* column_key: a key as it stands in a column of an operator's table ([users] key), and whether it is the one that a
 * user's current generation was made of.
 *
 * A column holds an armored key, or the bytes of a binary one: as they are, as hex digits behind "\x", as PostgreSQL
 * writes bytea, or as base64. A generation made of a column has a file "column" with the digest of its text, so that
 * gpg runs only when the text changed, and nobody takes an emptied column for one that never had a key. */
#ifndef GPG_COLUMN_KEY_H
#define GPG_COLUMN_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

#define COLUMN_KEY_FILE "column" /* in the folder of a generation */

/* True if nothing stands there: blanks alone, or "\x". */
bool column_key_is_empty(const char *text, size_t len);
/* Appends what GPGME can read to key. False if the column is empty, or holds no bytes of a key. Whether they are one is
 * not looked at. */
bool column_key_read(const char *text, size_t len, struct bytes *key);
/* Of the text as it stands there, in hex; g_free. */
char *column_key_digest(const char *text, size_t len);

enum column_key {
    COLUMN_KEY_UNREADABLE = 0, /* the user's key folder */
    COLUMN_KEY_NONE,           /* the column is empty, and the user's keys, if any, are from elsewhere */
    COLUMN_KEY_EMPTIED,        /* it is empty, and the user's key came from it */
    COLUMN_KEY_NEW,            /* it has another text than that, or the first */
    COLUMN_KEY_IMPORTED        /* the user's current generation was made of it */
};
/* What the column's text (len 0: there is none) means for this user. */
enum column_key column_key_compare(const char *state_dir, const char *user, const char *text, size_t len);
/* True if the generation in this folder was made of a column. */
bool column_key_made(const char *home);

#endif
