/* Takes texts from the tables' process and has them imported. Run in the process that filterd/importer_child.c starts. */
#include "filterd/importer/importer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/leaving.h"
#include "base/log.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_policy.h"
#include "filterd/importer/column_import.h"
#include "filterd/tables/key_import.h"

enum {
    LINE_FD = 3,
    TURN_MS = 1000,     /* how often it looks whether the master is there */
    TEXT_MS = 5000,     /* so long a text may take to come */
    TEXT_MAX = 2 << 20, /* bytes: a key of 1 MiB, as hex digits */
    CPU_SECONDS = 60,   /* for one text, gpg's included */
};

/* Reads to the end, at most a little over TEXT_MAX. False: it did not come, or not all of it. */
static bool read_text(const struct key_import_request *r, struct bytes *text)
{
    static char piece[65536];
    const gint64 end = g_get_monotonic_time() + TEXT_MS * 1000;
    ssize_t n = 1;
    while (n > 0 && text->len <= TEXT_MAX) {
        struct pollfd p = {r->socket, POLLIN, 0};
        const int ready = poll(&p, 1, (int)MAX((end - g_get_monotonic_time()) / 1000, 0));
        if (ready < 0 && errno == EINTR)
            continue;
        n = ready > 0 ? recv(r->socket, piece, sizeof piece, MSG_DONTWAIT) : -1;
        if (n > 0)
            bytes_add(text, piece, (size_t)n);
    }
    return n >= 0 && (text->len == r->len || text->len > TEXT_MAX);
}

static void serve_one(struct column_import *c, int line)
{
    struct key_import_request r;
    struct bytes text = {0};
    if (!key_import_take(line, &r))
        return;
    sandbox_cpu(CPU_SECONDS);
    const bool came = read_text(&r, &text);
    key_import_answer(r.socket, came ? column_import_text(c, r.user, (const char *)text.data, text.len) : KEY_IMPORT_TEMP);
    close(r.socket);
    bytes_free(&text);
}

static void serve(struct column_import *c, int line)
{
    while (!leaving_now()) {
        struct pollfd p = {line, POLLIN, 0};
        if (poll(&p, 1, TURN_MS) > 0)
            serve_one(c, line);
    }
}

int importer_process_run(const struct settings *settings, int line)
{
    const pid_t master = getppid();
    const int high = fcntl(line, F_DUPFD_CLOEXEC, LINE_FD + 1);
    if (dup3(high, LINE_FD, O_CLOEXEC) < 0)
        return EX_OSERR;
    close_range(LINE_FD + 1, ~0U, 0);
    log_to_fd(STDERR_FILENO); /* the pipe to the master, whose other descriptor is closed now */
    leaving_prepare(master);
    if (!sandbox_policy_close(settings, SANDBOX_IMPORTER))
        return EX_CONFIG;
    struct column_import *c = column_import_new(settings, LINE_FD);
    serve(c, LINE_FD);
    column_import_free(&c);
    return EX_OK;
}
