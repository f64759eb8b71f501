/* sandbox_kind: the kinds of processes that have a sandbox, and its parameters. */
#ifndef BASE_SANDBOX_SANDBOX_KIND_H
#define BASE_SANDBOX_SANDBOX_KIND_H

#include <stddef.h>

enum sandbox_kind {
    SANDBOX_MASTER,  /* never sees mail: only calls that no process of filterd needs are gone */
    SANDBOX_WORKER,  /* runs gpg: cannot write files; dangerous calls are gone */
    SANDBOX_KEEPER,  /* files below its folders only; no network, no exec, no fork */
    SANDBOX_DELIVERY_AGENT, /* only creates files and folders below its folder; else like the keeper */
    SANDBOX_SPF,     /* IP to the name servers; no files, no exec, no fork */
    SANDBOX_MILTER,   /* threads, connects to unix sockets; no files, no exec, no fork */
    SANDBOX_KINDS,
};

struct sandbox {
    enum sandbox_kind kind;
    const char *const *folders; /* keeper, delivery agent: where it may write; NULL-terminated, or NULL */
    size_t message_bytes; /* worker: message_size_limit, which sizes its memory; 0: no limit */
};

#endif
