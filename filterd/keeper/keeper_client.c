/* A worker's requests to the keeper. Called by the pipeline, by sessions after their replies, and by learn
 * sessions. */
#include "filterd/keeper/keeper_client.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/delivered.h"
#include "filterd/keeper/spent.h"

/* The keeper answers in well under a millisecond; a message waits no longer than this for it. */
#define TIMEOUT_MS 2000
#define OWES_MAX 32 /* bits of owes_delivered */
/* A keeper that did not answer is not asked again for this long: one message has several requests. */
#define SILENT_US (10 * G_USEC_PER_SEC)

struct keeper_client {
    struct endpoint keeper;
    int fd;               /* -1: not connected; the first request connects */
    gint64 silent;        /* monotonic microseconds: not asked before, as it left a request unanswered */
    unsigned owes;        /* outstanding answers to notes sent without waiting */
    guint32 owes_delivered; /* which of them concern the delivered-before memory, the oldest in the lowest bit */
    bool no_delivered;      /* the last request about that memory failed, and that was logged */
    GBytes *forget;         /* the attempt that it was told to forget last; NULL: it has answered */
};

struct keeper_client *keeper_client_new(const struct endpoint *control)
{
    struct keeper_client *k = g_new0(struct keeper_client, 1);
    k->keeper = keeper_workers_at(control);
    k->fd = -1;
    return k;
}

void keeper_client_expect_no_delivered(struct keeper_client *k)
{
    k->no_delivered = true;
}

/* Logs once that the delivered-before memory (retries.db) does not work; no mail fails for that. If the keeper
 * cannot open it (EX_UNAVAILABLE), the keeper has logged that, once for all workers. */
static void note_delivered(struct keeper_client *k, const struct keeper_answer *a)
{
    if (a->code != EX_OK && a->code != EX_UNAVAILABLE && !k->no_delivered)
        log_warn("retries: %s; a message that is retried now may come twice",
                 a->text && *a->text ? a->text : "no keeper");
    k->no_delivered = a->code != EX_OK;
}

static void hang_up(struct keeper_client *k)
{
    if (k->fd >= 0)
        close(k->fd);
    k->fd = -1;
    k->owes = 0;
    k->owes_delivered = 0;
}

/* Receives all outstanding answers: they have arrived or will at once. */
static void hear_owed(struct keeper_client *k)
{
    const bool owed = k->owes > 0;
    while (k->owes) {
        struct keeper_answer a = keeper_hear(k->fd, TIMEOUT_MS);
        if (k->owes_delivered & 1)
            note_delivered(k, &a);
        k->owes--;
        k->owes_delivered >>= 1;
        if (a.code == EX_TEMPFAIL)
            hang_up(k);
        keeper_answer_clear(&a);
    }
    if (owed && k->fd >= 0)
        g_clear_pointer(&k->forget, g_bytes_unref);
}

/* Tells a keeper that was started anew what the last one may not have read: the client has its reply, so nothing
 * must be taken for a retry of that attempt. False: it does not answer. */
static bool forget_again(struct keeper_client *k)
{
    if (!k->forget)
        return true;
    const struct keeper_delivered done = {.attempt = k->forget};
    struct keeper_answer a = keeper_ask(k->fd, keeper_format_delivered_forget.verb,
                                        keeper_format_pack(&keeper_format_delivered_forget, &done), TIMEOUT_MS);
    const bool ok = a.code != EX_TEMPFAIL;
    if (ok)
        g_clear_pointer(&k->forget, g_bytes_unref);
    keeper_answer_clear(&a);
    return ok;
}

void keeper_client_free(struct keeper_client **k)
{
    if (!*k)
        return;
    hear_owed(*k);
    if ((*k)->forget && (*k)->fd < 0)
        (*k)->fd = keeper_connect(&(*k)->keeper);
    if ((*k)->fd >= 0 && !forget_again(*k))
        log_info("retries: the keeper does not answer; a message like the last one may count as a retry of it");
    hang_up(*k);
    g_clear_pointer(&(*k)->forget, g_bytes_unref);
    g_free((*k)->keeper.path);
    g_clear_pointer(k, g_free);
}

/* Sends one request and waits. If the connection is stale because the keeper was restarted, connects again
 * once. */
static struct keeper_answer ask_all(struct keeper_client *k, const struct keeper_format *f,
                                    const void *request)
{
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    const gint64 end = g_get_monotonic_time() + TIMEOUT_MS * 1000;
    const int attempts = g_get_monotonic_time() < k->silent ? 0 : 2;
    GVariant *arguments = g_variant_ref_sink(keeper_format_pack(f, request));
    if (attempts)
        hear_owed(k);
    for (int i = 0; i < attempts && a.code == EX_TEMPFAIL && g_get_monotonic_time() < end; i++) {
        if (k->fd < 0 && (k->fd = keeper_connect(&k->keeper)) < 0)
            break;
        keeper_answer_clear(&a);
        if (forget_again(k))
            a = keeper_ask(k->fd, f->verb, arguments, TIMEOUT_MS);
        if (a.code == EX_TEMPFAIL)
            hang_up(k);
    }
    g_variant_unref(arguments);
    if (attempts && !a.results && g_get_monotonic_time() >= end)
        k->silent = g_get_monotonic_time() + SILENT_US;
    return a;
}

/* What a note is about: a record of what was judged, or the delivered-before memory. */
enum subject { SUBJECT_RECORD, SUBJECT_MEMORY };

/* Without waiting for its answer, tells the keeper something; makes a connection, and waits, if there is none. */
static void send_note(struct keeper_client *k, enum subject subject, const struct keeper_format *f,
                      const void *request)
{
    if (k->owes == OWES_MAX)
        hear_owed(k);
    if (k->fd >= 0 && g_get_monotonic_time() >= k->silent &&
        keeper_tell(k->fd, f->verb, keeper_format_pack(f, request), TIMEOUT_MS)) {
        k->owes_delivered |= (guint32)(subject == SUBJECT_MEMORY) << k->owes;
        k->owes++;
    } else {
        hang_up(k);
        struct keeper_answer a = ask_all(k, f, request);
        if (subject == SUBJECT_MEMORY)
            note_delivered(k, &a);
        keeper_answer_clear(&a);
    }
}

static int ask_keeper(struct keeper_client *k, const struct keeper_format *f, const void *request, char **text_r)
{
    struct keeper_answer a = ask_all(k, f, request);
    if (text_r)
        *text_r = g_steal_pointer(&a.text);
    keeper_answer_clear(&a);
    return a.code;
}

bool keeper_client_record(struct keeper_client *k, const struct keeper_record *r)
{
    return ask_keeper(k, &keeper_format_record, r, NULL) == EX_OK;
}

int keeper_client_learn(struct keeper_client *k, const struct keeper_learn *l, char **text_r)
{
    return ask_keeper(k, &keeper_format_learn, l, text_r);
}

void keeper_client_confirm(struct keeper_client *k, const struct keeper_confirm *c)
{
    send_note(k, SUBJECT_RECORD, &keeper_format_confirm, c);
}

/* Frames are UTF-8, but a client's strings may not be. */
static char *valid(const char *text)
{
    return text ? g_utf8_make_valid(text, -1) : NULL;
}

int keeper_client_greylist(struct keeper_client *k, const struct greylist_triplet *t)
{
    struct keeper_wait answer = {0};
    char *texts[] = {valid(t->address), valid(t->proved_domain), valid(t->sender), valid(t->recipient)};
    const struct greylist_triplet asked = {texts[0], texts[1], texts[2], texts[3]};
    struct keeper_answer a = ask_all(k, &keeper_format_greylist, &asked);
    if (a.code != EX_OK || !a.results ||
        !keeper_format_unpack(&keeper_format_wait, a.results, &answer, NULL))
        log_warn("greylist: %s; nobody is asked to come again", a.text ? a.text : "no keeper");
    keeper_answer_clear(&a);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_free(texts[i]);
    return MAX(answer.wait, 0);
}

static void take_known(const struct keeper_answer *a, size_t count, unsigned char *known_r)
{
    struct keeper_known answer;
    gsize len = 0;
    const bool whole = keeper_format_unpack(&keeper_format_known, a->results, &answer, NULL);
    const void *data = whole ? g_bytes_get_data(answer.known, &len) : NULL;
    if (data && len == count)
        memcpy(known_r, data, count);
    keeper_format_clear(&keeper_format_known, &answer);
}

void keeper_client_delivered_known(struct keeper_client *k, const struct keeper_delivered *d, unsigned char *known_r)
{
    const size_t count = g_bytes_get_size(d->copies) / DELIVERED_DIGEST_BYTES;
    memset(known_r, 0, count);
    struct keeper_answer a = ask_all(k, &keeper_format_delivered_known, d);
    note_delivered(k, &a);
    if (a.results)
        take_known(&a, count, known_r);
    keeper_answer_clear(&a);
}

void keeper_client_delivered(struct keeper_client *k, const struct keeper_delivered *d)
{
    send_note(k, SUBJECT_MEMORY, &keeper_format_delivered, d);
}

void keeper_client_delivered_forget(struct keeper_client *k, const struct keeper_delivered *d)
{
    g_clear_pointer(&k->forget, g_bytes_unref);
    send_note(k, SUBJECT_MEMORY, &keeper_format_delivered_forget, d);
    if (k->owes)
        k->forget = g_bytes_ref(d->attempt);
}

void keeper_client_spent_known(struct keeper_client *k, const unsigned char *digests, size_t count,
                               unsigned char *known_r)
{
    memset(known_r, 0, count);
    const struct keeper_digests wanted = {g_bytes_new(digests, count * SPENT_BYTES)};
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    if (count)
        a = ask_all(k, &keeper_format_spent_known, &wanted);
    if (a.results)
        take_known(&a, count, known_r);
    keeper_answer_clear(&a);
    g_bytes_unref(wanted.digests);
}

void keeper_client_spent(struct keeper_client *k, const unsigned char *digests, size_t count)
{
    const struct keeper_digests told = {g_bytes_new(digests, count * SPENT_BYTES)};
    if (count)
        send_note(k, SUBJECT_RECORD, &keeper_format_spent, &told);
    g_bytes_unref(told.digests);
}

void keeper_client_delivered_failed(struct keeper_client *k, const struct keeper_delivered *d)
{
    struct keeper_answer a = ask_all(k, &keeper_format_delivered_failed, d);
    note_delivered(k, &a);
    keeper_answer_clear(&a);
}
