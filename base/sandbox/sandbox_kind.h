/* sandbox_kind: the kinds of processes that have a sandbox, and what one is made for. */
#ifndef BASE_SANDBOX_SANDBOX_KIND_H
#define BASE_SANDBOX_SANDBOX_KIND_H

#include <stddef.h>

enum sandbox_kind {
    SANDBOX_MASTER,  /* never sees mail: only what nobody of us ever needs is gone */
    SANDBOX_WORKER,  /* runs gpg: no file can be written, dangerous calls are gone */
    SANDBOX_KEEPER,  /* files below its folders only, no network, no exec, no fork */
    SANDBOX_DELIVERY_AGENT, /* makes files and folders below its folder and reads none; as the keeper */
    SANDBOX_SPF,     /* no file, no exec, no fork; the network to ask name servers */
    SANDBOX_FRONT,   /* no file, no exec, no fork (threads it may make); connects to unix sockets */
    SANDBOX_KINDS,
};

struct sandbox {
    enum sandbox_kind kind;
    const char *const *folders; /* keeper, delivery agent: where it writes; ends with NULL, or is NULL */
    size_t message_bytes; /* worker: message_size_limit, what its memory is sized by; 0: no limit */
};

#endif
