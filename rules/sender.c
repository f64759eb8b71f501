/* Reads the From address. Called by verdict.c, preferences.c and filterctl. */
#include "rules/sender.h"

#include <glib.h>
#include <string.h>

#include "base/address.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "rules/auth/dmarc_from.h"

const char *sender_domain(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at + 1 : "";
}

/* Uses DMARC's own parser: otherwise a comment, a display name or a second From with another address could pass
 * for the proved one. */
char *sender_from(const struct message *m)
{
    char text[DMARC_FROM_ADDRESS] = "";
    guint fields = 0;
    for (size_t i = 0; i < m->header_count; i++)
        if (header_is(&m->headers[i], "From") && ++fields == 1)
            dmarc_from_address(m->headers[i].value, m->headers[i].value_len, text);
    char *address = fields == 1 && *text ? address_canonical(text) : NULL;
    explicit_bzero(text, sizeof text);
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
