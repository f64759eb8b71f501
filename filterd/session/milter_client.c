/* Connects the threads of a milter process to workers. Called by milter_connection.c. */
#include "filterd/session/milter_client.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/log.h"
#include "filterd/keeper/keeper.h"
#include "filterd/session/milter_edits.h"

/* Postfix waits 30 s for the reply to a command, 300 s for that to a message (milter_command_timeout,
 * milter_content_timeout). */
#define RECIPIENT_MS 20000
#define MESSAGE_MS 200000
#define CHUNK_BYTES (64 * 1024)
#define ANSWER_BYTES (64 * 1024 * 1024)

static int left_ms(gint64 end)
{
    return (int)MAX((end - g_get_monotonic_time()) / 1000, 0);
}

static void insert(GVariantDict *d, const char *name, const char *value)
{
    if (value)
        g_variant_dict_insert(d, name, "s", value);
}

/* Frames are UTF-8; addresses that sendmail(1) was given may not be. */
static void insert_address(GVariantDict *d, const char *name, const char *address)
{
    g_autofree char *valid = address ? g_utf8_make_valid(address, -1) : NULL;
    insert(d, name, valid);
}

static void insert_recipients(GVariantDict *d, const GPtrArray *recipients)
{
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE("as"));
    for (guint i = 0; i < recipients->len; i++)
        g_variant_builder_add_value(&b, g_variant_new_take_string(g_utf8_make_valid(recipients->pdata[i], -1)));
    g_variant_dict_insert_value(d, "recipients", g_variant_builder_end(&b));
}

static GVariant *envelope_of(const struct milter_client_message *m)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    insert(&d, "listener", m->listener);
    g_variant_dict_insert(&d, "authenticated", "b", m->authenticated);
    g_variant_dict_insert(&d, "local", "b", m->local);
    insert(&d, "client_addr", m->client_addr);
    insert(&d, "client_name", m->client_name);
    insert(&d, "client_port", m->client_port);
    insert(&d, "helo", m->helo);
    insert(&d, "queue_id", m->queue_id);
    insert_address(&d, "sender", m->sender);
    g_variant_dict_insert(&d, "fields", "u", m->fields);
    insert_recipients(&d, m->recipients);
    return g_variant_dict_end(&d);
}

/* Reads a worker's outcome. A tempfail if its code does not fit its result, as an MTA may not be told that. */
static struct outcome outcome_in(GVariant *results)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    guint32 result = RES_TEMP;
    gint32 code = 0;
    const char *dsn = "", *text = "";
    g_variant_lookup(results, "result", "u", &result);
    g_variant_lookup(results, "code", "i", &code);
    g_variant_lookup(results, "dsn", "&s", &dsn);
    g_variant_lookup(results, "text", "&s", &text);
    const int class = result == RES_OK || result == RES_DISCARD ? 2 : result == RES_REJECT ? 5 : 4;
    if (result > RES_DISCARD || code / 100 != class)
        return o;
    o.result = (enum result)result;
    o.code = code;
    g_strlcpy(o.dsn, dsn, sizeof o.dsn);
    g_strlcpy(o.text, text, sizeof o.text);
    return o;
}

/* Receives an answer and returns its results; NULL if none came. */
static GVariant *results_of(int fd, gint64 end)
{
    GVariant *results = NULL, *answer = frame_recv(fd, FRAME_ANSWER, ANSWER_BYTES, left_ms(end));
    if (!answer)
        return NULL;
    g_variant_get(answer, "(i&s@a{sv})", NULL, NULL, &results);
    g_variant_unref(answer);
    return results;
}

struct outcome milter_client_recipient(const struct endpoint *workers,
                                       const struct milter_client_message *m, const char *address,
                                       bool *sealed_r)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    const gint64 end = g_get_monotonic_time() + (gint64)RECIPIENT_MS * 1000;
    gboolean sealed = FALSE;
    GVariantDict d;
    const int fd = keeper_connect(workers);
    if (fd < 0)
        return o;
    g_variant_dict_init(&d, NULL);
    insert(&d, "listener", m->listener);
    g_variant_dict_insert(&d, "authenticated", "b", m->authenticated);
    insert(&d, "address", address);
    GVariant *question = g_variant_new("(s@a{sv})", "recipient", g_variant_dict_end(&d));
    GVariant *results = frame_send(fd, question, left_ms(end)) ? results_of(fd, end) : NULL;
    close(fd);
    if (!results)
        return o;
    o = outcome_in(results);
    if (!g_variant_lookup(results, "sealed", "b", &sealed))
        o = outcome_of(REASON_UNFORESEEN);
    *sealed_r = sealed;
    g_variant_unref(results);
    return o;
}

static bool send_message(int fd, const struct milter_client_message *m, gint64 end)
{
    bool ok = frame_send(fd, g_variant_new("(s@a{sv})", "message", envelope_of(m)), left_ms(end));
    for (size_t at = 0; ok && at < m->raw.len; at += CHUNK_BYTES) {
        GVariant *chunk = g_variant_new_from_data(G_VARIANT_TYPE("ay"), m->raw.data + at,
                                                  MIN(m->raw.len - at, CHUNK_BYTES), TRUE, NULL,
                                                  NULL);
        ok = frame_send(fd, chunk, left_ms(end));
    }
    return ok && frame_send(fd, g_variant_new("ay", NULL), left_ms(end));
}

struct outcome milter_client_ask(const struct endpoint *workers,
                                 const struct milter_client_message *m,
                                 struct milter_client_copy *copy_r)
{
    struct outcome o = outcome_of(REASON_UNFORESEEN);
    struct milter_client_copy c = {.fd = keeper_connect(workers)};
    c.end = g_get_monotonic_time() + (gint64)MESSAGE_MS * 1000;
    GVariant *results = c.fd >= 0 && send_message(c.fd, m, c.end) ? results_of(c.fd, c.end) : NULL;
    if (results) {
        gboolean body = FALSE;
        o = outcome_in(results);
        c.edits = g_variant_lookup_value(results, "edits", G_VARIANT_TYPE(MILTER_EDITS_TYPE));
        g_variant_lookup(results, "to", "s", &c.to);
        if (o.result == RES_OK && (!c.edits || !g_variant_lookup(results, "body", "b", &body)))
            o = outcome_of(REASON_UNFORESEEN);
        c.body = body;
        g_variant_unref(results);
    } else {
        log_warn("milter: no worker answered, tempfailed");
    }
    if (o.result != RES_OK)
        milter_client_copy_clear(&c);
    *copy_r = c;
    return o;
}

GVariant *milter_client_copy_body(struct milter_client_copy *c, bool *failed_r)
{
    GVariant *chunk = frame_recv(c->fd, "ay", ANSWER_BYTES, left_ms(c->end));
    *failed_r = !chunk;
    if (chunk && g_variant_get_size(chunk) == 0)
        g_clear_pointer(&chunk, g_variant_unref);
    return chunk;
}

bool milter_client_copy_done(struct milter_client_copy *c)
{
    return frame_send(c->fd, g_variant_new("ay", NULL), left_ms(c->end));
}

void milter_client_copy_clear(struct milter_client_copy *c)
{
    if (c->fd >= 0)
        close(c->fd);
    g_clear_pointer(&c->edits, g_variant_unref);
    g_clear_pointer(&c->to, g_free);
    c->fd = -1;
}
