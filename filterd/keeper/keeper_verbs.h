/* keeper_verbs: one table of the keeper's requests and of the roles that may send them.
 *
 * The keeper answers by it, and so does filterctl where no keeper runs. */
#ifndef FILTERD_KEEPER_KEEPER_VERBS_H
#define FILTERD_KEEPER_KEEPER_VERBS_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_rates.h"
#include "filterd/keeper/keeper_request.h"

struct model_store;
struct delivered;
struct spent;
struct peer;

/* All lent. greylist, delivered and spent may be NULL: then they know nothing. */
struct keeper_stores {
    struct model_store *model_store;
    struct greylist *greylist;
    struct delivered *delivered;
    struct spent *spent;
    const struct peer *peer; /* who asks; NULL: filterctl itself, where no keeper runs */
};

/* A request while it is handled. */
struct keeper_call {
    const struct keeper_stores *stores;
    union keeper_request q;
    union keeper_result result;
    char *text; /* one line for the answer (g_free); NULL: none */
};

struct keeper_verb {
    const struct keeper_format *request; /* its name, and how it is packed and unpacked */
    const struct keeper_format *result;  /* how its answer is packed */
    unsigned roles;                      /* the roles that may send it: of enum keeper_role, or-ed */
    int (*handle)(struct keeper_call *call); /* handles it; returns a sysexits code */
    bool beside; /* handle it without writing pending records to disk before */
    enum keeper_rate rate; /* of which a worker that sends it takes */
};

const struct keeper_verb *keeper_verbs(size_t *count_r);
/* NULL: no verb has this name. */
const struct keeper_verb *keeper_verbs_find(const char *name);
/* Answers a request of a peer with these roles. Text and results of the answer are never NULL:
 * keeper_answer_clear it. */
struct keeper_answer keeper_verbs_answer(const struct keeper_stores *stores, unsigned roles,
                                         const char *name, GVariant *arguments);

#endif
