/* A whole session from foreign bytes; the next hop is down, so every message ends as a tempfail. */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "filterd/session.h"
#include "t/fuzz/fuzz_service.h"

static struct service *service(void)
{
    settings.message_size_limit = 100000;
    settings.mode = MODE_NONE;
    return fuzz_service(PROTO_LMTP);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct service *sv;
    int fds[2];
    if (size < 1 || size > 100000 || (!sv && !(sv = service())))
        return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return 0;
    int bytes = 1 << 20;
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    listener.protocol = data[0] & 1 ? PROTO_SMTP : PROTO_LMTP;
    struct session_place place = {.service = sv, .listener = &listener, .trusted = data[0] & 2};
    if (write(fds[1], data + 1, size - 1) >= 0) {
        shutdown(fds[1], SHUT_WR);
        session_run(fds[0], &place);
    }
    close(fds[0]);
    close(fds[1]);
    return 0;
}
