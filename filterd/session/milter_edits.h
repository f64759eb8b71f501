/* milter_edits: the changes that turn the message an MTA has into the finished copy. */
#ifndef FILTERD_SESSION_MILTER_EDITS_H
#define FILTERD_SESSION_MILTER_EDITS_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/header.h"

/* More edits than this are refused: the MTA walks through its queue file for each. */
#define MILTER_EDITS_MAX 2000

/* Carry them out in the given order. */
enum milter_edit_kind {
    MILTER_EDIT_DELETE, /* delete the index-th field of that name, counted from 1 */
    MILTER_EDIT_CHANGE, /* give that field another value */
    MILTER_EDIT_TOP,    /* add a field above all others */
    MILTER_EDIT_APPEND  /* add a field below all others */
};
/* Kind, index, name and value. A value starts right behind the colon and is folded by LF alone. */
#define MILTER_EDITS_TYPE "a(yuayay)"
#define MILTER_EDIT_FORMAT "(yu^&ay^&ay)"

struct milter_edits_copy {
    const void *data; /* the finished message */
    size_t len;
    size_t added; /* that many bytes at its start are filterd's own lines */
};

/* The edits from the MTA's header fields to those of the copy, of type MILTER_EDITS_TYPE, floating. NULL: more
 * than MILTER_EDITS_MAX, or fields beyond the limits of a header. */
GVariant *milter_edits_new(const struct header *old, size_t count,
                           const struct milter_edits_copy *copy);
/* The fields of a whole message, down to the empty line (g_free; NULL if there are none; pointers are lent).
 * False: a limit cut the header short; met (may be NULL) says which. */
bool milter_edits_fields(const void *data, size_t len, struct limits_met *met, struct header **fields_r,
                         size_t *count_r);
/* The offset of the body: behind the first empty line. */
size_t milter_edits_body(const void *data, size_t len);
/* Appends to pad what must follow a new body of new_len bytes so that nothing remains of an old one of old_len:
 * lines of blanks, which are ignored behind the last boundary (RFC 2046, section 5.1.1). Postfix writes the new
 * body over the old one in its queue file, where a line may take a little more than on the wire. */
void milter_edits_pad(struct bytes *pad, size_t old_len, size_t new_len);

#endif
