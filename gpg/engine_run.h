/* engine_run: one operation of GPGME, for so long and no longer. Its own loop waits for ever on a gpg
 * that hangs. */
#ifndef GPG_ENGINE_RUN_H
#define GPG_ENGINE_RUN_H

#include <gpgme.h>
#include <poll.h>
#include <stdbool.h>

#define ENGINE_RUN_WATCHES 16

struct engine_run {
    gpgme_ctx_t ctx;
    void (*on_key)(gpgme_key_t key, void *arg); /* of a listing: each key, lent */
    void *arg;
    /* its own */
    struct engine_run_watch {
        struct pollfd at; /* fd -1: free */
        gpgme_io_cb_t fn;
        void *fn_arg;
    } watches[ENGINE_RUN_WATCHES];
    bool over;
    gpgme_error_t error;
};

/* Before one gpgme_op_..._start with this context; on_key and arg are then the caller's to set. */
void engine_run_begin(struct engine_run *r, gpgme_ctx_t ctx);
/* After it, if it returned 0: GPGME's error, GPG_ERR_TIMEOUT if gpg was not done in time. */
gpgme_error_t engine_run_wait(struct engine_run *r, int seconds);

#endif
