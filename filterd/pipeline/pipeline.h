/* pipeline: a message's way through filterd, on one page. */
#ifndef FILTERD_PIPELINE_PIPELINE_H
#define FILTERD_PIPELINE_PIPELINE_H

#include "base/result.h"
#include "filterd/delivery/hop.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/service.h"

/* Judges, seals and delivers; outcomes has one place per recipient of the envelope. */
void pipeline_run(struct service *sv, struct hop *hop, const struct received *a,
                  struct outcome *outcomes);

#endif
