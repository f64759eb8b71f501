/* keeper_client: what a worker asks the keeper, and what it tells it without waiting. While the keeper is down mail
 * goes on: without a signature, without greylisting, without the memory of earlier attempts. */
#ifndef FILTERD_KEEPER_KEEPER_CLIENT_H
#define FILTERD_KEEPER_KEEPER_CLIENT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/endpoint.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/keeper_request.h"

struct keeper_client;

/* Connects when first used. control: the keeper's socket, lent. Never NULL. */
struct keeper_client *keeper_client_new(const struct endpoint *control);
/* Hears what the keeper still owes. */
void keeper_client_free(struct keeper_client **k);

/* There may be no memory of retries: its absence is not logged. */
void keeper_client_expect_no_retries(struct keeper_client *k);

/* Keeps a record of what was judged, so that a later move can be learnt. False if the keeper does
 * not answer: the copy then goes without a signature. */
bool keeper_client_record(struct keeper_client *k, const struct keeper_record *r);
/* A person moved this message, whose signature was made of its content: the sysexits code of the
 * keeper's answer, EX_TEMPFAIL without one; *text_r one line (g_free) or NULL. class: spam, ham. */
int keeper_client_learn(struct keeper_client *k, const struct keeper_learn *l, char **text_r);
/* The next hop took the copy. */
void keeper_client_confirm(struct keeper_client *k, const char *user, const char *signature);
/* The memory of copies that went through (filterd/keeper/retries.h); digests of RETRIES_DIGEST_BYTES. Which of
 * these count ones are known: a 0 or 1 for each. All 0 if the keeper does not answer. */
void keeper_client_retry_known(struct keeper_client *k, const unsigned char *digests, size_t count,
                         unsigned char *known_r);
/* The next hop took this copy. */
void keeper_client_retry_served(struct keeper_client *k, const unsigned char *digest);
/* The client knows that these went through: it will not try them again. */
void keeper_client_retry_forget(struct keeper_client *k, const unsigned char *digests, size_t count);
/* Seconds the client has to wait before it may come again, 0 if it passes: also when the keeper does not
 * answer. */
int keeper_client_greylist(struct keeper_client *k, const struct greylist_triplet *t);

#endif
