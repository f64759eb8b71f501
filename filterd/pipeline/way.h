/* way: one message on its way to all its recipients, as the parts of the pipeline see it. */
#ifndef FILTERD_PIPELINE_WAY_H
#define FILTERD_PIPELINE_WAY_H

#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/envelope.h"
#include "base/mail/message.h"
#include "base/result.h"
#include "filterd/delivery/hop.h"
#include "filterd/keeper/retries.h"
#include "filterd/pipeline/arrival.h"
#include "filterd/pipeline/proof.h"
#include "filterd/pipeline/recipient.h"
#include "filterd/pipeline/report.h"
#include "filterd/pipeline/retry_digest.h"
#include "filterd/pipeline/service.h"
#include "filterd/pipeline/verdict.h"

/* One recipient's. */
struct turn {
    struct recipient *recipient;
    struct treatment treatment;
    struct verdict *verdict; /* NULL: not judged yet */
    unsigned char digest[RETRIES_DIGEST_BYTES];
    bool served; /* in an earlier attempt */
};

struct way {
    struct service *service;
    struct hop *hop;
    const struct arrival *arrival;
    struct message *message;
    struct retry_digest_content content;
    struct tokens *tokens; /* NULL: nobody has to judge it */
    struct proof *proof;   /* NULL: none that could hold */
    bool encrypted;        /* came encrypted: passed on as it is */
    struct turn *turns;    /* one for each recipient of the envelope */
};

/* Judged once; the turn's, lent. */
struct verdict *way_verdict(struct way *w, struct turn *t);

/* way_greylist: whoever is doubtful and still waits is asked to come again: all recipients together,
 * before any has a copy. True: they were, outcomes say so. */
bool way_greylist_asks(struct way *w, struct outcome *outcomes);

/* Hands a finished copy to the next hop. */
struct outcome way_hand_on(const struct way *w, const struct recipient *r, const struct sealed *sealed);

/* way_memory: who got a copy in an earlier attempt. */
void way_memory_recall(struct way *w);
/* The copy was taken. Told at once: a kill between the next hop's reply and this would double it. */
void way_memory_note(struct way *w, const struct turn *t);

/* way_kept: what another leg of ours judged, its proof shows (filterd/pipeline/proof.h). */
bool way_kept_for_all(const struct way *w);
/* A proof that does not hold is logged. */
bool way_kept_for(const struct way *w, const struct turn *t);
/* Keeps its lines, and is sealed if it was not and there is a key. */
struct outcome way_kept_deliver(struct way *w, struct turn *t, struct report *report);

/* way_copy: a recipient's copy, our headers on top, the rest sealed under them. NULL: tempfail, and
 * the log says why; else sealed_free it. */
struct sealed *way_copy_make(struct way *w, const struct recipient *r, enum handling handling,
                             const struct verdict *v);
/* The same with these lines instead of a verdict's. */
struct sealed *way_copy_under(struct way *w, const struct recipient *r, enum handling handling,
                              const struct bytes *lines);

#endif
