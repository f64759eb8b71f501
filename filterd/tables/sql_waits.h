/* sql_waits: which process waits for which SQL server, so that no other waits for one that hangs.
 *
 * In memory that the tables' process shares with those it has forked. A process that shares none (filterctl) waits for
 * itself. */
#ifndef FILTERD_TABLES_SQL_WAITS_H
#define FILTERD_TABLES_SQL_WAITS_H

#include <glib.h>
#include <stdbool.h>

#define SQL_WAITS_PROCESSES 4

/* Shares the memory with processes that are forked from now on. */
void sql_waits_share(void);
/* The caller is this one of SQL_WAITS_PROCESSES. */
void sql_waits_be(guint process);
/* That process has ended. */
void sql_waits_clear(guint process);

/* The caller begins to wait for this server, any number but 0, and has its answer. */
void sql_waits_begin(guint server);
void sql_waits_end(void);
/* Whether another process has waited for it for half a second by now. */
bool sql_waits_by_others(guint server);

#endif
