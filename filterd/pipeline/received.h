/* received: a message that has come in whole, as a session hands it to the pipeline. */
#ifndef FILTERD_PIPELINE_RECEIVED_H
#define FILTERD_PIPELINE_RECEIVED_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "rules/evidence.h"

struct received {
    const struct envelope *envelope;
    struct evidence *evidence; /* begun when the envelope was known */
    const struct bytes *raw;   /* CRLF line ends; kept unchanged */
    bool bare;                 /* had bare CR or LF, since normalised */
    bool client_waits;         /* before the queue: a refusal reaches the sender's own server, and
                                * one reply stands for all */
    gint64 deadline;           /* monotonic microseconds: no copy is begun after it; 0: none */
    GByteArray *served;        /* gets the digests of the copies that went through, now or in an
                                * earlier attempt: for keeper_client_retry_forget when the client knows.
                                * NULL: earlier attempts are not asked about */
    /* A recipient's outcome is known; they come in order. False: nobody hears us, the rest stays.
     * May be NULL. */
    bool (*settled)(guint index, const struct outcome *o, void *arg);
    void *arg;
};

#endif
