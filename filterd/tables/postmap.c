/* Runs postmap(1) and postconf(1) without a shell, with a deadline and a bound on what they print. Called by
 * compiled.c (when a compiled table has changed) and by those who fold keys or choose an encoding. The caller's
 * sandbox must let these two programs run, and read /etc/postfix. */
#include "filterd/tables/postmap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "/usr/sbin/"
#define RUN_MS 30000
#define COMPLAINT_MAX 1000

struct run {
    pid_t pid;
    int out, err; /* our ends; -1 once closed */
};

static void child(char *const argv[], int out, int err)
{
    const int null = open("/dev/null", O_RDONLY);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(RUN_MS / 1000 + 1); /* a sandbox may keep the parent from killing it */
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    closefrom(STDERR_FILENO + 1);
    execv(argv[0], argv);
    const char *why = strerror(errno);
    if (write(STDERR_FILENO, why, strlen(why)) < 0)
        _exit(126);
    _exit(127);
}

static bool start(struct run *r, char *const argv[], char **error_r)
{
    int out[2] = {-1, -1}, err[2] = {-1, -1};
    const bool ok = pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0;
    r->pid = ok ? fork() : -1;
    if (r->pid == 0)
        child(argv, out[1], err[1]);
    if (r->pid < 0)
        *error_r = g_strdup_printf("%s: %s", argv[0], g_strerror(errno));
    const int ends[] = {out[1], err[1], out[0], err[0]};
    for (int i = 0; i < (r->pid < 0 ? 4 : 2); i++)
        if (ends[i] >= 0)
            close(ends[i]);
    r->out = out[0];
    r->err = err[0];
    return r->pid > 0;
}

/* Reads once; closes the descriptor at its end. Bytes over limit are an error. */
static bool take(int *fd, GString *into, gsize limit)
{
    char part[65536];
    const ssize_t n = read(*fd, part, sizeof part);
    if (n > 0 && into->len + (gsize)n > limit)
        return false;
    if (n > 0)
        g_string_append_len(into, part, n);
    if (n == 0 || (n < 0 && errno != EINTR)) {
        close(*fd);
        *fd = -1;
    }
    return true;
}

/* Returns why it cannot be read to its end, NULL if it was. */
static const char *collect(struct run *r, gsize limit, GString *out, GString *complaint)
{
    const gint64 end = g_get_monotonic_time() + (gint64)RUN_MS * 1000;
    while (r->out >= 0 || r->err >= 0) {
        struct pollfd fds[] = {{r->out, POLLIN, 0}, {r->err, POLLIN, 0}};
        const gint64 left_ms = (end - g_get_monotonic_time()) / 1000;
        const int n = left_ms > 0 ? poll(fds, 2, (int)left_ms) : 0;
        if (n == 0)
            return "took too long";
        if (n < 0 && errno != EINTR)
            return g_strerror(errno);
        if (n > 0 && fds[0].revents && !take(&r->out, out, limit))
            return "the table is too large";
        if (n > 0 && fds[1].revents && !take(&r->err, complaint, 1 << 20))
            return "too many complaints";
    }
    return NULL;
}

static int reap(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* What a program said last before it gave up, in one line. */
static char *said(GString *complaint, const char *otherwise)
{
    g_strchomp(complaint->str);
    const char *lf = strrchr(complaint->str, '\n');
    g_autofree char *line = g_strndup(lf ? lf + 1 : complaint->str, COMPLAINT_MAX);
    for (char *c = line; *c; c++)
        if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
            *c = '?';
    return *line ? g_steal_pointer(&line) : g_strdup(otherwise);
}

static bool run(char *const argv[], gsize limit, GString *out, char **error_r)
{
    struct run r;
    if (!start(&r, argv, error_r))
        return false;
    GString *complaint = g_string_new(NULL);
    const char *why = collect(&r, limit, out, complaint);
    if (why)
        kill(r.pid, SIGKILL);
    const int status = reap(r.pid);
    if (r.out >= 0)
        close(r.out);
    if (r.err >= 0)
        close(r.err);
    const bool ok = !why && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ok) {
        g_autofree char *text = why ? g_strdup(why) : said(complaint, "failed without a word");
        *error_r = g_strdup_printf("%s: %s", argv[0], text);
    }
    g_string_free(complaint, TRUE);
    return ok;
}

bool postmap_dump(const char *type, const char *name, gsize limit, GString *out, char **error_r)
{
    g_autofree char *table = g_strdup_printf("%s:%s", type, name);
    char *const argv[] = {(char *)FOLDER "postmap", (char *)"-s", table, NULL};
    return run(argv, limit, out, error_r);
}

static struct postmap_facts facts = {true, 3, 10};
static bool facts_known;

const struct postmap_facts *postmap_facts(void)
{
    char *const argv[] = {(char *)FOLDER "postconf", (char *)"-hx", (char *)"smtputf8_enable",
                          (char *)"mail_version", NULL};
    g_autofree char *error = NULL;
    char word[8] = "";
    int major, minor;
    if (facts_known)
        return &facts;
    facts_known = true;
    GString *out = g_string_new(NULL);
    if (run(argv, 1000, out, &error) && sscanf(out->str, "%7s %d.%d", word, &major, &minor) == 3)
        facts = (struct postmap_facts){g_ascii_strcasecmp(word, "no") != 0, major, minor};
    g_string_free(out, TRUE);
    return &facts;
}

void postmap_facts_set(bool utf8, int major, int minor)
{
    facts = (struct postmap_facts){utf8, major, minor};
    facts_known = true;
}
