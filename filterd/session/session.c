/* The command loop of LMTP (RFC 2033) and SMTP (RFC 5321) sessions. Called by worker.c. */
#include "filterd/session/session.h"

#include <glib.h>
#include <poll.h>
#include <string.h>
#include <strings.h>

#include "base/config/settings.h"
#include "base/lineio.h"
#include "base/mail/envelope.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/session/session_replies.h"
#include "filterd/session/session_state.h"
#include "rules/evidence.h"

/* Postfix keeps an idle connection up to 5 minutes; a client that is silent longer is gone. */
#define COMMAND_MS 300000
/* MTAs write whole lines: a client that takes longer for one holds a worker for nothing. */
#define LINE_MS 10000
/* The master sheds a session that waited so long inside its transaction (children.c): its signal may come late. */
#define SHED_MS 5000

/* A new client on a busy host may need long for its first command. */
const int *session_quiet_ms(bool begun)
{
    static const int fresh[SESSION_WAKES] = {[SESSION_LEAVE] = 30000, [SESSION_ROOM] = 1000, [SESSION_STOP] = 1000};
    static const int later[SESSION_WAKES] = {[SESSION_LEAVE] = 1000, [SESSION_ROOM] = 1000, [SESSION_STOP] = 0};
    return begun ? later : fresh;
}

static bool lmtp(const struct session *s)
{
    return s->env->listener->protocol == PROTO_LMTP;
}

static void say_hello(struct session *s, const char *argument, bool extended)
{
    session_reset(s);
    g_free(s->envelope->helo);
    s->envelope->helo = g_strdup(argument);
    s->greeted = true;
    if (!extended) {
        lineio_put(s->io, "250 %s\r\n", s->settings->hostname);
        return;
    }
    lineio_put(s->io, "250-%s\r\n250-PIPELINING\r\n250-SIZE %zu\r\n", s->settings->hostname,
               settings_size_limit(s->settings, s->env->listener));
    if (s->env->trusted)
        lineio_put(s->io, "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n");
    lineio_put(s->io, "250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 ENHANCEDSTATUSCODES\r\n");
}

static void session_hello(struct session *s, const char *argument)
{
    if (!*argument)
        session_say(s, SESSION_NO_NAME);
    else
        say_hello(s, argument, true);
}

static void session_helo(struct session *s, const char *argument)
{
    if (!*argument)
        session_say(s, SESSION_NO_NAME);
    else
        say_hello(s, argument, false);
}

static void session_rset(struct session *s, const char *argument)
{
    (void)argument;
    session_reset(s);
    session_say(s, SESSION_OK);
}

static void session_noop(struct session *s, const char *argument)
{
    (void)argument;
    session_say(s, SESSION_OK);
}

static void session_vrfy(struct session *s, const char *argument)
{
    (void)argument;
    session_say(s, SESSION_CANNOT_VERIFY);
}

static void session_quit(struct session *s, const char *argument)
{
    (void)argument;
    session_say(s, SESSION_BYE);
    s->over = true;
}

static const struct verb {
    const char *name;
    enum { ANY, LMTP_ONLY, SMTP_ONLY } where;
    void (*run)(struct session *s, const char *argument);
} verbs[] = {
    {"LHLO", LMTP_ONLY, session_hello}, {"EHLO", SMTP_ONLY, session_hello},
    {"HELO", SMTP_ONLY, session_helo},  {"XFORWARD", ANY, session_xforward},
    {"MAIL", ANY, session_mail},        {"RCPT", ANY, session_rcpt},
    {"DATA", ANY, session_data},        {"RSET", ANY, session_rset},
    {"NOOP", ANY, session_noop},        {"VRFY", ANY, session_vrfy},
    {"QUIT", ANY, session_quit},
};

static void dispatch(struct session *s, char *line)
{
    size_t n = strcspn(line, " ");
    const char *argument = line + n + strspn(line + n, " ");
    for (size_t i = 0; i < G_N_ELEMENTS(verbs); i++) {
        const struct verb *v = &verbs[i];
        if (strlen(v->name) != n || strncasecmp(v->name, line, n))
            continue;
        if (v->where != ANY && (v->where == LMTP_ONLY) != lmtp(s))
            break;
        g_strchomp(line);
        v->run(s, argument);
        return;
    }
    s->errors++;
    session_say(s, SESSION_UNKNOWN_COMMAND);
}

static void rest(struct session *s, enum session_rest how)
{
    if (s->env->resting)
        s->env->resting(how, s->env->arg);
}

/* Reads and answers one command; false when the session is over. */
static bool step(struct session *s)
{
    static const int shed_ms[SESSION_WAKES] = {[SESSION_ROOM] = SHED_MS};
    char line[SESSION_LINE_BYTES];
    bool between = !s->envelope->sender;
    /* Replies wait while the client pipelines (RFC 2920). */
    if (!lineio_pending(s->io) && !lineio_flush(s->io))
        return false;
    if (between)
        lineio_set_wake(s->io, s->env->wake, session_quiet_ms(s->begun));
    else
        lineio_set_wake(s->io, s->env->shed, shed_ms);
    rest(s, between ? SESSION_RESTING : SESSION_WAITING);
    enum lineio_status st = lineio_get(s->io, line, sizeof line);
    rest(s, SESSION_WORKING);
    switch (st) {
    case LINEIO_OK:
        dispatch(s, line);
        break;
    case LINEIO_TOO_LONG:
        s->errors++;
        session_say(s, SESSION_TOO_LONG);
        break;
    case LINEIO_BARE: /* the client may smuggle a command (RFC 5321, section 2.3.8): what follows cannot be
                       * trusted */
        session_say(s, SESSION_BARE_IN_COMMAND);
        s->over = true;
        break;
    case LINEIO_WOKEN:
        session_say(s, SESSION_CLOSING);
        s->over = true;
        break;
    case LINEIO_TIMEOUT:
        session_say(s, SESSION_TIMEOUT);
        s->over = true;
        break;
    default:
        return false;
    }
    if (s->errors > SESSION_ERRORS) {
        session_say(s, SESSION_TOO_MANY_ERRORS);
        s->over = true;
    }
    return !s->over;
}

/* Waits for the client and meanwhile takes in answers to DNS and SPF lookups. */
static bool wait_for_client(int fd, int timeout_ms, void *arg)
{
    struct session *s = arg;
    struct pollfd p = {fd, POLLIN, 0};
    if (!s->evidence) {
        const bool ready = poll(&p, 1, timeout_ms) > 0;
        if (!ready)
            next_hop_let_go_idle(&s->env->context->hops);
        return ready;
    }
    next_hop_let_go_idle(&s->env->context->hops);
    if (s->incoming)
        session_data_arrives(s);
    return evidence_wait(s->evidence, fd, timeout_ms);
}

void session_run(int fd, const struct session_env *env)
{
    struct session s = {.env = env, .settings = env->context->settings};
    s.io = lineio_new(fd, fd);
    lineio_set_timeout(s.io, COMMAND_MS);
    lineio_set_line_timeout(s.io, LINE_MS);
    lineio_set_waiter(s.io, wait_for_client, &s);
    s.envelope = envelope_new(env->listener);
    s.hop = next_hop_new(&env->context->hops, settings_next_hop(s.settings, env->listener));
    lineio_put(s.io, "220 %s %s filterd\r\n", s.settings->hostname, lmtp(&s) ? "LMTP" : "ESMTP");
    while (step(&s))
        ;
    lineio_flush(s.io);
    next_hop_free(&s.hop);
    evidence_free(&s.evidence);
    envelope_free(&s.envelope);
    lineio_free(&s.io);
}
