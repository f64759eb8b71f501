/* milter_edits: what an MTA has to change so that its message becomes the finished copy. */
#ifndef FILTERD_SESSION_MILTER_EDITS_H
#define FILTERD_SESSION_MILTER_EDITS_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/header.h"

/* More than that is refused: an MTA goes through its queue file for each of them. */
#define MILTER_EDITS_MAX 2000

/* To be done in the order they are given. */
enum milter_edit_kind {
    MILTER_EDIT_DELETE, /* the index-th field of that name, counted from 1 */
    MILTER_EDIT_CHANGE, /* gets another value */
    MILTER_EDIT_TOP,    /* a new field above all others */
    MILTER_EDIT_APPEND  /* one below them */
};
/* Kind, index, name and value. A value begins behind the colon and is folded by LF alone. */
#define MILTER_EDITS_TYPE "a(yuayay)"
#define MILTER_EDIT_FORMAT "(yu^&ay^&ay)"

struct milter_edits_copy {
    const void *data; /* the finished message */
    size_t len;
    size_t added; /* so many bytes of it are lines of our own on top */
};

/* From the header fields the MTA has to those of the copy, of type MILTER_EDITS_TYPE, floating. NULL
 * if there were more than MILTER_EDITS_MAX, or fields beyond the limits of a header. */
GVariant *milter_edits_new(const struct header *old, size_t count,
                           const struct milter_edits_copy *copy);
/* The fields of a whole message, down to the empty line (g_free; NULL if there is none; its pointers
 * are lent); false if a limit ended them before: met (may be NULL) says which. */
bool milter_edits_fields(const void *data, size_t len, struct limits_met *met, struct header **fields_r,
                         size_t *count_r);
/* Where its body begins: behind the first empty line. */
size_t milter_edits_body(const void *data, size_t len);
/* What has to follow a new body of new_len bytes so that nothing is left of one of old_len: lines of
 * blanks, which belong to nobody behind the last boundary. Postfix writes the new body over the old
 * one in its queue file, where a line may take a little more than on the wire. */
void milter_edits_pad(struct bytes *pad, size_t old_len, size_t new_len);

#endif
