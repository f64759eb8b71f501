/* filterctl_progress: how far a long work has come: a bar on a terminal, nothing elsewhere. */
#ifndef TOOLS_FILTERCTL_PROGRESS_H
#define TOOLS_FILTERCTL_PROGRESS_H

#include <glib.h>
#include <stdbool.h>

struct filterctl_progress {
    guint64 total, done;   /* bytes; total 0: unknown, there is no bar then */
    guint messages;        /* read */
    guint learnt, right;   /* of them, and how many were on the right side before */
    gint64 began, shown;   /* monotonic time, set by filterctl_progress_begin */
    bool terminal;
};

/* The rest of it is zero. */
void filterctl_progress_begin(struct filterctl_progress *p, guint64 total);
/* Shows it on stderr, at most ten times a second. */
void filterctl_progress_show(struct filterctl_progress *p);
/* Takes the bar away. */
void filterctl_progress_end(const struct filterctl_progress *p);
/* "[#####.....]  50%  1200 messages  3400/s  97.1% right"; g_free. */
char *filterctl_progress_line(const struct filterctl_progress *p, double seconds);
/* Since it began. */
double filterctl_progress_seconds(const struct filterctl_progress *p);

#endif
