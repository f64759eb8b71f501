/* spf_layer: keeps everything that a sender chooses away from libspf2.
 *
 * spf_record parses the records. Each record is then written anew for libspf2, in which every term that needs a
 * lookup gets a made-up name ("t7.invalid"). When libspf2 looks such a name up, spf_terms expands the macros,
 * asks the resolver and counts the lookups. So libspf2's parser, macros, explanations and name checks never see
 * untrusted bytes, and what it would get wrong is decided before it. */
#ifndef RULES_AUTH_SPF_LAYER_H
#define RULES_AUTH_SPF_LAYER_H

#include "rules/auth/spf_record.h"
#include "rules/auth/spf_result.h"
#include "rules/auth/spf_terms.h"

/* Runs the check with libspf2 and fills in code and reason. */
void spf_layer_check(struct spf_lookup *lookup, const struct spf_client *client,
                     struct spf_result *result);
/* The record as libspf2 gets it, g_free. Adds its terms to t. Networks that do not contain the client are left
 * out. */
char *spf_layer_write(struct spf_terms *t, const struct spf_client *client,
                      const struct spf_record *record, const char *domain);

#endif
