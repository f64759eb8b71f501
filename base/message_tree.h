/* message_tree: GMime's view of a message. Nothing else includes GMime, and message.c alone uses
 * this. */
#ifndef BASE_MESSAGE_TREE_H
#define BASE_MESSAGE_TREE_H

#include "base/message.h"

/* Made from m's headers, of which there must be one, and the first body_len bytes of its body; their
 * bytes must outlive it. NULL if GMime sees no message. */
struct message_tree *message_tree_new(const struct message *m, size_t body_len);
void message_tree_free(struct message_tree **t);
const char *message_tree_type(const struct message_tree *t);
const char *message_tree_param(const struct message_tree *t, const char *name);
void message_tree_each(const struct message_tree *t,
                       void (*fn)(const struct message_part *, void *), void *arg);

#endif
