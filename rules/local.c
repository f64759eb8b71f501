#include "rules/local.h"

#include <string.h>

#include "rules/form.h"
#include "rules/hits.h"

/* The agreed string by which one tries out a filter without spam. */
#define GTUBE "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
#define GTUBE_WEIGHT 1000.0

static void helo(GPtrArray *hits, const char *name)
{
    if (*name == '[')
        hits_add(hits, "helo-literal", 0.4, "the client greets with an address");
    else if (!strchr(name, '.'))
        hits_add(hits, "helo-no-dot", 0.4, "the client greets with half a name");
    else if (strspn(name, "0123456789.") == strlen(name))
        hits_add(hits, "helo-bare-address", 0.8, "the client greets with a bare address");
}

void local_envelope(GPtrArray *hits, const struct envelope *e)
{
    /* Without XFORWARD the peer is our own MTA, and says nothing about the sender. */
    if (e->client_addr && !e->client_name)
        hits_add(hits, "client-no-name", 0.5, "the client's address has no name");
    if (e->client_helo)
        helo(hits, e->client_helo);
    if (e->sender && !*e->sender)
        hits_add(hits, "sender-null", 0, "it comes without a sender, as bounces do");
}

void local_message(GPtrArray *hits, const struct message *m, bool bare)
{
    if (bare)
        hits_add(hits, "bare-newline", 0.3, "it held line ends that are none");
    if (!m->tree)
        hits_add(hits, "mime-unreadable", 0.3, "its structure cannot be read");
    if (!message_header(m, "Date"))
        hits_add(hits, "no-date", 0.5, "it has no Date");
    if (!message_header(m, "Message-ID"))
        hits_add(hits, "no-message-id", 0.3, "it has no Message-ID");
    form_message(hits, m);
    if (memmem(m->body, m->body_len, GTUBE, strlen(GTUBE)))
        hits_add(hits, "gtube", GTUBE_WEIGHT, "it holds the test string for spam filters");
}
