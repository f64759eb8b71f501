/* keeper: how other processes reach the keeper, the only process that writes databases. keeper_verbs.c lists
 * the requests, keeper_request.h their formats. */
#ifndef FILTERD_KEEPER_KEEPER_H
#define FILTERD_KEEPER_KEEPER_H

#include <glib.h>
#include <stdbool.h>

#include "base/endpoint.h"


/* A connected socket, or -1 (no answer within 5 s). */
int keeper_connect(const struct endpoint *control);
/* The socket beside the control socket where workers ask the keeper, and nobody else may; g_free its path. */
struct endpoint keeper_workers_at(const struct endpoint *control);
/* Lets a process of filterd's own uid ask as an administrator: hands over a descriptor of state_dir/lock open for
 * writing, which workers cannot have. Call it first on a connection. Without the right to open that file nothing
 * is sent, and requests are answered by uid. False if the keeper does not answer. */
bool keeper_administer(int fd, const char *state_dir, int timeout_ms);
/* The socket beside it where workers learn messages from their text
 * (filterd/session/learn_session.h); g_free its path. */
struct endpoint keeper_learn_at(const struct endpoint *control);
/* The socket beside it where milter processes ask workers (filterd/session/milter_session.h); g_free its path. */
struct endpoint keeper_milter_at(const struct endpoint *control);
struct keeper_answer {
    int code; /* of sysexits.h; EX_TEMPFAIL if no answer came */
    char *text; /* one line */
    GVariant *results; /* a{sv}; NULL if no answer came */
};

/* keeper_ask is keeper_tell followed by keeper_hear. The keeper answers requests in their order; hear each
 * answer before the next keeper_ask. False: the connection is no longer usable. */
bool keeper_tell(int fd, const char *verb, GVariant *arguments, int timeout_ms);
struct keeper_answer keeper_hear(int fd, int timeout_ms);
/* keeper_hear that gives up after a few seconds of silence if no process holds the state. */
struct keeper_answer keeper_hear_if_kept(int fd, const char *state_dir, int timeout_ms);
struct keeper_answer keeper_ask(int fd, const char *verb, GVariant *arguments, int timeout_ms);
void keeper_answer_clear(struct keeper_answer *a);
/* Sends verb and arguments (a{sv}, floating, taken over) and waits for the answer: a sysexits code, EX_TEMPFAIL
 * if none comes. text_r may be NULL; otherwise *text_r is one line, g_free. */
int keeper_call(int fd, const char *verb, GVariant *arguments, int timeout_ms, char **text_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
