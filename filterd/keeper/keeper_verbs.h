/* keeper_verbs: what can be asked of the keeper, and who may ask it: one table.
 *
 * The keeper's process answers by it, and so does filterctl where no keeper runs. */
#ifndef FILTERD_KEEPER_KEEPER_VERBS_H
#define FILTERD_KEEPER_KEEPER_VERBS_H

#include <glib.h>
#include <stdbool.h>

#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"

struct ledger;
struct retries;

/* Lent. greylist and retries may be NULL: then they know nothing. */
struct keeper_stores {
    struct ledger *ledger;
    struct greylist *greylist;
    struct retries *retries;
};

/* One request on its way through. */
struct keeper_call {
    const struct keeper_stores *stores;
    union keeper_request q;
    union keeper_result result;
    char *text; /* one line for the answer (g_free); NULL: none */
};

struct keeper_verb {
    const struct keeper_format *request; /* its name, and how it is packed and unpacked */
    const struct keeper_format *result;  /* what its answer gives back */
    unsigned roles;                      /* who may ask it: of enum keeper_role, or-ed */
    int (*handle)(struct keeper_call *call); /* carries it out; a sysexits code */
    bool beside; /* the records of deliveries that wait to be written need not be written before */
};

const struct keeper_verb *keeper_verbs(size_t *count_r);
/* NULL: there is none of this name. */
const struct keeper_verb *keeper_verbs_find(const char *name);
/* Answers one request of a peer with these roles. Text and results are never NULL in what comes out:
 * keeper_answer_clear it. */
struct keeper_answer keeper_verbs_answer(const struct keeper_stores *stores, unsigned roles,
                                         const char *name, GVariant *arguments);

#endif
