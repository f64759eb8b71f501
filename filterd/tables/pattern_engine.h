/* pattern_engine: what pattern.c needs of a library of regular expressions. */
#ifndef FILTERD_TABLES_PATTERN_ENGINE_H
#define FILTERD_TABLES_PATTERN_ENGINE_H

#include <glib.h>

enum pattern_match { PATTERN_FAILED = 0, PATTERN_MATCHES, PATTERN_DIFFERS };

struct pattern_engine {
    /* flags are the letters behind the pattern, ended by a blank or NUL. NULL with *why_r (g_free). */
    void *(*compile)(const char *pattern, const char *flags, guint *groups_r, char **why_r);
    /* Where group begins and ends in subject, in *begin_r and *end_r; both 0 if it took no part. After a match. */
    void (*group)(const void *code, guint group, gsize *begin_r, gsize *end_r);
    enum pattern_match (*match)(void *code, const char *subject);
    void (*free)(void *code);
};

#endif
