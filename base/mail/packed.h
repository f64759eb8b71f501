/* packed: mail as Dovecot's zlib and mail_crypt plugins store it, which nobody can read as text. */
#ifndef BASE_MAIL_PACKED_H
#define BASE_MAIL_PACKED_H

#include <stddef.h>

/* What the file is packed with, by its first bytes: "gz", "bz2", "xz", "zstd", "lz4" or "mail_crypt"; NULL for
 * none of these. No mail begins like any of them: a field's name is printable and ends with a colon. data may
 * be NULL if len is 0. */
const char *packed_form(const void *data, size_t len);

#endif
