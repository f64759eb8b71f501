/* tables_child: the daemon's tables process (see filterd/tables/tables_process.h), as the master sees it. */
#ifndef FILTERD_TABLES_CHILD_H
#define FILTERD_TABLES_CHILD_H

#include "filterd/children.h"

/* Starts the process if the settings name tables, its socket is open and it does not run. */
void tables_child_start(struct children *c);
/* Tells it to end: after a reload another follows with the new settings, and the questions that wait. */
void tables_child_dismiss(struct children *c);

#endif
