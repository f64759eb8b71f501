/* The main function of a milter process. Called by filterd/milter_processes.c after fork. */
#include "filterd/session/milter_front.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "filterd/session/milter_connection.h"

/* Shorter than the master waits for its children. */
#define DRAIN_SECONDS 30
/* After a reload an MTA that has connected and sends no message is waited for so long. */
#define SILENT_US (30 * G_USEC_PER_SEC)
#define LOOK_US (G_USEC_PER_SEC / 5)
#define FDS 256
#define FDS_MAX 65536

/* The descriptor that listens, among all of this process but one: libmilter does not tell it. */
static int listening_fd(int but)
{
    int listens;
    for (int fd = 3; fd < FDS; fd++) {
        socklen_t len = sizeof listens;
        if (fd != but && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens)
            return fd;
    }
    return -1;
}

/* Opens libmilter's own socket, of the same family as listen_fd: it takes no connection of another one. */
static bool open_own(const struct settings *s, int listen_fd)
{
    g_autofree char *folder = s->control.path ? g_path_get_dirname(s->control.path) : NULL;
    g_autofree char *path = g_strdup_printf("%s/m.%d", folder ? folder : "", (int)getpid());
    g_autofree char *local = g_strconcat("unix:", path, NULL);
    struct sockaddr_storage sa = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof sa;
    getsockname(listen_fd, (struct sockaddr *)&sa, &len);
    char *at = sa.ss_family == AF_UNIX ? local : (char *)(sa.ss_family == AF_INET6 ? "inet6:0@::1" : "inet:0@127.0.0.1");
    const mode_t before = umask(0177);
    const bool ok = smfi_setconn(at) == MI_SUCCESS && smfi_opensocket(true) == MI_SUCCESS;
    umask(before);
    if (at == local)
        unlink(path);
    return ok;
}

/* libmilter only listens where it has opened the socket itself: it opens one that nobody knows, which then is
 * replaced. Returns the descriptor; -1, and logged: it failed. */
static int listen_at(const struct settings *s, const struct listener *l, int listen_fd)
{
    errno = 0;
    const bool ok = smfi_register(milter_connection_filter(s, l)) == MI_SUCCESS && open_own(s, listen_fd);
    const int listening = ok ? listening_fd(listen_fd) : -1;
    if (listening < 0 || dup3(listen_fd, listening, O_CLOEXEC) < 0) {
        log_warn("[listener %s]: libmilter cannot listen: %s", l->name, g_strerror(errno));
        return -1;
    }
    close(listen_fd);
    return listening;
}

/* libmilter's thread still waits for the socket, but accepts from this descriptor: no connection is taken and
 * dropped, and what waits is for the next milter process. */
static void stop_accepting(int listening, int nothing)
{
    dup3(nothing, listening, O_CLOEXEC);
}

static bool is_connection(int fd)
{
    struct sockaddr_storage sa;
    int type;
    socklen_t len = sizeof type, sa_len = sizeof sa;
    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_STREAM &&
           getpeername(fd, (struct sockaddr *)&sa, &sa_len) == 0;
}

/* Also sees those of which libmilter has told nothing yet. */
static bool has_connections(void)
{
    const long limit = sysconf(_SC_OPEN_MAX);
    const int fds = limit < 0 || limit > FDS_MAX ? FDS_MAX : (int)limit;
    for (int fd = 3; fd < fds; fd++)
        if (is_connection(fd))
            return true;
    return false;
}

/* In a thread of its own: the first one has to wait for SIGTERM. */
static gpointer leave_slowly(gpointer unused)
{
    const gint64 patience = g_get_monotonic_time() + SILENT_US;
    (void)unused;
    while (has_connections() && (g_get_monotonic_time() < patience || !milter_connection_is_resting()))
        g_usleep(LOOK_US);
    _exit(EX_OK);
}

/* Waits for signals here, because libmilter would stop its connections in the middle of a message. Linux gives
 * SIGTERM to the first thread if that waits for it, and this one always does: libmilter never sees it. */
static int await_signal(const sigset_t *ends)
{
    int sig;
    while (sigwait(ends, &sig) != 0)
        ;
    return sig;
}

static gpointer serve(gpointer unused)
{
    (void)unused;
    smfi_main();
    _exit(EX_TEMPFAIL); /* smfi_main returned: it can listen no more */
}

static void set_signals(sigset_t *ends)
{
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(ends);
    sigaddset(ends, SIGTERM);
    sigaddset(ends, SIGUSR1);
    sigprocmask(SIG_SETMASK, ends, NULL);
}

int milter_front_run(const struct settings *s, const struct listener *l, int listen_fd, int ready_fd)
{
    sigset_t ends;
    set_signals(&ends);
    const int listening = listen_at(s, l, listen_fd), nothing = eventfd(0, EFD_CLOEXEC);
    if (listening < 0 || nothing < 0)
        return EX_UNAVAILABLE;
    if (!sandbox_policy_close(s, SANDBOX_MILTER))
        return EX_CONFIG;
    if (write(ready_fd, "", 1) != 1)
        return EX_TEMPFAIL;
    close(ready_fd);
    g_thread_unref(g_thread_new("milter", serve, NULL));
    if (await_signal(&ends) == SIGUSR1) {
        stop_accepting(listening, nothing);
        g_thread_unref(g_thread_new("leave", leave_slowly, NULL));
        sigdelset(&ends, SIGUSR1);
        await_signal(&ends);
    }
    stop_accepting(listening, nothing);
    if (!milter_connection_drain(DRAIN_SECONDS))
        log_warn("milter: messages did not end in time, the MTA keeps them");
    return EX_OK;
}
