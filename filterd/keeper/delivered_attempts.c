/* The attempts at messages that have not ended. Called by delivered.c. */
#include "filterd/keeper/delivered_attempts.h"

#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A worker ends a message that takes longer (pipeline.c). */
#define LONGEST_SECONDS 400

struct attempt {
    unsigned char name[DELIVERED_ATTEMPT_BYTES];
    int connection; /* -1: taken over, or the request came over none */
    int pid, pidfd; /* of the process it was taken over from; -1: not taken over */
    long until;     /* if taken over: when it is open no longer */
};

struct delivered_attempts {
    GArray *all; /* of struct attempt; few: one for each worker */
    void (*fail)(const unsigned char *attempt, void *arg);
    void *arg;
};

struct delivered_attempts *delivered_attempts_new(void (*fail)(const unsigned char *attempt, void *arg), void *arg)
{
    struct delivered_attempts *a = g_new0(struct delivered_attempts, 1);
    a->all = g_array_new(FALSE, FALSE, sizeof(struct attempt));
    a->fail = fail;
    a->arg = arg;
    return a;
}

static struct attempt *at(const struct delivered_attempts *a, guint i)
{
    return &g_array_index(a->all, struct attempt, i);
}

static void drop(struct delivered_attempts *a, guint i, bool failed)
{
    const struct attempt gone = *at(a, i);
    if (gone.pidfd >= 0)
        close(gone.pidfd);
    g_array_remove_index_fast(a->all, i);
    if (failed)
        a->fail(gone.name, a->arg);
}

void delivered_attempts_free(struct delivered_attempts **a)
{
    if (!*a)
        return;
    while ((*a)->all->len)
        drop(*a, 0, false);
    g_array_unref((*a)->all);
    g_clear_pointer(a, g_free);
}

bool delivered_attempts_begin(struct delivered_attempts *a, const unsigned char *attempt, int connection)
{
    struct attempt fresh = {.connection = connection, .pid = -1, .pidfd = -1};
    const int peer = delivered_attempts_peer(connection);
    bool was_open = false;
    for (guint i = a->all->len; i-- > 0;) {
        const bool same = memcmp(at(a, i)->name, attempt, DELIVERED_ATTEMPT_BYTES) == 0;
        if (same && at(a, i)->pidfd < 0 && at(a, i)->connection == connection)
            was_open = true;
        else if (same || (connection >= 0 && at(a, i)->connection == connection) ||
                 (peer > 0 && at(a, i)->pid == peer))
            drop(a, i, !same);
    }
    if (was_open)
        return false;
    memcpy(fresh.name, attempt, DELIVERED_ATTEMPT_BYTES);
    g_array_append_val(a->all, fresh);
    return true;
}

void delivered_attempts_end(struct delivered_attempts *a, const unsigned char *attempt)
{
    for (guint i = a->all->len; i-- > 0;)
        if (memcmp(at(a, i)->name, attempt, DELIVERED_ATTEMPT_BYTES) == 0)
            drop(a, i, false);
}

void delivered_attempts_hang_up(struct delivered_attempts *a, int connection)
{
    for (guint i = a->all->len; i-- > 0;)
        if (at(a, i)->connection == connection)
            drop(a, i, true);
}

void delivered_attempts_take_over(struct delivered_attempts *a, const unsigned char *attempt, int pid, long now)
{
    struct attempt left = {.connection = -1, .pid = pid, .until = now + LONGEST_SECONDS};
    left.pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (left.pidfd < 0)
        left.until = now;
    memcpy(left.name, attempt, DELIVERED_ATTEMPT_BYTES);
    g_array_append_val(a->all, left);
}

/* A pidfd becomes readable when its process ends. */
static bool is_over(const struct attempt *t, long now)
{
    struct pollfd p = {t->pidfd, POLLIN, 0};
    return now >= t->until || poll(&p, 1, 0) != 0;
}

void delivered_attempts_look(struct delivered_attempts *a, long now)
{
    for (guint i = a->all->len; i-- > 0;)
        if (at(a, i)->until && is_over(at(a, i), now))
            drop(a, i, true);
}

int delivered_attempts_peer(int connection)
{
    struct ucred peer = {0};
    socklen_t len = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &len) || peer.pid <= 0)
        return -1;
    return peer.pid;
}
