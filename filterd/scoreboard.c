/* Workers' states in shared memory. Called by worker.c and, where nothing in that memory is believed, by
 * children.c. */
#include "filterd/scoreboard.h"

#include <glib.h>
#include <sys/mman.h>

/* One in so many workers. */
#define LEARNERS_SHARE 4

static size_t shared_bytes(int size)
{
    return sizeof(struct scoreboard_shared) + (size_t)size * sizeof(struct slot);
}

struct scoreboard *scoreboard_new(int size)
{
    void *shared = mmap(NULL, shared_bytes(size), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return NULL;
    struct scoreboard *b = g_new0(struct scoreboard, 1);
    b->size = size;
    b->pids = g_new0(pid_t, (gsize)size);
    b->shared = shared;
    return b;
}

void scoreboard_leave(struct scoreboard *b)
{
    if (b->shared)
        munmap(b->shared, shared_bytes(b->size));
    b->shared = NULL;
}

void scoreboard_free(struct scoreboard **b)
{
    scoreboard_leave(*b);
    g_free((*b)->pids);
    g_clear_pointer(b, g_free);
}

int scoreboard_take(struct scoreboard *b)
{
    for (int i = 0; i < b->size; i++)
        if (b->pids[i] == 0) {
            scoreboard_set(&b->shared->slots[i], SLOT_IDLE);
            return i;
        }
    return -1;
}

void scoreboard_vacate(struct scoreboard *b, int index)
{
    b->pids[index] = 0;
    scoreboard_set(&b->shared->slots[index], SLOT_FREE);
}

void scoreboard_set(struct slot *slot, enum slot_state state)
{
    if (state == SLOT_FREE) {
        atomic_store(&slot->held, 0);
        atomic_store(&slot->learns, 0);
    }
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
        sum += (uint64_t)atomic_load(&b->shared->slots[i].held);
    if (sum <= (bytes > SCOREBOARD_SMALL_BYTES ? limit - limit / 8 : limit))
        return true;
    atomic_store(&slot->held, before);
    return false;
}

void scoreboard_learns(struct slot *slot, bool learns)
{
    atomic_store(&slot->learns, learns);
}

bool scoreboard_learns_enough(const struct scoreboard *b, int workers)
{
    int n = 0;
    for (int i = 0; i < b->size; i++)
        n += atomic_load(&b->shared->slots[i].learns) != 0;
    return n >= MAX(workers / LEARNERS_SHARE, 1);
}

void scoreboard_tidy(struct scoreboard *b)
{
    for (int i = 0; i < b->size; i++)
        if (b->pids[i] == 0 && (atomic_load(&b->shared->slots[i].state) != SLOT_FREE ||
                                atomic_load(&b->shared->slots[i].held) != 0 ||
                                atomic_load(&b->shared->slots[i].learns) != 0))
            scoreboard_set(&b->shared->slots[i], SLOT_FREE);
}

void scoreboard_idle_still(struct slot *slot)
{
    atomic_store(&slot->held, 0);
    atomic_store(&slot->learns, 0);
    if (atomic_load(&slot->state) != SLOT_IDLE)
        scoreboard_set(slot, SLOT_IDLE);
}

static bool shows(const struct scoreboard *b, int i, enum slot_state state)
{
    return atomic_load(&b->shared->slots[i].state) == (int)state;
}

int scoreboard_shown(const struct scoreboard *b, enum slot_state state)
{
    int n = 0;
    for (int i = 0; i < b->size; i++)
        n += shows(b, i, state);
    return n;
}

int scoreboard_count(const struct scoreboard *b, enum slot_state state)
{
    int n = 0;
    for (int i = 0; i < b->size; i++)
        n += b->pids[i] > 0 && shows(b, i, state);
    return n;
}

int scoreboard_workers(const struct scoreboard *b)
{
    int n = 0;
    for (int i = 0; i < b->size; i++)
        n += b->pids[i] > 0;
    return n;
}

pid_t scoreboard_longest(const struct scoreboard *b, enum slot_state state, int64_t us)
{
    int64_t since = g_get_monotonic_time() - us;
    pid_t best = 0;
    for (int i = 0; i < b->size; i++) {
        const int64_t one = atomic_load(&b->shared->slots[i].since);
        if (b->pids[i] <= 0 || !shows(b, i, state) || one >= since)
            continue;
        since = one;
        best = b->pids[i];
    }
    return best;
}

int64_t scoreboard_note_sealed(struct scoreboard *b)
{
    return atomic_fetch_add(&b->shared->sealed_left, 1) + 1;
}

bool scoreboard_note_refused(struct scoreboard *b)
{
    const int64_t now = g_get_monotonic_time();
    int64_t before = atomic_load(&b->shared->refused_at);
    return (!before || now - before > 60 * G_USEC_PER_SEC) &&
           atomic_compare_exchange_strong(&b->shared->refused_at, &before, now);
}

int scoreboard_of_pid(const struct scoreboard *b, pid_t pid)
{
    for (int i = 0; i < b->size; i++)
        if (pid > 0 && b->pids[i] == pid)
            return i;
    return -1;
}
