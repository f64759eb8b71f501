/* bytes: a growing buffer that wipes its memory whenever it frees, moves or clears it.
 *
 * Everything that can hold plaintext of mail lives in one of these. When memory runs out the process ends (as
 * in GLib): a worker holds one message, and the MTA still has that in its queue. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct bytes {
    unsigned char *data; /* NULL while empty; data[len] is always 0 otherwise */
    size_t len, cap;
};

void bytes_add(struct bytes *b, const void *data, size_t len);
void bytes_adds(struct bytes *b, const char *text);
void bytes_addf(struct bytes *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for len more bytes; the caller writes at data + len and raises len. */
void bytes_reserve(struct bytes *b, size_t len);
/* Wipes the content and sets the length to 0; keeps the memory. */
void bytes_clear(struct bytes *b);
/* Wipes and frees; the struct is empty and usable afterwards. */
void bytes_free(struct bytes *b);

/* Writes all bytes to a blocking descriptor; false with errno set. */
bool bytes_write(int fd, const void *data, size_t len);

#endif
