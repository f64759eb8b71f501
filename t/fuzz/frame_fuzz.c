/* The input is what a peer sends on the control socket. */
#include <glib.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/frame_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The same bytes as the keeper takes them: in pieces, without waiting. */
static void in_pieces(const uint8_t *data, size_t size)
{
    int fds[2], passed;
    const size_t piece = size ? 1 + data[size - 1] % 64u : 1;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return;
    struct frame_stream *s = frame_stream_new(fds[0]);
    enum frame_stream_end end = FRAME_STREAM_MORE;
    for (size_t at = 0; at < size && end != FRAME_STREAM_BROKEN; at += piece) {
        const size_t len = size - at < piece ? size - at : piece;
        if (write(fds[1], data + at, len) != (ssize_t)len)
            break;
        while ((end = frame_stream_read(s, 1 << 20, &passed)) == FRAME_STREAM_WHOLE) {
            GVariant *v = frame_stream_take(s, FRAME_REQUEST);
            if (v)
                g_variant_unref(v);
        }
    }
    frame_stream_free(&s);
    close(fds[0]);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fds[2];
    if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return 0;
    if (write(fds[1], data, size) == (ssize_t)size) {
        shutdown(fds[1], SHUT_WR);
        GVariant *v = frame_recv(fds[0], FRAME_REQUEST, 1 << 20, 1000);
        if (v)
            g_variant_unref(v);
        GBytes *b = frame_recv_bytes(fds[0], 1 << 10, 1000);
        if (b)
            g_bytes_unref(b);
    }
    close(fds[0]);
    close(fds[1]);
    in_pieces(data, size);
    return 0;
}
