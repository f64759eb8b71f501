/* bytes: a growing buffer whose memory is wiped whenever it is given back.
 *
 * Everything that can hold plaintext lives in one of these. Running out of memory ends the
 * process (as in GLib): a worker holds one message, and its MTA still has it. */
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
/* Empties it, wiping what it held, and keeps the memory. */
void bytes_clear(struct bytes *b);
/* Wipes and frees; the struct is empty and usable afterwards. */
void bytes_free(struct bytes *b);

/* Writes all of it to a blocking descriptor; false with errno. */
bool bytes_write(int fd, const void *data, size_t len);

#endif
