#include "rules/sender.h"

#include <string.h>

#include "base/address.h"

const char *sender_domain(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at + 1 : "";
}

char *sender_from(const struct message *m)
{
    const struct header *h = message_header(m, "From");
    char *text = h ? header_text(h) : NULL;
    const char *open = text ? strrchr(text, '<') : NULL, *close = open ? strchr(open, '>') : NULL;
    char *bare = close ? g_strndup(open + 1, (gsize)(close - open - 1))
                       : g_strstrip(g_strdup(text ? text : ""));
    char *address = address_canonical(bare);
    if (text)
        explicit_bzero(text, strlen(text));
    g_free(text);
    g_free(bare);
    return address ? address : g_strdup("");
}

char *sender_proved(const struct evidence *ev, const struct message *m)
{
    const char *domain = evidence_proved_domain(ev);
    char *from = domain ? sender_from(m) : NULL;
    if (from && g_ascii_strcasecmp(sender_domain(from), domain) != 0)
        g_clear_pointer(&from, g_free);
    return from;
}
