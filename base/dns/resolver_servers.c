/* Reads resolv.conf through the C library. Called by resolver.c. */
#include "base/dns/resolver_servers.h"

#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

static void add_server(GArray *servers, const void *at, size_t len)
{
    struct resolver_server s = {.len = (socklen_t)len};
    if (servers->len == RESOLVER_SERVERS_MAX)
        return;
    memcpy(&s.at, at, len);
    g_array_append_val(servers, s);
}

/* glibc keeps IPv6 servers in a list of their own; their entries in nsaddr_list have no family. */
static void add_system(GArray *servers)
{
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0)
        return;
    for (int i = 0; i < state.nscount; i++) {
        const struct sockaddr_in6 *six = state._u._ext.nsaddrs[i];
        if (state.nsaddr_list[i].sin_family == AF_INET)
            add_server(servers, &state.nsaddr_list[i], sizeof state.nsaddr_list[i]);
        else if (six && six->sin6_family == AF_INET6)
            add_server(servers, six, sizeof *six);
    }
    res_nclose(&state);
}

static void add_number(GArray *servers, const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_DGRAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port ? port : "53", &hints, &found))
        return;
    add_server(servers, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
}

GArray *resolver_servers(const char *host, const char *port)
{
    GArray *servers = g_array_new(FALSE, FALSE, sizeof(struct resolver_server));
    if (host)
        add_number(servers, host, port);
    else
        add_system(servers);
    if (!servers->len && !host)
        add_number(servers, "127.0.0.1", "53");
    if (servers->len)
        return servers;
    g_array_unref(servers);
    return NULL;
}
