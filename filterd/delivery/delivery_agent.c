/* The process that writes maildirs and runs sendmail for a worker. Called by next_hop.c in the worker, by
 * worker.c and pipe_main.c for the process itself. */
#include "filterd/delivery/delivery_agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/newline.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"

/* path, sender, recipient, which need not be UTF-8; the message follows as plain bytes. */
#define JOB "(sayay)"
#define JOB_BYTES 65536
#define ANSWER_BYTES 4096
#define ANSWER_MS 120000

static GVariant *send_job(int fd, GVariant *job, const void *message, size_t len)
{
    if (!frame_send(fd, job, ANSWER_MS) || !frame_send_bytes(fd, message, len, ANSWER_MS))
        return NULL;
    return frame_recv(fd, "(is)", ANSWER_BYTES, ANSWER_MS);
}

struct outcome delivery_agent_deliver(int *fd, const char *path, const char *const envelope[2],
                               const void *message, size_t len)
{
    struct outcome o = outcome_of(REASON_NEXT_HOP_DOWN);
    if (*fd < 0)
        return o;
    GVariant *answer = send_job(*fd, g_variant_new("(s^ay^ay)", path, envelope[0], envelope[1]), message, len);
    if (!answer) {
        log_warn("delivery agent: no answer");
        close(*fd);
        *fd = -1;
        return o;
    }
    gint32 reason;
    const char *text;
    g_variant_get(answer, "(i&s)", &reason, &text);
    if (reason == REASON_OK || reason == REASON_NEXT_HOP_FULL || reason == REASON_NEXT_HOP_SHUT)
        o = outcome_of((enum outcome_reason)reason);
    if (reason != REASON_OK)
        log_warn("delivery agent: %s", text);
    g_variant_unref(answer);
    return o;
}

static bool serve(int fd, GVariant *job, delivery_agent_fn *deliver)
{
    struct delivery_agent_job j = {.worker = fd,
                            .message = frame_recv_bytes(fd, DELIVERY_AGENT_JOB_BYTES, ANSWER_MS)};
    if (!j.message)
        return false;
    g_variant_get(job, "(&s^&ay^&ay)", &j.path, &j.sender, &j.recipient);
    g_autofree char *error = NULL;
    const enum outcome_reason reason = deliver(&j, &error);
    GVariant *answer = g_variant_new("(is)", (gint32)reason, error ? error : "");
    g_bytes_unref(j.message);
    return frame_send(fd, answer, ANSWER_MS);
}

void delivery_agent_serve(int fd, delivery_agent_fn *deliver)
{
    GVariant *job;
    bool served = true;
    while (served && (job = frame_recv(fd, JOB, JOB_BYTES, -1))) {
        served = serve(fd, job, deliver);
        g_variant_unref(job);
    }
}

bool delivery_agent_is_awaited(const struct delivery_agent_job *job)
{
    struct pollfd p = {.fd = job->worker, .events = POLLRDHUP};
    return poll(&p, 1, 0) == 0;
}

static bool make_maildir(const char *path)
{
    static const char *const subs[] = {"", "/tmp", "/new", "/cur"};
    /* Makes domain folders above the maildir, too; the first component of the path must exist. */
    g_autofree char *parent = g_path_get_dirname(path);
    bool ok = g_mkdir_with_parents(parent, 0700) == 0;
    for (size_t i = 0; ok && i < G_N_ELEMENTS(subs); i++) {
        g_autofree char *dir = g_strconcat(path, subs[i], NULL);
        ok = mkdir(dir, 0700) == 0 || errno == EEXIST;
    }
    return ok;
}

/* Maildirs hold LF line ends. */
static bool write_lf(int fd, GBytes *message)
{
    struct bytes lf = {0};
    newline_add_lf(&lf, g_bytes_get_data(message, NULL), g_bytes_get_size(message));
    const bool ok = bytes_write(fd, lf.data, lf.len);
    bytes_free(&lf);
    return ok;
}

static bool sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Of errno, with the line for the log. */
static enum outcome_reason failed(const char *path, char **error_r)
{
    const int why = errno;
    *error_r = g_strdup_printf("%s: %s", path, g_strerror(why));
    switch (why) {
    case ENOSPC:
    case EDQUOT:
        return REASON_NEXT_HOP_FULL;
    case ECANCELED:
        return REASON_NEXT_HOP_DOWN;
    default:
        return REASON_NEXT_HOP_SHUT;
    }
}

enum outcome_reason delivery_agent_maildir(const struct delivery_agent_job *job, char **error_r)
{
    static unsigned count;
    struct timespec now;
    const char *path = job->path;
    if (!make_maildir(path))
        return failed(path, error_r);
    clock_gettime(CLOCK_REALTIME, &now);
    g_autofree char *name = g_strdup_printf("%lld.M%06ldP%dQ%u.filterd", (long long)now.tv_sec,
                                 now.tv_nsec / 1000, (int)getpid(), ++count);
    g_autofree char *tmp = g_build_filename(path, "tmp", name, NULL);
    g_autofree char *new = g_build_filename(path, "new", name, NULL);
    g_autofree char *folder = g_build_filename(path, "new", NULL);
    enum outcome_reason reason = REASON_OK;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_lf(fd, job->message) && fsync(fd) == 0;
    if (fd >= 0)
        ok = close(fd) == 0 && ok;
    if (ok && !delivery_agent_is_awaited(job)) {
        errno = ECANCELED;
        ok = false;
    }
    const bool moved = ok && rename(tmp, new) == 0;
    if (!moved || !sync_folder(folder)) {
        reason = failed(path, error_r);
        unlink(moved ? new : tmp); /* the worker stopped waiting: the message will come again */
    }
    return reason;
}

int delivery_agent_start(const struct settings *s, struct sitekey *key)
{
    int pair[2];
    if (!sandbox_policy_has_maildir(s) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(pair[0]);
        explicit_bzero(key, sizeof *key);
        prctl(PR_SET_NAME, "filterd-agent");
        /* The agent ends when its worker closes the socket: ignore signals, which could cut a file short. */
        signal(SIGTERM, SIG_IGN);
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        signal(SIGUSR1, SIG_IGN);
        if (!sandbox_policy_close(s, SANDBOX_DELIVERY_AGENT))
            _exit(EX_CONFIG);
        delivery_agent_serve(pair[1], delivery_agent_maildir);
        _exit(0);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return -1;
    }
    return pair[0];
}
