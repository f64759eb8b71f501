/* Which parts a mail client shows as text. Called by message_tree.c, which decodes them, and reading.c. */
#include "base/mail/message_part.h"

#include <glib.h>
#include <string.h>

static bool ends_like(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && g_ascii_strcasecmp(name + n - m, end) == 0;
}

bool message_part_is_html(const struct message_part *part)
{
    static const char *const names[] = {".htm", ".html", ".shtml", ".xhtml", ".svg"};
    if (strcmp(part->type, "text/html") == 0 || g_str_has_suffix(part->type, "+xml"))
        return true;
    for (size_t i = 0; part->name && i < G_N_ELEMENTS(names); i++)
        if (ends_like(part->name, names[i]))
            return true;
    return false;
}

bool message_part_is_text(const struct message_part *part)
{
    return g_str_has_prefix(part->type, "text/") || message_part_is_html(part) ||
           (part->name && ends_like(part->name, ".txt"));
}

bool message_part_may_be_text(const struct message_part *part)
{
    static const char *const binary[] = {"image/", "audio/", "video/", "font/", "application/p"};
    if (message_part_is_text(part))
        return true;
    if (part->name || part->attachment)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(binary); i++)
        if (g_str_has_prefix(part->type, binary[i]))
            return false;
    return true;
}
