/* dnsbl_address: addresses as lists are asked for them. */
#ifndef RULES_DNSBL_ADDRESS_H
#define RULES_DNSBL_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

struct dnsbl_address {
    bool six;
    guint8 bytes[16];
};

/* Text, v4 or v6, also "[...]", "IPv6:..." and v4-mapped, which is v4. False if it is none. */
bool dnsbl_address_parse(struct dnsbl_address *a, const char *text);
/* Nobody's on the Internet: private, loopback, link-local, multicast, reserved. */
bool dnsbl_address_is_private(const struct dnsbl_address *a);
/* "2.0.0.127", or the 32 nibbles, least first; g_free. */
char *dnsbl_address_reversed(const struct dnsbl_address *a);

#endif
