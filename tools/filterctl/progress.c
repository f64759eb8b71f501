/* The progress bar of long commands. Called by train.c. */
#include "tools/filterctl/progress.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 30, SHOW_EVERY_US = 100 * 1000 };

void filterctl_progress_begin(struct filterctl_progress *p, guint64 total)
{
    *p = (struct filterctl_progress){.total = total,
                                     .began = g_get_monotonic_time(),
                                     .terminal = isatty(STDERR_FILENO)};
}

double filterctl_progress_seconds(const struct filterctl_progress *p)
{
    return (double)(g_get_monotonic_time() - p->began) / G_USEC_PER_SEC;
}

char *filterctl_progress_line(const struct filterctl_progress *p, double seconds)
{
    GString *line = g_string_new(NULL);
    if (p->total > 0) {
        const double part = MIN((double)p->done / (double)p->total, 1.0);
        g_string_append_c(line, '[');
        for (int i = 0; i < BAR; i++)
            g_string_append_c(line, i < (int)(part * BAR) ? '#' : '.');
        g_string_append_printf(line, "] %3d%%  ", (int)(part * 100));
    }
    g_string_append_printf(line, "%u messages", p->messages);
    if (seconds > 0)
        g_string_append_printf(line, "  %.0f/s", p->messages / seconds);
    if (p->learnt > 0)
        g_string_append_printf(line, "  %.1f%% right", 100.0 * p->right / p->learnt);
    return g_string_free(line, FALSE);
}

void filterctl_progress_show(struct filterctl_progress *p)
{
    const gint64 now = g_get_monotonic_time();
    if (!p->terminal || now - p->shown < SHOW_EVERY_US)
        return;
    g_autofree char *line = filterctl_progress_line(p, filterctl_progress_seconds(p));
    fprintf(stderr, "\r%s\033[K", line);
    p->shown = now;
}

void filterctl_progress_end(const struct filterctl_progress *p)
{
    if (p->terminal && p->shown > 0)
        fputs("\r\033[K", stderr);
}
