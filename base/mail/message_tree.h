/* message_tree: GMime's view of a message. Nothing else includes GMime, and message.c alone uses
 * this. */
#ifndef BASE_MAIL_MESSAGE_TREE_H
#define BASE_MAIL_MESSAGE_TREE_H

#include "base/mail/header.h"
#include "base/mail/message_part.h"

struct message_tree;

/* Made from these fields, of which there must be one, and that much of a body; their bytes must outlive
 * it. met is lent, too: which limits the message meets when its parts are walked. NULL if GMime sees no message. */
struct message_tree *message_tree_new(const struct header_block *m, struct limits_met *met);
void message_tree_free(struct message_tree **t);
const char *message_tree_type(const struct message_tree *t);
const char *message_tree_param(const struct message_tree *t, const char *name);
void message_tree_each(const struct message_tree *t,
                       void (*fn)(const struct message_part *, void *), void *arg);

#endif
