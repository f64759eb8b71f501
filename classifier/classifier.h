/* classifier: judges a message for each user; its tokens are made once for all of them. */
#ifndef CLASSIFIER_CLASSIFIER_H
#define CLASSIFIER_CLASSIFIER_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/sitekey.h"

struct tokens; /* made by tokens_new (tokens_message.h) */

enum judge_class { JUDGE_INNOCENT, JUDGE_UNSURE, JUDGE_SPAM };

struct judgement {
    double score; /* log-odds, natural logarithm, not clipped */
    double probability;
    double confidence; /* 0 to 1 */
    enum judge_class class;
    GArray *features; /* of guint32: kept in the signature's record, to learn from; freed by judgement_clear */
};

struct classifier; /* one per process, made after fork; only reads the models */

struct classifier *classifier_new(const struct settings *s, const struct sitekey *key);
void classifier_free(struct classifier **c);
/* Judges the message with the user's model. False if the model could not be read: the judgement is then Unsure
 * with score 0, but its features are set. */
bool classifier_judge(struct classifier *c, const char *user, const struct tokens *t,
                      struct judgement *judgement_r);
/* Adds the weight of the rules to the score and updates probability, confidence and class, the class by these
 * thresholds. */
void judgement_add(struct judgement *j, double rules, double spam_threshold,
                   double unsure_threshold);
/* The known-sender id (see known_sender.h) of this canonical From address and the domain that proved it, for
 * this user. g_free. */
char *classifier_known_sender(const struct classifier *c, const char *user, const char *address,
                               const char *domain);
/* True if this known sender sent the user several ham messages and no spam. */
bool classifier_knows(struct classifier *c, const char *user, const char *known_sender);
void judgement_clear(struct judgement *j);
/* The class of this probability by the settings' thresholds. */
enum judge_class classifier_class(const struct settings *s, double probability);
/* Makes a new signature of learning: 24 random characters [A-Za-z0-9]. g_free. */
char *classifier_signature_new(void);

#endif
