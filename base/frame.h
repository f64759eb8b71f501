/* frame: GVariants over a local socket: four bytes of length (big endian), then the value.
 *
 * Spoken on the sockets of the keeper, the delivery agents and the milter processes. A request is (sa{sv}):
 * verb, arguments. An answer is (isa{sv}): sysexits code, one line of text, results. */
#ifndef BASE_FRAME_H
#define BASE_FRAME_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define FRAME_REQUEST "(sa{sv})"
#define FRAME_ANSWER "(isa{sv})"

/* Sends value (a floating reference is consumed) over the stream socket fd. False if the connection is broken
 * or timeout_ms has passed; a negative timeout waits for ever. */
bool frame_send(int fd, GVariant *value, int timeout_ms);
/* Receives one value; g_variant_unref it. NULL on end of file, broken connection or timeout, if it is over
 * limit bytes, or if it is not of this type and in normal form. */
GVariant *frame_recv(int fd, const char *type, size_t limit, int timeout_ms);
/* Sends a frame of plain bytes. Message content goes this way, as GVariant would visit every element of a byte
 * array. */
bool frame_send_bytes(int fd, const void *data, size_t len, int timeout_ms);
/* Receives a frame of plain bytes; NULL as frame_recv. The bytes are wiped when the last reference goes. */
GBytes *frame_recv_bytes(int fd, size_t limit, int timeout_ms);

#endif
