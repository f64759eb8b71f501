/* keeper_request: the keeper's requests and answers, as structs and as the dictionaries (a{sv}) that go over
 * its socket.
 *
 * Each struct has one format, which both packs and unpacks it. Packing lends all members. An unpacked struct
 * lends its texts from the dictionary and owns the rest: keeper_format_clear. Packing leaves out a pointer that
 * is NULL; in an unpacked request only members marked so can be NULL. */
#ifndef FILTERD_KEEPER_KEEPER_REQUEST_H
#define FILTERD_KEEPER_KEEPER_REQUEST_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/greylist.h"

/* ---- requests ---- */

/* Store a record of this judged message. */
struct keeper_record {
    const char *user, *signature;
    const char *class;         /* as judged: "spam", "ham", "unsure" */
    const char *known_sender; /* see classifier/known_sender.h; NULL: no authenticated sender */
    double score, rules;       /* the total, and the rules' part of it */
    GArray *features;          /* of guint32, see classifier/osb.h */
    gboolean named;            /* the operator's tables name the user's mailbox */
};

/* The next hop took the copy. mailbox: that is where the user's mailbox is, so the user exists. */
struct keeper_confirm {
    const char *user, *signature;
    gboolean mailbox;
};

/* A logged-in user moved a message. Unpacking makes class "spam" or "ham". */
struct keeper_retrain {
    const char *login, *class, *signature;
};

/* The same for a message without a signature (of learning): features made of its text, and its content
 * signature. */
struct keeper_learn {
    const char *user, *class, *signature;
    GArray *features;
};

/* Train on one message (features) or many (batch). */
struct keeper_train {
    const char *user, *class;
    GArray *features; /* NULL: see batch */
    GPtrArray *batch; /* of GArray*; NULL: see features */
};

struct keeper_alias_add {
    const char *address, *user;
};

struct keeper_alias_set {
    const char *address;
    char **users; /* NULL-terminated */
};

struct keeper_alias_remove {
    const char *address;
};

struct keeper_user_set {
    const char *user, *name;
    const char *value; /* NULL: remove the setting */
};

/* Note that the user has keys, or that there are none any more; see users_key_note. */
struct keeper_key_note {
    const char *user;
    const char *state; /* "keys" or "none" */
};

struct keeper_user_remove {
    const char *user;
};

struct keeper_user_export {
    const char *user;
};

struct keeper_user_import {
    const char *user;
    GBytes *file; /* see export.h */
};

/* One or more digests (see spent.h), concatenated. */
struct keeper_digests {
    GBytes *digests;
};

/* An attempt at a message, see delivered.h: its name, digests of some of its copies, and of where it came from.
 * To forget it takes its name alone. */
struct keeper_delivered {
    GBytes *attempt, *copies, *origins;
};

union keeper_request {
    struct keeper_record record;
    struct keeper_confirm confirm;
    struct keeper_retrain retrain;
    struct keeper_learn learn;
    struct keeper_train train;
    struct keeper_alias_add alias_add;
    struct keeper_alias_set alias_set;
    struct keeper_alias_remove alias_remove;
    struct keeper_user_set user_set;
    struct keeper_key_note key_note;
    struct keeper_user_remove user_remove;
    struct keeper_user_export user_export;
    struct keeper_user_import user_import;
    struct greylist_triplet greylist;
    struct keeper_delivered delivered;
    struct keeper_digests digests;
};

/* ---- answers ---- */

struct keeper_trained {
    guint32 right; /* messages that the model classified rightly before it learnt them */
};

struct keeper_exported {
    GBytes *file;
};

struct keeper_wait {
    gint32 wait; /* seconds until the client may pass; 0: now */
};

struct keeper_known {
    GBytes *known; /* a byte for each copy: 0 or 1 */
};

union keeper_result {
    struct keeper_trained trained;
    struct keeper_exported exported;
    struct keeper_wait wait;
    struct keeper_known known;
};

/* ---- the formats ---- */

struct keeper_field;
struct keeper_format {
    const char *verb; /* name of the request, or of the request it answers */
    size_t bytes;     /* size of the struct */
    const struct keeper_field *fields; /* ends with an element without a name */
};

extern const struct keeper_format keeper_format_ping, keeper_format_record, keeper_format_confirm,
    keeper_format_retrain, keeper_format_learn, keeper_format_train, keeper_format_alias_add,
    keeper_format_alias_set, keeper_format_alias_remove, keeper_format_user_set, keeper_format_key_note,
    keeper_format_user_remove, keeper_format_user_export, keeper_format_user_import,
    keeper_format_greylist, keeper_format_delivered_known, keeper_format_delivered,
    keeper_format_delivered_forget, keeper_format_delivered_failed, keeper_format_spent_known, keeper_format_spent;
extern const struct keeper_format keeper_format_nothing, keeper_format_trained,
    keeper_format_exported, keeper_format_wait, keeper_format_known;
/* filterd-retrain's request on the learning socket (see filterd/session/learn_session.h): login and class of a
 * struct keeper_retrain. */
extern const struct keeper_format keeper_format_learn_text;

/* Packs the struct into a dictionary; floating. */
GVariant *keeper_format_pack(const struct keeper_format *f, const void *from);
/* Fills the struct. False with one line in *error_r (may be NULL) if a member is missing, has another type or
 * is invalid; valid members are filled in all the same. keeper_format_clear it in any case. */
bool keeper_format_unpack(const struct keeper_format *f, GVariant *dictionary, void *to,
                          char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void keeper_format_clear(const struct keeper_format *f, void *unpacked);

#endif
