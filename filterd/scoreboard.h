/* scoreboard: the state of each worker, in memory that workers and master share; and, in the master's own memory,
 * which worker has which slot. */
#ifndef FILTERD_SCOREBOARD_H
#define FILTERD_SCOREBOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum slot_state {
    SLOT_FREE = 0,
    SLOT_IDLE,    /* waits for a connection */
    SLOT_BUSY,    /* handles a message */
    SLOT_RESTING, /* has a connection, between messages */
    SLOT_WAITING, /* in a transaction, waits for the next command */
    SLOT_LEAVING  /* told to end; not counted */
};

/* The master keeps this many idle workers, so that a connection does not wait for a fork. */
#define SCOREBOARD_SPARE 2

/* Any worker can write any of this, also what is not true: the master bounds no loop by it and takes no pid from
 * it. */
struct slot {
    _Atomic int state;
    _Atomic int64_t since; /* monotonic microseconds: when state changed */
    _Atomic int64_t held;  /* bytes of the message that the worker holds */
    _Atomic int learns;    /* 1: a learn session is under way */
};

struct scoreboard {
    int size;
    pid_t *pids; /* the master's: one per slot, 0 if it is free. A worker has a copy from the time of its fork. */
    struct scoreboard_shared {
        _Atomic int64_t sealed_left; /* sealed messages without a signature (of learning) that users moved */
        _Atomic int64_t refused_at; /* monotonic microseconds: when a refusal was logged last; 0: never */
        struct slot slots[];
    } *shared;
};

/* The slots are shared with all children forked after this, all else is each process's own. */
struct scoreboard *scoreboard_new(int size);
void scoreboard_free(struct scoreboard **b);
/* For a child that is no worker: it can no longer reach the shared memory. */
void scoreboard_leave(struct scoreboard *b);
/* Returns the index of a slot without a worker and makes it SLOT_IDLE; -1: there is none. The master sets pids. */
int scoreboard_take(struct scoreboard *b);
/* The worker of this slot has ended, or was never started. */
void scoreboard_vacate(struct scoreboard *b, int index);
/* SLOT_FREE also sets held to 0, however the worker ended. */
void scoreboard_set(struct slot *slot, enum slot_state state);
/* From now on this slot's worker holds so many bytes of a message. False, and nothing changes, if all workers
 * together would hold more than limit; an eighth of it is reserved for messages of at most
 * SCOREBOARD_SMALL_BYTES, so that a few large and slow ones do not stop ordinary mail. Holding less than before
 * is never refused; 0 releases all. */
#define SCOREBOARD_SMALL_BYTES (64 * 1024)
bool scoreboard_hold(struct scoreboard *b, struct slot *slot, size_t bytes, size_t limit);
/* From now on this slot's worker serves a learn session, or none. */
void scoreboard_learns(struct slot *slot, bool learns);
/* True if no more learn sessions shall begin: those under way hold their share of so many workers, a quarter. Whoever
 * keeps such sessions waiting must not hold up the mail. */
bool scoreboard_learns_enough(const struct scoreboard *b, int workers);
/* For the master: slots without a worker show that, whatever another has written there. */
void scoreboard_tidy(struct scoreboard *b);
/* For an idle worker: its own slot shows that, whatever another has written there. */
void scoreboard_idle_still(struct slot *slot);
/* How many slots show this state: for workers, who do not know which slots have one. */
int scoreboard_shown(const struct scoreboard *b, enum slot_state state);
/* The same of the slots that have a worker: for the master. */
int scoreboard_count(const struct scoreboard *b, enum slot_state state);
/* How many slots have a worker. */
int scoreboard_workers(const struct scoreboard *b);
/* The worker that has been in this state longest, if for more than us microseconds; else 0. */
pid_t scoreboard_longest(const struct scoreboard *b, enum slot_state state, int64_t us);
/* Counts one more sealed message that could not be learnt; returns how many there are now. */
int64_t scoreboard_note_sealed(struct scoreboard *b);
/* True at most once a minute, for all workers together: the caller may log that it turned a peer away. */
bool scoreboard_note_refused(struct scoreboard *b);
/* The index of this worker's slot; -1: it has none. */
int scoreboard_of_pid(const struct scoreboard *b, pid_t pid);

#endif
