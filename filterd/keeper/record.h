/* record: what was delivered to a user under which signature (of learning), so that it can be learnt from
 * later. */
#ifndef FILTERD_KEEPER_RECORD_H
#define FILTERD_KEEPER_RECORD_H

#include <glib.h>
#include <stdbool.h>

#include "classifier/learner.h"
#include "classifier/model.h"

/* RECORD_SAMPLE: not a delivery, but a message of bulk training (see replay.h). */
enum record_state { RECORD_MADE, RECORD_DELIVERED, RECORD_SAMPLE };

struct record {
    char *signature;
    char *day;               /* "2026-11-21": its key sealed the features */
    char *class;             /* as delivered: Spam, Innocent, Unsure, ... */
    double score;            /* as delivered: classifier and rules together */
    double rules;            /* the rules' part of it */
    char *known_sender;     /* see known_sender.h; NULL: no authenticated sender */
    char *counted;           /* "spam", "ham": how the message was counted for its known sender; NULL: not
                              * counted */
    enum record_state state;
    char *taught;            /* "spam", "ham", NULL if not learnt */
    struct learner_step step; /* what learning it added to the user's learner */
    struct learner_step site; /* the same for the site's base; heard is 0 if the base did not learn it */
    GByteArray *sealed;      /* features, packed */
};

struct record *record_new(void);
void record_free(struct record **r);
/* Packs and seals the features (see osb.h) into r->sealed; only this user, signature and day can open them. */
bool record_seal(struct record *r, const char *site_key_file, const char *user,
                 const GArray *features, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* Opens them again, sorted; g_array_unref. NULL if the day's key is gone or the record is of another user. */
GArray *record_features(const struct record *r, const char *site_key_file, const char *user);
/* False if it cannot be stored, or a record with this signature exists. */
bool record_add(struct model *m, const struct record *r);
/* NULL: no such record. */
struct record *record_get(struct model *m, const char *signature);
/* Writes state, taught, counted and both steps. */
bool record_update(struct model *m, const struct record *r);
/* These three return an array (unref it); NULL if not all of it could be read. */
/* Signatures delivered up to and including day and never learnt: of char*. */
GPtrArray *record_unlearnt(struct model *m, const char *day) __attribute__((warn_unused_result));
/* Signatures of the samples of a class, in no particular order: of char*. */
GPtrArray *record_samples(struct model *m, const char *taught) __attribute__((warn_unused_result));
/* Samples of a class in a fixed order: at most count, beginning with number from. */
GPtrArray *record_get_samples(struct model *m, const char *taught, guint from, guint count)
    __attribute__((warn_unused_result));
/* The record of a content (a digest of its features), g_free; NULL: none was noted. */
char *record_of_content(struct model *m, const char *digest);
/* Notes it until r's day is forgotten. */
bool record_note_content(struct model *m, const char *digest, const struct record *r);
bool record_remove(struct model *m, const char *signature);
/* Deletes records sealed before records_day and the journal's rows before journal_day. */
bool record_forget_before(struct model *m, const char *records_day, const char *journal_day);

#endif
