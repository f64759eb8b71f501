/* mime_text: a stretch of a message. */
#ifndef GPG_MIME_TEXT_H
#define GPG_MIME_TEXT_H

#include <stddef.h>

struct mime_text { /* lent */
    const char *at;
    size_t len;
};

/* Without blanks and line ends at both sides. */
struct mime_text mime_text_trimmed(const char *at, size_t len);

#endif
