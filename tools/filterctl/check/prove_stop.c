/* Notes Ctrl-C, so that "check --prove" can remove its message before it ends. Called by prove.c and
 * prove_send.c. */
#include <glib.h>
#include <signal.h>
#include <stdbool.h>

#include "tools/filterctl/check/prove.h"

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile int got;

static void on_signal(int sig)
{
    got = sig;
}

/* SA_RESETHAND: a second signal ends the process at once. SA_RESTART: system calls go on, and loops ask
 * filterctl_prove_stop_wanted. */
void filterctl_prove_stop_begin(void)
{
    struct sigaction sa = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        sigaction(signals[i], &sa, NULL);
}

const volatile int *filterctl_prove_stop_flag(void)
{
    return &got;
}

bool filterctl_prove_stop_wanted(void)
{
    return got != 0;
}

void filterctl_prove_stop_end(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
        signal(signals[i], SIG_DFL);
    if (got)
        raise(got);
}
