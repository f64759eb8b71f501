/* GPGME's event loop, with a time limit. Called by keyring.c and keyring_import.c. */
#include "gpg/engine_run.h"

#include <errno.h>
#include <glib.h>

/* GPGME calls this to have fd watched. dir: 1 for reading, 0 for writing. */
static gpgme_error_t add_watch(void *data, int fd, int dir, gpgme_io_cb_t fn, void *fn_arg, void **tag)
{
    struct engine_run *r = data;
    for (int i = 0; i < ENGINE_RUN_WATCHES; i++) {
        struct engine_run_watch *w = &r->watches[i];
        if (w->at.fd >= 0)
            continue;
        *w = (struct engine_run_watch){{fd, dir ? POLLIN : POLLOUT, 0}, fn, fn_arg};
        *tag = w;
        return 0;
    }
    return gpgme_error(GPG_ERR_LIMIT_REACHED);
}

static void drop(void *tag)
{
    struct engine_run_watch *w = tag;
    w->at.fd = -1;
}

static void on_event(void *data, gpgme_event_io_t type, void *what)
{
    struct engine_run *r = data;
    if (type == GPGME_EVENT_DONE) {
        const struct gpgme_io_event_done_data *done = what;
        r->error = done->err ? done->err : done->op_err;
        r->over = true;
    } else if (type == GPGME_EVENT_NEXT_KEY) {
        gpgme_key_t key = what;
        if (r->on_key)
            r->on_key(key, r->arg);
        gpgme_key_unref(key);
    }
}

void engine_run_begin(struct engine_run *r, gpgme_ctx_t ctx)
{
    *r = (struct engine_run){.ctx = ctx};
    for (int i = 0; i < ENGINE_RUN_WATCHES; i++)
        r->watches[i].at.fd = -1;
    struct gpgme_io_cbs own = {add_watch, r, drop, on_event, r};
    gpgme_set_io_cbs(ctx, &own);
}

/* Calls the callbacks of the descriptors that are ready. A callback may end the operation or remove another
 * watch. */
static void tell_ready(struct engine_run *r, const struct pollfd *fds)
{
    for (int i = 0; i < ENGINE_RUN_WATCHES && !r->over; i++) {
        struct engine_run_watch *w = &r->watches[i];
        if (fds[i].revents && w->at.fd == fds[i].fd)
            w->fn(w->fn_arg, w->at.fd);
    }
}

static gpgme_error_t give_up(struct engine_run *r, gpgme_err_code_t code)
{
    gpgme_cancel(r->ctx);
    return gpgme_error(code);
}

gpgme_error_t engine_run_wait(struct engine_run *r, int seconds)
{
    const gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    while (!r->over) {
        struct pollfd fds[ENGINE_RUN_WATCHES];
        const gint64 left_us = end - g_get_monotonic_time();
        for (int i = 0; i < ENGINE_RUN_WATCHES; i++)
            fds[i] = r->watches[i].at;
        if (left_us <= 0)
            return give_up(r, GPG_ERR_TIMEOUT);
        const int n = poll(fds, ENGINE_RUN_WATCHES, (int)(left_us / 1000) + 1);
        if (n < 0 && errno != EINTR)
            return give_up(r, gpgme_err_code_from_errno(errno));
        if (n > 0)
            tell_ready(r, fds);
    }
    return r->error;
}
