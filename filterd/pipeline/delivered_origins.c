/* Digests of where a message came from. Called by transaction_delivered.c. */
#include "filterd/pipeline/delivered_origins.h"

#include <glib.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/mail/envelope.h"
#include "base/mail/header.h"
#include "base/mail/received_field.h"
#include "base/network.h"
#include "base/sitekey.h"
#include "rules/auth/spf_result.h"
#include "rules/evidence.h"
#include "rules/sender.h"

/* Adds the digest of kind and value, unless it is there. */
static void add(struct delivered_origins *o, const struct delivered_digest_key *key, const char *kind,
                const void *value, size_t len)
{
    unsigned char whole[32];
    const struct sitekey_piece pieces[] = {{kind, strlen(kind)}, {value, len}};
    sitekey_digest(key->bytes, pieces, G_N_ELEMENTS(pieces), whole);
    for (size_t i = 0; i < o->count; i++)
        if (memcmp(o->digests[i], whole, DELIVERED_ORIGIN_BYTES) == 0)
            return;
    memcpy(o->digests[o->count++], whole, DELIVERED_ORIGIN_BYTES);
}

static void add_domain(struct delivered_origins *o, const struct delivered_digest_key *key, const char *domain)
{
    g_autofree char *lower = g_ascii_strdown(domain, -1);
    add(o, key, "domain", lower, strlen(lower));
}

static void add_if_proved(struct delivered_origins *o, const struct delivered_digest_key *key,
                          const struct evidence *ev, const char *domain)
{
    if (*domain && evidence_proves(ev, domain))
        add_domain(o, key, domain);
}

/* The id in the topmost Received field, if the MTA that speaks to us wrote it; g_free. */
static char *id_on_top(const struct message *m, const struct envelope *e, const char *hostname)
{
    const char *const hosts[] = {hostname, e->helo, NULL};
    const struct header *top = message_header(m, "Received");
    return top ? received_field_id(top, hosts) : NULL;
}

static void add_queue_file(struct delivered_origins *o, const struct delivered_digest_key *key,
                           const struct envelope *e, const char *top_id)
{
    g_autofree char *host = g_ascii_strdown(e->helo ? e->helo : "", -1);
    g_autofree char *file = g_strdup_printf("%s\n%s\n%s", host, e->queue_id ? e->queue_id : "",
                                            top_id ? top_id : "");
    if (!e->queue_id && !top_id)
        return;
    add(o, key, "queue", file, strlen(file));
    o->queue = true;
    o->sure = o->count;
}

static void add_client(struct delivered_origins *o, const struct delivered_digest_key *key,
                       const struct received *a, const struct message *m)
{
    unsigned char network[NETWORK_BYTES];
    const struct envelope *e = a->envelope;
    const size_t len = e->client_addr ? network_of(e->client_addr, network) : 0;
    const struct spf_result *spf = evidence_spf(a->evidence);
    struct sender_from from = sender_from(m, NULL);
    if (len)
        add(o, key, "network", network, len);
    if (spf->code == SPF_CODE_PASS && *spf->domain)
        add_domain(o, key, spf->domain);
    o->sure = o->count;
    add_if_proved(o, key, a->evidence, sender_domain(e->sender ? e->sender : ""));
    add_if_proved(o, key, a->evidence, sender_domain(from.address));
    sender_from_clear(&from);
}

struct delivered_origins delivered_origins_of(const struct delivered_digest_key *key, const struct received *a,
                                              const struct message *m, const char *hostname)
{
    struct delivered_origins o = {.count = 0};
    const struct envelope *e = a->envelope;
    const bool before_queue = e->listener && e->listener->protocol == PROTO_SMTP && !e->queue_id;
    if (before_queue) {
        add_client(&o, key, a, m);
    } else {
        g_autofree char *top_id = id_on_top(m, e, hostname);
        add_queue_file(&o, key, e, top_id);
    }
    return o;
}
