/* pipeline: a message's way through filterd, on one page. */
#ifndef FILTERD_PIPELINE_PIPELINE_H
#define FILTERD_PIPELINE_PIPELINE_H

#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/context.h"

/* Judges, seals and delivers; outcomes has one place per recipient of the envelope. */
void pipeline_run(struct context *ctx, struct next_hop *hop, const struct received *a,
                  struct outcome *outcomes);

#endif
