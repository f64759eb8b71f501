/* engine_run: runs one GPGME operation with a time limit. GPGME's own event loop waits forever for a gpg that
 * hangs. */
#ifndef GPG_ENGINE_RUN_H
#define GPG_ENGINE_RUN_H

#include <gpgme.h>
#include <poll.h>
#include <stdbool.h>

#define ENGINE_RUN_WATCHES 16

struct engine_run {
    gpgme_ctx_t ctx;
    void (*on_key)(gpgme_key_t key, void *arg); /* key listings only: called for each key, lent */
    void *arg;
    /* private */
    struct engine_run_watch {
        struct pollfd at; /* fd -1: free */
        gpgme_io_cb_t fn;
        void *fn_arg;
    } watches[ENGINE_RUN_WATCHES];
    bool over;
    gpgme_error_t error;
};

/* Call before one gpgme_op_..._start with this context. The caller may set on_key and arg afterwards. */
void engine_run_begin(struct engine_run *r, gpgme_ctx_t ctx);
/* Call after gpgme_op_..._start returned 0. Returns GPGME's error, or GPG_ERR_TIMEOUT if gpg took too long. */
gpgme_error_t engine_run_wait(struct engine_run *r, int seconds);

#endif
