#include "filterd/milter_front.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/guard.h"
#include "filterd/milter_connection.h"

#define BACKLOG 256
/* Below the master's own patience. */
#define DRAIN_SECONDS 30
/* After a reload the front before may just be closing its socket. */
#define TRIES 30
#define TRY_US 100000

/* In libmilter's words. */
static char *place_of(const struct endpoint *at)
{
    if (at->path)
        return g_strdup_printf("unix:%s", at->path);
    return g_strdup_printf("%s:%s@%s", strchr(at->host, ':') ? "inet6" : "inet", at->port,
                           at->host);
}

static bool open_socket(void)
{
    for (int i = 0; i < TRIES; i++) {
        errno = 0;
        if (smfi_opensocket(true) == MI_SUCCESS)
            return true;
        if (errno != EADDRINUSE)
            return false;
        g_usleep(TRY_US);
    }
    return false;
}

/* The socket's folder is what restricts it, as for other listeners. */
static bool listen_at(const struct settings *s, const struct listener *l)
{
    char *place = place_of(&l->at);
    const mode_t before = umask(0111);
    bool ok = smfi_register(milter_connection_filter(s, l)) == MI_SUCCESS &&
              smfi_setconn(place) == MI_SUCCESS && smfi_setbacklog(BACKLOG) == MI_SUCCESS &&
              open_socket();
    umask(before);
    if (!ok)
        log_warn("cannot listen on %s: %s", place, g_strerror(errno));
    g_free(place);
    return ok;
}

static void set_signals(void)
{
    sigset_t none;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* libmilter waits for those that end it */
}

int milter_front_run(const struct settings *s, const struct listener *l, int ready_fd)
{
    set_signals();
    if (!listen_at(s, l))
        return EX_UNAVAILABLE;
    if (!guard_close(s, SANDBOX_FRONT))
        return EX_CONFIG;
    if (write(ready_fd, "", 1) != 1)
        return EX_TEMPFAIL;
    close(ready_fd);
    if (smfi_main() != MI_SUCCESS)
        return EX_TEMPFAIL;
    if (!milter_connection_drain(DRAIN_SECONDS))
        log_warn("milter: messages did not end in time, the MTA keeps them");
    return EX_OK;
}
