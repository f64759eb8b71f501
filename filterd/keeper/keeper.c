/* Connects to the keeper, sends requests and receives answers. Called by keeper_client.c, filterctl and
 * filterd-retrain; listening.c and the milter processes take the sockets' paths from it. */
#include "filterd/keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/frame.h"
#include "base/frame_stream.h"

#define CONNECT_TIMEOUT_S 5
/* A keeper that answers nothing for so long is busy, or there is none. */
#define SILENT_MS 3000
/* An answer may hold a whole exported user. */
#define ANSWER_MAX_BYTES (16 * 1024 * 1024)

/* The send timeout bounds connect, too: a full queue of connections must not hold a worker up. */
static int connect_to(const struct sockaddr *address, socklen_t len)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = CONNECT_TIMEOUT_S};
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, address, len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return -1;
    strcpy(address.sun_path, path);
    return connect_to((struct sockaddr *)&address, sizeof address);
}

int keeper_connect(const struct endpoint *control)
{
    return connect_unix(control->path);
}

static struct endpoint beside(const struct endpoint *control, const char *ending)
{
    char *path = control->path ? g_strconcat(control->path, ending, NULL) : NULL;
    return (struct endpoint){.path = path};
}

struct endpoint keeper_workers_at(const struct endpoint *control)
{
    return beside(control, ".worker");
}

struct endpoint keeper_learn_at(const struct endpoint *control)
{
    return beside(control, ".learn");
}

struct endpoint keeper_milter_at(const struct endpoint *control)
{
    return beside(control, ".milter");
}

bool keeper_tell(int fd, const char *verb, GVariant *arguments, int timeout_ms)
{
    if (!arguments)
        arguments = g_variant_new("a{sv}", NULL);
    return frame_send(fd, g_variant_new("(s@a{sv})", verb, arguments), timeout_ms);
}

static struct keeper_answer no_answer(void)
{
    return (struct keeper_answer){EX_TEMPFAIL, g_strdup("the keeper does not answer"), NULL};
}

struct keeper_answer keeper_hear(int fd, int timeout_ms)
{
    GVariant *answer = frame_recv(fd, FRAME_ANSWER, ANSWER_MAX_BYTES, timeout_ms);
    if (!answer)
        return no_answer();
    struct keeper_answer a;
    gint32 code;
    g_variant_get(answer, "(is@a{sv})", &code, &a.text, &a.results);
    a.code = code == EX_OK || (code >= EX__BASE && code <= EX__MAX) ? code : EX_TEMPFAIL;
    g_variant_unref(answer);
    return a;
}

/* The master's socket takes connections also while no keeper runs: then nobody locks the state. One that starts just
 * now has some time for it. */
static bool nobody_keeps(const char *state_dir)
{
    g_autofree char *path = g_build_filename(state_dir, "lock", NULL);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    const bool free = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0;
    if (fd >= 0)
        close(fd);
    return free;
}

struct keeper_answer keeper_hear_if_kept(int fd, const char *state_dir, int timeout_ms)
{
    const gint64 start = g_get_monotonic_time();
    struct pollfd p = {fd, POLLIN, 0};
    if (poll(&p, 1, timeout_ms < 0 ? SILENT_MS : MIN(timeout_ms, SILENT_MS)) == 0 && nobody_keeps(state_dir))
        return no_answer();
    if (timeout_ms >= 0)
        timeout_ms = MAX(timeout_ms - (int)((g_get_monotonic_time() - start) / 1000), 0);
    return keeper_hear(fd, timeout_ms);
}

bool keeper_administer(int fd, const char *state_dir, int timeout_ms)
{
    g_autofree char *path = g_build_filename(state_dir, "lock", NULL);
    const int lock_fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock_fd < 0)
        return true;
    const bool sent = frame_stream_pass(fd, g_variant_new("(s@a{sv})", "ping", g_variant_new("a{sv}", NULL)), lock_fd);
    close(lock_fd);
    struct keeper_answer a = sent ? keeper_hear_if_kept(fd, state_dir, timeout_ms) : no_answer();
    const bool heard = a.results != NULL;
    keeper_answer_clear(&a);
    return heard;
}

struct keeper_answer keeper_ask(int fd, const char *verb, GVariant *arguments, int timeout_ms)
{
    gint64 start = g_get_monotonic_time();
    if (!keeper_tell(fd, verb, arguments, timeout_ms))
        return no_answer();
    if (timeout_ms >= 0)
        timeout_ms = MAX(timeout_ms - (int)((g_get_monotonic_time() - start) / 1000), 0);
    return keeper_hear(fd, timeout_ms);
}

void keeper_answer_clear(struct keeper_answer *a)
{
    g_clear_pointer(&a->text, g_free);
    g_clear_pointer(&a->results, g_variant_unref);
}

int keeper_call(int fd, const char *verb, GVariant *arguments, int timeout_ms, char **text_r)
{
    struct keeper_answer a = keeper_ask(fd, verb, arguments, timeout_ms);
    if (text_r)
        *text_r = g_steal_pointer(&a.text);
    keeper_answer_clear(&a);
    return a.code;
}
