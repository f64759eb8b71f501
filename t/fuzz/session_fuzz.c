/* The input is a whole SMTP or LMTP session. Byte 0 says which protocol, whether the client is trusted,
 * and what the next hop does: it is down, takes all, refuses each message, or hangs up on it. Only a
 * message that the next hop took may be answered 250. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "filterd/session/session.h"
#include "t/fuzz/fuzz_next_hop.h"
#include "t/fuzz/fuzz_context.h"

enum hop_does { DOWN, TAKES, REFUSES, HANGS_UP };

static _Atomic int does; /* enum hop_does */
static atomic_uint taken;

/* ---- the next hop: one connection after the other ---- */

static bool skip_message(FILE *in)
{
    char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    while ((n = getline(&line, &cap, in)) > 0 && !(n == 3 && memcmp(line, ".\r\n", 3) == 0))
        ;
    free(line);
    return n > 0;
}

/* What is said to one line; NULL ends it. */
static const char *answer_to(const char *line)
{
    if (g_ascii_strncasecmp(line, "QUIT", 4) == 0)
        return NULL;
    if (g_str_has_prefix(line, "EHLO") || g_str_has_prefix(line, "LHLO"))
        return "250-hop\r\n250-PIPELINING\r\n250-XFORWARD NAME ADDR PORT PROTO HELO\r\n250-DSN\r\n250 SIZE\r\n";
    return g_str_has_prefix(line, "DATA") ? "354 go on\r\n" : "250 2.1.0 Ok\r\n";
}

static const char *answer_to_message(FILE *in)
{
    if (!skip_message(in) || does == HANGS_UP)
        return NULL;
    if (does == REFUSES)
        return "554 5.7.1 Not here\r\n";
    taken++;
    return "250 2.0.0 Ok\r\n";
}

static void converse(int fd)
{
    FILE *in = fdopen(fd, "r");
    char *line = NULL;
    size_t cap = 0;
    for (const char *say = "220 hop\r\n"; say && send(fd, say, strlen(say), MSG_NOSIGNAL) > 0;) {
        if (say[0] == '3')
            say = answer_to_message(in);
        else
            say = getline(&line, &cap, in) > 0 ? answer_to(line) : NULL;
    }
    free(line);
    fclose(in);
}

static void *hop(void *arg)
{
    for (int fd; (fd = accept(hop_listener, NULL, NULL)) >= 0;)
        converse(fd);
    return arg;
}

/* ---- the session ---- */

static struct context *context(void)
{
    pthread_t thread;
    settings.message_size_limit = 100000;
    settings.proxy_seconds = 30;
    settings.mode = MODE_NONE;
    if (!hop_listen() || pthread_create(&thread, NULL, hop, NULL))
        return NULL;
    pthread_detach(thread);
    return fuzz_context(PROTO_LMTP);
}

/* What is said of a message is the line after 354: so often was one called delivered. */
static unsigned called_delivered(int fd)
{
    static char text[1 << 20];
    unsigned count = 0;
    ssize_t n, len = 0;
    while ((n = recv(fd, text + len, sizeof text - 1 - (size_t)len, MSG_DONTWAIT)) > 0)
        len += n;
    text[len] = 0;
    for (const char *p = text; (p = strstr(p, "\r\n354 ")); p++) {
        const char *next = strstr(p + 2, "\r\n");
        count += next && next[2] == '2';
    }
    return count;
}

static void talk(struct context *ctx, const uint8_t *data, size_t size)
{
    int fds[2], bytes = 1 << 20;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return;
    setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    listener.protocol = data[0] & 1 ? PROTO_SMTP : PROTO_LMTP;
    does = data[0] >> 2 & 3;
    taken = 0;
    listener.next_hop.kind = data[0] & 16 ? HOP_SMTP : HOP_LMTP;
    listener.next_hop.at.path = does == DOWN ? (char *)"/nonexistent/hop" : hop_at.sun_path;
    struct session_env env = {.context = ctx, .listener = &listener, .trusted = data[0] & 2};
    if (write(fds[1], data + 1, size - 1) >= 0) {
        shutdown(fds[1], SHUT_WR);
        session_run(fds[0], &env);
        if (called_delivered(fds[1]) > taken)
            __builtin_trap();
    }
    close(fds[0]);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct context *ctx;
    if (size >= 1 && size <= 100000 && (ctx || (ctx = context())))
        talk(ctx, data, size);
    return 0;
}
