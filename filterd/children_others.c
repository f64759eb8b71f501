/* Counts, marks and signals processes by their kind. Called by the files that fork them, and by master.c. */
#include "filterd/children_others.h"

static struct children_other *other_at(const struct children *c, guint i)
{
    return &g_array_index(c->others, struct children_other, i);
}

bool children_others_run(const struct children *c, enum children_kind kind)
{
    bool found = false;
    for (guint i = 0; i < c->others->len && !found; i++)
        found = other_at(c, i)->kind == kind && !other_at(c, i)->leaving;
    return found;
}

void children_others_leave(struct children *c, enum children_kind kind)
{
    for (guint i = 0; i < c->others->len; i++)
        if (other_at(c, i)->kind == kind)
            other_at(c, i)->leaving = true;
}

int children_others_left(const struct children *c, enum children_kind kind)
{
    int n = 0;
    for (guint i = 0; i < c->others->len; i++)
        n += other_at(c, i)->kind == kind;
    return n;
}

void children_others_kill(const struct children *c, enum children_kind kind, int sig)
{
    for (guint i = 0; i < c->others->len; i++)
        if (other_at(c, i)->kind == kind)
            kill(other_at(c, i)->pid, sig);
}
