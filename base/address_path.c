/* Reads addresses in commands of SMTP and LMTP. Called by session_envelope.c. */
#include "base/address_path.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/address_form.h"

#define ADDRESS_BYTES 320

static bool ends(const char *p)
{
    return *p == '>' && (!p[1] || p[1] == ' ');
}

/* The end of an address that begins at p: the '>' outside of quotes, or the command's. A backslash takes the next
 * character's meaning away, also outside of quotes: the MTA behind us reads it so, and both must find the same end.
 * *clean_r: it has no control characters, and no blank or '<' outside of quotes. */
static const char *end_of(const char *p, bool *clean_r)
{
    *clean_r = true;
    for (bool quoted = false; *p && (quoted || *p != '>'); p++) {
        if (g_ascii_iscntrl(*p) || (!quoted && (*p == ' ' || *p == '<')))
            *clean_r = false;
        if (*p == '"')
            quoted = !quoted;
        else if (*p == '\\' && p[1] && !g_ascii_iscntrl(p[1]))
            p++;
    }
    return p;
}

char *address_path_read(const char *text, const char **rest_r)
{
    bool clean;
    if (*text != '<')
        return NULL;
    const char *end = end_of(text + 1, &clean);
    if (!clean || !ends(end) || end - text - 1 > ADDRESS_BYTES)
        return NULL;
    *rest_r = end + 1 + strspn(end + 1, " ");
    g_autofree char *address = g_strndup(text + 1, (gsize)(end - text - 1));
    return g_utf8_validate(address, -1, NULL) ? g_steal_pointer(&address) : NULL;
}

char *address_path_read_any(const char *text, const char **rest_r)
{
    bool clean;
    if (*text != '<')
        return NULL;
    const char *end = end_of(text + 1, &clean);
    /* A quote that nobody closed is no quote. */
    if (!ends(end))
        for (end = text + 1; *end && !ends(end); end++)
            ;
    if (!*end)
        return NULL;
    *rest_r = end + 1 + strspn(end + 1, " ");
    g_autofree char *address = g_strndup(text + 1, (gsize)(end - text - 1));
    return *address ? address_form_certain(address) : g_steal_pointer(&address);
}
