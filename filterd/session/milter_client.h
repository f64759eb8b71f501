/* milter_client: the milter process's side of what filterd/session/milter_session.h defines. Several threads
 * may call it at once. */
#ifndef FILTERD_SESSION_MILTER_CLIENT_H
#define FILTERD_SESSION_MILTER_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/result.h"

/* What an MTA said about a message. Strings are UTF-8; NULL: not known. */
struct milter_client_message {
    const char *listener;
    bool authenticated, local;
    const char *client_addr, *client_name, *client_port, *helo, *queue_id, *sender;
    GPtrArray *recipients; /* of char* */
    guint fields;          /* how many header fields raw has */
    struct bytes raw;
};

/* Asks a worker what it would do for this recipient: RES_OK, or the reply to refuse it with. */
struct outcome milter_client_recipient(const struct endpoint *workers,
                                       const struct milter_client_message *m, const char *address,
                                       bool *sealed_r);

/* A judged message whose finished copy the MTA has not got yet. */
struct milter_client_copy {
    int fd;
    gint64 end; /* monotonic microseconds: the worker waits until then */
    GVariant *edits; /* MILTER_EDITS_TYPE */
    char *to;        /* deliver to this address instead; NULL: to its recipients */
    bool body;       /* a new body follows */
};

/* Has a worker judge the message. RES_OK fills *copy_r: milter_client_copy_clear it. Every error is a tempfail. */
struct outcome milter_client_ask(const struct endpoint *workers,
                                 const struct milter_client_message *m,
                                 struct milter_client_copy *copy_r);
/* The next piece of the new body (unref); NULL at its end, or, with *failed_r set, if the connection broke. */
GVariant *milter_client_copy_body(struct milter_client_copy *c, bool *failed_r);
/* Tells the worker that the MTA has the whole copy. False: the worker is gone, and counts the copy as not
 * delivered. */
bool milter_client_copy_done(struct milter_client_copy *c);
void milter_client_copy_clear(struct milter_client_copy *c);

#endif
