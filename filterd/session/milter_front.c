/* The main function of a milter process. Called by filterd/milter_processes.c after fork. */
#include "filterd/session/milter_front.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/log.h"
#include "base/socket_rights.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "filterd/session/milter_connection.h"

#define BACKLOG 256
/* Shorter than the master waits for its children. */
#define DRAIN_SECONDS 30
/* After a reload the milter process before this one may still be closing the socket: try again. */
#define TRIES 30
#define TRY_US 100000
#define FDS 256

/* The address in libmilter's notation. */
static char *place_of(const struct endpoint *at)
{
    if (at->path)
        return g_strdup_printf("unix:%s", at->path);
    return g_strdup_printf("%s:%s@%s", strchr(at->host, ':') ? "inet6" : "inet", at->port,
                           at->host);
}

static int open_socket(void *unused)
{
    (void)unused;
    for (int i = 0; i < TRIES; i++) {
        errno = 0;
        if (smfi_opensocket(true) == MI_SUCCESS)
            return 0;
        if (errno != EADDRINUSE)
            return -1;
        g_usleep(TRY_US);
    }
    return -1;
}

static bool listen_at(const struct settings *s, const struct listener *l)
{
    g_autofree char *place = place_of(&l->at);
    g_autofree char *error = NULL;
    gid_t gid;
    bool ok = socket_rights_gid(&l->rights, &gid, &error) &&
              smfi_register(milter_connection_filter(s, l)) == MI_SUCCESS && smfi_setconn(place) == MI_SUCCESS &&
              smfi_setbacklog(BACKLOG) == MI_SUCCESS && socket_rights_bind(&l->rights, open_socket, NULL) == 0 &&
              (!l->at.path || socket_rights_give(l->at.path, gid));
    if (!ok)
        log_warn("cannot listen on %s: %s", place, error ? error : g_strerror(errno));
    return ok;
}

/* The descriptor that listens, among all of this process: libmilter does not tell it. */
static int listening_fd(void)
{
    int listens;
    for (int fd = 3; fd < FDS; fd++) {
        socklen_t len = sizeof listens;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && listens)
            return fd;
    }
    return -1;
}

/* Waits for SIGTERM here, because libmilter would stop its connections in the middle of a message. Linux gives
 * the signal to the first thread if that waits for it, and this one always does: libmilter never sees it. */
static void await_end(const sigset_t *ends)
{
    int sig;
    while (sigwait(ends, &sig) != 0)
        ;
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
    sigprocmask(SIG_SETMASK, ends, NULL);
}

int milter_front_run(const struct settings *s, const struct listener *l, int ready_fd)
{
    sigset_t ends;
    set_signals(&ends);
    if (!listen_at(s, l))
        return EX_UNAVAILABLE;
    const int listening = listening_fd();
    if (!sandbox_policy_close(s, SANDBOX_MILTER))
        return EX_CONFIG;
    if (write(ready_fd, "", 1) != 1)
        return EX_TEMPFAIL;
    close(ready_fd);
    g_thread_unref(g_thread_new("milter", serve, NULL));
    await_end(&ends);
    shutdown(listening, SHUT_RDWR); /* frees the address for the next milter process */
    if (!milter_connection_drain(DRAIN_SECONDS))
        log_warn("milter: messages did not end in time, the MTA keeps them");
    return EX_OK;
}
