/* attempts_world: the delivered-before memory in a world of the pipeline's (pipeline_world.h). */
#ifndef T_UNIT_ATTEMPTS_WORLD_H
#define T_UNIT_ATTEMPTS_WORLD_H

#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/delivered_attempt.h"
#include "t/unit/pipeline_world.h"

/* The memory is used, in an attempt at what lies in this queue file. */
static inline void attempt_at(const char *queue_id)
{
    delivered_attempt_free(&received.attempt);
    received.attempt = delivered_attempt_new();
    g_free(envelope->queue_id);
    envelope->queue_id = g_strdup(queue_id);
}

static inline size_t copies_kept(void)
{
    return received.attempt->copies->len / DELIVERED_DIGEST_BYTES;
}

/* The attempt has failed, and the next one begins. */
static inline void try_again(void)
{
    g_autofree char *queue_id = g_strdup(envelope->queue_id);
    delivered_attempt_failed(received.attempt, context->keeper);
    attempt_at(queue_id);
}

#endif
