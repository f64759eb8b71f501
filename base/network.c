/* CIDR matching. Called for trusted_networks (sockets, policy sessions, greylisting), by the rules, and by
 * delivered_origins.c. */
#include "base/network.h"

#include <arpa/inet.h>
#include <glib.h>
#include <string.h>

struct address {
    unsigned char bytes[16];
    unsigned bits; /* 32 or 128; 0: the text is no address */
};

static struct address address_of(const char *text, size_t len)
{
    char copy[INET6_ADDRSTRLEN];
    struct address a = {.bits = 0};
    if (len >= sizeof copy)
        return a;
    memcpy(copy, text, len);
    copy[len] = 0;
    if (inet_pton(AF_INET, copy, a.bytes) == 1)
        a.bits = 32;
    else if (inet_pton(AF_INET6, copy, a.bytes) == 1)
        a.bits = 128;
    return a;
}

static bool matches(const struct address *a, const char *network)
{
    const size_t len = strcspn(network, "/");
    const struct address n = address_of(network, len);
    guint64 bits = n.bits;
    if (network[len] && !g_ascii_string_to_unsigned(network + len + 1, 10, 0, n.bits, &bits, NULL))
        return false;
    if (!a->bits || a->bits != n.bits || memcmp(a->bytes, n.bytes, bits / 8))
        return false;
    const unsigned char rest = (unsigned char)(0xff00 >> bits % 8);
    return bits % 8 == 0 || !((a->bytes[bits / 8] ^ n.bytes[bits / 8]) & rest);
}

/* "::ffff:192.0.2.1" is 192.0.2.1. */
static struct address client_of(const char *text)
{
    const bool mapped = g_ascii_strncasecmp(text, "::ffff:", 7) == 0 && strchr(text, '.');
    if (mapped)
        text += 7;
    return address_of(text, strlen(text));
}

bool network_contains(char *const *networks, const char *address)
{
    const struct address a = client_of(address);
    for (; networks && *networks; networks++)
        if (matches(&a, *networks))
            return true;
    return false;
}

size_t network_of(const char *address, unsigned char *out)
{
    const struct address a = client_of(address);
    const size_t bytes = a.bits == 32 ? 3 : 8;
    if (!a.bits)
        return 0;
    out[0] = a.bits == 32 ? '4' : '6';
    memcpy(out + 1, a.bytes, bytes);
    return bytes + 1;
}
