/* dnsbl_address: converts IP addresses to the names that DNS lists are queried with. */
#ifndef RULES_DNSBL_ADDRESS_H
#define RULES_DNSBL_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

struct dnsbl_address {
    bool six;
    guint8 bytes[16];
};

/* Parses IPv4 or IPv6, also in "[...]", with "IPv6:" in front, or v4-mapped (which becomes IPv4). False if text
 * is no address. */
bool dnsbl_address_parse(struct dnsbl_address *a, const char *text);
/* True if nobody on the Internet has it: private, loopback, link-local, multicast, reserved. */
bool dnsbl_address_is_private(const struct dnsbl_address *a);
/* "2.0.0.127" (RFC 5782 section 2.1), or the 32 nibbles, lowest first (section 2.4); g_free. */
char *dnsbl_address_reversed(const struct dnsbl_address *a);

#endif
