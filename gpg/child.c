/* Starts gpg, feeds it one message and collects the ciphertext before a deadline. Called by engine.c. */
#include "gpg/child.h"

#include <errno.h>
#include <fcntl.h>
#include <gpgme.h>
#include <poll.h>
#include <signal.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gpg/ring.h"
#include "gpg/stray.h"

#define CIPHER_BYTES 65536
#define STATUS_BYTES 4096
#define STATUS_FD 3
#define SHORT_BYTES 32768
#define SHORT_KEYS 4
#define SHORT_MS 1000
#define EXIT_CANNOT_START 127
/* From the deadline, when its timer ends gpg, until we wait for it no longer. */
#define DEATH_US G_USEC_PER_SEC

struct child {
    pid_t pid;
    int in, out, status; /* our ends of the pipes; -1: closed */
    const struct engine_text *text;
    int part; /* piece of the text, and how many of its bytes are sent */
    size_t at;
    struct armor *armor;
    char line[STATUS_BYTES]; /* status line read so far */
    size_t line_len;
    gint64 deadline; /* monotonic microseconds */
    bool ended;
    bool taken; /* gpg's output was read to its end */
    bool written; /* some output was read */
    bool late;    /* gpg missed the deadline */
    char *refused;
};

/* ---- start ---- */

static void add_argument(GPtrArray *argv, const char *option, char *value)
{
    g_ptr_array_add(argv, g_strdup(option));
    g_ptr_array_add(argv, value);
}

static bool has_ring(GPtrArray *key_files)
{
    for (guint i = 0; i < key_files->len; i++)
        if (ring_is(key_files->pdata[i]))
            return true;
    return false;
}

static void add_keys(GPtrArray *argv, GPtrArray *key_files)
{
    g_ptr_array_add(argv, g_strdup(has_ring(key_files) ? "--no-default-keyring" : "--no-keyring"));
    for (guint i = 0; i < key_files->len; i++) {
        const char *file = key_files->pdata[i];
        if (ring_is(file)) {
            add_argument(argv, "--keyring", g_strdup(file));
            add_argument(argv, "--recipient", ring_key(file));
        } else {
            add_argument(argv, "--recipient-file", g_strdup(file));
        }
    }
}

/* gpg's arguments: all settings of our gpg.conf, and no keyring except the rings. So gpg opens nothing in the
 * home, only the key files. */
static GPtrArray *arguments(const char *home, GPtrArray *key_files)
{
    static const char *const fixed[] = {
        "--no-options", "--batch", "--no-tty", "--quiet", "--no-greeting", "--lock-never",
        "--no-random-seed-file", "--trust-model", "always", "--no-auto-check-trustdb",
        "--no-autostart", "--no-auto-key-locate", "--no-permission-warning", "--compress-algo",
        "none", "--no-encrypt-to", "--exit-on-status-write-error", "--status-fd",
        G_STRINGIFY(STATUS_FD), "--output", "-"};
    GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(argv, g_strdup("gpg"));
    add_argument(argv, "--homedir", g_strdup(home));
    for (size_t i = 0; i < G_N_ELEMENTS(fixed); i++)
        g_ptr_array_add(argv, g_strdup(fixed[i]));
    add_keys(argv, key_files);
    add_argument(argv, "--encrypt", NULL); /* this ends the list with a NULL */
    return argv;
}

/* What gpg is started with. */
struct start {
    const char *program;
    char *const *argv;
    const int *ends; /* of the pipes: its input, output and status */
    pid_t parent;
    struct itimerval left;
    sigset_t unblocked;
    int failed; /* errno */
};

/* The child has our handlers, and our memory until it executes gpg. */
static void drop_handlers(void)
{
    struct sigaction sa;
    for (int sig = 1; sig < NSIG; sig++) {
        if (sigaction(sig, NULL, &sa) || sa.sa_handler == SIG_DFL || (sa.sa_handler == SIG_IGN && sig != SIGALRM))
            continue;
        sa = (struct sigaction){.sa_handler = SIG_DFL};
        sigaction(sig, &sa, NULL);
    }
}

/* In the child. Nobody may send a signal to a gpg that is late (sandbox_calls.c): so it gets SIGALRM from its own
 * timer, and SIGKILL when this process ends. */
static noreturn void become_gpg(struct start *s)
{
    drop_handlers();
    if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == s->parent && !setitimer(ITIMER_REAL, &s->left, NULL) &&
        dup2(s->ends[0], 0) >= 0 && dup2(s->ends[1], 1) >= 0 && dup2(s->ends[2], STATUS_FD) >= 0) {
        const int null = open("/dev/null", O_WRONLY);
        if (null >= 0 && (null == 2 || dup2(null, 2) >= 0)) {
            closefrom(STATUS_FD + 1);
            sigprocmask(SIG_SETMASK, &s->unblocked, NULL);
            execvp(s->program, s->argv);
        }
    }
    s->failed = errno ? errno : ECHILD;
    _exit(EXIT_CANNOT_START);
}

/* Like posix_spawn, which cannot set a timer: the child runs on our memory, which is not copied, and we wait until
 * it has executed gpg. */
static pid_t fork_without_memory(struct start *s)
{
    const pid_t pid = vfork();
    if (pid == 0)
        become_gpg(s);
    return pid;
}

/* Starts gpg with these descriptors only: input, output, /dev/null for errors, and the status pipe. */
static int spawn(struct child *c, char *const *argv, const int ends[3])
{
    sigset_t all;
    const gint64 us = MAX(c->deadline - g_get_monotonic_time(), 1);
    struct start s = {.program = gpgme_get_dirinfo("gpg-name"), .argv = argv, .ends = ends, .parent = getpid(),
                      .left = {.it_value = {us / G_USEC_PER_SEC, us % G_USEC_PER_SEC}}};
    if (!s.program)
        return ENOENT;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &s.unblocked);
    c->pid = fork_without_memory(&s);
    if (c->pid < 0)
        s.failed = errno;
    sigprocmask(SIG_SETMASK, &s.unblocked, NULL);
    if (s.failed && c->pid > 0)
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    return s.failed;
}

static void shut(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Makes a pipe whose descriptors are numbered above all that gpg will have: so no dup2 in the child overwrites
 * one that is still needed. */
static bool make_pipe(int ends[2])
{
    int made[2];
    if (pipe2(made, O_CLOEXEC))
        return false;
    for (int i = 0; i < 2; i++) {
        ends[i] = made[i] > STATUS_FD ? made[i] : fcntl(made[i], F_DUPFD_CLOEXEC, STATUS_FD + 1);
        if (ends[i] != made[i])
            close(made[i]);
    }
    return ends[0] >= 0 && ends[1] >= 0;
}

static bool start(struct child *c, const char *home, GPtrArray *key_files)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}, status[2] = {-1, -1};
    bool ok = make_pipe(in) && make_pipe(out) && make_pipe(status) &&
              fcntl(in[1], F_SETFL, O_NONBLOCK) == 0;
    int rc = errno;
    if (ok) {
        GPtrArray *argv = arguments(home, key_files);
        rc = spawn(c, (char *const *)argv->pdata, (const int[]){in[0], out[1], status[1]});
        ok = rc == 0;
        g_ptr_array_unref(argv);
    }
    shut(&in[0]);
    shut(&out[1]);
    shut(&status[1]);
    c->in = in[1];
    c->out = out[0];
    c->status = status[0];
    errno = rc;
    return ok;
}

/* ---- while it runs ---- */

/* Writes text to gpg. False: the pipe is full for now. */
static bool send_text(struct child *c)
{
    while (c->in >= 0 && c->part < 2 && c->at == c->text->len[c->part]) {
        c->part++;
        c->at = 0;
    }
    if (c->part == 2)
        shut(&c->in);
    if (c->in < 0)
        return true;
    const char *from = (const char *)c->text->part[c->part] + c->at;
    ssize_t n = write(c->in, from, c->text->len[c->part] - c->at);
    if (n >= 0)
        c->at += (size_t)n;
    else if (errno != EAGAIN && errno != EINTR)
        shut(&c->in); /* gpg closed its input; its exit status will say why */
    return n >= 0 || errno != EAGAIN;
}

static void take_cipher(struct child *c)
{
    unsigned char buffer[CIPHER_BYTES];
    ssize_t n = read(c->out, buffer, sizeof buffer);
    if (n > 0) {
        armor_add(c->armor, buffer, (size_t)n);
        c->written = true;
    } else if (n == 0 || errno != EINTR) {
        c->taken = n == 0;
        shut(&c->out);
    }
}

/* Text for gpg's "INV_RECP 5 /path/FINGERPRINT.pgp"; the reason's number as in gpg's doc/DETAILS. */
static char *refusal(const char *arguments)
{
    static const char *const reasons[] = {"no reason given", "not found", "ambiguous",
                                          "cannot be used for this", "revoked", "expired"};
    char *end;
    guint64 reason = g_ascii_strtoull(arguments, &end, 10);
    g_autofree char *name = g_path_get_basename(*end == ' ' ? end + 1 : "-");
    return g_strdup_printf("gpg refuses key %s: %s", name,
                           reasons[reason < G_N_ELEMENTS(reasons) ? reason : 0]);
}

static void note(struct child *c, const char *line)
{
    static const char mark[] = "[GNUPG:] ";
    if (strncmp(line, mark, sizeof mark - 1) != 0)
        return;
    line += sizeof mark - 1;
    if (!strcmp(line, "END_ENCRYPTION"))
        c->ended = true;
    else if (g_str_has_prefix(line, "INV_RECP ") && !c->refused)
        c->refused = refusal(line + strlen("INV_RECP "));
}

static void take_status(struct child *c)
{
    ssize_t n = read(c->status, c->line + c->line_len, sizeof c->line - 1 - c->line_len);
    if (n <= 0) {
        if (n == 0 || errno != EINTR)
            shut(&c->status);
        return;
    }
    c->line_len += (size_t)n;
    c->line[c->line_len] = 0;
    char *line = c->line;
    for (char *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        note(c, line);
    }
    c->line_len -= (size_t)(line - c->line);
    memmove(c->line, line, c->line_len);
    if (c->line_len == sizeof c->line - 1)
        c->line_len = 0; /* too long for any status line that matters */
}

static gint64 left_us(const struct child *c)
{
    return MAX(c->deadline - g_get_monotonic_time(), 0);
}

static int left_ms(const struct child *c)
{
    return (int)((left_us(c) + 999) / 1000);
}

/* For a short text: writes it all, then waits a little for gpg to end instead of polling its output. The pipes
 * hold a short text and its ciphertext, so this process need not be woken for each line gpg writes. poll asks
 * for no event and so reports only the hangup. If gpg takes longer, watch() takes over. */
static void leave_alone(struct child *c, guint keys)
{
    struct pollfd p = {c->out, 0, 0};
    if (c->text->len[0] + c->text->len[1] > SHORT_BYTES || keys > SHORT_KEYS)
        return;
    while (c->in >= 0)
        if (!send_text(c))
            return;
    poll(&p, 1, MIN(SHORT_MS, left_ms(c)));
}

/* Feeds gpg and reads from it until both its output and its status pipe are closed, or the deadline has passed. */
static void watch(struct child *c)
{
    send_text(c);
    while (c->out >= 0 || c->status >= 0) {
        struct pollfd fds[] = {
            {c->in, POLLOUT, 0}, {c->out, POLLIN, 0}, {c->status, POLLIN, 0}};
        const int n = poll(fds, G_N_ELEMENTS(fds), left_ms(c));
        if ((n < 0 && errno != EINTR) || (n <= 0 && !left_us(c)))
            break;
        if (n <= 0)
            continue;
        if (c->in >= 0 && fds[0].revents)
            send_text(c);
        if (c->out >= 0 && fds[1].revents)
            take_cipher(c);
        if (c->status >= 0 && fds[2].revents)
            take_status(c);
    }
}

/* ---- end ---- */

/* Waits for gpg to exit, at most until then. SIGCHLD is blocked first, so one that came earlier stays pending and
 * sigtimedwait still sees it. */
static pid_t wait_until(const struct child *c, gint64 end, int *status)
{
    sigset_t chld, before;
    gint64 us;
    pid_t pid;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, &before);
    while ((pid = waitpid(c->pid, status, WNOHANG)) == 0 && (us = end - g_get_monotonic_time()) > 0) {
        const struct timespec left = {us / G_USEC_PER_SEC, us % G_USEC_PER_SEC * 1000};
        sigtimedwait(&chld, NULL, &left);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return pid;
}

static bool ended_well(struct child *c)
{
    int status = 0;
    pid_t pid = wait_until(c, c->deadline, &status);
    c->late = pid == 0 || (pid == c->pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    if (pid == 0)
        pid = wait_until(c, c->deadline + DEATH_US, &status);
    if (pid == 0)
        stray_note();
    return pid == c->pid && !c->late && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static const char *trouble(const struct child *c)
{
    if (c->refused)
        return c->refused;
    return c->late ? "gpg did not end in time and was killed" : "gpg ended before the message did";
}

static bool encrypt(struct child *c, const char *home, GPtrArray *key_files, char **error_r)
{
    bool started = start(c, home, key_files);
    if (started) {
        leave_alone(c, key_files->len);
        watch(c);
    } else {
        *error_r = g_strdup_printf("gpg cannot be started: %s", g_strerror(errno));
    }
    shut(&c->in);
    shut(&c->out);
    shut(&c->status);
    /* Success needs all four: exit status 0, gpg's status that encryption ended, all text written, all output
     * read. A killed gpg has written output, too, and a gpg that exited with 0 may not have been read to its
     * end. */
    bool ok = started && ended_well(c) && c->ended && c->part == 2 && c->taken;
    if (started && !ok)
        *error_r = g_strdup(trouble(c));
    return ok;
}

static bool lies_in(const char *file, const char *home)
{
    g_autofree char *folder = g_path_get_dirname(file);
    return !g_strcmp0(folder, home);
}

/* Keeps the rings of this one home (NULL: of none) and replaces all others by their key files. gpg takes a key
 * from the first ring that has its fingerprint: another user's ring may hold an older copy of the key, or a key
 * that claims it as a subkey. */
static GPtrArray *with_rings_of(const char *home, GPtrArray *key_files)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < key_files->len; i++) {
        const char *file = key_files->pdata[i];
        const bool stays = !ring_is(file) || (home && lies_in(file, home));
        g_ptr_array_add(files, stays ? g_strdup(file) : ring_key_file(file));
    }
    return files;
}

static struct child child_of(const struct engine_text *text, struct armor *armor)
{
    const gint64 longest = g_get_monotonic_time() + ENGINE_SECONDS * G_USEC_PER_SEC;
    return (struct child){.in = -1, .out = -1, .status = -1, .text = text, .armor = armor,
                          .deadline = text->deadline ? MIN(text->deadline, longest) : longest};
}

bool child_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                   struct armor *armor, char **error_r)
{
    struct child c = child_of(text, armor);
    GPtrArray *files = with_rings_of(home, key_files);
    bool ok = encrypt(&c, home, files, error_r);
    if (!ok && c.refused && !c.written && has_ring(files)) {
        g_ptr_array_unref(files);
        files = with_rings_of(NULL, key_files);
        g_clear_pointer(error_r, g_free);
        g_free(c.refused);
        c = child_of(text, armor);
        ok = encrypt(&c, home, files, error_r);
    }
    g_ptr_array_unref(files);
    g_free(c.refused);
    return ok;
}
