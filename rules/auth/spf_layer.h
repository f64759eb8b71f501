/* spf_layer: what stands between libspf2 and the world.
 *
 * libspf2 gets no byte that a sender has chosen. Records are read by spf_record; what passes is
 * written anew for it, with a made-up name ("t7.invalid") for each term that looks something up, and
 * when it asks for such a name, spf_terms expands the macros, asks the resolver, and counts. So its
 * parser, macros, explanations and its own idea of names have nothing to go wrong with, and what it
 * is wrong about is decided before it. */
#ifndef RULES_AUTH_SPF_LAYER_H
#define RULES_AUTH_SPF_LAYER_H

#include "rules/auth/spf_record.h"
#include "rules/auth/spf_result.h"
#include "rules/auth/spf_terms.h"

/* Fills in code and reason. */
void spf_layer_check(struct spf_lookup *lookup, const struct spf_client *client,
                     struct spf_result *result);
/* The record as libspf2 gets it, g_free; its terms get their places in t. Networks that do not
 * hold the client are left out. */
char *spf_layer_write(struct spf_terms *t, const struct spf_client *client,
                      const struct spf_record *record, const char *domain);

#endif
