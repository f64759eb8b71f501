/* The keeper's main function and its poll loop. Called by children.c after fork. */
#include "filterd/keeper/keeper_process.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/log.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/model_store.h"
#include "filterd/keeper/model_store_state.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/keeper/delivered.h"
#include "filterd/keeper/spent.h"

/* The largest request is a batch of training. */
#define REQUEST_BYTES (64u * 1024 * 1024)
/* Clients are local and send whole frames: one that stalls only loses its connection. */
#define FRAME_MS 1000
#define TURN_MS 1000
#define TICK_MS 30000
#define CLIENTS 1024

struct client {
    int fd;
    unsigned roles; /* see peer_credentials.h */
};

/* What the keeper serves. A store that could not be opened is NULL, and each tick tries again. */
struct desk {
    const struct settings *settings;
    const struct sitekey *key;
    struct keeper_stores stores; /* greylist is NULL also if greylisting is off */
    bool greylist_failed, delivered_failed, spent_failed; /* the failure was logged */
};

static volatile sig_atomic_t leave;

static const struct state *watched; /* NULL: tests */

void keeper_process_watch(const struct state *state)
{
    watched = state;
}

/* Databases are opened by their paths, so they would be looked for, or made, in another's folder. */
static bool state_lost(void)
{
    return watched && !state_holds(watched);
}

static void on_term(int sig)
{
    (void)sig;
    leave = 1;
}

/* Logs that a store could not be opened, once, and that it can again. Takes error over. */
static void note_opened(char *error, const char *without, bool *failed)
{
    if (error && !*failed)
        log_warn("keeper: %s; %s", error, without);
    else if (!error && *failed)
        log_info("keeper: a database that could not be opened is in use again");
    *failed = error != NULL;
    g_free(error);
}

static void open_greylist(struct desk *desk)
{
    char *error = NULL;
    desk->stores.greylist = greylist_open(desk->settings->state_dir, desk->key, &error);
    if (desk->stores.greylist)
        greylist_set_wait(desk->stores.greylist, desk->settings->greylist_wait);
    note_opened(error, "nobody is asked to come again", &desk->greylist_failed);
}

static void open_delivered(struct desk *desk)
{
    char *error = NULL;
    desk->stores.delivered = delivered_open(desk->settings->state_dir, &error);
    note_opened(error, "a message that is retried may come twice", &desk->delivered_failed);
}

static void open_spent(struct desk *desk)
{
    char *error = NULL;
    desk->stores.spent = spent_open(desk->settings->state_dir, desk->settings->queue_days, &error);
    note_opened(error, "a proof between the legs may be used twice", &desk->spent_failed);
}

static void open_missing(struct desk *desk)
{
    if (desk->settings->greylist && !desk->stores.greylist)
        open_greylist(desk);
    if (!desk->stores.delivered)
        open_delivered(desk);
    if (!desk->stores.spent)
        open_spent(desk);
}

static void tick(struct desk *desk)
{
    open_missing(desk);
    model_store_tick(desk->stores.model_store);
    if (desk->stores.greylist)
        greylist_tick(desk->stores.greylist, (long)time(NULL));
    if (desk->stores.delivered)
        delivered_tick(desk->stores.delivered, (long)time(NULL));
    if (desk->stores.spent)
        spent_tick(desk->stores.spent, (gint64)time(NULL));
}

static void take_client(GArray *clients, int listen_fd)
{
    struct client c;
    c.fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (c.fd < 0)
        return;
    c.roles = peer_credentials_roles(c.fd);
    if (c.roles != KEEPER_NOBODY && clients->len < CLIENTS) {
        g_array_append_val(clients, c);
        return;
    }
    log_warn("control socket: a peer without rights (see train_users), or too many, turned away");
    close(c.fd);
}

/* Logs each correction by a user and what became of it. */
static void note_retrain(GVariant *arguments, const struct keeper_answer *a)
{
    struct keeper_retrain said;
    if (keeper_format_unpack(&keeper_format_retrain, arguments, &said, NULL))
        log_info("retrain login=<%s> class=%s signature=%s %s%s%s", said.login, said.class, said.signature,
                 a->code == EX_OK ? "learnt" : "not learnt", *a->text ? ": " : "", a->text);
    else
        log_info("retrain not learnt: %s", a->text);
    keeper_format_clear(&keeper_format_retrain, &said);
}

/* Serves one request; false: the client is gone or broke the protocol. A client that is gone may have sent
 * requests before: they are served without its hearing of it. */
static bool serve_client(const struct desk *desk, const struct client *c, bool gone)
{
    GVariant *request = frame_recv(c->fd, FRAME_REQUEST, REQUEST_BYTES, FRAME_MS);
    if (!request)
        return false;
    const char *verb;
    GVariant *arguments;
    g_variant_get(request, "(&s@a{sv})", &verb, &arguments);
    delivered_turn_to(desk->stores.delivered, c->fd);
    struct keeper_answer a = keeper_verbs_answer(&desk->stores, c->roles, verb, arguments);
    if (strcmp(verb, keeper_format_retrain.verb) == 0)
        note_retrain(arguments, &a);
    const bool ok = frame_send(c->fd, g_variant_new("(is@a{sv})", a.code, a.text, a.results), FRAME_MS);
    keeper_answer_clear(&a);
    g_variant_unref(arguments);
    g_variant_unref(request);
    return ok || gone;
}

static void serve_gone(const struct desk *desk, const struct client *c)
{
    while (serve_client(desk, c, true))
        ;
    delivered_hang_up(desk->stores.delivered, c->fd);
}

/* Serves those first that are gone: a killed worker's last notes are about what another asks next. */
static void serve_ready(const struct desk *desk, GArray *clients, const struct pollfd *fds)
{
    const guint count = clients->len;
    for (guint i = 0; i < count; i++)
        if (fds[i + 1].revents & POLLHUP)
            serve_gone(desk, &g_array_index(clients, struct client, i));
    for (guint i = count; i-- > 0;) {
        struct client *c = &g_array_index(clients, struct client, i);
        const bool gone = fds[i + 1].revents & POLLHUP;
        if (!fds[i + 1].revents || (!gone && serve_client(desk, c, false)))
            continue;
        if (!gone)
            delivered_hang_up(desk->stores.delivered, c->fd);
        close(c->fd);
        g_array_remove_index_fast(clients, i);
    }
}

static void loop(struct desk *desk, int listen_fd)
{
    GArray *clients = g_array_new(FALSE, FALSE, sizeof(struct client));
    struct pollfd fds[CLIENTS + 1];
    gint64 ticked = 0;
    while (!leave && !state_lost()) {
        fds[0] = (struct pollfd){listen_fd, POLLIN, 0};
        for (guint i = 0; i < clients->len; i++)
            fds[i + 1] = (struct pollfd){g_array_index(clients, struct client, i).fd, POLLIN, 0};
        const int due_ms = model_store_due_ms(desk->stores.model_store);
        const int ready = poll(fds, clients->len + 1, due_ms < 0 ? TURN_MS : MIN(due_ms, TURN_MS));
        if (state_lost())
            break;
        if (ready > 0) {
            bool fresh = fds[0].revents;
            serve_ready(desk, clients, fds);
            if (fresh)
                take_client(clients, listen_fd);
        }
        if (model_store_due_ms(desk->stores.model_store) == 0)
            model_store_write(desk->stores.model_store);
        if (g_get_monotonic_time() - ticked > TICK_MS * 1000) {
            tick(desk);
            ticked = g_get_monotonic_time();
        }
    }
    g_array_unref(clients);
}

int keeper_process_run(const struct settings *s, const struct sitekey *key, int listen_fd,
                       int ready_fd)
{
    struct sigaction sa = {.sa_handler = on_term};
    sigset_t none;
    g_autofree char *error = NULL;
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_NAME, "filterd-keeper");
    if (!sandbox_policy_close(s, SANDBOX_KEEPER))
        return EX_CONFIG;
    struct desk desk = {.settings = s, .key = key, .stores = {.model_store = model_store_open(s, key, &error)}};
    if (!desk.stores.model_store) {
        log_warn("keeper: %s; mail goes on without signatures and training", error);
        return EX_TEMPFAIL;
    }
    open_missing(&desk);
    if (write(ready_fd, "", 1) < 0)
        log_warn("keeper: the master is gone");
    loop(&desk, listen_fd);
    if (state_lost()) {
        log_warn("keeper: %s: the state is not there any more; what was not written yet is lost", s->state_dir);
        return EX_TEMPFAIL;
    }
    greylist_free(&desk.stores.greylist);
    delivered_free(&desk.stores.delivered);
    spent_free(&desk.stores.spent);
    model_store_free(&desk.stores.model_store);
    return EX_OK;
}
