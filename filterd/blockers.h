/* blockers: ends processes that keep the keeper from writing.
 *
 * A worker may lock the databases that it reads, and has to: a reader without a lock could see half of what is
 * written. One that was taken over could hold such a lock for ever. So the keeper names who has held one for long
 * (keeper_process_report_to), and the master ends it. */
#ifndef FILTERD_BLOCKERS_H
#define FILTERD_BLOCKERS_H

#include "filterd/children.h"

/* Ends a worker that the keeper has named. If it is a process that a worker has started, ends all workers and all that
 * they started, as nobody can tell whose it is. Others are left alone. */
void blockers_end(struct children *c);

#endif
