/* Checks envelope and message without the network. Called by evidence.c. */
#include "rules/message_checks.h"

#include <string.h>

#include "rules/header_heuristics.h"
#include "rules/findings.h"
#include "rules/hits.h"

/* The standard test string for spam filters. */
#define GTUBE "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

static void helo(GPtrArray *hits, const char *name)
{
    if (*name == '[')
        hits_find(hits, FINDING_HELO_LITERAL);
    else if (!strchr(name, '.'))
        hits_find(hits, FINDING_HELO_NO_DOT);
    else if (strspn(name, "0123456789.") == strlen(name))
        hits_find(hits, FINDING_HELO_BARE_ADDRESS);
}

void message_checks_envelope(GPtrArray *hits, const struct envelope *e)
{
    /* Without XFORWARD the peer is our own MTA, whose missing name says nothing about the sender. */
    if (e->client_addr && !e->client_name)
        hits_find(hits, FINDING_CLIENT_NO_NAME);
    if (e->client_helo)
        helo(hits, e->client_helo);
    if (e->sender && !*e->sender)
        hits_find(hits, FINDING_SENDER_NULL);
}

void message_checks_message(GPtrArray *hits, const struct message *m, bool bare)
{
    if (bare)
        hits_find(hits, FINDING_BARE_NEWLINE);
    if (!m->tree)
        hits_find(hits, FINDING_MIME_UNREADABLE);
    if (!message_header(m, "Date"))
        hits_find(hits, FINDING_NO_DATE);
    if (!message_header(m, "Message-ID"))
        hits_find(hits, FINDING_NO_MESSAGE_ID);
    header_heuristics_message(hits, m);
    if (memmem(m->body, m->body_len, GTUBE, strlen(GTUBE)))
        hits_find(hits, FINDING_GTUBE);
}
