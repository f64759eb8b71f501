/* children_others: what the master does with all its processes of one kind beside workers and keeper. */
#ifndef FILTERD_CHILDREN_OTHERS_H
#define FILTERD_CHILDREN_OTHERS_H

#include <stdbool.h>

#include "filterd/children.h"

/* True if one of the kind runs that was not told to leave. */
bool children_others_run(const struct children *c, enum children_kind kind);
/* Marks all of the kind as leaving: others follow them. */
void children_others_leave(struct children *c, enum children_kind kind);
/* How many of the kind have not ended. */
int children_others_left(const struct children *c, enum children_kind kind);
void children_others_kill(const struct children *c, enum children_kind kind, int sig);

#endif
