/* tokens: the words of one message, in order, with prefixes; made by tokens_new (tokens_message.h). */
#ifndef CLASSIFIER_TOKENS_H
#define CLASSIFIER_TOKENS_H

#include <stddef.h>
#include <stdint.h>

/* Limit for facts from the rules; they come on top of a message's tokens, which base/config/limits.h limits. */
#define TOKENS_FACTS 64
#define TOKENS_BODY_BYTES (16 * 1024)

struct tokens;

void tokens_free(struct tokens **t);
/* Adds facts that are not words of the message (names of rule hits); facts is NULL-terminated. */
void tokens_add_facts(struct tokens *t, const char *const *facts);
void tokens_each(const struct tokens *t, void (*fn)(const char *token, void *), void *arg);
/* Number of entries: tokens, and gaps (between headers and parts; no pair is made across a gap). */
size_t tokens_count(const struct tokens *t);
/* The token at index i; NULL for a gap. Lent. */
const char *tokens_text(const struct tokens *t, size_t i);
/* Hash of the token under a constant key, the same for all users; 0 for a gap. It never leaves the process:
 * what is stored is hashed again, with the site's key. */
uint64_t tokens_hash(const struct tokens *t, size_t i);

#endif
