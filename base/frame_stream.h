/* frame_stream: frames (see frame.h) over a socket that a process serves beside many others: nothing here waits
 * for the peer. */
#ifndef BASE_FRAME_STREAM_H
#define BASE_FRAME_STREAM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct frame_stream;

/* fd: a stream socket, lent. */
struct frame_stream *frame_stream_new(int fd);
void frame_stream_free(struct frame_stream **s);

enum frame_stream_end {
    FRAME_STREAM_MORE,  /* the frame is not whole yet */
    FRAME_STREAM_WHOLE, /* frame_stream_take it */
    FRAME_STREAM_BROKEN /* the peer is gone, or the frame is over limit bytes */
};
/* Reads what has arrived, up to the end of one frame. *passed_r: a descriptor that the peer sent along
 * (SCM_RIGHTS), to be closed by the caller; -1 if there was none. More than one at a time are closed. */
enum frame_stream_end frame_stream_read(struct frame_stream *s, size_t limit, int *passed_r);
/* The whole frame; g_variant_unref it. NULL if it is not of this type and in normal form. */
GVariant *frame_stream_take(struct frame_stream *s, const char *type);
/* True if a part of a frame has arrived. */
bool frame_stream_is_partial(const struct frame_stream *s);

/* Sends value (a floating reference is consumed) as far as the peer reads; the rest waits for
 * frame_stream_flush. False: the connection is broken. */
bool frame_stream_send(struct frame_stream *s, GVariant *value);
bool frame_stream_flush(struct frame_stream *s);
/* True if a part of a frame waits to be sent. */
bool frame_stream_is_sending(const struct frame_stream *s);

/* Sends one frame with a descriptor, on a socket whose peer has room for it: the first frame of a connection.
 * value as above. */
bool frame_stream_pass(int fd, GVariant *value, int passed);

#endif
