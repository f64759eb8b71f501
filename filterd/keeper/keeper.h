/* keeper: the client's side of the process that alone writes the databases. What it can be asked
 * stands in keeper_verbs.c, and in which words in keeper_request.h. */
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
