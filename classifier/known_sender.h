/* known sender: who writes to a user, and what became of their mail.
 *
 * Known by a keyed digest of the From address together with the domain that was proved to stand
 * behind it: a bare From is nobody. */
#ifndef CLASSIFIER_KNOWN_SENDER_H
#define CLASSIFIER_KNOWN_SENDER_H

#include <stdbool.h>

#include "base/sitekey.h"
#include "classifier/model.h"

/* 32 hex digits, g_free. address: canonical. The same address has another digest for each user. */
char *known_sender_id(const struct sitekey *key, const char *user, const char *address,
                       const char *domain);
bool known_sender_is_id(const char *text);
/* True if several messages were ham and none was spam. */
bool known_sender_is_known(struct model *m, const char *id);

/* A record's known sender, if it has one, from what was counted for it ("spam", "ham", NULL) to
 * what is; *counted becomes that. Inside a transaction, as all below. */
bool known_sender_count(struct model *m, const char *id, char **counted, const char *now);
/* Counts what was delivered until that day (included) and nobody moved as what it was delivered as;
 * Unsure says nothing. */
bool known_sender_settle(struct model *m, const char *day);
/* Those not heard of since that day go. */
bool known_sender_forget_before(struct model *m, const char *day);

#endif
