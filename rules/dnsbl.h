/* dnsbl: queries DNS lists of addresses and domains (RFC 5782); a table (rules/dnsbl.conf) gives the weights. */
#ifndef RULES_DNSBL_H
#define RULES_DNSBL_H

#include <glib.h>

#include "base/dns/resolver.h"
#include "rules/dnsbl_list.h"

struct dnsbl; /* the table, and the state of each list */

/* NULL with one line, "FILE:LINE: ...". */
struct dnsbl *dnsbl_load(const char *file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Call before the resolver that its checks use is freed. */
void dnsbl_free(struct dnsbl **d);

/* Tests all lists; the answers arrive through resolver_pump. */
void dnsbl_probe(struct dnsbl *d, struct resolver *r);
/* Calls fn for every list. why: what is wrong with it, one line, or NULL. */
void dnsbl_each(const struct dnsbl *d,
                void (*fn)(const char *name, enum dnsbl_state state, const char *why, void *arg),
                void *arg);

/* The lookups of one message; answers add hits as they arrive. */
struct dnsbl_check;
/* hits is lent. All hits of one list together weigh as much as its strongest; the others have weight 0. */
struct dnsbl_check *dnsbl_check_new(struct dnsbl *d, struct resolver *r, GPtrArray *hits);
/* Drops the outstanding lookups. */
void dnsbl_check_free(struct dnsbl_check **c);
/* Looks an address (text; IPv4, IPv6 or v4-mapped) up in all address lists; does nothing for private addresses. */
void dnsbl_check_address(struct dnsbl_check *c, const char *address);
/* How many lists were queried. */
guint dnsbl_check_asked(const struct dnsbl_check *c);
/* Looks the registered domain (libpsl) of a host name up in all domain lists that take this subject. Each
 * domain is queried once, IP addresses never, and at most 20 URIs per message. */
void dnsbl_check_domain(struct dnsbl_check *c, enum dnsbl_subject subject, const char *host);
/* For the log: "zen.spamhaus.org=127.0.0.2,..."; "" if nothing is listed; "-" if no list was queried. */
char *dnsbl_check_summary(const struct dnsbl_check *c);

#endif
