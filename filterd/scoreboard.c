/* Workers' states in shared memory. Called by worker.c and children.c. */
#include "filterd/scoreboard.h"

#include <glib.h>
#include <sys/mman.h>

struct scoreboard *scoreboard_new(int size)
{
    size_t bytes = sizeof(struct scoreboard) + (size_t)size * sizeof(struct slot);
    struct scoreboard *b = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (b == MAP_FAILED)
        return NULL;
    b->size = size;
    return b;
}

void scoreboard_set(struct slot *slot, enum slot_state state)
{
    if (state == SLOT_FREE)
        atomic_store(&slot->held, 0);
    atomic_store(&slot->since, g_get_monotonic_time());
    atomic_store(&slot->state, state);
}

/* Adds its own bytes before it sums up, so that two workers that ask at once cannot both get the last room. */
bool scoreboard_hold(struct scoreboard *b, struct slot *slot, size_t bytes, size_t limit)
{
    const int64_t before = atomic_exchange(&slot->held, (int64_t)bytes);
    uint64_t sum = 0;
    if ((int64_t)bytes <= before)
        return true;
    for (int i = 0; i < b->size; i++)
        sum += (uint64_t)atomic_load(&b->slots[i].held);
    if (sum <= (bytes > SCOREBOARD_SMALL_BYTES ? limit - limit / 8 : limit))
        return true;
    atomic_store(&slot->held, before);
    return false;
}

int scoreboard_count(const struct scoreboard *b, enum slot_state state)
{
    int n = 0;
    for (int i = 0; i < b->size; i++)
        n += atomic_load(&b->slots[i].state) == (int)state;
    return n;
}

struct slot *scoreboard_longest(struct scoreboard *b, enum slot_state state)
{
    struct slot *best = NULL;
    for (int i = 0; i < b->size; i++) {
        struct slot *s = &b->slots[i];
        if (atomic_load(&s->state) == (int)state &&
            (!best || atomic_load(&s->since) < atomic_load(&best->since)))
            best = s;
    }
    return best;
}

int64_t scoreboard_note_sealed(struct scoreboard *b)
{
    return atomic_fetch_add(&b->sealed_left, 1) + 1;
}

bool scoreboard_note_refused(struct scoreboard *b)
{
    const int64_t now = g_get_monotonic_time();
    int64_t before = atomic_load(&b->refused_at);
    return (!before || now - before > 60 * G_USEC_PER_SEC) &&
           atomic_compare_exchange_strong(&b->refused_at, &before, now);
}

struct slot *scoreboard_of_pid(struct scoreboard *b, pid_t pid)
{
    for (int i = 0; i < b->size; i++)
        if (atomic_load(&b->slots[i].state) != SLOT_FREE && b->slots[i].pid == pid)
            return &b->slots[i];
    return NULL;
}
