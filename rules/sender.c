/* Reads the From address. Called by verdict.c, preferences.c and filterctl. */
#include "rules/sender.h"

#include <glib.h>
#include <string.h>

#include "base/address.h"
#include "base/mail/message.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/dmarc_from.h"

const char *sender_domain(const char *address)
{
    const char *at = strrchr(address, '@');
    return at ? at + 1 : "";
}

/* True if readers that ask an IMAP server see another domain's address, where others see a name. */
static bool shows_another(const struct dmarc_from *from)
{
    if (!*from->instead || strcmp(from->instead, from->domain) == 0)
        return false;
    g_autofree char *there = dmarc_registered_domain(from->instead);
    g_autofree char *here = dmarc_registered_domain(from->domain);
    const bool same = here && there && strcmp(here, there) == 0;
    return !same;
}

static void add_named(GPtrArray *named, const GPtrArray *addresses)
{
    for (guint i = 0; i < addresses->len; i++) {
        const char *address = addresses->pdata[i];
        char *canonical = address_canonical(address);
        /* A local part that is none hides no domain. */
        g_ptr_array_add(named, canonical ? canonical : g_strconcat("@", sender_domain(address), NULL));
    }
}

/* Uses DMARC's own parser: otherwise a comment, a display name or a second From with another address could pass
 * for the proved one. */
struct sender_from sender_from(const struct message *m, char *const *own)
{
    struct dmarc_from *from = dmarc_from_read(m->headers, m->header_count);
    struct sender_from f = {.address = address_canonical(from->address)};
    f.named = g_ptr_array_new_with_free_func(g_free);
    add_named(f.named, from->addresses);
    add_named(f.named, from->named);
    f.beyond = from->beyond;
    f.one = !from->wrong && !shows_another(from) && !dmarc_from_borrows(from, own);
    if (!f.address)
        f.address = g_strdup("");
    dmarc_from_free(&from);
    return f;
}

void sender_from_clear(struct sender_from *f)
{
    g_clear_pointer(&f->address, g_free);
    g_clear_pointer(&f->named, g_ptr_array_unref);
}

char *sender_proved(const struct evidence *ev, const struct message *m)
{
    const char *domain = evidence_proved_domain(ev);
    if (!domain)
        return NULL;
    struct sender_from from = sender_from(m, NULL);
    char *proved = NULL;
    if (from.one && g_ascii_strcasecmp(sender_domain(from.address), domain) == 0)
        proved = g_steal_pointer(&from.address);
    sender_from_clear(&from);
    return proved;
}
