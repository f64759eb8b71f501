/* verdict: one judgement per recipient, and what it asks for. */
#ifndef FILTERD_PIPELINE_VERDICT_H
#define FILTERD_PIPELINE_VERDICT_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "classifier/classifier.h"
#include "filterd/pipeline/service.h"
#include "filterd/pipeline/verdict_basis.h"

struct verdict {
    bool judged; /* false: submitted or foreign mail */
    double score, probability, confidence; /* of classifier and rules together */
    double rules;                          /* what the rules added to the score */
    enum judge_class class;
    enum verdict_word word;
    enum spam_action action; /* what to do with spam */
    bool refuse;             /* it is bad enough for SPAM_REJECT */
    char *signature;    /* NULL: the keeper did not answer, nothing to train on later */
    GPtrArray *users;   /* of char*: who judged */
    GPtrArray *records; /* of struct judgement*, beside users */
    GPtrArray *correspondents; /* of char*, beside users; empty if nobody was proved */
};

/* Judged for each of users (of char*; a reference is taken) by the mean of their log-odds; settings: their struct
 * user_settings, empty where nobody is known. */
struct verdict *verdict_new(struct service *sv, GPtrArray *users, const GArray *settings,
                            const struct verdict_basis *b);
/* Not judged. */
struct verdict *verdict_none(void);
void verdict_free(struct verdict **v);
/* Has the keeper record it; sets v->signature if that worked. */
void verdict_record(struct verdict *v, struct service *sv);
/* The next hop took the copy. */
void verdict_confirm(const struct verdict *v, struct service *sv);
/* "Spam", "Innocent", "Unsure", "Whitelisted", "Blocklisted", "Virus"; "-" if not judged. */
const char *verdict_name(const struct verdict *v);

#endif
