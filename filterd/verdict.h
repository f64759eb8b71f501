/* verdict: one judgement per recipient, and what it asks for. */
#ifndef FILTERD_VERDICT_H
#define FILTERD_VERDICT_H

#include "filterd/service.h"

struct verdict {
    bool judged; /* false: submitted or foreign mail */
    double score, probability, confidence;
    enum judge_class class;
    char *signature;    /* NULL: the keeper did not answer, nothing to train on later */
    GPtrArray *users;   /* of char*: who judged */
    GPtrArray *records; /* of struct judgement*, beside users */
};

/* Judged for each of users (taken over) by the mean of their log-odds. */
struct verdict *verdict_new(struct service *sv, GPtrArray *users, const struct tokens *t);
/* Not judged. */
struct verdict *verdict_none(void);
void verdict_free(struct verdict **v);
/* Has the keeper record it; sets v->signature if that worked. */
void verdict_record(struct verdict *v, struct service *sv);
/* The next hop took the copy. */
void verdict_confirm(const struct verdict *v, struct service *sv);
/* "Spam", "Innocent", "Unsure"; "-" if not judged. */
const char *verdict_name(const struct verdict *v);

#endif
