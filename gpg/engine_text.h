/* engine_text: what is encrypted, and how long that may take. */
#ifndef GPG_ENGINE_TEXT_H
#define GPG_ENGINE_TEXT_H

#include <glib.h>
#include <stdbool.h>

/* What no gpg takes that will ever end. */
#define ENGINE_SECONDS 120

struct engine_text { /* two stretches, one after the other; lent */
    const void *part[2];
    size_t len[2];
    bool hidden; /* the result does not name the keys it is for */
    gint64 deadline; /* monotonic microseconds: a gpg that has not ended by then is killed; 0: none
                        but ENGINE_SECONDS */
};

#endif
