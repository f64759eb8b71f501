/* DATA: takes the message in, has it delivered, and says what became of it. */
#include <string.h>

#include "base/log.h"
#include "base/newline.h"
#include "filterd/pipeline.h"
#include "filterd/session_state.h"

/* Postfix gives up on smtpd_proxy_filter after 100 s: by then our answer must be there. */
#define DATA_IDLE_MS 300000
#define PROXY_DELIVER_MS 60000
#define QUEUED_DELIVER_MS 280000
/* A longer header is looked at when all is there. */
#define HEADER_SEARCH_BYTES (256 * 1024)

static bool before_queue(const struct session *s)
{
    return s->place->listener->protocol == PROTO_SMTP;
}

/* SMTP has one reply for all: success only if every copy went, refusal only if all were refused. */
static struct outcome combine(const struct outcome *outcomes, guint n)
{
    guint ok = 0, refused = 0, same = 0;
    for (guint i = 0; i < n; i++) {
        ok += outcomes[i].result == RES_OK || outcomes[i].result == RES_DISCARD;
        refused += outcomes[i].result == RES_REJECT;
        same += outcomes[i].code == outcomes[0].code && !strcmp(outcomes[i].dsn, outcomes[0].dsn);
    }
    if (n && (ok == n || refused == n || same == n))
        return outcomes[0];
    return outcome_of(ok ? REASON_PARTIAL : REASON_UNFORESEEN);
}

static void reply_all(struct session *s, const struct outcome *outcomes, guint n)
{
    if (before_queue(s)) {
        struct outcome o = combine(outcomes, n);
        session_reply(s, &o);
        return;
    }
    for (guint i = 0; i < n; i++)
        session_reply(s, &outcomes[i]);
}

static void refuse_all(struct session *s, enum outcome_reason reason, struct outcome *outcomes)
{
    guint n = s->envelope->recipients->len;
    for (guint i = 0; i < n; i++)
        outcomes[i] = outcome_of(reason);
    log_info("qid=%s from=<%s> refused: %d %s", s->envelope->queue_id ? s->envelope->queue_id : "-",
             s->envelope->sender, outcomes[0].code, outcomes[0].text);
}

static void handle(struct session *s, struct bytes *raw, const struct lineio_data *facts)
{
    guint n = s->envelope->recipients->len;
    struct outcome *outcomes = g_new0(struct outcome, n);
    for (guint i = 0; i < n; i++)
        outcomes[i] = outcome_of(REASON_UNFORESEEN);
    if (facts->too_big) {
        refuse_all(s, REASON_TOO_BIG, outcomes);
    } else if (facts->bare && before_queue(s)) {
        refuse_all(s, REASON_BARE_NEWLINE, outcomes);
    } else {
        struct arrival a = {s->envelope, s->evidence, raw, facts->bare, before_queue(s)};
        if (facts->bare) /* after the queue a refusal would be a bounce to a forged sender */
            newline_normalise(raw);
        hop_set_deadline(s->hop, before_queue(s) ? PROXY_DELIVER_MS : QUEUED_DELIVER_MS);
        pipeline_run(s->place->service, s->hop, &a, outcomes);
    }
    reply_all(s, outcomes, n);
    g_free(outcomes);
}

/* Bare CR and LF become line ends later: until then nobody can say what fields there are. */
static bool has_bare(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\r' ? i + 1 == len || text[i + 1] != '\n'
                            : text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            return true;
    return false;
}

void session_data_arrives(struct session *s)
{
    const struct bytes *raw = s->incoming;
    const char *start = (const char *)raw->data;
    const size_t len = MIN(raw->len, HEADER_SEARCH_BYTES);
    const char *end = len ? memmem(start, len, "\r\n\r\n", 4) : NULL;
    if (end && !has_bare(start, (size_t)(end + 2 - start)))
        evidence_header(s->evidence, start, (size_t)(end + 2 - start));
}

void session_data(struct session *s, const char *argument)
{
    struct bytes raw = {0};
    struct lineio_data facts;
    if (*argument || !s->envelope->sender || !s->envelope->recipients->len) {
        s->errors++;
        session_say(s, *argument ? 501 : 503, *argument ? "5.5.4" : "5.5.1",
                    *argument ? "DATA takes no argument" : "No valid recipients");
        return;
    }
    session_say(s, 354, "", "End with <CR><LF>.<CR><LF>");
    if (!lineio_flush(s->io)) {
        s->over = true;
        return;
    }
    lineio_set_timeout(s->io, DATA_IDLE_MS);
    /* Anything but the final dot means that the client is gone and still has the message. */
    s->incoming = &raw;
    if (lineio_get_data(s->io, &raw, s->settings->message_size_limit, &facts) == LINEIO_OK)
        handle(s, &raw, &facts);
    else
        s->over = true;
    s->incoming = NULL;
    bytes_free(&raw);
    session_reset(s);
}
