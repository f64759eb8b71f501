/* scoreboard: what the master sees of its workers, in shared memory. */
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
    SLOT_BUSY,    /* in a message */
    SLOT_RESTING, /* holds a connection, between messages */
    SLOT_WAITING, /* in a transaction, for its next command */
    SLOT_LEAVING  /* told to end: counts for nothing */
};

/* So many idle workers there should be, so that a connection waits for no fork. */
#define SCOREBOARD_SPARE 2

struct slot {
    pid_t pid; /* the master's */
    _Atomic int state;
    _Atomic int64_t since; /* monotonic microseconds of the last change */
    _Atomic int64_t held;  /* bytes of the message its worker has */
};

struct scoreboard {
    int size;
    _Atomic int64_t sealed_left; /* sealed messages without a signature that somebody moved */
    struct slot slots[];
};

/* Shared with all children forked later. */
struct scoreboard *scoreboard_new(int size);
/* A slot that becomes free holds nothing any more, however its worker ended. */
void scoreboard_set(struct slot *slot, enum slot_state state);
/* From now on this slot's worker holds so many bytes of a message. False, and it holds what it held,
 * if all together would hold more than limit; of that an eighth is kept for messages of at most
 * SCOREBOARD_SMALL_BYTES, so that a few large and slow ones stop no ordinary mail. Fewer bytes than
 * before are never refused; 0 lets go. */
#define SCOREBOARD_SMALL_BYTES (64 * 1024)
bool scoreboard_hold(struct scoreboard *b, struct slot *slot, size_t bytes, size_t limit);
int scoreboard_count(const struct scoreboard *b, enum slot_state state);
/* The slot that has been in this state longest; NULL if none is. */
struct slot *scoreboard_longest(struct scoreboard *b, enum slot_state state);
/* One more; how many there are now. */
int64_t scoreboard_note_sealed(struct scoreboard *b);
struct slot *scoreboard_of_pid(struct scoreboard *b, pid_t pid);

#endif
