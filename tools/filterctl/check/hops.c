/* filterctl check: whether the host names of next hops can be resolved, in the way workers do it. Called
 * by check.c. */
#include <arpa/inet.h>
#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/dns/resolver_host.h"
#include "base/endpoint.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"

/* As long as a worker waits at most. */
#define WAIT_MS 10000

static bool is_number(const char *host)
{
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static char *text_of(const struct resolver_host_address *a)
{
    char text[INET6_ADDRSTRLEN] = "?";
    const void *address = a->at.ss_family == AF_INET
                              ? (const void *)&((const struct sockaddr_in *)&a->at)->sin_addr
                              : (const void *)&((const struct sockaddr_in6 *)&a->at)->sin6_addr;
    inet_ntop(a->at.ss_family, address, text, sizeof text);
    return g_strdup(text);
}

static void look_up(struct filterctl_check *c, const struct endpoint *at)
{
    const char *why;
    GArray *all = resolver_host(at->host, at->port, WAIT_MS, &why);
    g_autofree char *first = all->len ? text_of(&g_array_index(all, struct resolver_host_address, 0)) : NULL;
    if (first)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "next hop", "%s is %s", at->host, first);
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "next hop",
                             "%s: %s: nothing can be delivered there (/etc/hosts and /etc/resolv.conf are asked)",
                             at->host, why);
    g_array_unref(all);
}

/* Looks up each host name once, whatever the number of next hops on it. */
void filterctl_check_hops(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    GHashTable *seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i <= s->listener_count; i++) {
        const struct endpoint *at = &(i ? &s->listeners[i - 1].next_hop : &s->deliver)->at;
        if (at->host && !is_number(at->host) && g_hash_table_add(seen, at->host))
            look_up(c, at);
    }
    g_hash_table_unref(seen);
}
