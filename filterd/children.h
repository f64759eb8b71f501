/* children: how the master forks, counts and ends its workers and its keeper; lists its other processes. */
#ifndef FILTERD_CHILDREN_H
#define FILTERD_CHILDREN_H

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/sitekey.h"
#include "filterd/scoreboard.h"

/* A process beside workers and keeper; the file that forks it also ends it. */
enum children_kind { CHILDREN_MILTER, CHILDREN_SPF, CHILDREN_TABLES, CHILDREN_IMPORTER };
struct children_other {
    pid_t pid;
    enum children_kind kind;
    const char *what; /* its name in the log if it ends abnormally; static text */
    bool leaving;
    size_t listener; /* a milter process's: index of its listener; meaningless when leaving */
    int life;        /* an SPF process's: a pipe that is closed when the process ends */
    gint64 started;  /* monotonic microseconds */
};

/* The socket of a milter listener. The master opens and keeps it, so that no client is refused while one milter
 * process follows another. */
struct children_milter_socket {
    char *at; /* its address: "unix:PATH", "inet:HOST:PORT" */
    int fd;
};

struct children {
    struct settings *settings;
    struct state state; /* closed once it is lost: then no keeper runs, and all mail waits */
    gint64 state_again; /* monotonic microseconds: do not look for a lost one earlier */
    struct sitekey key;
    struct scoreboard *scoreboard;
    int *listen_fds; /* one per listener of settings; -1: of protocol=milter, or not open */
    bool *missed;    /* one per listener: the failure to open it was logged */
    GArray *made;    /* the files of the unix sockets that the master made, see listening.c; NULL: none yet */
    bool taken;      /* somebody else holds the address of a listener */
    gint64 patience; /* monotonic microseconds: until then a predecessor may still hold addresses */
    gint64 listen_again; /* monotonic microseconds: do not try again earlier */
    const volatile sig_atomic_t *stop; /* set when the daemon has to stop: wait for nothing */
    GArray *milter_sockets; /* of struct children_milter_socket */
    int control_fd, keeper_fd, learn_fd, milter_fd; /* keeper_fd: where workers ask the keeper */
    int spf_door[2];       /* see rules/auth/spf_door.h; -1: SPF is off */
    gint64 spf_not_before; /* like not_before, for SPF processes */
    bool spf_shut;         /* an SPF process found the door shut, though the master has not shut it */
    int tables_fd;            /* where workers ask the tables' process; -1: [users] names no tables */
    int tables_keeper[2];     /* the line between keeper and tables' process, its end last; -1: none */
    gint64 tables_not_before; /* like not_before, for the tables' process */
    int importer[2]; /* the line between the importer, its end first, and the tables' process; -1: no key column */
    gint64 importer_not_before;
    int null_fd; /* /dev/null, to read */
    int log_pipe[2], wake_pipe[2];
    pid_t keeper;
    int blocked_fd; /* where the keeper says who blocks it, see keeper_process_report_to; -1: no keeper runs */
    gint64 strays_until; /* monotonic microseconds: see blockers.c */
    GArray *others; /* of struct children_other; an entry goes when its process ends */
    GArray *folders; /* of struct sandbox_policy_folder: where the master's sandbox lets it write; NULL: not yet closed */
    gint64 not_before; /* monotonic microseconds: no fork earlier, after a child died early */
};

/* Makes the pipes and the scoreboard. Orphans of children become our children. */
bool children_init(struct children *c);
/* For a process that is no worker. Returns 0 in the child, which is then set up (log, name, signals) and has
 * left the scoreboard. */
pid_t children_fork(struct children *c, const char *name);
/* Waits for the byte by which a child says that it is ready; false: none came in time. */
bool children_await(int fd, int timeout_ms);
/* For a child that needs no listening socket. */
void children_close_listeners(const struct children *c);
/* For a child that is not the keeper. */
void children_close_keeper(const struct children *c);
/* For a child that is neither the tables' process nor the importer. asks: it is the keeper, and keeps its end of the
 * former's line. */
void children_close_tables(const struct children *c, bool asks);
/* For a child that is no SPF process. asks: it looks SPF up and keeps the outer end of the door. */
void children_close_spf(struct children *c, bool asks);
/* Starts the keeper and waits until its databases are recovered, or it fails. */
void children_start_keeper(struct children *c);
/* Forks and ends workers so that a few are idle, within the settings' maximum. If all are busy and a connection
 * waits, ends the session that has been idle longest. */
void children_balance(struct children *c);
/* Tells all workers to end when their client has nothing more to say: others replace them. */
void children_dismiss_workers(struct children *c);
/* Removes ended processes from the lists. */
void children_reap(struct children *c);
/* Empties the pipe by which workers wake the master. */
void children_note_wakes(const struct children *c);
/* Writes what the children logged to the master's log. */
void children_relay_log(struct children *c);
int children_workers_left(const struct children *c);
void children_kill(struct children *c, int sig);

#endif
