/* tokens_message: the tokens of a whole message. */
#ifndef CLASSIFIER_TOKENS_MESSAGE_H
#define CLASSIFIER_TOKENS_MESSAGE_H

struct message;
struct tokens;

/* Never NULL; tokens_free (tokens.h). */
struct tokens *tokens_new(const struct message *m);

#endif
