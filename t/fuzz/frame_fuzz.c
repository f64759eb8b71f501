/* The input is what a peer sends on the control socket. */
#include <glib.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
    return 0;
}
