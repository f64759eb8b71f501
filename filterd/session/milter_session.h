/* milter_session: a worker's side of the milter: a milter process has collected what an MTA said, and asks.
 *
 * One FRAME_REQUEST on each connection. "recipient" (listener s, authenticated b, address s) asks what will be
 * done for an address. "message" (listener s, authenticated b, local b, sender s, recipients as, fields u,
 * optionally client_addr s, client_name s, client_port s, helo s, queue_id s) is followed by the message in
 * frames of type "ay", the last of them empty, and asks to judge it.
 *
 * The FRAME_ANSWER holds result u (enum result), code i, dsn s, text s; for "recipient" also sealed b. With
 * RES_OK, the answer to "message" has edits (MILTER_EDITS_TYPE), body b and optionally to s (deliver to this
 * one address instead). If body is true the new body follows in frames as above. When the MTA has the whole
 * copy, the milter process says so with one more empty frame. */
#ifndef FILTERD_SESSION_MILTER_SESSION_H
#define FILTERD_SESSION_MILTER_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "filterd/pipeline/context.h"

struct milter_session_env {
    struct context *context;
    bool (*hold)(size_t bytes, void *arg); /* as in struct session_env; may be NULL */
    void *arg;
};

/* Serves one request, if the peer credentials are those of filterd; does not close fd. */
void milter_session_run(int fd, const struct milter_session_env *env);

#endif
