/* Stretches of a message. Called by encrypted.c and what it stands on. */
#include "gpg/mime_text.h"

#include <glib.h>

struct mime_text mime_text_trimmed(const char *at, size_t len)
{
    while (len && g_ascii_isspace(*at)) {
        at++;
        len--;
    }
    while (len && g_ascii_isspace(at[len - 1]))
        len--;
    return (struct mime_text){at, len};
}
