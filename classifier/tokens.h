/* tokens: the words of one message, in order, with their prefixes; made by tokens_new (tokens_message.h). */
#ifndef CLASSIFIER_TOKENS_H
#define CLASSIFIER_TOKENS_H

#include <stddef.h>
#include <stdint.h>

/* Beside the tokens of a message (at most those of base/config/limits.h), facts of the rules. */
#define TOKENS_FACTS 64
#define TOKENS_BODY_BYTES (16 * 1024)

struct tokens;

void tokens_free(struct tokens **t);
/* What is known beside the words (names of rule hits), NULL-terminated. */
void tokens_add_facts(struct tokens *t, const char *const *facts);
void tokens_each(const struct tokens *t, void (*fn)(const char *token, void *), void *arg);
/* Places, tokens and gaps (between headers and parts, over which no pair is made) alike. */
size_t tokens_count(const struct tokens *t);
/* NULL for a gap. Lent. */
const char *tokens_text(const struct tokens *t, size_t i);
/* A hash of the text under a constant key, the same for all users; 0 for a gap. It never leaves
 * the process: what is stored is hashed again with the user's key. */
uint64_t tokens_hash(const struct tokens *t, size_t i);

#endif
