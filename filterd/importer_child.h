/* importer_child: the daemon's importer (see filterd/importer/importer_process.h), as the master sees it. */
#ifndef FILTERD_IMPORTER_CHILD_H
#define FILTERD_IMPORTER_CHILD_H

#include "filterd/children.h"

/* Starts the process if the settings name a key column, its line is open and it does not run. */
void importer_child_start(struct children *c);
/* Tells it to end: after a reload another follows with the new settings, and the texts that wait. */
void importer_child_dismiss(struct children *c);

#endif
