/* received: a complete message with its envelope, as a session hands it to the pipeline. */
#ifndef FILTERD_PIPELINE_RECEIVED_H
#define FILTERD_PIPELINE_RECEIVED_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "rules/evidence.h"

struct delivered_attempt;

struct received {
    const struct envelope *envelope;
    struct evidence *evidence; /* started when the envelope was known */
    const struct bytes *raw;   /* CRLF line ends; never changed */
    bool bare;                 /* it had bare CR or LF, since normalised to CRLF */
    bool client_waits;         /* before the queue: a refusal reaches the sender's own server, and one reply
                                * answers for all recipients */
    gint64 deadline;           /* monotonic microseconds: no copy is started later; 0: none */
    struct delivered_attempt *attempt; /* what the delivered-before memory is told; the session says how it ended.
                                        * NULL: that memory is not used */
    /* Called when a recipient's outcome is known, in the envelope's order. False: the client is gone, the other
     * recipients are left alone. May be NULL. */
    bool (*settled)(guint index, const struct outcome *o, void *arg);
    void *arg;
};

#endif
