/* keeper_client: a worker's connection to the keeper, for requests with an answer and for notes sent without
 * waiting. While the keeper is down mail goes on: without a signature (of learning), without greylisting,
 * without the delivered-before memory; a proof may be used twice. */
#ifndef FILTERD_KEEPER_KEEPER_CLIENT_H
#define FILTERD_KEEPER_KEEPER_CLIENT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/keeper_request.h"

struct keeper_client;

/* Connects at the first request, to the workers' socket beside control. Never NULL. */
struct keeper_client *keeper_client_new(const struct endpoint *control);
/* Waits for outstanding answers first. */
void keeper_client_free(struct keeper_client **k);

/* The keeper may have no delivered-before memory: do not log that it is missing. */
void keeper_client_expect_no_delivered(struct keeper_client *k);

/* Has the keeper record a judged message, so that moving it later can be learnt. False if the keeper does not
 * answer: the copy then goes without a signature. */
bool keeper_client_record(struct keeper_client *k, const struct keeper_record *r);
/* A user moved this message, which has a content signature. Returns the sysexits code of the keeper's answer,
 * EX_TEMPFAIL without one; *text_r is one line (g_free) or NULL. class: spam, ham. */
int keeper_client_learn(struct keeper_client *k, const struct keeper_learn *l, char **text_r) G_GNUC_WARN_UNUSED_RESULT;
/* Tells the keeper that the next hop took the copy. */
void keeper_client_confirm(struct keeper_client *k, const struct keeper_confirm *c);
/* Tells the delivered-before memory (filterd/keeper/delivered.h) that this attempt begins, and asks which of its
 * copies were delivered before. *known_r: a 0 or 1 for each; all 0 if the keeper does not answer. */
void keeper_client_delivered_known(struct keeper_client *k, const struct keeper_delivered *d, unsigned char *known_r);
/* Tells it that the next hop took these copies. */
void keeper_client_delivered(struct keeper_client *k, const struct keeper_delivered *d);
/* Tells it to forget the attempt's copies: the client knows they were delivered and will not try them again. */
void keeper_client_delivered_forget(struct keeper_client *k, const struct keeper_delivered *d);
/* Tells it that the client will try again, or may not have heard the reply; these copies were delivered. Returns
 * when the keeper knows: call it before the client has its reply, as it may try again at once. */
void keeper_client_delivered_failed(struct keeper_client *k, const struct keeper_delivered *d);
/* Asks which of count proofs (filterd/keeper/spent.h, SPENT_BYTES each) were spent by another message. *known_r: a
 * 0 or 1 for each; all 0 if the keeper does not answer. */
void keeper_client_spent_known(struct keeper_client *k, const unsigned char *digests, size_t count,
                               unsigned char *known_r);
/* Tells it that the copy of these proofs was delivered. */
void keeper_client_spent(struct keeper_client *k, const unsigned char *digests, size_t count);
/* Seconds that the client has to wait before it may come again; 0 if it passes, or if the keeper does not
 * answer. */
int keeper_client_greylist(struct keeper_client *k, const struct greylist_triplet *t);

#endif
