/* pipeline: a message's way through filterd, on one page. */
#ifndef FILTERD_PIPELINE_H
#define FILTERD_PIPELINE_H

#include "base/bytes.h"
#include "base/envelope.h"
#include "base/result.h"
#include "filterd/hop.h"
#include "filterd/service.h"
#include "rules/evidence.h"

struct arrival {
    const struct envelope *envelope;
    struct evidence *evidence; /* started when the envelope was known */
    const struct bytes *raw;   /* CRLF line ends; kept unchanged */
    bool bare;                 /* had bare CR or LF, since normalised */
    bool client_waits;         /* before the queue: a refusal reaches the sender's own server */
};

/* Judges, seals and delivers; outcomes has one place per recipient of the envelope. */
void pipeline_run(struct service *sv, struct hop *hop, const struct arrival *a,
                  struct outcome *outcomes);

#endif
