/* Sets the signals of the tables' process and of the importer. Called by both at their start, and in their loops. */
#include "base/leaving.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t leave;
static pid_t parent;

static void on_leave(int sig)
{
    if (sig == SIGUSR2 || getppid() != parent)
        leave = 1;
}

void leaving_prepare(pid_t master)
{
    static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE};
    static const int reset[] = {SIGCHLD, SIGALRM, SIGUSR1};
    struct sigaction sa = {.sa_handler = on_leave};
    sigset_t none;
    parent = master;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
        signal(reset[i], SIG_DFL);
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGUSR2, &sa, NULL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

bool leaving_now(void)
{
    return leave || getppid() != parent;
}
