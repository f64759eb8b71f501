/* filterd-pipe [-c FILE] [-f SENDER] [-o -] [--] RECIPIENT...; see filterd-pipe(1).
 *
 * A child inside the sandbox reads, judges and seals the message. The outer process is its delivery agent: it
 * may write (sendmail, standard output) and takes only finished copies. */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/address_form.h"
#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/newline.h"
#include "base/result.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sitekey.h"
#include "base/version.h"
#include "filterd/delivery/delivery_agent.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/delivery/sendmail.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/delivered_attempt.h"
#include "filterd/pipeline/pipeline.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/context.h"
#include "rules/evidence.h"
#include "rules/rules.h"

#define DEFAULT_FILE "/etc/filterd/filterd.conf"
#define DELIVER_MS 280000
#define GIVER_DIES_MS 30

struct job {
    const char *file, *sender;
    bool to_stdout;
    char **recipients;
    int giver; /* a pidfd of the process that writes the message to our pipe; -1: stdin is no pipe */
};

/* Postfix' pipe(8) bounces on every exit code but 75: errors of ours or of the operator exit with 75, unless
 * the message goes to standard output, where a person reads the result. */
static int exit_code(const struct job *job, int code)
{
    return job->to_stdout || code == EX_OK || code == EX_UNAVAILABLE ? code : EX_TEMPFAIL;
}

static int usage(FILE *to, int code)
{
    fputs("usage: filterd-pipe [-c FILE] [-f SENDER] [-o -] [--] RECIPIENT... < MESSAGE\n"
          "  -c FILE    settings (default " DEFAULT_FILE ")\n"
          "  -f SENDER  envelope sender\n"
          "  -o -       write the one result to standard output\n"
          "  --version, --help\n",
          to);
    return code;
}

/* Writes CRLF line ends, as an SMTP next hop would get them. */
static enum outcome_reason to_stdout(const struct delivery_agent_job *job, char **error_r)
{
    gsize len;
    const char *data = g_bytes_get_data(job->message, &len);
    if (bytes_write(STDOUT_FILENO, data, len))
        return REASON_OK;
    const int why = errno;
    *error_r = g_strdup_printf("write: %s", g_strerror(why));
    return why == ENOSPC || why == EDQUOT ? REASON_NEXT_HOP_FULL : REASON_NEXT_HOP_SHUT;
}

/* Reads the message from standard input; false: too big. */
static bool read_message(struct bytes *raw, size_t limit)
{
    ssize_t n;
    for (;;) {
        bytes_reserve(raw, 65536);
        n = read(STDIN_FILENO, raw->data + raw->len, 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) /* never deliver half a message */
            _exit(EX_TEMPFAIL);
        if (n == 0)
            break;
        raw->len += (size_t)n;
        if (raw->len > limit)
            return false;
    }
    raw->data[raw->len] = 0;
    newline_normalise(raw);
    return true;
}

static int worst(const struct outcome *outcomes, guint n)
{
    int code = EX_OK;
    for (guint i = 0; i < n; i++) {
        int one = outcome_exit_code(&outcomes[i]);
        if (one == EX_TEMPFAIL || code == EX_OK)
            code = one == EX_OK ? code : one;
    }
    return code;
}

static char *without_brackets(const char *argument)
{
    const size_t len = strlen(argument);
    const bool brackets = len >= 2 && argument[0] == '<' && argument[len - 1] == '>';
    return brackets ? g_strndup(argument + 1, len - 2) : g_strdup(argument);
}

/* Takes any address, so that it fits into a command of the next hop and does not end it: a refusal would be a bounce. */
static struct envelope *make_envelope(const struct job *job)
{
    struct envelope *e = envelope_new(NULL);
    g_autofree char *sender = without_brackets(job->sender);
    e->sender = *sender ? address_form_certain(sender) : g_steal_pointer(&sender);
    for (char **r = job->recipients; *r; r++) {
        g_autofree char *bare = without_brackets(*r), *address = address_form_certain(bare);
        envelope_add_recipient(e, address, "");
    }
    return e;
}

/* The parent is taken for the process that writes the message. */
static int giver_of_message(void)
{
    struct stat st;
    if (fstat(STDIN_FILENO, &st) || !(S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)))
        return -1;
    return (int)syscall(SYS_pidfd_open, getppid(), 0);
}

/* True if the giver was killed. The pipe also ends when the giver dies in the middle of a message, but the
 * pidfd shows that a moment later; a giver that lives waits for our exit code. */
static bool is_gone(int giver)
{
    struct pollfd p = {giver, POLLIN, 0};
    return giver >= 0 && poll(&p, 1, GIVER_DIES_MS) != 0;
}

/* Reads the message and runs the same pipeline as a session. */
static int filter(struct context *ctx, const struct job *job, const struct next_hop_address *to)
{
    struct bytes raw = {0};
    if (!read_message(&raw, settings_size_limit(ctx->settings, NULL))) {
        struct outcome o = outcome_of(REASON_TOO_BIG);
        log_warn("%s: %s", o.dsn, o.text);
        bytes_free(&raw);
        return EX_UNAVAILABLE;
    }
    if (is_gone(job->giver)) {
        log_warn("who gave the message was gone at its end: it may not be whole");
        bytes_free(&raw);
        return EX_TEMPFAIL;
    }
    if (raw.len == 0) {
        log_warn("standard input is empty: there is no message");
        bytes_free(&raw);
        return EX_NOINPUT;
    }
    struct envelope *e = make_envelope(job);
    g_autofree struct outcome *outcomes = g_new0(struct outcome, e->recipients->len);
    struct next_hop *hop = next_hop_new(&ctx->hops, to);
    struct delivered_attempt *attempt = job->to_stdout ? NULL : delivered_attempt_new();
    struct received a = {.envelope = e, .evidence = evidence_start(ctx->rules, e), .raw = &raw,
                        .attempt = attempt};
    next_hop_set_deadline(hop, DELIVER_MS);
    pipeline_run(ctx, hop, &a, outcomes);
    int code = worst(outcomes, e->recipients->len);
    if (attempt)
        (code == EX_OK ? delivered_attempt_done : delivered_attempt_failed)(attempt, ctx->keeper);
    delivered_attempt_free(&attempt);
    next_hop_free(&hop);
    evidence_free(&a.evidence);
    envelope_free(&e);
    bytes_free(&raw);
    return code;
}

struct site {
    const struct settings *settings;
    struct state state;
    struct sitekey key;
};

static int child(const struct site *site, const struct job *job, int delivery_agent)
{
    const struct settings *s = site->settings;
    struct next_hop_address out = {HOP_SENDMAIL, {.path = (char *)"-"}};
    if (!sandbox_policy_close(s, SANDBOX_WORKER))
        return EX_CONFIG;
    /* The client's address is not known: SPF cannot be checked. */
    struct context *ctx = context_new(s, &site->key, &(struct context_doors){delivery_agent, RULES_NO_SPF,
                                                                              &site->state, false});
    keeper_client_expect_no_delivered(ctx->keeper); /* no daemon need run: do not log that for each message */
    int code = filter(ctx, job, job->to_stdout ? &out : &s->deliver);
    context_free(&ctx);
    return code;
}

static delivery_agent_fn *delivery_agent_for(const struct settings *s, const struct job *job)
{
    if (job->to_stdout)
        return to_stdout;
    return s->deliver.kind == HOP_MAILDIR ? delivery_agent_maildir : sendmail_deliver;
}

/* A third process writes the log: the child may not write to files, and stderr may be one; and neither the
 * child nor the outer process has to wait for it. */
static pid_t start_relay(const int log_pipe[2], const int pair[2], struct sitekey *key)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    explicit_bzero(key, sizeof *key);
    close(pair[0]);
    close(pair[1]);
    close(log_pipe[1]);
    log_relay_all(log_pipe[0]);
    _exit(0);
}

static int run(const struct settings *s, const struct job *job)
{
    static const struct state_user self;
    struct site site = {.settings = s, .state = STATE_CLOSED};
    g_autofree char *error = NULL;
    int pair[2], log_pipe[2], status;
    if (!state_claim(s, &self, &site.key, &site.state, &error)) {
        log_warn("%s", error);
        return EX_TEMPFAIL;
    }
    if (!job->to_stdout && s->deliver.kind == HOP_NONE) {
        log_warn("%s: [deliver] next_hop is not set (or use -o -)", s->file);
        return EX_CONFIG;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) || pipe2(log_pipe, O_CLOEXEC))
        return EX_TEMPFAIL;
    signal(SIGPIPE, SIG_IGN);
    pid_t relay = start_relay(log_pipe, pair, &site.key);
    const pid_t outer = getpid();
    pid_t pid = relay > 0 ? fork() : -1;
    if (pid == 0) {
        /* If the outer process dies, the MTA believes that we did and sends the message again: die with it. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != outer)
            _exit(EX_TEMPFAIL);
        close(pair[0]);
        log_to_fd(log_pipe[1]);
        dup2(log_pipe[1], STDOUT_FILENO); /* these may be files, or what the MTA writes to its own log */
        dup2(log_pipe[1], STDERR_FILENO);
        _exit(child(&site, job, pair[1]));
    }
    explicit_bzero(&site.key, sizeof site.key); /* the outer process takes what the child says for foreign bytes */
    close(pair[1]);
    close(log_pipe[0]);
    close(log_pipe[1]);
    if (pid < 0)
        return EX_TEMPFAIL;
    delivery_agent_serve(pair[0], delivery_agent_for(s, job));
    close(pair[0]); /* otherwise a child whose delivery agent gave up would wait for its answer */
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    while (waitpid(relay, NULL, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    log_warn("the filtering process ended by signal %d", WTERMSIG(status));
    return EX_TEMPFAIL;
}

static bool parse(int argc, char **argv, struct job *job)
{
    int option;
    while ((option = getopt(argc, argv, "+c:f:o:")) != -1) {
        if (option == 'c')
            job->file = optarg;
        else if (option == 'f')
            job->sender = optarg;
        else if (option == 'o' && !strcmp(optarg, "-"))
            job->to_stdout = true;
        else
            return false;
    }
    job->recipients = argv + optind;
    /* Standard output takes one copy, so one recipient. */
    return optind < argc && (!job->to_stdout || optind + 1 == argc);
}

int main(int argc, char **argv)
{
    struct job job = {.file = DEFAULT_FILE, .sender = "", .giver = giver_of_message()};
    char *error = NULL;
    if (argc > 1 && !strcmp(argv[1], "--help"))
        return usage(stdout, EX_OK);
    if (argc > 1 && !strcmp(argv[1], "--version"))
        return version_print("filterd-pipe");
    if (!parse(argc, argv, &job))
        return exit_code(&job, usage(stderr, EX_USAGE));
    struct settings *s = settings_load(job.file, &error);
    if (!s) {
        fprintf(stderr, "filterd-pipe: %s\n", error);
        g_free(error);
        return exit_code(&job, EX_CONFIG);
    }
    log_open(s->log_stderr || job.to_stdout ? LOG_TO_STDERR : LOG_TO_SYSLOG, "filterd-pipe");
    int code = exit_code(&job, run(s, &job));
    settings_free(&s);
    return code;
}
