/* DATA (RFC 5321, section 4.1.1.4): reads the message, runs the pipeline and replies. Called by session.c. */
#include <glib.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/lineio.h"
#include "base/log.h"
#include "base/newline.h"
#include "base/result.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/delivered_attempt.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/pipeline.h"
#include "filterd/pipeline/received.h"
#include "filterd/pipeline/context.h"
#include "filterd/session/session.h"
#include "filterd/session/session_replies.h"
#include "filterd/session/session_state.h"
#include "rules/evidence.h"

#define DATA_IDLE_MS 300000
/* No line in use is slower; whoever sends a byte now and then only holds a worker. */
#define DATA_BYTES_PER_SECOND 500
#define QUEUED_DELIVER_MS 280000
/* A message this large may leave as much memory in small pieces: give it back to the kernel. */
#define TRIM_BYTES (256 * 1024)

static bool before_queue(const struct session *s)
{
    return s->env->listener->protocol == PROTO_SMTP;
}

/* Recipients served in an earlier attempt, and discarded copies, do not count for the common reply. */
static bool has_voice(const struct outcome *o)
{
    return o->result != RES_DISCARD && !o->before;
}

/* SMTP has one reply for all recipients: success only if every copy was delivered, refusal only if every one
 * was refused. A next hop's reply passes through if it was the same for all. */
static struct outcome combine(const struct outcome *outcomes, guint n)
{
    const struct outcome *first = NULL, *later = NULL;
    bool ok = false, same = true;
    for (guint i = 0; i < n; i++) {
        const struct outcome *o = &outcomes[i];
        if (!has_voice(o))
            continue;
        first = first ? first : o;
        ok |= o->result == RES_OK;
        later = !later && o->result == RES_TEMP ? o : later;
        same &= o->result == first->result && o->code == first->code && !strcmp(o->dsn, first->dsn);
    }
    if (!first)
        return outcomes[0];
    if (same)
        return *first;
    if (ok)
        return outcome_of(REASON_PARTIAL);
    return later ? *later : *first;
}

/* Which replies to a message the client has been sent. */
struct answering {
    struct session *session;
    guint replied;
    bool heard;
};

/* LMTP: sends each recipient's reply as soon as it is known (RFC 2033, section 4.2), so that a later crash
 * cannot take it back. */
static bool reply_one(guint index, const struct outcome *o, void *arg)
{
    struct answering *a = arg;
    session_outcome(a->session, o);
    a->replied = index + 1;
    a->heard = lineio_flush(a->session->io) && !lineio_hung_up(a->session->io);
    return a->heard;
}

/* Sends the remaining replies, and tells the delivered-before memory whether the client will try again. It does
 * after a reply over SMTP that is not success: the keeper has to know before the client does. And it may if it did
 * not receive every reply. */
static void reply_all(struct answering *a, const struct outcome *outcomes, guint n, struct delivered_attempt *attempt)
{
    struct outcome all = outcome_of(REASON_OK);
    struct session *s = a->session;
    struct keeper_client *keeper = s->env->context->keeper;
    if (before_queue(s)) {
        all = combine(outcomes, n);
        if (all.result != RES_OK && all.result != RES_DISCARD)
            delivered_attempt_failed(attempt, keeper);
        reply_one(0, &all, a);
    }
    for (guint i = a->replied; !before_queue(s) && a->heard && i < n; i++)
        reply_one(i, &outcomes[i], a);
    if (a->heard)
        delivered_attempt_done(attempt, keeper);
    else
        delivered_attempt_failed(attempt, keeper);
}

static void refuse_all(struct session *s, enum outcome_reason reason, struct outcome *outcomes)
{
    guint n = s->envelope->recipients->len;
    for (guint i = 0; i < n; i++)
        outcomes[i] = outcome_of(reason);
    log_info("qid=%s from=<%s> refused: %d %s", s->envelope->queue_id ? s->envelope->queue_id : "-",
             s->envelope->sender, outcomes[0].code, outcomes[0].text);
}

/* From a message's last byte on, all work on it ends within this time. */
static int limit_ms(const struct session *s)
{
    return before_queue(s) ? s->settings->proxy_seconds * 1000 : QUEUED_DELIVER_MS;
}

static void filter(struct answering *answering, struct received *a, struct outcome *outcomes)
{
    struct session *s = answering->session;
    const int ms = limit_ms(s);
    a->deadline = g_get_monotonic_time() + (gint64)ms * 1000;
    if (!before_queue(s)) {
        a->settled = reply_one;
        a->arg = answering;
    }
    next_hop_set_deadline(s->hop, ms);
    pipeline_run(s->env->context, s->hop, a, outcomes);
}

static void handle(struct session *s, struct bytes *raw, const struct lineio_data *facts)
{
    guint n = s->envelope->recipients->len;
    struct answering answering = {.session = s, .heard = true};
    g_autofree struct outcome *outcomes = g_new0(struct outcome, n);
    struct delivered_attempt *attempt = delivered_attempt_new();
    for (guint i = 0; i < n; i++)
        outcomes[i] = outcome_of(REASON_UNFORESEEN);
    if (facts->too_big) {
        refuse_all(s, REASON_TOO_BIG, outcomes);
    } else if (facts->no_room) {
        refuse_all(s, REASON_NO_ROOM, outcomes);
    } else if (facts->bare && before_queue(s)) {
        refuse_all(s, REASON_BARE_NEWLINE, outcomes);
    } else if (!session_size_fits(s, raw->len)) {
        refuse_all(s, REASON_TOO_BIG, outcomes);
    } else {
        struct received a = {.envelope = s->envelope, .evidence = s->evidence, .raw = raw,
                            .bare = facts->bare, .client_waits = before_queue(s), .attempt = attempt};
        if (facts->bare) /* after the queue a refusal would bounce to a forged sender */
            newline_normalise(raw);
        filter(&answering, &a, outcomes);
    }
    reply_all(&answering, outcomes, n, attempt);
    s->over |= !answering.heard;
    delivered_attempt_free(&attempt);
}

/* Starts evidence once the header is complete; not for a header longer than the limit: that waits for the end
 * of the message. Searches no byte twice, however small the pieces are. */
void session_data_arrives(struct session *s)
{
    const struct bytes *raw = s->incoming;
    const char *start = (const char *)raw->data;
    const size_t from = s->searched > 3 ? s->searched - 3 : 0;
    if (raw->len <= s->searched || s->searched > s->settings->limits.header_bytes)
        return;
    s->searched = raw->len;
    const char *end = memmem(start + from, raw->len - from, "\r\n\r\n", 4);
    if (!end)
        return;
    s->searched = SIZE_MAX;
    const size_t len = (size_t)(end + 2 - start);
    /* Bare CR or LF become line ends later: until then the header's fields are not certain. */
    if (!newline_has_bare(start, len) && (before_queue(s) || !handoff_is_in(start, len)))
        evidence_header(s->evidence, start, len);
}

static bool hold(const struct session *s, size_t bytes)
{
    return !s->env->hold || s->env->hold(bytes, s->env->arg);
}

/* True if there is room for a message of the declared size. Reserves nothing: a declaration costs the client
 * nothing, so memory counts only as it arrives. */
static bool has_room(const struct session *s)
{
    const bool room = hold(s, s->declared ? s->declared : 1);
    hold(s, 0);
    return room;
}

void session_data(struct session *s, const char *argument)
{
    struct bytes raw = {0};
    struct lineio_data facts;
    if (*argument || !s->envelope->sender || !s->envelope->recipients->len) {
        s->errors++;
        session_say(s, *argument ? SESSION_DATA_ARGUMENT : SESSION_NO_RECIPIENTS);
        return;
    }
    if (!has_room(s)) {
        session_outcome_of(s, REASON_NO_ROOM);
        session_reset(s);
        return;
    }
    if (s->envelope->recipients->len > 1) /* the transaction opened to probe a recipient names that one only */
        next_hop_reset(s->hop);
    session_say(s, SESSION_SEND_DATA);
    if (!lineio_flush(s->io)) {
        s->over = true;
        return;
    }
    s->begun = true;
    lineio_set_timeout(s->io, DATA_IDLE_MS);
    /* Anything but the final dot means that the client is gone and still has the message. */
    s->incoming = &raw;
    s->searched = 0;
    lineio_set_meter(s->io, s->env->hold, s->env->arg);
    lineio_set_data_time(s->io, s->settings->limits.data_seconds * 1000, DATA_BYTES_PER_SECOND);
    const enum lineio_status st = lineio_get_data(s->io, &raw, settings_size_limit(s->settings, s->env->listener), &facts);
    if (st == LINEIO_OK)
        handle(s, &raw, &facts);
    else
        s->over = true;
    if (st == LINEIO_TIMEOUT)
        session_say(s, SESSION_TIMEOUT);
    /* Other MTAs may see the end of the message at a bare line end: what follows may be smuggled, end the
     * session. */
    if (facts.bare && !s->over) {
        session_say(s, SESSION_BARE_NEWLINE);
        s->over = true;
    }
    s->incoming = NULL;
    const bool large = raw.len > TRIM_BYTES;
    bytes_free(&raw);
    hold(s, 0);
    session_reset(s);
    if (large)
        malloc_trim(0);
}
