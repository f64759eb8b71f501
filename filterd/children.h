/* children: how the master starts, counts and ends its workers and its keeper, and knows of others. */
#ifndef FILTERD_CHILDREN_H
#define FILTERD_CHILDREN_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/config/settings.h"
#include "base/sitekey.h"
#include "filterd/board.h"

/* A process beside the workers and the keeper, kept by whoever starts it. */
enum children_kind { CHILDREN_FRONT, CHILDREN_SPF };
struct children_other {
    pid_t pid;
    enum children_kind kind;
    const char *what; /* in the log, when it ended badly; static text */
    bool leaving;
    size_t listener; /* a front's, index; without meaning when it leaves */
    int life;        /* an SPF process's: a pipe that ends with it */
    gint64 started;  /* monotonic microseconds */
};

struct children {
    struct settings *settings;
    struct sitekey key;
    struct board *board;
    int *listen_fds; /* one per listener of settings; -1: a milter's, or it could not be had */
    bool *missed;    /* one per listener: that it could not be had was logged */
    gint64 patience; /* monotonic microseconds: a predecessor may hold addresses until then */
    gint64 listen_again; /* not tried earlier */
    const volatile sig_atomic_t *stop; /* set: nothing is waited for */
    int control_fd, tutor_fd, milter_fd;
    int spf_door[2];       /* see rules/auth/spf_door.h; -1 where SPF is off */
    gint64 spf_not_before; /* as not_before, of the SPF processes */
    bool spf_shut;         /* one of them found the door shut, which the master has not done */
    int log_pipe[2], wake_pipe[2];
    pid_t keeper;
    GArray *others; /* of struct children_other; who has ended is in it no more */
    gint64 not_before; /* monotonic microseconds: no new child earlier, after one died young */
};

/* Makes the pipes and the board. */
bool children_init(struct children *c);
/* 0 in the child, which then is set up as one of ours. */
pid_t children_fork(struct children *c, const char *name);
/* A byte from a child that is ready; false without one in time. */
bool children_await(int fd, int timeout_ms);
/* For a child that listens to none of them. */
void children_close_listeners(const struct children *c);
/* For a child that is no SPF process. The outer end of the door stays with those who ask. */
void children_close_spf(struct children *c, bool asks);
/* Starts the keeper and waits until its databases are recovered, or it gives up. */
void children_start_keeper(struct children *c);
/* Forks and ends workers so that a few are idle, within the settings' maximum; where all are taken
 * and somebody waits, the session that rests longest is ended. */
void children_balance(struct children *c);
/* Tells all workers to finish what they are at. */
void children_dismiss_workers(struct children *c);
/* Takes note of those who ended. */
void children_reap(struct children *c);
/* Passes on what they logged. */
void children_relay_log(struct children *c);
int children_workers_left(const struct children *c);
void children_kill(struct children *c, int sig);

#endif
