/* tables_client: asks the operator's tables for one process: the daemon's tables process, or, where no daemon runs,
 * the tables themselves. */
#ifndef FILTERD_TABLES_TABLES_CLIENT_H
#define FILTERD_TABLES_TABLES_CLIENT_H

#include "base/config/settings.h"
#include "base/config/users_tables.h"
#include "base/endpoint.h"
#include "filterd/tables/user_tables.h"

struct tables_client;

/* Where the daemon's tables process listens, beside the control socket; g_free its path. */
struct endpoint tables_client_at(const struct endpoint *control);

/* Three ways to ask. settings are lent. */
struct tables_client *tables_client_new(const struct settings *s);            /* the daemon's process */
struct tables_client *tables_client_new_on(const struct settings *s, int fd); /* the same, by this line (lent) */
struct tables_client *tables_client_new_alone(const struct settings *s);      /* here, without a daemon */
void tables_client_free(struct tables_client **c);
/* Where it asks the tables here: calls fn for each look-up from now on. */
void tables_client_trace(struct tables_client *c, void (*fn)(const struct user_tables_step *step, void *arg), void *arg);
/* For users_use_tables; lent. */
const struct users_tables *tables_client_users(const struct tables_client *c);

#endif
