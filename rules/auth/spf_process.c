/* Two processes: the nurse, forked before there was any mail to see, starts the one that answers,
 * and starts it anew from her own clean memory when it has died; she tells the asker of what. All
 * three share one socket pair: the asker has one end, the other two have the other. */
#include "rules/auth/spf_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/dns/resolver.h"
#include "base/log.h"
#include "base/sandbox/sandbox.h"

#define QUESTION_MAX 4096
#define CPU_SECONDS 2     /* for one question; more is a loop */
#define STALE_MS 200      /* for the answer to a question that was taken back */
#define GOODBYE_MS 500
#define CHILD_FD 3

struct spf_helper {
    int fd; /* -1: gone */
    pid_t nurse;
    guint32 asked; /* the last question's number */
    bool waiting;
};

/* Followed by address, HELO and sender, each with its NUL. */
struct question_head {
    guint32 number;
};

struct answer {
    guint32 number;
    bool died;
    struct spf_result result;
};

/* ---- the one that answers ---- */

static bool unpack(char *text, size_t len, struct spf_question *q)
{
    const char **parts[] = {&q->address, &q->helo, &q->sender};
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        char *nul = memchr(text, 0, len);
        if (!nul)
            return false;
        *parts[i] = text;
        len -= (size_t)(nul + 1 - text);
        text = nul + 1;
    }
    return true;
}

static void answer_all(const struct settings *s, volatile guint32 *current)
{
    char *error = NULL;
    struct resolver *r = resolver_new(s, &error);
    struct spf_process_wait w = {s->dns_timeout_ms, CHILD_FD};
    char text[QUESTION_MAX];
    ssize_t len;
    const char *why;
    /* The name servers are read: from here on there is nothing but the network to them. */
    const bool closed = sandbox_close(&(struct sandbox){.kind = SANDBOX_SPF}, &why);
    if (!r || (!closed && s->sandbox_required))
        _exit(EX_CONFIG);
    while ((len = recv(CHILD_FD, text, sizeof text, 0)) > 0 || (len < 0 && errno == EINTR)) {
        struct question_head head;
        struct spf_question q;
        struct answer a;
        memset(&a, 0, sizeof a);
        if (len < (ssize_t)sizeof head)
            continue;
        memcpy(&head, text, sizeof head);
        *current = a.number = head.number;
        sandbox_cpu(CPU_SECONDS);
        if (unpack(text + sizeof head, (size_t)len - sizeof head, &q))
            a.result = spf_process_check(r, &q, &w);
        *current = 0;
        if (send(CHILD_FD, &a, sizeof a, MSG_NOSIGNAL) < 0)
            break;
    }
    _exit(0);
}

/* ---- the nurse ---- */

static void report(guint32 number, int status)
{
    struct answer a;
    memset(&a, 0, sizeof a);
    a.number = number;
    a.died = true;
    a.result.code = SPF_CODE_TEMPERROR;
    snprintf(a.result.reason, sizeof a.result.reason, "the check died (%s %d)",
             WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status)
                                                                          : WEXITSTATUS(status));
    send(CHILD_FD, &a, sizeof a, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Ends when the child has ended well, or cannot begin. */
static void nurse(const struct settings *s, volatile guint32 *current)
{
    int status = 0;
    do {
        *current = 0;
        pid_t self = getpid(), child = fork();
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() == self)
                answer_all(s, current);
            _exit(0);
        }
        if (child < 0)
            break;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        if (*current)
            report(*current, status);
        else if (status)
            sleep(1); /* it dies without being asked: not in a hurry */
    } while (status && !(WIFEXITED(status) && WEXITSTATUS(status) == EX_CONFIG));
    _exit(0);
}

static void become_nurse(const struct settings *s, int fd, pid_t parent)
{
    const char *why;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "filterd-spf");
    if (getppid() != parent || dup2(fd, CHILD_FD) != CHILD_FD)
        _exit(0);
    close_range(CHILD_FD + 1, ~0U, 0);
    /* What there is to say of the name server, the asker's resolver says, too. */
    log_to_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    /* The end of the socket ends us, not a signal to the group: answers are still waited for. */
    static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    static const int reset[] = {SIGCHLD, SIGALRM, SIGUSR1, SIGUSR2, SIGXCPU};
    for (size_t i = 0; i < G_N_ELEMENTS(ignored); i++)
        signal(ignored[i], SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(reset); i++)
        signal(reset[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (!sandbox_close(&(struct sandbox){.kind = SANDBOX_WORKER}, &why) && s->sandbox_required)
        _exit(0);
    guint32 *current = mmap(NULL, sizeof *current, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (current != MAP_FAILED)
        nurse(s, current);
    _exit(0);
}

/* ---- the asker ---- */

struct spf_helper *spf_helper_new(const struct settings *s)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
        return NULL;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        become_nurse(s, fds[1], parent);
    close(fds[1]);
    if (pid < 0) {
        close(fds[0]);
        return NULL;
    }
    struct spf_helper *h = g_new0(struct spf_helper, 1);
    h->fd = fds[0];
    h->nurse = pid;
    return h;
}

static void lose(struct spf_helper *h)
{
    if (h->fd < 0)
        return;
    close(h->fd);
    h->fd = -1;
    /* They go at once when nobody is left to ask; the child dies with its nurse. */
    for (int ms = 0; ms < GOODBYE_MS; ms += 5) {
        if (waitpid(h->nurse, NULL, WNOHANG) != 0)
            return;
        g_usleep(5000);
    }
    kill(h->nurse, SIGKILL);
    waitpid(h->nurse, NULL, 0);
}

void spf_helper_free(struct spf_helper **h)
{
    if (!*h)
        return;
    lose(*h);
    g_clear_pointer(h, g_free);
}

/* False: there is none now. What an attacked process may send is not trusted. */
static bool take(struct spf_helper *h, struct answer *a)
{
    if (h->fd < 0)
        return false;
    ssize_t len = recv(h->fd, a, sizeof *a, MSG_DONTWAIT);
    if (len == 0 || (len < 0 && errno != EAGAIN && errno != EINTR)) {
        log_warn("the SPF process is gone: no SPF in this worker any more");
        lose(h);
    }
    if (len != (ssize_t)sizeof *a)
        return false;
    a->result.domain[sizeof a->result.domain - 1] = 0;
    a->result.reason[sizeof a->result.reason - 1] = 0;
    if ((unsigned)a->result.code > SPF_CODE_PERMERROR)
        a->result.code = SPF_CODE_TEMPERROR;
    g_strcanon(a->result.domain, "abcdefghijklmnopqrstuvwxyz0123456789-_.", '?');
    for (char *p = a->result.reason; *p; p++)
        if (*p < 0x20 || *p > 0x7e)
            *p = '?';
    if (a->died)
        log_warn("spf: %s", a->result.reason);
    return true;
}

/* The answer to the question before, which comes at once because a new one came. */
static void drop_stale(struct spf_helper *h)
{
    struct pollfd p = {.fd = h->fd, .events = POLLIN};
    struct answer a;
    while (h->waiting && h->fd >= 0 && poll(&p, 1, STALE_MS) > 0)
        if (take(h, &a) && a.number == h->asked)
            h->waiting = false;
}

static bool pack(GString *out, const struct spf_question *q, guint32 number)
{
    const char *parts[] = {q->address, q->helo, q->sender};
    struct question_head head = {number};
    g_string_append_len(out, (const char *)&head, sizeof head);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const char *text = parts[i] ? parts[i] : "";
        g_string_append_len(out, text, (gssize)strlen(text) + 1);
    }
    return out->len <= QUESTION_MAX;
}

bool spf_helper_ask(struct spf_helper *h, const struct spf_question *q)
{
    bool sent = false;
    GString *text = g_string_new(NULL);
    guint32 number = h->asked + 1 ? h->asked + 1 : 1;
    if (h->fd >= 0 && pack(text, q, number))
        sent = send(h->fd, text->str, text->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)text->len;
    g_string_free(text, TRUE);
    if (!sent)
        return false;
    drop_stale(h);
    h->asked = number;
    h->waiting = h->fd >= 0;
    return h->waiting;
}

int spf_helper_fd(const struct spf_helper *h)
{
    return h->fd;
}

bool spf_helper_answer(struct spf_helper *h, struct spf_result *result_r)
{
    struct answer a;
    *result_r = (struct spf_result){.code = SPF_CODE_TEMPERROR, .reason = "no answer in time"};
    while (h->waiting && take(h, &a))
        if (a.number == h->asked) {
            h->waiting = false;
            *result_r = a.result;
        }
    return !h->waiting || h->fd < 0;
}
