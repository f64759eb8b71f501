/* form: what the form of a message says without a word of it being understood. Signs that mass
 * mailers leave and people rarely do, each with a small weight for the days before a classifier has
 * learnt; they are tokens to it as well. */
#ifndef RULES_HEADER_HEURISTICS_H
#define RULES_HEADER_HEURISTICS_H

#include <glib.h>

#include "base/mail/message.h"

/* Adds what it finds. Looks at the header (each field's first 64 KB) and the root's type; of the
 * body only where it is one HTML part. */
void header_heuristics_message(GPtrArray *hits, const struct message *m);

#endif
