/* shim_page: the page that the test and the preloaded library share; FilterdTest::Faults knows this. */
#ifndef T_FAULTS_SHIM_PAGE_H
#define T_FAULTS_SHIM_PAGE_H

#include <stdatomic.h>
#include <stdint.h>

#define SHIM_MAGIC 0x6661756cu

enum shim_role {
    SHIM_NOBODY,
    SHIM_MASTER,
    SHIM_YOUNG, /* forked by the master, without a name yet */
    SHIM_KEEPER,
    SHIM_WORKER,
    SHIM_CHILD, /* forked by a worker, without a name yet: gpg before exec */
    SHIM_GPG,
    SHIM_AGENT,
    SHIM_SPF,
    SHIM_PIPE,
    SHIM_INNER, /* filterd-pipe's child behind the sandbox */
    SHIM_MILTER,
    SHIM_ROLES
};

/* How the names of programs and processes begin; the first that fits. */
#define SHIM_NAMES                                                                                 \
    {[SHIM_MASTER] = "filterd.bin", [SHIM_KEEPER] = "filterd-keeper",                              \
     [SHIM_WORKER] = "filterd-worker", [SHIM_GPG] = "gpg", [SHIM_AGENT] = "filterd-agent",         \
     [SHIM_SPF] = "filterd-spf", [SHIM_PIPE] = "filterd-pipe", [SHIM_MILTER] = "filterd-milter"}

enum shim_kind {
    SHIM_MALLOC,
    SHIM_MMAP,
    SHIM_READ,
    SHIM_WRITE,
    SHIM_PWRITE,
    SHIM_POLL,
    SHIM_FORK,
    SHIM_EXEC,
    SHIM_ACCEPT,
    SHIM_CONNECT,
    SHIM_SOCKET, /* pipes, too */
    SHIM_OPEN,
    SHIM_STAT, /* also access and readlink */
    SHIM_SYNC, /* also truncation */
    SHIM_RENAME, /* also unlink and mkdir */
    SHIM_SQLITE,
    SHIM_GPGME,
    SHIM_KINDS
};

enum shim_action { SHIM_GO, SHIM_FAIL, SHIM_END, SHIM_SHORT, SHIM_KILL, SHIM_HANG };

struct shim_page {
    uint32_t magic;
    _Atomic uint32_t order; /* another number for each order; 0: all goes on as always */
    uint32_t roles, kinds;  /* sets of bits: whose calls, and which */
    uint32_t action;
    int32_t error; /* errno, SQLite's or GPGME's code */
    uint32_t sticky; /* the n-th and all after it */
    uint32_t early; /* workers count from their start, not from the connection they take */
    uint64_t nth;   /* 0: only count */
    _Atomic uint64_t count;
    _Atomic uint32_t fired;
    uint32_t fired_role, fired_kind, unused;
    int64_t fired_us; /* microseconds since 1970 */
    _Atomic uint64_t seen[SHIM_ROLES][SHIM_KINDS]; /* of all orders; the test clears it */
    _Atomic uint32_t latest[SHIM_ROLES]; /* process id of who took the role last */
};

#endif
