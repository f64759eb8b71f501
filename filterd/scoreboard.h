/* scoreboard: the state of each worker, in memory that workers and master share. */
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

struct slot {
    pid_t pid; /* written by the master only */
    _Atomic int state;
    _Atomic int64_t since; /* monotonic microseconds: when state changed */
    _Atomic int64_t held;  /* bytes of the message that the worker holds */
};

struct scoreboard {
    int size;
    _Atomic int64_t sealed_left; /* sealed messages without a signature (of learning) that users moved */
    _Atomic int64_t refused_at; /* monotonic microseconds: when a refusal was logged last; 0: never */
    struct slot slots[];
};

/* Shared with all children forked after this. */
struct scoreboard *scoreboard_new(int size);
/* SLOT_FREE also sets held to 0, however the worker ended. */
void scoreboard_set(struct slot *slot, enum slot_state state);
/* From now on this slot's worker holds so many bytes of a message. False, and nothing changes, if all workers
 * together would hold more than limit; an eighth of it is reserved for messages of at most
 * SCOREBOARD_SMALL_BYTES, so that a few large and slow ones do not stop ordinary mail. Holding less than before
 * is never refused; 0 releases all. */
#define SCOREBOARD_SMALL_BYTES (64 * 1024)
bool scoreboard_hold(struct scoreboard *b, struct slot *slot, size_t bytes, size_t limit);
int scoreboard_count(const struct scoreboard *b, enum slot_state state);
/* The slot that has been in this state longest; NULL: none is. */
struct slot *scoreboard_longest(struct scoreboard *b, enum slot_state state);
/* Counts one more sealed message that could not be learnt; returns how many there are now. */
int64_t scoreboard_note_sealed(struct scoreboard *b);
/* True at most once a minute, for all workers together: the caller may log that it turned a peer away. */
bool scoreboard_note_refused(struct scoreboard *b);
struct slot *scoreboard_of_pid(struct scoreboard *b, pid_t pid);

#endif
