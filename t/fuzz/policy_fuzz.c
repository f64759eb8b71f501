/* The input is what an MTA, or whoever pretends to be one, sends on a policy listener: every answer must
 * follow the protocol. There is no keeper and no name server. */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "filterd/session/policy_session.h"
#include "filterd/session/session.h"
#include "t/fuzz/fuzz_context.h"

static struct context *context(void)
{
    settings.greylist = true;
    return fuzz_context(PROTO_POLICY);
}

/* Answers are not read meanwhile: no more of them than the socket's buffer takes. */
static size_t without_flood(const uint8_t *data, size_t size)
{
    size_t requests = 0, i = 0;
    for (; i < size && requests < 100; i++)
        requests += data[i] == '\n' && (i == 0 || data[i - 1] == '\n');
    return i;
}

static void check(int fd)
{
    static const char dunno[] = "action=DUNNO\n\n";
    char answers[65536];
    ssize_t n = recv(fd, answers, sizeof answers, MSG_DONTWAIT);
    for (ssize_t at = 0; at < n; at += (ssize_t)sizeof dunno - 1)
        if (n - at >= (ssize_t)sizeof dunno - 1 && memcmp(answers + at, dunno, sizeof dunno - 1))
            __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct context *ctx;
    int fds[2], bytes = 1 << 20;
    if (size > 60000 || (!ctx && !(ctx = context())) || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return 0;
    size = without_flood(data, size);
    settings.dnsbl_lists = size % 2 ? (char *)"/nonexistent/lists" : NULL; /* else everyone is asked */
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (write(fds[1], data, size) == (ssize_t)size) {
        shutdown(fds[1], SHUT_WR);
        policy_session_run(fds[0], &(struct session_env){.context = ctx, .listener = &listener});
        check(fds[1]);
    }
    close(fds[0]);
    close(fds[1]);
    return 0;
}
