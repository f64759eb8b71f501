/* packed: mail as nobody can read it as text, such as Dovecot's zlib and mail_crypt plugins store it, and files that
 * are no mail. */
#ifndef BASE_MAIL_PACKED_H
#define BASE_MAIL_PACKED_H

#include <stdbool.h>
#include <stddef.h>

/* What the file is packed with, by its first bytes: "gz", "mail_crypt", "zip", ..., "dbox" for Dovecot's own files;
 * NULL for none of these. No mail begins like any of them: a field's name is printable and ends with a colon. data
 * may be NULL if len is 0. */
const char *packed_form(const void *data, size_t len);
/* The message in a file of Dovecot's sdbox, as it is stored there; NULL if it is none, or cut off. */
const char *packed_sdbox(const char *data, size_t len, size_t *len_r);
/* True if one of the first lines is a header field or an mbox From_ line, and only text stands before it. */
bool packed_is_mail(const char *data, size_t len);

#endif
