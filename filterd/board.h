/* board: what the master sees of its workers, in shared memory. */
#ifndef FILTERD_BOARD_H
#define FILTERD_BOARD_H

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
#define BOARD_SPARE 2

struct slot {
    pid_t pid; /* the master's */
    _Atomic int state;
    _Atomic int64_t since; /* monotonic microseconds of the last change */
    _Atomic int64_t held;  /* bytes of the message its worker has */
};

struct board {
    int size;
    _Atomic int64_t sealed_left; /* sealed messages without a signature that somebody moved */
    struct slot slots[];
};

/* Shared with all children forked later. */
struct board *board_new(int size);
/* A slot that becomes free holds nothing any more, however its worker ended. */
void board_set(struct slot *slot, enum slot_state state);
/* From now on this slot's worker holds so many bytes of a message. False, and it holds what it held,
 * if all together would hold more than limit; of that an eighth is kept for messages of at most
 * BOARD_SMALL_BYTES, so that a few large and slow ones stop no ordinary mail. Fewer bytes than
 * before are never refused; 0 lets go. */
#define BOARD_SMALL_BYTES (64 * 1024)
bool board_hold(struct board *b, struct slot *slot, size_t bytes, size_t limit);
int board_count(const struct board *b, enum slot_state state);
/* The slot that has been in this state longest; NULL if none is. */
struct slot *board_longest(struct board *b, enum slot_state state);
/* One more; how many there are now. */
int64_t board_note_sealed(struct board *b);
struct slot *board_of_pid(struct board *b, pid_t pid);

#endif
