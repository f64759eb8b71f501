/* classifier: tokens once per message, a judgement for each user. */
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
    GArray *features; /* of guint32: what a signature record keeps; free with judgement_clear */
};

struct classifier; /* one per process, made after fork; reads the models, never writes */

struct classifier *classifier_new(const struct settings *s, const struct sitekey *key);
void classifier_free(struct classifier **c);
/* False if the user's model could not be read: the judgement is then Unsure with score 0 and its
 * features are still there. */
bool classifier_judge(struct classifier *c, const char *user, const struct tokens *t,
                      struct judgement *judgement_r);
/* Adds what the rules have to say to its score; probability, confidence and class follow, the class
 * by these thresholds. */
void judgement_add(struct judgement *j, double rules, double spam_threshold,
                   double unsure_threshold);
/* The address in From (canonical) that this domain proved, as this user knows it: see
 * known_sender.h. g_free. */
char *classifier_known_sender(const struct classifier *c, const char *user, const char *address,
                               const char *domain);
/* True if several of their messages to the user were ham and none was spam. */
bool classifier_knows(struct classifier *c, const char *user, const char *known_sender);
void judgement_clear(struct judgement *j);
/* Class by the settings' thresholds. */
enum judge_class classifier_class(const struct settings *s, double probability);
/* A new signature id: 24 characters [A-Za-z0-9]. g_free. */
char *classifier_signature_new(void);

#endif
