#include "base/network.h"

#include <gio/gio.h>
#include <string.h>

static bool matches(GInetAddress *address, const char *network)
{
    GInetAddressMask *mask = g_inet_address_mask_new_from_string(network, NULL);
    bool yes = mask && g_inet_address_mask_matches(mask, address);
    g_clear_object(&mask);
    return yes;
}

bool network_contains(char *const *networks, const char *address)
{
    const bool mapped = g_ascii_strncasecmp(address, "::ffff:", 7) == 0 && strchr(address, '.');
    GInetAddress *peer = g_inet_address_new_from_string(mapped ? address + 7 : address);
    bool found = false;
    for (size_t i = 0; peer && !found && networks && networks[i]; i++)
        found = matches(peer, networks[i]);
    g_clear_object(&peer);
    return found;
}
