/* next_hop_played: the next hop, played; the functions of filterd/delivery/next_hop.h in the place of the library's. A
 * part of pipeline_played.h, which includes it. */
#ifndef T_UNIT_NEXT_HOP_PLAYED_H
#define T_UNIT_NEXT_HOP_PLAYED_H

#include <glib.h>
#include <string.h>

#include "base/endpoint.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"

struct played_copy {
    char *recipient, *users; /* users by blanks */
    char *text;
};
static GPtrArray *played_copies;      /* of struct played_copy*, as they came */
static bool played_mta;               /* the next hop is one */
static bool played_mailbox;           /* the next hop has the mailboxes */
static const char *played_refuses;    /* whom it says 550 to; "*" all */
static const char *played_hangs_up;   /* on whom */

static inline void played_copy_free(gpointer p)
{
    struct played_copy *c = p;
    g_free(c->recipient);
    g_free(c->users);
    g_free(c->text);
    g_free(c);
}

/* A test needs none of its own. */
struct next_hop {
    char nothing;
};

struct next_hop *next_hop_new(struct next_hop_pool *pool, const struct next_hop_address *to)
{
    (void)pool;
    (void)to;
    return g_new0(struct next_hop, 1);
}

struct next_hop *next_hop_new_taker(const struct next_hop_taker *taker)
{
    (void)taker;
    return g_new0(struct next_hop, 1);
}

void next_hop_free(struct next_hop **h)
{
    g_clear_pointer(h, g_free);
}

void next_hop_let_go(struct next_hop_pool *pool, int idle_ms)
{
    (void)pool;
    (void)idle_ms;
}

void next_hop_let_go_idle(struct next_hop_pool *pool)
{
    (void)pool;
}

bool next_hop_is_mta(const struct next_hop *h)
{
    (void)h;
    return played_mta;
}

bool next_hop_is_mailbox(const struct next_hop *h)
{
    (void)h;
    return played_mailbox;
}

void next_hop_set_deadline(struct next_hop *h, int ms)
{
    (void)h;
    (void)ms;
}

struct outcome next_hop_ask(struct next_hop *h, const struct envelope *e, const struct recipient *r, int ms)
{
    (void)h;
    (void)e;
    (void)r;
    (void)ms;
    return outcome_of(REASON_OK);
}

void next_hop_reset(struct next_hop *h)
{
    (void)h;
}

static inline bool played_is(const char *whom, const char *address)
{
    return whom && (*whom == '*' || strcmp(whom, address) == 0);
}

struct outcome next_hop_deliver(struct next_hop *h, const struct envelope *e, const struct recipient *r,
                           const GPtrArray *users, const struct sealed *sealed)
{
    (void)h;
    (void)e;
    if (played_is(played_hangs_up, r->address))
        return outcome_of(REASON_NEXT_HOP_DOWN);
    if (played_is(played_refuses, r->address))
        return outcome_from_reply(550, "5.1.1 not here");
    struct played_copy *c = g_new0(struct played_copy, 1);
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < users->len; i++)
        g_string_append_printf(all, "%s%s", i ? " " : "", (const char *)users->pdata[i]);
    c->recipient = g_strdup(r->address);
    c->users = g_string_free(all, FALSE);
    c->text = g_strndup((const char *)sealed_bytes(sealed)->data, sealed_bytes(sealed)->len);
    g_ptr_array_add(played_copies, c);
    return outcome_of(REASON_OK);
}

#endif
