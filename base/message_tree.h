/* message_tree: GMime's view of a message. Nothing else includes GMime, and message.c alone uses
 * this. */
#ifndef BASE_MESSAGE_TREE_H
#define BASE_MESSAGE_TREE_H

#include "base/message.h"

/* raw begins with the first header and must outlive the tree. Where the empty line before the body
 * is missing, missing_at is the body's offset (else 0): GMime then gets a copy that has one, so
 * that it sees the same headers and body as everyone else. NULL if GMime sees no message. */
struct message_tree *message_tree_new(const char *raw, size_t len, size_t missing_at);
void message_tree_free(struct message_tree **t);
const char *message_tree_type(const struct message_tree *t);
const char *message_tree_param(const struct message_tree *t, const char *name);
void message_tree_each(const struct message_tree *t,
                       void (*fn)(const struct message_part *, void *), void *arg);
/* RFC 2047 to UTF-8; g_free. */
char *message_tree_decode(const char *text);

#endif
