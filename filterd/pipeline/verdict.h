/* verdict: the judgement for one recipient, and what is done because of it. */
#ifndef FILTERD_PIPELINE_VERDICT_H
#define FILTERD_PIPELINE_VERDICT_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "classifier/classifier.h"
#include "filterd/pipeline/context.h"
#include "filterd/pipeline/verdict_basis.h"

struct verdict {
    bool judged; /* false: submitted or foreign mail */
    double score, probability, confidence; /* of classifier and rules together */
    double rules;                          /* what the rules added to the score */
    enum judge_class class;
    enum verdict_word word;
    enum spam_action action; /* what to do with spam */
    bool refuse;             /* it is bad enough for SPAM_REJECT */
    char *signature;    /* NULL: the keeper did not record it, so no train request can name it */
    GPtrArray *users;   /* of char*: the users whose models judged */
    GPtrArray *records; /* of struct judgement*, in the order of users */
    GPtrArray *known_senders; /* of char*, in the order of users; empty if no sender is authenticated */
};

/* Judges for all users (of char*; takes a reference) by the mean of their log-odds. settings: their struct
 * user_settings, empty if the address has no user. */
struct verdict *verdict_new(struct context *ctx, GPtrArray *users, const GArray *settings,
                            const struct verdict_basis *b);
/* The verdict of a message that is not judged. */
struct verdict *verdict_none(void);
void verdict_free(struct verdict **v);
/* Asks the keeper to record it for later training; sets v->signature (of learning) if that worked. */
void verdict_record(struct verdict *v, struct context *ctx);
/* The next hop took the copy: confirms the record to the keeper. mailbox: see next_hop_is_mailbox. */
void verdict_confirm(const struct verdict *v, struct context *ctx, bool mailbox);
/* "Spam", "Innocent", "Unsure", "Whitelisted", "Blocklisted", "Virus"; "-" if not judged. */
const char *verdict_name(const struct verdict *v);

#endif
