/* classifier: tokens once per message, a judgement for each user. */
#ifndef CLASSIFIER_CLASSIFIER_H
#define CLASSIFIER_CLASSIFIER_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/mail/reading.h"
#include "base/sitekey.h"

struct tokens; /* words of one message, in order, with their prefixes */

/* Lends nothing from it. */
struct tokens *tokens_new_of(const struct reading *r);
/* The same, of a message that nobody else reads. */
struct tokens *tokens_new(const struct message *m);
/* What is known beside the words (names of rule hits), NULL-terminated. */
void tokens_add_facts(struct tokens *t, const char *const *facts);
void tokens_free(struct tokens **t);
void tokens_each(const struct tokens *t, void (*fn)(const char *token, void *), void *arg);

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
 * correspondent.h. g_free. */
char *classifier_correspondent(const struct classifier *c, const char *user, const char *address,
                               const char *domain);
/* True if several of their messages to the user were ham and none was spam. */
bool classifier_knows(struct classifier *c, const char *user, const char *correspondent);
void judgement_clear(struct judgement *j);
/* Class by the settings' thresholds. */
enum judge_class classifier_class(const struct settings *s, double probability);
/* A new signature id: 24 characters [A-Za-z0-9]. g_free. */
char *classifier_signature_new(void);

#endif
