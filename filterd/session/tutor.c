#include "filterd/session/tutor.h"

#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/address.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/newline.h"
#include "base/sandbox/sandbox.h"
#include "classifier/imprint.h"
#include "filterd/keeper/peer.h"
#include "filterd/pipeline/headers.h"

/* Dovecot kills the helper that waits for us after 10 s. */
#define TUTOR_MS 10000
/* Longer than that no parser needs. */
#define STUCK_SECONDS 60
#define REQUEST_BYTES 4096
#define CHUNK_BYTES (1024 * 1024)

struct lesson_asked {
    GVariant *request;
    const char *login, *class; /* in request */
    struct bytes raw;
};

static int left_ms(gint64 end)
{
    return (int)MAX((end - g_get_monotonic_time()) / 1000, 0);
}

static bool take_request(int fd, gint64 end, struct lesson_asked *a)
{
    const char *verb, *class = NULL;
    GVariant *arguments;
    a->request = frame_recv(fd, FRAME_REQUEST, REQUEST_BYTES, left_ms(end));
    if (!a->request)
        return false;
    g_variant_get(a->request, "(&s@a{sv})", &verb, &arguments);
    g_variant_lookup(arguments, "login", "&s", &a->login);
    g_variant_lookup(arguments, "class", "&s", &class);
    g_variant_unref(arguments); /* the request holds what it lends */
    a->class = !g_strcmp0(class, "spam") || !g_strcmp0(class, "ham") ? class : NULL;
    return strcmp(verb, "learn") == 0 && a->login && a->class;
}

/* A sysexits code. */
static int take_message(int fd, gint64 end, size_t limit, struct bytes *raw)
{
    for (;;) {
        GVariant *chunk = frame_recv(fd, "ay", CHUNK_BYTES, left_ms(end));
        if (!chunk)
            return EX_TEMPFAIL;
        const gsize len = g_variant_get_size(chunk);
        const bool fits = len <= limit - raw->len;
        if (fits && len > 0)
            bytes_add(raw, g_variant_get_data(chunk), len);
        g_variant_unref(chunk);
        if (!fits)
            return EX_DATAERR;
        if (len == 0)
            return EX_OK;
    }
}

/* From features as a delivery makes them. */
static int learn(const struct tutor_place *place, const struct message *m, const char *user,
                 const char *class, char **text_r)
{
    struct judgement j;
    struct tokens *t = tokens_new(m);
    classifier_judge(place->service->classifier, user, t, &j);
    char *signature = imprint_new(place->key, user, m);
    const struct keeper_learn wanted = {user, class, signature, j.features};
    const int code = service_learn(place->service, &wanted, text_r);
    if (code != EX_OK && !*text_r)
        *text_r = g_strdup("the keeper is not there");
    g_free(signature);
    judgement_clear(&j);
    tokens_free(&t);
    return code;
}

static int teach(const struct tutor_place *place, const struct lesson_asked *a, char **text_r)
{
    char *user;
    const struct service *sv = place->service;
    if (users_of_login(sv->users, a->login, sv->settings->recipient_delimiter, &user) == USERS_TEMP) {
        *text_r = g_strdup("users cannot be read now");
        return EX_TEMPFAIL;
    }
    if (!user) {
        *text_r = g_strdup("this login is no user");
        return EX_DATAERR;
    }
    struct message *m = message_new(a->raw.data ? (char *)a->raw.data : "", a->raw.len);
    headers_drop_forged(m, sv->settings);
    int code = EX_OK;
    if (seal_is_encrypted(m)) {
        *text_r = g_strdup_printf("it is sealed and without a signature: left, number %lld of these",
                                  (long long)board_note_sealed(place->board));
        log_info("retrain user=<%s> class=%s not learnt: %s", user, a->class, *text_r);
    } else {
        code = learn(place, m, user, a->class, text_r);
        log_info("retrain user=<%s> class=%s %s its text%s%s", user, a->class,
                 code == EX_OK ? "learnt from" : "not learnt from", *text_r && **text_r ? ": " : "",
                 *text_r ? *text_r : "");
    }
    message_free(&m);
    g_free(user);
    return code;
}

static int serve(int fd, const struct tutor_place *place, struct lesson_asked *a, char **text_r)
{
    const gint64 end = g_get_monotonic_time() + (gint64)TUTOR_MS * 1000;
    const size_t limit = place->service->settings->message_size_limit;
    if (!take_request(fd, end, a)) {
        *text_r = g_strdup("no such request");
        return EX_DATAERR;
    }
    const int code = take_message(fd, end, limit, &a->raw);
    if (code != EX_OK) {
        *text_r = g_strdup(code == EX_DATAERR ? "the message is over message_size_limit"
                                              : "the message did not come to its end");
        return code;
    }
    newline_normalise(&a->raw);
    return teach(place, a, text_r);
}

void tutor_run(int fd, const struct tutor_place *place)
{
    struct lesson_asked a = {0};
    char *text = NULL;
    GVariantDict none;
    if (peer_rights(fd) == PEER_NOTHING) {
        log_warn("learning socket: a peer without rights turned away (see train_users)");
        return;
    }
    alarm(STUCK_SECONDS);
    sandbox_cpu(STUCK_SECONDS);
    const int code = serve(fd, place, &a, &text);
    g_variant_dict_init(&none, NULL);
    frame_send(fd, g_variant_new("(is@a{sv})", code, text ? text : "", g_variant_dict_end(&none)),
               1000);
    alarm(0);
    if (a.request)
        g_variant_unref(a.request);
    bytes_free(&a.raw);
    g_free(text);
}
