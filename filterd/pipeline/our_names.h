/* our_names: which domains are this machine's own for the MTA, beside the domains whose mail we judge. */
#ifndef FILTERD_PIPELINE_OUR_NAMES_H
#define FILTERD_PIPELINE_OUR_NAMES_H

#include <stdbool.h>

#include "base/config/settings.h"

/* True if the MTA may take mail for this domain for its own, and then deliver to what stands left of it: [filterd]
 * domains (if none are listed: all), local_names and hostname, localhost and localhost.*, any address literal, no
 * domain at all (""), and a name without a dot that begins one of these (Postfix's append_dot_mydomain). Names
 * are compared as Postfix folds them, A-labels as what they stand for. */
bool our_names_has(const struct settings *s, const char *domain);
/* The same without whole domains: the MTA gives such a name the people of the machine, whatever the name, or we do
 * not know which name it completes it to. */
bool our_names_has_machine(const struct settings *s, const char *domain);
/* True if somebody listed it in domains or local_names, or nothing says which domains are ours: unknown_recipient
 * holds there. */
bool our_names_is_listed(const struct settings *s, const char *domain);

#endif
