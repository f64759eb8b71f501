/* tables_cache: what the tables said lately. */
#ifndef FILTERD_TABLES_TABLES_CACHE_H
#define FILTERD_TABLES_TABLES_CACHE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/users.h"

/* So long an answer is not asked for again: a change in a table is seen after this time at most. */
#define TABLES_CACHE_FRESH_S 10
/* So long, counted from when it was given, an alias or a mailbox is believed while the tables cannot be asked. That
 * an address is unknown is not: it may have been made meanwhile. */
#define TABLES_CACHE_STALE_S 600
/* So many answers are kept of each sort: found, and unknown. A stranger who invents addresses pushes out unknown ones
 * only. */
#define TABLES_CACHE_ANSWERS 50000

struct tables_cache;
struct tables_cache *tables_cache_new(guint answers);
void tables_cache_free(struct tables_cache **c);

/* now_us is a monotonic clock. A packed answer, lent; NULL: none that may be used. stale: the tables cannot be
 * asked. */
const GBytes *tables_cache_get(struct tables_cache *c, const char *question, gint64 now_us, bool stale);
/* Takes the answer over. */
void tables_cache_put(struct tables_cache *c, const char *question, enum users_result result, GBytes *answer,
                      gint64 now_us);

#endif
