/* filterctl_progress: a bar on the terminal for long work; nothing where stderr is no terminal. */
#ifndef TOOLS_FILTERCTL_PROGRESS_H
#define TOOLS_FILTERCTL_PROGRESS_H

#include <glib.h>
#include <stdbool.h>

struct filterctl_progress {
    guint64 total, done;   /* bytes; total 0: unknown, and no bar is drawn */
    guint messages;        /* read */
    guint learnt, right;   /* learnt, and of these how many the model had right before */
    gint64 began, shown;   /* monotonic time, set by filterctl_progress_begin */
    bool terminal;
};

/* Begins the clock. The caller has set the rest to zero. */
void filterctl_progress_begin(struct filterctl_progress *p, guint64 total);
/* Draws the bar on stderr, at most ten times a second. */
void filterctl_progress_show(struct filterctl_progress *p);
/* Clears the bar. */
void filterctl_progress_end(const struct filterctl_progress *p);
/* "[#####.....]  50%  1200 messages  3400/s  97.1% right"; g_free. */
char *filterctl_progress_line(const struct filterctl_progress *p, double seconds);
/* Seconds since filterctl_progress_begin. */
double filterctl_progress_seconds(const struct filterctl_progress *p);

#endif
