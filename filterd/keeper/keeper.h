/* keeper: the client's side of the process that alone writes the databases.
 *
 * Verbs (arguments): record (user s, signature s, features au, score d, class s, maybe rules d,
 * correspondent s), confirm (user s,
 * signature s), retrain (login s, class s, signature s), learn (user s, class s, signature s,
 * features au), train (user s, class s, features au), alias-add (address s, user s), alias-set
 * (address s, users as), alias-remove
 * (address s), user-set (user s, name s, value s; no value removes), user-remove (user s),
 * user-export (user s; gives back file ay), user-import (user s, file ay), greylist (address s,
 * sender s, recipient s, maybe domain s; gives back wait i), retry-known (digests ay; gives back
 * known ay), retry-served (digests ay), retry-forget (digests ay), ping.
 * train also takes batch aau for features, and gives back right u: how many of its messages the
 * model had on the right side before it learnt them.
 * Uids of train_users may retrain and nothing else. */
#ifndef FILTERD_KEEPER_KEEPER_H
#define FILTERD_KEEPER_KEEPER_H

#include <glib.h>
#include <stdbool.h>

#include "base/endpoint.h"


/* Connected socket or -1 (nobody there within 5 s). */
int keeper_connect(const struct endpoint *control);
/* Beside the control socket: where a worker learns messages from their text (filterd/session/tutor.h). */
struct endpoint keeper_tutor_at(const struct endpoint *control); /* g_free its path */
/* And where milter fronts ask workers (filterd/session/milter_session.h); g_free its path. */
struct endpoint keeper_milter_at(const struct endpoint *control);
struct keeper_answer {
    int code; /* of sysexits.h; EX_TEMPFAIL if none came */
    char *text; /* one line */
    GVariant *results; /* a{sv}, NULL if none came */
};

/* The two halves of keeper_ask: what is told is answered in the same order, and each answer is to be
 * heard before the next question. False: the connection is of no more use. */
bool keeper_tell(int fd, const char *verb, GVariant *arguments, int timeout_ms);
struct keeper_answer keeper_hear(int fd, int timeout_ms);
struct keeper_answer keeper_ask(int fd, const char *verb, GVariant *arguments, int timeout_ms);
void keeper_answer_clear(struct keeper_answer *a);
/* Sends verb and arguments (a{sv}, floating, taken over) and waits: sysexits code, EX_TEMPFAIL if
 * it does not answer. text_r may be NULL; else one line, g_free. */
int keeper_call(int fd, const char *verb, GVariant *arguments, int timeout_ms, char **text_r);

#endif
