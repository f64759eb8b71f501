/* Serves filterd-retrain's request to learn a message from its text. Called by worker.c. */
#include "filterd/session/learn_session.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config/users.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mail/message.h"
#include "base/mail/packed.h"
#include "base/newline.h"
#include "base/sandbox/sandbox.h"
#include "classifier/classifier.h"
#include "classifier/content_signature.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/pipeline/headers.h"
#include "gpg/seal.h"

/* Dovecot kills filterd-retrain after 10 s. */
#define LEARN_MS 10000
/* filterd-retrain sends without a pause: who leaves a request half sent does not keep the worker. */
#define PAUSE_MS 3000
/* No parser needs longer: SIGALRM ends the worker. */
#define STUCK_SECONDS 60
#define REQUEST_BYTES 4096
#define CHUNK_BYTES (1024 * 1024)

struct train_request_asked {
    GVariant *arguments;
    struct keeper_retrain said; /* without a signature; lent by arguments */
    struct bytes raw;
    struct peer peer;
};

/* For the next frame. */
static int left_ms(gint64 end)
{
    return (int)CLAMP((end - g_get_monotonic_time()) / 1000, 0, PAUSE_MS);
}

/* Returns a sysexits code; unless it is EX_OK, *text_r is one line (g_free). */
static int take_request(int fd, gint64 end, struct train_request_asked *a, char **text_r)
{
    const char *verb;
    bool whole = false;
    GVariant *request = frame_recv(fd, FRAME_REQUEST, REQUEST_BYTES, left_ms(end));
    if (request)
        g_variant_get(request, "(&s@a{sv})", &verb, &a->arguments);
    if (!request || strcmp(verb, keeper_format_learn_text.verb) != 0)
        *text_r = g_strdup("no such request");
    else
        whole = keeper_format_unpack(&keeper_format_learn_text, a->arguments, &a->said, text_r);
    if (request)
        g_variant_unref(request);
    return whole ? EX_OK : EX_DATAERR;
}

/* Reads the message's frames; returns a sysexits code. */
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

/* Learns from the features that a delivery would make of the message. */
static int learn(const struct learn_session_env *env, const struct message *m, const char *user,
                 const char *class, char **text_r)
{
    struct judgement j;
    struct tokens *t = tokens_new(m);
    classifier_judge(env->context->classifier, user, t, &j);
    g_autofree char *signature = content_signature_new(env->key, user, m);
    const struct keeper_learn wanted = {user, class, signature, j.features};
    const int code = keeper_client_learn(env->context->keeper, &wanted, text_r);
    if (code != EX_OK && !*text_r)
        *text_r = g_strdup("the keeper is not there");
    judgement_clear(&j);
    tokens_free(&t);
    return code;
}

static int teach(const struct learn_session_env *env, const struct train_request_asked *a, char **text_r)
{
    g_autofree char *user = NULL;
    const struct context *ctx = env->context;
    if (users_of_login(ctx->users, a->said.login, ctx->settings, &user) == USERS_TEMP) {
        *text_r = g_strdup("users cannot be read now");
        return EX_TEMPFAIL;
    }
    if (!user) {
        *text_r = g_strdup("this login is no user");
        return EX_DATAERR;
    }
    if (!peer_credentials_may_train(&a->peer, user)) {
        *text_r = g_strdup("train_users binds this uid to other domains");
        return EX_NOPERM;
    }
    const char *form = packed_form(a->raw.data, a->raw.len);
    if (form || (a->raw.len && !packed_is_mail((char *)a->raw.data, a->raw.len))) {
        *text_r = form ? g_strdup_printf("it is no mail, but packed (%s): left", form)
                       : g_strdup("it is no mail: left");
        log_info("retrain user=<%s> class=%s not learnt: %s", user, a->said.class, *text_r);
        return EX_DATAERR;
    }
    struct message *m = message_new(a->raw.data ? (char *)a->raw.data : "", a->raw.len);
    headers_drop_forged(m, ctx->settings);
    int code = EX_OK;
    if (seal_is_encrypted(m)) {
        *text_r = g_strdup_printf("it is sealed and without a signature: left, number %lld of these",
                                  (long long)env->sealed(env->arg));
        log_info("retrain user=<%s> class=%s not learnt: %s", user, a->said.class, *text_r);
    } else {
        code = learn(env, m, user, a->said.class, text_r);
        log_info("retrain user=<%s> class=%s %s its text%s%s", user, a->said.class,
                 code == EX_OK ? "learnt from" : "not learnt from", *text_r && **text_r ? ": " : "",
                 *text_r ? *text_r : "");
    }
    message_free(&m);
    return code;
}

static int serve(int fd, const struct learn_session_env *env, struct train_request_asked *a, char **text_r)
{
    const gint64 end = g_get_monotonic_time() + (gint64)LEARN_MS * 1000;
    const size_t limit = env->context->settings->message_size_limit;
    int code = take_request(fd, end, a, text_r);
    if (code != EX_OK)
        return code;
    code = take_message(fd, end, limit, &a->raw);
    if (code != EX_OK) {
        *text_r = g_strdup(code == EX_DATAERR ? "the message is over message_size_limit"
                                              : "the message did not come to its end");
        return code;
    }
    newline_normalise(&a->raw);
    return teach(env, a, text_r);
}

void learn_session_run(int fd, const struct learn_session_env *env)
{
    struct train_request_asked a = {0};
    g_autofree char *text = NULL;
    GVariantDict none;
    a.peer = peer_credentials_of(fd, PEER_AT_LEARN);
    if (a.peer.roles == KEEPER_NOBODY) {
        if (env->refused(env->arg))
            log_warn("learning socket: a peer without rights (uid %ld; see train_users) turned away; others within"
                     " a minute are not logged", (long)a.peer.uid);
        return;
    }
    alarm(STUCK_SECONDS);
    sandbox_cpu(STUCK_SECONDS);
    const int code = serve(fd, env, &a, &text);
    g_variant_dict_init(&none, NULL);
    frame_send(fd, g_variant_new("(is@a{sv})", code, text ? text : "", g_variant_dict_end(&none)),
               1000);
    alarm(0);
    if (a.arguments)
        g_variant_unref(a.arguments);
    bytes_free(&a.raw);
}
