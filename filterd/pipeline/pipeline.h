/* pipeline: takes a message from reception to its next hop. */
#ifndef FILTERD_PIPELINE_PIPELINE_H
#define FILTERD_PIPELINE_PIPELINE_H

#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/context.h"

/* Judges, seals and delivers. outcomes has one element per recipient of the envelope. */
void pipeline_run(struct context *ctx, struct next_hop *hop, const struct received *a,
                  struct outcome *outcomes);

#endif
