/* learn session: learns a message that carries no signature (of learning) from its text.
 *
 * filterd-retrain sends such a message to a worker and not to the keeper, which never sees plaintext: first a
 * FRAME_REQUEST, "learn" with login s and class s; then the message in frames of type "ay", the last of them
 * empty. The worker answers with a FRAME_ANSWER. */
#ifndef FILTERD_SESSION_LEARN_SESSION_H
#define FILTERD_SESSION_LEARN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/sitekey.h"
#include "filterd/pipeline/context.h"

struct learn_session_env {
    struct context *context;
    const struct sitekey *key;
    /* Counts a message that cannot be learnt because it is sealed; returns how many there are now. */
    int64_t (*sealed)(void *arg);
    /* False: that a peer was turned away was logged within the last minute, by whatever worker. */
    bool (*refused)(void *arg);
    void *arg;
};

/* Serves one request, if the peer credentials allow training; does not close fd. */
void learn_session_run(int fd, const struct learn_session_env *env);

#endif
