/* Counts against a bounded rate. Called by the keeper, for its log and for what workers ask. */
#include "base/rate.h"

static double used_now(const struct rate *r, const struct rate_limit *limit, gint64 now)
{
    const double refilled = (double)MAX(now - r->at, 0) / G_USEC_PER_SEC * limit->a_second;
    return MAX(r->used - refilled, 0);
}

bool rate_take(struct rate *r, const struct rate_limit *limit, double n, gint64 now)
{
    const double used = used_now(r, limit, now);
    r->at = now;
    r->used = used;
    if (used + n > limit->at_once) {
        r->over++;
        return false;
    }
    r->used += n;
    return true;
}

bool rate_is_fresh(const struct rate *r, const struct rate_limit *limit, gint64 now)
{
    return used_now(r, limit, now) <= 0;
}
