/* record: what was delivered to a user under which signature, for learning from it later. */
#ifndef FILTERD_KEEPER_RECORD_H
#define FILTERD_KEEPER_RECORD_H

#include <glib.h>
#include <stdbool.h>

#include "classifier/learner.h"
#include "classifier/model.h"

/* A sample is no delivery, but a message out of bulk training (see rehearsal.h). */
enum record_state { RECORD_MADE, RECORD_DELIVERED, RECORD_SAMPLE };

struct record {
    char *signature;
    char *day;               /* "2026-11-21": which day's key sealed the features */
    char *class;             /* as delivered: Spam, Innocent, Unsure, ... */
    double score;            /* as delivered: of the classifier and of the rules */
    double rules;            /* the rules' part of it */
    char *correspondent;     /* see correspondent.h; NULL: nobody was proved */
    char *counted;           /* "spam", "ham": what the correspondent was told, NULL if nothing */
    enum record_state state;
    char *taught;            /* "spam", "ham", NULL if not learnt */
    struct learner_step step; /* what learning it added to the user's learner */
    struct learner_step site; /* and to the site's base; heard is 0 if it did not learn it */
    GByteArray *sealed;      /* features, packed */
};

struct record *record_new(void);
void record_free(struct record **r);
/* Puts the features (see osb.h) into r->sealed, for this user, signature and day only. */
bool record_seal(struct record *r, const char *site_key_file, const char *user,
                 const GArray *features, char **error_r);
/* They again, sorted; NULL if the day's key is gone or the record is another's. g_array_unref. */
GArray *record_features(const struct record *r, const char *site_key_file, const char *user);
/* False if there is one of this signature already. */
bool record_add(struct model *m, const struct record *r);
/* NULL if there is none. */
struct record *record_get(struct model *m, const char *signature);
/* Writes state, taught, counted and both steps. */
bool record_update(struct model *m, const struct record *r);
/* Signatures delivered until that day (included) and never learnt; array of char*, unref it. */
GPtrArray *record_unlearnt(struct model *m, const char *day);
/* Signatures of the samples of a class, in no order; array of char*, unref it. */
GPtrArray *record_samples(struct model *m, const char *taught);
/* Samples of a class themselves, from that one on and at most so many, in a fixed order. */
GPtrArray *record_get_samples(struct model *m, const char *taught, guint from, guint count);
bool record_remove(struct model *m, const char *signature);
/* Ends the records sealed before that day and the journal's older part. */
bool record_forget_before(struct model *m, const char *records_day, const char *journal_day);

#endif
