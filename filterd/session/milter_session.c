/* Judges a message for a milter process. Called by worker.c. */
#include "filterd/session/milter_session.h"

#include <glib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/mail/header.h"
#include "base/newline.h"
#include "base/rate.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/pipeline/pipeline.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/resolve.h"
#include "filterd/session/milter_edits.h"
#include "gpg/seal.h"
#include "rules/evidence.h"

/* The milter process has the whole message in memory, and the MTA reads as fast as it can. */
#define TAKE_MS 30000
#define HAND_MS 60000
#define REQUEST_BYTES (1024 * 1024)
#define CHUNK_BYTES (256 * 1024)

struct talk {
    int fd;
    const struct milter_session_env *env;
    struct context *context;
    GVariant *arguments;
    struct listener listener; /* the listener the message came through, with the client's role */
    struct envelope *envelope;
    gboolean local; /* no client waits, and no single recipient can be tempfailed */
    struct bytes raw;
    struct header *fields; /* of raw */
    size_t field_count, body; /* body: its offset in raw */
    bool answered;
};

static int left_ms(gint64 end)
{
    return (int)MAX((end - g_get_monotonic_time()) / 1000, 0);
}

static void insert_outcome(GVariantDict *d, const struct outcome *o)
{
    g_variant_dict_insert(d, "result", "u", (guint32)o->result);
    g_variant_dict_insert(d, "code", "i", o->code);
    g_variant_dict_insert(d, "dsn", "s", o->dsn);
    g_variant_dict_insert(d, "text", "s", o->text);
}

static bool answer(struct talk *t, GVariantDict *d, int timeout_ms)
{
    t->answered = true;
    return frame_send(t->fd, g_variant_new("(is@a{sv})", EX_OK, "", g_variant_dict_end(d)),
                      timeout_ms);
}

static void answer_outcome(struct talk *t, const struct outcome *o)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    insert_outcome(&d, o);
    answer(t, &d, HAND_MS);
}

/* Finds the listener by its name; an authenticated client gets role=submission. */
static bool find_listener(struct talk *t)
{
    const struct settings *s = t->context->settings;
    const char *name;
    gboolean authenticated = FALSE;
    if (!g_variant_lookup(t->arguments, "listener", "&s", &name))
        return false;
    g_variant_lookup(t->arguments, "authenticated", "b", &authenticated);
    for (size_t i = 0; i < s->listener_count; i++) {
        if (s->listeners[i].protocol != PROTO_MILTER || strcmp(s->listeners[i].name, name))
            continue;
        t->listener = s->listeners[i];
        if (authenticated)
            t->listener.role = ROLE_SUBMISSION;
        return true;
    }
    return false;
}

static enum outcome_reason look_up(struct talk *t, const char *address, bool *sealed_r)
{
    struct recipient *r = envelope_add_recipient(t->envelope, address, NULL);
    struct recipient_state st;
    recipient_state_fill(&st, t->context, t->envelope, r);
    const enum outcome_reason reason = st.disposition.reason;
    *sealed_r = st.disposition.handling == POLICY_HANDLE_SEAL;
    recipient_state_clear(&st);
    return reason;
}

/* A client waits for the answer: the milter process does not ask about what sendmail(1) submits. */
static void answer_recipient(struct talk *t)
{
    const char *address;
    bool sealed = false;
    if (!g_variant_lookup(t->arguments, "address", "&s", &address))
        return;
    const bool submitted = t->listener.role == ROLE_SUBMISSION;
    const enum outcome_reason doubt = resolve_doubt(t->context, address, submitted);
    const struct outcome o = outcome_of(doubt == REASON_OK ? look_up(t, address, &sealed) : doubt);
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    insert_outcome(&d, &o);
    g_variant_dict_insert(&d, "sealed", "b", sealed);
    answer(t, &d, HAND_MS);
}

static void take_text(const struct talk *t, const char *name, char **to)
{
    g_free(*to);
    *to = NULL;
    g_variant_lookup(t->arguments, name, "s", to);
}

/* Puts all addresses into one recipient, as they share one body. */
static bool take_envelope(struct talk *t)
{
    struct envelope *e = t->envelope;
    char **addresses = NULL;
    take_text(t, "client_addr", &e->client_addr);
    take_text(t, "client_name", &e->client_name);
    take_text(t, "client_port", &e->client_port);
    take_text(t, "helo", &e->client_helo);
    take_text(t, "queue_id", &e->queue_id);
    take_text(t, "sender", &e->sender);
    e->helo = g_strdup(e->client_helo);
    g_variant_lookup(t->arguments, "local", "b", &t->local);
    g_variant_lookup(t->arguments, "recipients", "^as", &addresses);
    const bool ok = e->sender && addresses && addresses[0];
    if (ok) {
        struct recipient *r = envelope_add_recipient(e, addresses[0], NULL);
        r->others = g_strdupv(addresses + 1);
    }
    g_strfreev(addresses);
    return ok;
}

static bool hold(const struct talk *t, size_t bytes)
{
    return !t->env->hold || t->env->hold(bytes, t->env->arg);
}

/* RES_OK, or why the message could not be read. */
static struct outcome take_message(struct talk *t)
{
    const gint64 end = g_get_monotonic_time() + (gint64)TAKE_MS * 1000;
    const size_t limit = t->context->settings->message_size_limit;
    bytes_reserve(&t->raw, 1); /* so that raw.data is not NULL for an empty message */
    for (;;) {
        GVariant *chunk = frame_recv(t->fd, "ay", CHUNK_BYTES, left_ms(end));
        if (!chunk)
            return outcome_of(REASON_UNFORESEEN);
        const gsize len = g_variant_get_size(chunk);
        const bool fits = len <= limit - t->raw.len;
        const bool room = hold(t, t->raw.len + len);
        if (fits && room && len)
            bytes_add(&t->raw, g_variant_get_data(chunk), len);
        g_variant_unref(chunk);
        if (!fits || !room || !len)
            return outcome_of(!fits ? REASON_TOO_BIG : room ? REASON_OK : REASON_NO_ROOM);
    }
}

/* The MTA and filterd must see the same fields, or edits would hit the wrong ones. If a header exceeds its
 * limits, the fields beyond cannot be edited: refuse it. */
static struct outcome find_fields(struct talk *t)
{
    guint32 said = 0;
    struct limits_met met = {0};
    g_variant_lookup(t->arguments, "fields", "u", &said);
    const bool whole = milter_edits_fields(t->raw.data, t->raw.len, &met, &t->fields, &t->field_count);
    t->body = milter_edits_body(t->raw.data, t->raw.len);
    if (whole && said == t->field_count)
        return outcome_of(REASON_OK);
    if (strstr(limits_noted(&met), "header-"))
        return outcome_of(REASON_MANY_FIELDS);
    log_warn("milter: the MTA and filterd see different header fields, tempfailed");
    return outcome_of(REASON_UNFORESEEN);
}

static bool send_chunks(int fd, const void *data, size_t len, gint64 end)
{
    for (size_t at = 0; at < len; at += CHUNK_BYTES) {
        GVariant *chunk = g_variant_new_from_data(G_VARIANT_TYPE("ay"), (const char *)data + at,
                                                  MIN(len - at, CHUNK_BYTES), TRUE, NULL, NULL);
        if (!frame_send(fd, chunk, left_ms(end)))
            return false;
    }
    return true;
}

static bool send_body(struct talk *t, const struct milter_edits_copy *copy, gint64 end)
{
    const size_t at = milter_edits_body(copy->data, copy->len);
    struct bytes pad = {0};
    milter_edits_pad(&pad, t->raw.len - t->body, copy->len - at);
    const bool ok = send_chunks(t->fd, (const char *)copy->data + at, copy->len - at, end) &&
                    send_chunks(t->fd, pad.data, pad.len, end) &&
                    frame_send(t->fd, g_variant_new("ay", NULL), left_ms(end));
    bytes_free(&pad);
    return ok;
}

/* Sends the finished copy to the milter process as edits. RES_OK when the MTA has the whole copy; the milter
 * protocol does not tell whether the MTA then queues it. */
static struct outcome take_copy(void *arg, const struct recipient *r, const struct sealed *sealed)
{
    struct talk *t = arg;
    const gint64 end = g_get_monotonic_time() + (gint64)HAND_MS * 1000;
    const struct bytes *bytes = sealed_bytes(sealed);
    const struct milter_edits_copy copy = {bytes->data, bytes->len, sealed_added(sealed)};
    const bool body = strcmp(sealed_mark(sealed), "yes") == 0;
    const struct outcome o = outcome_of(REASON_OK);
    GVariantDict d;
    GVariant *edits = milter_edits_new(t->fields, t->field_count, &copy);
    if (!edits)
        return outcome_of(REASON_MANY_FIELDS);
    g_variant_dict_init(&d, NULL);
    insert_outcome(&d, &o);
    g_variant_dict_insert_value(&d, "edits", edits);
    g_variant_dict_insert(&d, "body", "b", body);
    if (r != t->envelope->recipients->pdata[0])
        g_variant_dict_insert(&d, "to", "s", r->address);
    GVariant *done = NULL;
    if (answer(t, &d, left_ms(end)) && (!body || send_body(t, &copy, end)))
        done = frame_recv(t->fd, "ay", 0, left_ms(end));
    if (!done)
        return outcome_of(REASON_NEXT_HOP_DOWN);
    g_variant_unref(done);
    return o;
}

static struct outcome judge(struct talk *t)
{
    const struct next_hop_taker taker = {take_copy, t};
    if (newline_has_bare(t->raw.data, t->raw.len))
        return outcome_of(REASON_BARE_NEWLINE);
    struct outcome o = find_fields(t);
    if (o.result != RES_OK)
        return o;
    o = outcome_of(REASON_UNFORESEEN);
    struct next_hop *hop = next_hop_new_taker(&taker);
    struct received a = {.envelope = t->envelope, .raw = &t->raw, .client_waits = !t->local};
    a.evidence = evidence_start(t->context->rules, t->envelope);
    pipeline_run(t->context, hop, &a, &o);
    evidence_free(&a.evidence);
    next_hop_free(&hop);
    const struct outcome mixed = outcome_of(REASON_MIXED);
    if (t->local && o.code == mixed.code && !strcmp(o.dsn, mixed.dsn))
        o = outcome_of(REASON_MIXED_REJECT);
    return o;
}

static void answer_message(struct talk *t)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    if (take_envelope(t))
        o = take_message(t);
    if (o.result == RES_OK)
        o = judge(t);
    if (!t->answered)
        answer_outcome(t, &o);
}

void milter_session_run(int fd, const struct milter_session_env *env)
{
    struct talk t = {.fd = fd, .env = env, .context = env->context};
    static const struct rate_limit a_minute = {1, 1.0 / 60};
    static struct rate refused;
    const char *verb;
    if (!(peer_credentials_of(fd, PEER_AT_WORKERS).roles & KEEPER_WORKER)) {
        if (rate_take(&refused, &a_minute, 1, g_get_monotonic_time()))
            log_warn("milter socket: a peer without rights turned away; others within a minute are not logged");
        return;
    }
    GVariant *request = frame_recv(fd, FRAME_REQUEST, REQUEST_BYTES, TAKE_MS);
    if (!request)
        return;
    g_variant_get(request, "(&s@a{sv})", &verb, &t.arguments);
    t.envelope = envelope_new(&t.listener);
    if (!find_listener(&t))
        log_warn("milter: asked for a listener that is not there");
    else if (strcmp(verb, "recipient") == 0)
        answer_recipient(&t);
    else if (strcmp(verb, "message") == 0)
        answer_message(&t);
    envelope_free(&t.envelope);
    g_free(t.fields);
    bytes_free(&t.raw);
    hold(&t, 0);
    g_variant_unref(t.arguments);
    g_variant_unref(request);
}
