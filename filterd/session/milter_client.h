/* milter_client: a front's side of what filterd/session/milter_session.h tells. It may be called by several
 * threads at once. */
#ifndef FILTERD_SESSION_MILTER_CLIENT_H
#define FILTERD_SESSION_MILTER_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/result.h"

/* What an MTA said. Strings are UTF-8; those that are not known are NULL. */
struct milter_client_message {
    const char *listener;
    bool authenticated, local;
    const char *client_addr, *client_name, *client_port, *helo, *queue_id, *sender;
    GPtrArray *recipients; /* of char* */
    guint fields;          /* header fields in raw */
    struct bytes raw;
};

/* What is to be done for one recipient: RES_OK, or how it is refused. */
struct outcome milter_client_recipient(const struct endpoint *workers,
                                       const struct milter_client_message *m, const char *address,
                                       bool *sealed_r);

/* A judged message whose copy is still to be taken. */
struct milter_client_copy {
    int fd;
    gint64 end; /* monotonic microseconds: until then it must be taken */
    GVariant *edits; /* MILTER_EDITS_TYPE */
    char *to;        /* goes to this address instead; NULL: to its recipients */
    bool body;       /* a new body follows */
};

/* RES_OK fills *copy_r: milter_client_copy_clear it. Whatever goes wrong is a tempfail. */
struct outcome milter_client_ask(const struct endpoint *workers,
                                 const struct milter_client_message *m,
                                 struct milter_client_copy *copy_r);
/* The next piece of the new body; NULL at its end, or with *failed_r when it broke off. Unref. */
GVariant *milter_client_copy_body(struct milter_client_copy *c, bool *failed_r);
/* The MTA has all of it; false if the worker is gone, who then holds it for not taken. */
bool milter_client_copy_done(struct milter_client_copy *c);
void milter_client_copy_clear(struct milter_client_copy *c);

#endif
