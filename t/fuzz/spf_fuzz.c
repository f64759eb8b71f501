/* The input's lines are the sender, the HELO name and then the TXT records, one for each name that SPF
 * asks for. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/dns/dns_answer.h"
#include "base/dns/resolver.h"
#include "rules/auth/spf_lookup.h"
#include "rules/auth/spf_result.h"
#include "t/unit/spf_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 16

static struct {
    char *text;
    size_t len;
} lines[LINES_MAX];
static unsigned line_count;

/* Every name has a record, an address (some the client's), some MX and PTR. */
static void make_world(const char *name)
{
    static struct world_record zone[20];
    static char hosts[12][32];
    unsigned n = world_asked, at = 0;
    memset(zone, 0, sizeof zone);
    if (line_count > 2) {
        unsigned i = 2 + n % (line_count - 2);
        zone[at++] = (struct world_record){name, DNS_TXT, lines[i].text, lines[i].len};
    }
    if (n % 3)
        zone[at++] = (struct world_record){name, DNS_A, n % 4 ? "198.51.100.7" : "192.0.2.1", 0};
    if (n % 5)
        zone[at++] = (struct world_record){name, DNS_AAAA, n % 4 ? "2001:db8::7" : "2001:db8::1", 0};
    for (unsigned i = 0; i < n % G_N_ELEMENTS(hosts); i++) {
        snprintf(hosts[i], sizeof hosts[i], "h%u-%u.example", n, i);
        zone[at++] = (struct world_record){name, n % 2 ? DNS_MX : DNS_PTR, hosts[i], 0};
    }
    zone[at].name = "";
    world = zone;
}

static void split(const uint8_t *data, size_t size)
{
    line_count = 0;
    while (size && line_count < LINES_MAX) {
        const uint8_t *end = memchr(data, '\n', size);
        size_t len = end ? (size_t)(end - data) : size;
        lines[line_count].len = len;
        lines[line_count++].text = g_strndup((const char *)data, len);
        len += end != NULL;
        data += len;
        size -= len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const clients[] = {"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"};
    struct resolver *r = resolver_new(NULL, NULL);
    world_made = make_world;
    world_asked = 0;
    world_order = size / 3 % (WORLD_OLDEST + 1);
    split(data, size);
    if (line_count >= 2) {
        struct spf_question q = {clients[size % G_N_ELEMENTS(clients)], lines[1].text,
                                 lines[0].text};
        struct spf_result result = world_check(r, &q);
        for (const char *p = result.reason; *p; p++)
            if (*p < 0x20 || *p > 0x7e)
                abort();
        if (world_runs > 2 * SPF_LOOKUP_RUNS + 4)
            abort();
        /* The client's names are eleven more questions, and so are those of each MX. */
        if (world_asked > 1 + 11 + 11 * 12)
            abort();
    }
    for (unsigned i = 0; i < line_count; i++)
        g_free(lines[i].text);
    resolver_free(&r);
    return 0;
}
