/* Talks to clamd. Called by evidence.c and filterctl lookup. */
#include "rules/clamav.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define CHUNK_BYTES (64 * 1024)
#define ANSWER_BYTES 1024
#define NAME_BYTES 128

struct scan {
    int fd;
    gint64 end; /* deadline, monotonic microseconds */
    char *name; /* NAME_BYTES */
};

static bool fail(struct scan *s, const char *why)
{
    g_strlcpy(s->name, why, NAME_BYTES);
    return false;
}

static int left_ms(const struct scan *s)
{
    return (int)MAX((s->end - g_get_monotonic_time() + 999) / 1000, 0);
}

/* Connects. If clamd's backlog is full, connect blocks: the send timeout limits that. */
static bool dial(struct scan *s, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int ms = MAX(left_ms(s), 1);
    const struct timeval limit = {ms / 1000, ms % 1000 * 1000};
    if (strlen(path) >= sizeof address.sun_path)
        return fail(s, "the socket's path is too long");
    strcpy(address.sun_path, path);
    s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return fail(s, g_strerror(errno));
    setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(s->fd, (struct sockaddr *)&address, sizeof address))
        return fail(s, errno == EAGAIN ? "timeout" : g_strerror(errno));
    return fcntl(s->fd, F_SETFL, O_NONBLOCK) == 0 || fail(s, g_strerror(errno));
}

/* Waits for events on the socket and returns which came; 0 after the deadline. */
static short wait_for(const struct scan *s, short events)
{
    struct pollfd p = {s->fd, events, 0};
    int n;
    do
        n = poll(&p, 1, left_ms(s));
    while (n < 0 && errno == EINTR);
    return n > 0 ? p.revents : 0;
}

/* Sends data. False after the deadline. clamd may answer before it has everything, and that is its verdict:
 * once an answer or a hangup is there, *over_r is set and nothing more is sent. */
static bool send_bytes(struct scan *s, const void *data, size_t len, bool *over_r)
{
    const char *at = data;
    while (len && !*over_r) {
        const short events = wait_for(s, POLLIN | POLLOUT);
        if (!events)
            return fail(s, "timeout");
        ssize_t n = events & POLLIN ? -1 : send(s->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && !(events & POLLIN) && (errno == EAGAIN || errno == EINTR))
            continue;
        *over_r = n < 0;
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return true;
}

static bool put_stream(struct scan *s, const char *data, size_t len)
{
    static const char command[] = "zINSTREAM";
    bool over = false, ok = send_bytes(s, command, sizeof command, &over);
    for (size_t n, done = 0; ok && !over && done <= len; done += n ? n : 1) {
        n = MIN(len - done, CHUNK_BYTES); /* the last chunk is empty */
        const uint32_t size = htonl((uint32_t)n);
        ok = send_bytes(s, &size, sizeof size, &over) && send_bytes(s, data + done, n, &over);
    }
    return ok;
}

/* Reads the answer up to its NUL. False if it is incomplete. */
static bool get_answer(struct scan *s, char *answer)
{
    size_t len = 0;
    while (len < ANSWER_BYTES) {
        if (!wait_for(s, POLLIN))
            return fail(s, "timeout");
        ssize_t n = recv(s->fd, answer + len, ANSWER_BYTES - len, 0);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return fail(s, "clamd hung up");
        if (memchr(answer + len, 0, (size_t)n))
            return true;
        len += (size_t)n;
    }
    return fail(s, "clamd's answer has no end");
}

static void take_name(struct scan *s, const char *text, size_t len)
{
    g_snprintf(s->name, NAME_BYTES, "%.*s", (int)MIN(len, NAME_BYTES - 1), text);
    for (char *c = s->name; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
}

/* "stream: OK", "stream: NAME FOUND", or anything else. */
static enum clamav_answer judge(struct scan *s, const char *answer)
{
    static const char begin[] = "stream: ", found[] = " FOUND";
    const size_t len = strlen(answer);
    if (strcmp(answer, "stream: OK") == 0)
        return CLAMAV_CLEAN;
    if (g_str_has_prefix(answer, begin) && g_str_has_suffix(answer, found) &&
        len > sizeof begin - 1 + sizeof found - 1) {
        take_name(s, answer + sizeof begin - 1, len - (sizeof begin - 1) - (sizeof found - 1));
        return CLAMAV_FOUND;
    }
    take_name(s, answer, len);
    if (!*s->name)
        fail(s, "clamd said nothing");
    return CLAMAV_ERROR;
}

enum clamav_answer clamav_scan(const char *socket_path, const void *data, size_t len,
                               int timeout_ms, char name_r[NAME_BYTES])
{
    struct scan s = {-1, g_get_monotonic_time() + (gint64)timeout_ms * 1000, name_r};
    char answer[ANSWER_BYTES];
    enum clamav_answer result = CLAMAV_ERROR;
    *name_r = 0;
    if (dial(&s, socket_path) && put_stream(&s, data, len) && get_answer(&s, answer))
        result = judge(&s, answer);
    if (s.fd >= 0)
        close(s.fd);
    return result;
}
