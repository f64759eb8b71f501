/* sandbox_kind: the kinds of processes that have a sandbox, and its parameters. */
#ifndef BASE_SANDBOX_SANDBOX_KIND_H
#define BASE_SANDBOX_SANDBOX_KIND_H

#include <stdbool.h>
#include <stddef.h>

enum sandbox_kind {
    SANDBOX_MASTER,  /* never sees mail: writes below the folders that its children need; calls that no process
                      * of filterd needs are gone */
    SANDBOX_WORKER,  /* runs gpg: cannot write files; dangerous calls are gone */
    SANDBOX_KEEPER,  /* files below its folders only; no network, no exec, no fork */
    SANDBOX_DELIVERY_AGENT, /* only creates files and folders below its folder; else like the keeper */
    SANDBOX_SPF,     /* IP to the name servers; no files, no exec, no fork */
    SANDBOX_MILTER,   /* threads, connects to unix sockets; no files, no exec, no fork */
    SANDBOX_TABLES,   /* network; reads files, writes none; executes postmap and postconf alone; dangerous calls are gone */
    SANDBOX_IMPORTER, /* runs gpg on keys of columns: writes the folder of keys alone; no network; dangerous calls are gone */
    SANDBOX_KINDS,
};

struct sandbox {
    enum sandbox_kind kind;
    const char *const *folders; /* master, keeper, delivery agent, importer: where it may write; NULL-terminated, or NULL */
    const char *const *socket_folders; /* master: where it may make sockets; NULL-terminated, or NULL */
    const char *keys; /* master, importer: the folder of keys, with links, which the importer alone writes; NULL: none */
    bool renames; /* master: a delivery agent of it renames files from one folder to another */
    size_t message_bytes; /* worker: message_size_limit, which sizes its memory; 0: no limit */
};

#endif
