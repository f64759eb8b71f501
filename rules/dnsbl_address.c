/* Parses and reverses IP addresses. Called by dnsbl.c and dnsbl_life.c. */
#include "rules/dnsbl_address.h"

#include <arpa/inet.h>
#include <string.h>

struct range {
    guint8 bytes[16];
    int bits;
};

/* Special-purpose networks (RFC 6890, RFC 5735), without those for documentation: only tests send from them. */
static const struct range four[] = {
    {{0}, 8},           {{10}, 8},          {{100, 64}, 10}, {{127}, 8},  {{169, 254}, 16},
    {{172, 16}, 12},    {{192, 168}, 16},   {{224}, 4},      {{240}, 4},
};
static const struct range six[] = {
    {{0}, 8}, {{0xfc}, 7}, {{0xfe, 0x80}, 10}, {{0xfe, 0xc0}, 10}, {{0xff}, 8},
};

bool dnsbl_address_parse(struct dnsbl_address *a, const char *text)
{
    static const guint8 mapped[12] = {[10] = 0xff, [11] = 0xff};
    g_autofree char *bare = g_strdup(*text == '[' ? text + 1 : text);
    if (*text == '[' && g_str_has_suffix(bare, "]"))
        bare[strlen(bare) - 1] = 0;
    const char *p = g_ascii_strncasecmp(bare, "IPv6:", 5) == 0 ? bare + 5 : bare;
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, p, a->bytes) == 1)
        return true;
    a->six = inet_pton(AF_INET6, p, a->bytes) == 1;
    if (!a->six)
        return false;
    if (memcmp(a->bytes, mapped, sizeof mapped) == 0) {
        memmove(a->bytes, a->bytes + 12, 4);
        memset(a->bytes + 4, 0, 12);
        a->six = false;
    }
    return true;
}

static bool in_range(const guint8 *bytes, const struct range *r)
{
    const int whole = r->bits / 8, rest = r->bits % 8;
    const guint8 mask = (guint8)(0xff << (8 - rest));
    return memcmp(bytes, r->bytes, (size_t)whole) == 0 &&
           (rest == 0 || (bytes[whole] & mask) == (r->bytes[whole] & mask));
}

bool dnsbl_address_is_private(const struct dnsbl_address *a)
{
    const struct range *ranges = a->six ? six : four;
    const size_t n = a->six ? G_N_ELEMENTS(six) : G_N_ELEMENTS(four);
    for (size_t i = 0; i < n; i++)
        if (in_range(a->bytes, &ranges[i]))
            return true;
    return false;
}

char *dnsbl_address_reversed(const struct dnsbl_address *a)
{
    GString *out = g_string_new(NULL);
    for (int i = a->six ? 15 : 3; i >= 0; i--) {
        const guint8 b = a->bytes[i];
        if (a->six)
            g_string_append_printf(out, "%s%x.%x", out->len ? "." : "", b & 15u, (unsigned)b >> 4);
        else
            g_string_append_printf(out, "%s%u", out->len ? "." : "", b);
    }
    return g_string_free(out, FALSE);
}
