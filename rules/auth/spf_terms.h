/* spf_terms: does the lookups for the terms of SPF records and limits their number (RFC 7208 sections 4.6.4,
 * 5.2 to 5.7, 6.1). */
#ifndef RULES_AUTH_SPF_TERMS_H
#define RULES_AUTH_SPF_TERMS_H

#include <glib.h>
#include <stdbool.h>

#include "rules/auth/spf_lookup.h"
#include "rules/auth/spf_record.h"
#include "rules/auth/spf_result.h"

#define SPF_TERMS_TXT_MAX 2048
#define SPF_TERMS_MAX 10 /* terms with lookups, in all records of a check together (section 4.6.4) */
#define SPF_TERMS_VOIDS_MAX 2
#define SPF_TERMS_NAMES_MAX 10 /* MX hosts, and names of the client (section 4.6.4) */

/* The client and sender that the check is about. */
struct spf_client {
    bool v6;
    guint8 address[16]; /* IPv4: the first 4 */
    const char *sender, *local, *domain, *helo;
};

/* True if the client is in this network. address has the length of the client's. */
bool spf_client_is_in(const struct spf_client *c, const guint8 *address, int bits);

struct spf_terms;

/* lookup and client are lent. Place 0 stands for the record of the checked domain. */
struct spf_terms *spf_terms_new(struct spf_lookup *lookup, const struct spf_client *client);
void spf_terms_free(struct spf_terms **t);
/* Adds a place for a term that needs a lookup (lent as long as t lives) and returns its number. The places
 * added until spf_terms_end belong to one record: when one of them is needed, those after it are looked up in
 * advance. */
guint spf_terms_add(struct spf_terms *t, const struct spf_term *term, const char *domain);
void spf_terms_end(struct spf_terms *t);
guint spf_terms_count(const struct spf_terms *t);

/* For A and MX: the addresses of the client's family (16 bytes each, IPv4 in the first 4). For EXISTS and PTR:
 * one zero address if it matches. NULL if the check has failed. g_array_unref. */
GArray *spf_terms_addresses(struct spf_terms *t, guint place);
/* The record of an INCLUDE, a REDIRECT or place 0, and its domain (both lent as long as t lives). NULL if the
 * check has failed or place 0 has no record. */
const struct spf_record *spf_terms_record(struct spf_terms *t, guint place, const char **domain_r);

/* False if the check has failed: then code and reason of result are set. */
bool spf_terms_outcome(const struct spf_terms *t, struct spf_result *result);

#endif
