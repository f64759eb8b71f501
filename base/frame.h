/* frame: GVariants over a local socket: four bytes of length (big endian), then the value.
 *
 * Both ends of the keeper's and the delivery agent's sockets speak it. A request is (sa{sv}), a verb and
 * its arguments; an answer (isa{sv}), a sysexits code, one line of text and results. */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define FRAME_REQUEST "(sa{sv})"
#define FRAME_ANSWER "(isa{sv})"

/* Takes a floating value over. False on a broken connection or past the deadline. A negative
 * timeout waits for ever. fd is a stream socket. */
bool frame_send(int fd, GVariant *value, int timeout_ms);
/* NULL on end of file, broken connection, deadline, over limit bytes, or not of this type and in
 * normal form. Unref it. */
GVariant *frame_recv(int fd, const char *type, size_t limit, int timeout_ms);
/* A frame that is only bytes: GVariant looks at each of an array's elements, one after the other. */
bool frame_send_bytes(int fd, const void *data, size_t len, int timeout_ms);
/* NULL as frame_recv; wiped with the last reference. */
GBytes *frame_recv_bytes(int fd, size_t limit, int timeout_ms);

#endif
