/* known sender: counts how each sender's mail to a user turned out.
 *
 * A sender is identified by a keyed digest of the From address together with the domain that was proved for it.
 * A From address without proof identifies nobody. */
#ifndef CLASSIFIER_KNOWN_SENDER_H
#define CLASSIFIER_KNOWN_SENDER_H

#include <stdbool.h>

#include "base/sitekey.h"
#include "classifier/model.h"

/* The sender's id, 32 hex digits, g_free. address: canonical. The same address has a different id for each
 * user. */
char *known_sender_id(const struct sitekey *key, const char *user, const char *address,
                       const char *domain);
bool known_sender_is_id(const char *text);
/* True if several messages of this sender were ham and none was spam. */
bool known_sender_is_known(struct model *m, const char *id);

/* Moves one message of a sender (id NULL: none) from what it was counted as before (*counted: "spam", "ham",
 * NULL) to now, and sets *counted to now. Like all functions below, call it inside a transaction of the store. */
bool known_sender_count(struct model *m, const char *id, char **counted, const char *now);
/* Counts all messages delivered up to and including that day that the user did not move, by the class they were
 * delivered with. Unsure ones are not counted. */
bool known_sender_settle(struct model *m, const char *day);
/* Removes senders without a counted message since that day. */
bool known_sender_forget_before(struct model *m, const char *day);

#endif
