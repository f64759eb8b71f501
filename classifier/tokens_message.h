/* tokens_message: the tokens of a whole message. */
#ifndef CLASSIFIER_TOKENS_MESSAGE_H
#define CLASSIFIER_TOKENS_MESSAGE_H

struct message;
struct reading;
struct tokens;

/* Never NULL; tokens_free (tokens.h). Keeps no pointer into the reading. */
struct tokens *tokens_new_of(const struct reading *r);
/* The same, for a message that has no reading yet. */
struct tokens *tokens_new(const struct message *m);

#endif
