/* fuzz_context: a worker's context without users, keys, keeper or next hop, for targets that speak with
 * clients. */
#ifndef T_FUZZ_FUZZ_CONTEXT_H
#define T_FUZZ_FUZZ_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/sitekey.h"
#include "filterd/pipeline/context.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings settings;
static struct listener listener;
static char *no_list[] = {NULL};

/* The caller sets what else it wants, before and after. */
static inline struct context *fuzz_context(enum protocol protocol)
{
    static const struct sitekey key;
    settings.hostname = (char *)"mx.example.org";
    settings.state_dir = (char *)"/nonexistent";
    settings.header_prefix = (char *)"X-Filterd";
    settings.recipient_delimiter = (char *)"+";
    settings.control.path = (char *)"/nonexistent/control.sock";
    settings.domains = settings.trusted_networks = no_list;
    settings.limits = limits_default;
    listener = (struct listener){.name = (char *)"fuzz", .protocol = protocol};
    listener.next_hop = (struct next_hop_address){HOP_LMTP, {.path = (char *)"/nonexistent/hop"}};
    settings.listeners = &listener;
    settings.listener_count = 1;
    log_to_fd(1023); /* closed: nothing is logged */
    return context_new(&settings, &key, CONTEXT_ALONE);
}

#endif
