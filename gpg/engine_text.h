/* engine_text: the text to encrypt, and the time limit for it. */
#ifndef GPG_ENGINE_TEXT_H
#define GPG_ENGINE_TEXT_H

#include <glib.h>

#include "gpg/preload/lifetime.h"

#define ENGINE_SECONDS LIFETIME_SECONDS

struct engine_text { /* two pieces, encrypted one after the other; lent */
    const void *part[2];
    size_t len[2];
    gint64 deadline; /* monotonic microseconds; gpg is killed if it has not ended by then. 0: only
                      * ENGINE_SECONDS applies */
};

#endif
