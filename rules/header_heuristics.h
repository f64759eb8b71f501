/* header_heuristics: judges the form of a message without reading its words. Mass mailers leave these signs and
 * people rarely do. Their small weights help until a user's model has learnt; the signs are tokens for the
 * model as well. */
#ifndef RULES_HEADER_HEURISTICS_H
#define RULES_HEADER_HEURISTICS_H

#include <glib.h>

#include "base/mail/message.h"

/* Adds its findings to hits. Looks at the header (first 64 KB of each field) and the type of the root part, and
 * at the body only if it is a single HTML part. */
void header_heuristics_message(GPtrArray *hits, const struct message *m);

#endif
