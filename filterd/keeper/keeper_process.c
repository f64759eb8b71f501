/* The keeper's main function and its poll loop. Called by children.c after fork. */
#include "filterd/keeper/keeper_process.h"

#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/rate.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/store.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_connections.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_role.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/model_store.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/keeper/delivered.h"
#include "filterd/keeper/spent.h"
#include "filterd/tables/tables_client.h"

#define TURN_MS 1000
#define TICK_MS 30000
/* If its master was killed, it serves the workers that finish a message for so long. The next keeper waits longer than
 * that for the state. */
#define ORPHAN_US (3 * G_USEC_PER_SEC)
#define ORPHAN_TURN_MS 50
#define PREDECESSOR_MS 6000
/* Lines about corrections that changed nothing: so many at once, then one a minute. */
#define IDLE_LINES 20

/* What the keeper serves. A store that could not be opened is NULL, and each tick tries again. */
struct desk {
    const struct settings *settings;
    const struct sitekey *key;
    pid_t master;
    struct keeper_stores stores; /* greylist is NULL also if greylisting is off */
    bool greylist_failed, delivered_failed, spent_failed; /* the failure was logged */
    struct rate idle; /* see note_retrain */
};

static volatile sig_atomic_t leave;

static const struct state *watched; /* NULL: tests */

void keeper_process_watch(const struct state *state)
{
    watched = state;
}

static int master_fd = -1;

void keeper_process_report_to(int fd)
{
    master_fd = fd;
}

/* Who holds a lock for so long has been taken over, or hangs: the keeper cannot end it, the master can. */
static void on_blocked(const char *path, pid_t holder)
{
    static gint64 said;
    static const gint64 again_us = G_USEC_PER_SEC;
    const gint64 now = g_get_monotonic_time();
    if (!said || now - said > again_us)
        log_warn("keeper: %s: process %d holds a lock on it, so that nothing can be written", path, (int)holder);
    said = now;
    if (holder > 0 && master_fd >= 0 && write(master_fd, &holder, sizeof holder) < 0)
        return; /* the pipe is full: the master has not read what was said before */
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

/* Logs each correction by a user and what became of it. Who repeats what changes nothing does not fill the log. */
static void note_retrain(struct desk *desk, GVariant *arguments, const struct keeper_answer *a)
{
    static const struct rate_limit limit = {IDLE_LINES, 1.0 / 60};
    struct keeper_retrain said;
    const bool whole = keeper_format_unpack(&keeper_format_retrain, arguments, &said, NULL);
    const bool learnt = a->code == EX_OK && !*a->text;
    if (learnt || rate_take(&desk->idle, &limit, 1, g_get_monotonic_time())) {
        if (whole)
            log_info("retrain login=<%.320s> class=%s signature=%s %s%s%s", said.login, said.class, said.signature,
                     a->code == EX_OK ? "learnt" : "not learnt", *a->text ? ": " : "", a->text);
        else
            log_info("retrain not learnt: %s", a->text);
    }
    keeper_format_clear(&keeper_format_retrain, &said);
}

static GVariant *answer(GVariant *request, const struct peer *peer, int connection, void *arg)
{
    struct desk *desk = arg;
    const char *verb;
    GVariant *arguments;
    g_variant_get(request, "(&s@a{sv})", &verb, &arguments);
    struct keeper_stores stores = desk->stores;
    stores.peer = peer;
    delivered_turn_to(desk->stores.delivered, connection);
    struct keeper_answer a = keeper_verbs_answer(&stores, peer->roles, verb, arguments);
    if (strcmp(verb, keeper_format_retrain.verb) == 0 && peer->roles != KEEPER_NOBODY)
        note_retrain(desk, arguments, &a);
    GVariant *said = g_variant_new("(is@a{sv})", a.code, a.text, a.results);
    keeper_answer_clear(&a);
    g_variant_unref(arguments);
    return said;
}

static void gone(int connection, void *arg)
{
    const struct desk *desk = arg;
    delivered_hang_up(desk->stores.delivered, connection);
}

static void loop(struct desk *desk, struct keeper_connections *clients)
{
    gint64 ticked = 0;
    while (!leave) {
        const int due_ms = model_store_due_ms(desk->stores.model_store);
        keeper_connections_wait(clients, due_ms < 0 ? TURN_MS : MIN(due_ms, TURN_MS));
        if (state_lost())
            break;
        keeper_connections_serve(clients);
        if (model_store_due_ms(desk->stores.model_store) == 0)
            model_store_write(desk->stores.model_store);
        if (g_get_monotonic_time() - ticked > TICK_MS * 1000) {
            tick(desk);
            ticked = g_get_monotonic_time();
        }
    }
}

/* A worker does not say twice that the next hop took a copy: whoever does not read it delivers that copy again. If the
 * master was killed, its workers still finish their messages. */
static void finish(const struct desk *desk, struct keeper_connections *clients)
{
    const bool orphan = getppid() != desk->master;
    const gint64 end = g_get_monotonic_time() + ORPHAN_US;
    while (orphan && keeper_connections_have_worker(clients) && g_get_monotonic_time() < end) {
        keeper_connections_wait(clients, ORPHAN_TURN_MS);
        keeper_connections_serve(clients);
    }
    keeper_connections_finish(clients);
}

static void serve(struct desk *desk, const struct keeper_doors *doors)
{
    const struct keeper_service service = {.answer = answer, .gone = gone, .arg = desk,
                                           .lock_fd = model_store_lock_fd(desk->stores.model_store),
                                           /* two generations, during a reload */
                                           .worker_count = 2 * (guint)desk->settings->workers};
    struct keeper_connections *clients = keeper_connections_new(doors, &service);
    loop(desk, clients);
    if (!state_lost())
        finish(desk, clients);
    keeper_connections_free(&clients);
}

static bool same_list(char *const *a, char *const *b)
{
    static char *const none[] = {NULL};
    return g_strv_equal((const char *const *)(a ? a : none), (const char *const *)(b ? b : none));
}

bool keeper_process_same(const struct settings *a, const struct settings *b)
{
    return a->mode == b->mode && a->settle_days == b->settle_days && a->signature_days == b->signature_days &&
           a->greylist == b->greylist && a->greylist_wait == b->greylist_wait && a->queue_days == b->queue_days &&
           a->workers == b->workers && a->sandbox_required == b->sandbox_required &&
           g_strcmp0(a->recipient_delimiter, b->recipient_delimiter) == 0 && g_strcmp0(a->hostname, b->hostname) == 0 &&
           same_list(a->domains, b->domains) && same_list(a->local_names, b->local_names) &&
           same_list(a->train_users, b->train_users) && g_strcmp0(a->mailbox_maps, b->mailbox_maps) == 0 &&
           g_strcmp0(a->alias_maps, b->alias_maps) == 0 && g_strcmp0(a->domain_maps, b->domain_maps) == 0 &&
           g_strcmp0(a->key_maps, b->key_maps) == 0;
}

static void set_signals(void)
{
    struct sigaction sa = {.sa_handler = on_term};
    sigset_t none;
    sigaction(SIGTERM, &sa, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int keeper_process_run(const struct settings *s, const struct sitekey *key, const struct keeper_doors *doors,
                       int ready_fd)
{
    g_autofree char *error = NULL;
    set_signals();
    prctl(PR_SET_NAME, "filterd-keeper");
    if (!sandbox_policy_close(s, SANDBOX_KEEPER))
        return EX_CONFIG;
    struct desk desk = {.settings = s, .key = key, .master = getppid()};
    store_on_blocked(on_blocked);
    desk.stores.model_store = model_store_open(s, key, PREDECESSOR_MS, &error);
    if (!desk.stores.model_store) {
        log_warn("keeper: %s; mail goes on without signatures and training", error);
        return EX_TEMPFAIL;
    }
    struct tables_client *tables = doors->tables >= 0 ? tables_client_new_on(s, doors->tables) : NULL;
    model_store_ask(desk.stores.model_store, tables_client_users(tables));
    open_missing(&desk);
    if (write(ready_fd, "", 1) < 0)
        log_warn("keeper: the master is gone");
    serve(&desk, doors);
    if (state_lost()) {
        log_warn("keeper: %s: the state is not there any more; what was not written yet is lost", s->state_dir);
        return EX_TEMPFAIL;
    }
    greylist_free(&desk.stores.greylist);
    delivered_free(&desk.stores.delivered);
    spent_free(&desk.stores.spent);
    model_store_free(&desk.stores.model_store);
    tables_client_free(&tables);
    return EX_OK;
}
