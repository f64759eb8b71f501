/* Sends a message to the daemon's learn sessions, one for each user. Called by retrain.c for messages
 * without a signature. */
#include "tools/retrain/text.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/frame.h"
#include "base/log.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"

/* all waits together stay below the 10 s after which Dovecot kills us */
enum { SEND_MS = 2000, ANSWER_MS = 6000, ANSWER_BYTES = 65536, CHUNK_BYTES = 65536 };

struct learner_target {
    const char *user;
    int fd;
    bool broken; /* a write failed; the reason may be in its answer */
};

static bool ask(int fd, const char *user, const char *class)
{
    const struct keeper_retrain said = {.login = user, .class = class};
    return keeper_tell(fd, keeper_format_learn_text.verb,
                       keeper_format_pack(&keeper_format_learn_text, &said), SEND_MS);
}

static void say(GArray *all, const unsigned char *data, size_t len)
{
    for (guint i = 0; i < all->len; i++) {
        struct learner_target *to = &g_array_index(all, struct learner_target, i);
        /* A GVariant over our own buffer: a copy of its own would not be wiped. */
        if (!to->broken)
            to->broken = !frame_send(to->fd,
                                     g_variant_new_from_data(G_VARIANT_TYPE("ay"), data, len, TRUE,
                                                             NULL, NULL),
                                     SEND_MS);
    }
}

static void say_all(GArray *all, const struct bytes *start)
{
    unsigned char chunk[CHUNK_BYTES];
    ssize_t n;
    for (size_t i = 0; i < start->len; i += CHUNK_BYTES)
        say(all, start->data + i, MIN(start->len - i, CHUNK_BYTES));
    while ((n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            say(all, chunk, (size_t)n);
    explicit_bzero(chunk, sizeof chunk);
    if (n == 0) /* an empty frame ends the message; after a read error send none, so nothing is learnt */
        say(all, chunk, 0);
}

static void hear(const struct learner_target *from, const char *class)
{
    GVariant *answer = frame_recv(from->fd, FRAME_ANSWER, ANSWER_BYTES, ANSWER_MS);
    const char *text = "the daemon does not answer";
    gint32 code = EX_TEMPFAIL;
    if (answer)
        g_variant_get(answer, "(i&s@a{sv})", &code, &text, NULL);
    if (code != EX_OK || *text)
        log_warn("%s of user=%s not learnt: %s", class, from->user, *text ? text : "refused");
    if (answer)
        g_variant_unref(answer);
}

void retrain_text_send(const struct endpoint *control, const char *class, const GPtrArray *users,
                       const struct bytes *start)
{
    struct endpoint tutor = keeper_learn_at(control);
    GArray *all = g_array_new(FALSE, FALSE, sizeof(struct learner_target));
    for (guint i = 0; i < users->len; i++) {
        struct learner_target to = {.user = g_ptr_array_index(users, i), .fd = keeper_connect(&tutor)};
        if (to.fd < 0) {
            log_warn("%s of user=%s not learnt: the daemon is not there", class, to.user);
            continue;
        }
        to.broken = !ask(to.fd, to.user, class);
        g_array_append_val(all, to);
    }
    say_all(all, start);
    for (guint i = 0; i < all->len; i++) {
        hear(&g_array_index(all, struct learner_target, i), class);
        close(g_array_index(all, struct learner_target, i).fd);
    }
    g_array_unref(all);
    g_free(tutor.path);
}
