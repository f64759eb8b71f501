/* Tells processes that look up which servers let another one wait. Called by lookup_pool.c, and sql.c around each
 * exchange with a server. */
#include "filterd/tables/sql_waits.h"

#include <stdatomic.h>
#include <sys/mman.h>

#define LONG_US (G_USEC_PER_SEC / 2)

struct place {
    _Atomic guint server;  /* 0: it waits for none */
    _Atomic gint64 since;  /* monotonic, the same clock in all processes */
};

static struct place *places; /* NULL: not shared */
static guint own;

void sql_waits_share(void)
{
    void *memory = mmap(NULL, SQL_WAITS_PROCESSES * sizeof *places, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    places = memory == MAP_FAILED ? NULL : memory;
}

void sql_waits_be(guint process)
{
    own = process;
}

void sql_waits_clear(guint process)
{
    if (places)
        places[process].server = 0;
}

void sql_waits_begin(guint server)
{
    if (!places)
        return;
    places[own].since = g_get_monotonic_time();
    places[own].server = server;
}

void sql_waits_end(void)
{
    if (places)
        places[own].server = 0;
}

bool sql_waits_by_others(guint server)
{
    bool waits = false;
    for (guint i = 0; places && i < SQL_WAITS_PROCESSES && !waits; i++)
        waits = i != own && places[i].server == server && g_get_monotonic_time() - places[i].since >= LONG_US;
    return waits;
}
