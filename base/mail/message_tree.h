/* message_tree: GMime's view of a message. No other file includes GMime; message.c alone uses this. */
#ifndef BASE_MAIL_MESSAGE_TREE_H
#define BASE_MAIL_MESSAGE_TREE_H

#include "base/mail/header.h"
#include "base/mail/message_part.h"

struct message_tree;

/* Parses the fields (at least one) and the body in *m; their bytes must outlive the tree. NULL if GMime finds
 * no message. */
struct message_tree *message_tree_new(const struct header_block *m, struct limits_met *met);
void message_tree_free(struct message_tree **t);
const char *message_tree_type(const struct message_tree *t);
const char *message_tree_param(const struct message_tree *t, const char *name);
void message_tree_each(const struct message_tree *t,
                       void (*fn)(const struct message_part *, void *), void *arg);

#endif
