/* users_upgrade: brings users.db to the version of users.h. */
#ifndef BASE_CONFIG_USERS_UPGRADE_H
#define BASE_CONFIG_USERS_UPGRADE_H

#include "base/store.h"

/* The upgrade of a struct store_schema. */
int users_upgrade(sqlite3 *db, int from);

#endif
