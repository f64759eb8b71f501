/* spf_terms: what the terms of SPF records look up, and how often they may (RFC 7208, sections
 * 4.6.4, 5.2 to 5.7, 6.1). */
#ifndef RULES_AUTH_SPF_TERMS_H
#define RULES_AUTH_SPF_TERMS_H

#include <glib.h>
#include <stdbool.h>

#include "rules/auth/spf_lookup.h"
#include "rules/auth/spf_record.h"
#include "rules/auth/spf_result.h"

#define SPF_TERMS_TXT_MAX 2048
#define SPF_TERMS_MAX 10 /* that look something up, in all records of a check together */
#define SPF_TERMS_VOIDS_MAX 2
#define SPF_TERMS_NAMES_MAX 10 /* of an MX, and of the client */

/* Who is asked about. */
struct spf_client {
    bool v6;
    guint8 address[16]; /* IPv4: the first 4 */
    const char *sender, *local, *domain, *helo;
};

/* address is as long as the client's. */
bool spf_client_is_in(const struct spf_client *c, const guint8 *address, int bits);

struct spf_terms;

/* Both lent. The first place, number 0, is for the record of the client's domain. */
struct spf_terms *spf_terms_new(struct spf_lookup *lookup, const struct spf_client *client);
void spf_terms_free(struct spf_terms **t);
/* A place for each term (lent for that long) that looks something up. They belong together until
 * the next spf_terms_end: when one is needed, those after it are asked for in advance. */
guint spf_terms_add(struct spf_terms *t, const struct spf_term *term, const char *domain);
void spf_terms_end(struct spf_terms *t);
guint spf_terms_count(const struct spf_terms *t);

/* The addresses of an A or MX of the client's kind (16 bytes each, an IPv4 one in the first 4), or
 * one zero address where an EXISTS or PTR matches. NULL if the check has failed; g_array_unref. */
GArray *spf_terms_addresses(struct spf_terms *t, guint place);
/* The record of an INCLUDE, REDIRECT or of place 0, and its domain (lent). NULL if the check has
 * failed, or place 0 has no record. It lives as long as t. */
const struct spf_record *spf_terms_record(struct spf_terms *t, guint place, const char **domain_r);

/* False: the check has failed, result has code and reason. */
bool spf_terms_outcome(const struct spf_terms *t, struct spf_result *result);

#endif
