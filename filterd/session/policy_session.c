/* Greylists as a policy service of Postfix. Called by worker.c for listeners of protocol=policy. */
#include "filterd/session/policy_session.h"

#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/users_tables.h"
#include "base/lineio.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/network.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/greylisting.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/context.h"
#include "filterd/session/policy_request.h"
#include "rules/auth/spf_result.h"
#include "rules/evidence.h"
#include "rules/hits.h"

/* Postfix keeps an idle connection for 300 s, and any for 1000 s (smtpd_policy_service_max_idle, ..._max_ttl). */
#define IDLE_MS 1100000
#define REQUEST_MS 30000
#define LINE_BYTES 4096
/* Postfix sends about 40 lines: more than this is not Postfix. */
#define LINES 1000

/* What was found out about a message, kept for its other recipients. */
struct doubt {
    char instance[64];
    bool wanted;
    char proved[256]; /* the authenticated domain; "": none */
    char *why;        /* for the log */
};

struct talk {
    const struct session_env *env;
    const struct settings *settings;
    struct lineio *io;
    struct doubt doubt;
    bool begun; /* a request was answered */
};

static char *reasons(const GPtrArray *hits)
{
    GString *out = g_string_new(NULL);
    for (guint i = 0; i < hits->len; i++)
        g_string_append_printf(out, "%s%s", i ? "," : "", ((struct hit *)hits->pdata[i])->name);
    return g_string_free(out, FALSE);
}

static struct envelope *envelope_of(const struct talk *p, const struct policy_request *r)
{
    struct envelope *e = envelope_new(p->env->listener);
    e->client_addr = g_strdup(r->client_address);
    e->client_name = strcmp(r->client_name, "unknown") ? g_strdup(r->client_name) : NULL;
    e->client_helo = g_strdup(r->helo_name);
    e->sender = g_strdup(r->sender);
    return e;
}

static void look_up(struct talk *p, const struct policy_request *r)
{
    struct envelope *e = envelope_of(p, r);
    struct evidence *ev = evidence_start(p->env->context->rules, e);
    evidence_await(ev);
    const enum spf_code spf = evidence_spf(ev)->code;
    p->doubt.wanted = greylisting_wanted(evidence_hits(ev), spf, NAN);
    if (spf == SPF_CODE_PASS)
        g_strlcpy(p->doubt.proved, evidence_spf(ev)->domain, sizeof p->doubt.proved);
    p->doubt.why = reasons(evidence_hits(ev));
    evidence_free(&ev);
    envelope_free(&e);
}

/* Decides whether the message is doubtful. Without DNS lists and SPF nothing tells: every message is. */
static void doubt(struct talk *p, const struct policy_request *r)
{
    if (*r->instance && strcmp(r->instance, p->doubt.instance) == 0)
        return;
    g_free(p->doubt.why);
    p->doubt = (struct doubt){.wanted = true, .why = NULL};
    g_strlcpy(p->doubt.instance, r->instance, sizeof p->doubt.instance);
    if (!p->settings->dnsbl_lists && !p->settings->spf)
        return;
    look_up(p, r);
}

/* While the table of domains cannot be asked nobody is greylisted; the message itself waits for it. */
static bool is_ours(const struct talk *p, const char *domain)
{
    return settings_is_local_domain(p->settings, domain) ||
           users_tables_domain(p->env->context->users, domain) == USERS_FOUND;
}

/* Returns how many seconds the client has to wait, 0 for DUNNO. */
static int judge(struct talk *p, const struct policy_request *r)
{
    if (!policy_request_asks(r) || p->env->listener->role == ROLE_SUBMISSION ||
        network_contains(p->settings->trusted_networks, r->client_address) ||
        !is_ours(p, address_domain(r->recipient)))
        return 0;
    doubt(p, r);
    if (!p->doubt.wanted)
        return 0;
    const struct greylist_triplet t = {r->client_address, *p->doubt.proved ? p->doubt.proved : NULL,
                                       r->sender, r->recipient};
    return p->env->context->settings->greylist ? keeper_client_greylist(p->env->context->keeper, &t) : 0;
}

/* The client's HELO for the log: no characters that could look like other fields of the line. */
static char *greeting(const char *helo)
{
    char *text = g_strdup(helo);
    for (char *c = text; *c; c++)
        if (!g_ascii_isgraph(*c) || strchr("<>=\"", *c))
            *c = '?';
    return text;
}

static void log_greylisted(const struct talk *p, const struct policy_request *r, int wait)
{
    g_autofree char *helo = greeting(r->helo_name);
    log_info("policy client=%s helo=%s from=<%s> to=<%s> greylisted for %d s: %s",
             r->client_address, helo, r->sender, r->recipient, wait,
             p->doubt.why ? p->doubt.why : "everyone is");
}

static bool answer(struct talk *p, const struct policy_request *r)
{
    const int wait = judge(p, r);
    lineio_set_timeout(p->io, REQUEST_MS);
    if (!wait) {
        lineio_put(p->io, "action=DUNNO\n\n");
        return lineio_flush(p->io);
    }
    log_greylisted(p, r, wait);
    lineio_put(p->io, "action=DEFER_IF_PERMIT 4.2.0 Greylisted, come back in %d s\n\n", wait);
    return lineio_flush(p->io);
}

static void rest(struct talk *p, enum session_rest how)
{
    if (p->env->resting)
        p->env->resting(how, p->env->arg);
}

/* Reads one request up to its empty line; false when the connection is over. Skips lines that are too long or
 * hold NUL. */
static bool read_request(struct talk *p, struct policy_request *r)
{
    char line[LINE_BYTES];
    for (int n = 0; n < LINES; n++) {
        if (n == 0)
            rest(p, SESSION_RESTING);
        lineio_set_wake(p->io, n == 0 ? p->env->wake : NULL, session_quiet_ms(p->begun));
        lineio_set_timeout(p->io, n == 0 ? IDLE_MS : REQUEST_MS);
        enum lineio_status st = lineio_get_lf(p->io, line, sizeof line);
        if (n == 0)
            rest(p, SESSION_WORKING);
        if (st != LINEIO_OK && st != LINEIO_TOO_LONG && st != LINEIO_BARE)
            return false;
        if (st == LINEIO_OK && !*line)
            return true;
        if (st == LINEIO_OK)
            policy_request_line(r, line);
    }
    return false;
}

void policy_session_run(int fd, const struct session_env *env)
{
    struct talk p = {.env = env, .settings = env->context->settings};
    struct policy_request r = {0};
    p.io = lineio_new(fd, fd);
    lineio_set_line_timeout(p.io, REQUEST_MS);
    while (read_request(&p, &r) && answer(&p, &r)) {
        memset(&r, 0, sizeof r);
        p.begun = true;
    }
    g_free(p.doubt.why);
    lineio_free(&p.io);
}
