#include "rules/evidence.h"

#include <string.h>

struct evidence {
    GPtrArray *facts; /* of static strings; the last is NULL */
};

static void note(struct evidence *ev, const char *fact)
{
    g_ptr_array_insert(ev->facts, (int)ev->facts->len - 1, (gpointer)fact);
}

static void helo_facts(struct evidence *ev, const char *helo)
{
    if (*helo == '[')
        note(ev, "helo-literal");
    else if (!strchr(helo, '.'))
        note(ev, "helo-no-dot");
    else if (strspn(helo, "0123456789.") == strlen(helo))
        note(ev, "helo-bare-address");
}

struct evidence *evidence_start(const struct envelope *e)
{
    struct evidence *ev = g_new0(struct evidence, 1);
    ev->facts = g_ptr_array_new();
    g_ptr_array_add(ev->facts, NULL);
    /* Without XFORWARD the peer is our own MTA, and says nothing about the sender. */
    if (e->client_addr && !e->client_name)
        note(ev, "client-no-name");
    if (e->client_helo)
        helo_facts(ev, e->client_helo);
    if (e->sender && !*e->sender)
        note(ev, "sender-null");
    return ev;
}

void evidence_finish(struct evidence *ev, const struct message *m, bool bare)
{
    if (bare)
        note(ev, "bare-newline");
    if (!m->tree)
        note(ev, "mime-unreadable");
    if (!message_header(m, "Date"))
        note(ev, "no-date");
    if (!message_header(m, "Message-ID"))
        note(ev, "no-message-id");
}

const char *const *evidence_facts(const struct evidence *ev)
{
    return (const char *const *)ev->facts->pdata;
}

void evidence_free(struct evidence **ev)
{
    if (!*ev)
        return;
    g_ptr_array_unref((*ev)->facts);
    g_free(*ev);
    *ev = NULL;
}
