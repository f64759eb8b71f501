/* rate: a bounded rate: so many at once, then so many a second. For log lines and requests that somebody could
 * repeat without end. */
#ifndef BASE_RATE_H
#define BASE_RATE_H

#include <glib.h>
#include <stdbool.h>

struct rate_limit {
    double at_once, a_second;
};

/* Zeroed: nothing was taken yet. */
struct rate {
    double used;    /* of at_once */
    gint64 at;      /* monotonic microseconds: when used was true */
    guint64 over;   /* how many were refused since the last one that was not */
};

/* Takes n. False, and counts one more over, if that would be beyond the limit; then nothing is taken.
 * now: g_get_monotonic_time. */
bool rate_take(struct rate *r, const struct rate_limit *limit, double n, gint64 now);
/* True if nothing of it is in use, so that a fresh one is the same. */
bool rate_is_fresh(const struct rate *r, const struct rate_limit *limit, gint64 now);

#endif
