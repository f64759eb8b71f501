/* dnsbl: DNS lists of addresses and domains (RFC 5782), scored by a table (rules/dnsbl.conf). */
#ifndef RULES_DNSBL_H
#define RULES_DNSBL_H

#include <glib.h>

#include "base/dns/resolver.h"
#include "rules/dnsbl_list.h"

struct dnsbl; /* the table, and which zones sleep */

/* NULL with one line, "FILE:LINE: ...". */
struct dnsbl *dnsbl_load(const char *file, char **error_r);
/* Before the resolver that its checks asked. */
void dnsbl_free(struct dnsbl **d);

/* Puts all lists to the test; answers come out of resolver_pump. */
void dnsbl_probe(struct dnsbl *d, struct resolver *r);
/* Calls fn for every list; why is NULL or one line. */
void dnsbl_each(const struct dnsbl *d,
                void (*fn)(const char *name, enum dnsbl_state state, const char *why, void *arg),
                void *arg);

/* The lookups of one message. Hits are added as answers come. */
struct dnsbl_check;
/* All of a list's hits together weigh as much as its strongest alone; the others only tell. */
struct dnsbl_check *dnsbl_check_new(struct dnsbl *d, struct resolver *r, GPtrArray *hits);
/* Forgets what is outstanding. */
void dnsbl_check_free(struct dnsbl_check **c);
/* An address (text, v4, v6 or v4-mapped) to all address lists; nothing for private ones. */
void dnsbl_check_address(struct dnsbl_check *c, const char *address);
/* Lists that were asked. */
guint dnsbl_check_asked(const struct dnsbl_check *c);
/* A host name: its registered domain (libpsl) to all domain lists that want this subject; each
 * domain once, never an address, at most 20 URIs a message. */
void dnsbl_check_domain(struct dnsbl_check *c, enum dnsbl_subject subject, const char *host);
/* "zen.spamhaus.org=127.0.0.2,..." for the log; "" if nothing is listed; "-" if none was asked. */
char *dnsbl_check_summary(const struct dnsbl_check *c);

#endif
