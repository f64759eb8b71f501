/* The master process: start, reload, supervision and stop of all others. Called by main.c. */
#include "filterd/master.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/key_folders.h"
#include "base/log.h"
#include "base/own_folder.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sitekey.h"
#include "base/version.h"
#include "filterd/blockers.h"
#include "filterd/children.h"
#include "filterd/children_others.h"
#include "filterd/importer_child.h"
#include "filterd/milter_processes.h"
#include "filterd/keeper/keeper_process.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/listening.h"
#include "filterd/pipeline/context.h"
#include "filterd/sockets.h"
#include "filterd/spf_pair.h"
#include "filterd/tables_child.h"
#include "gpg/seal.h"

/* Less than the 90 s after which systemd kills. */
#define DRAIN_US (80 * G_USEC_PER_SEC)
#define DRAIN_FRONTS_US (40 * G_USEC_PER_SEC)
#define LOOK_MS 500
#define STATE_US G_USEC_PER_SEC

static volatile sig_atomic_t stop, reload;

static void on_signal(int sig)
{
    if (sig == SIGHUP)
        reload = 1;
    else if (sig != SIGCHLD)
        stop = 1;
}

static void set_signals(void)
{
    struct sigaction sa = {.sa_handler = on_signal};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    sigaction(SIGHUP, &sa, NULL);
    sigaction(SIGCHLD, &sa, NULL); /* wakes the poll */
    signal(SIGPIPE, SIG_IGN);
}

static bool fail(const char *what, const char *name)
{
    log_warn("%s %s: %s", what, name, g_strerror(errno));
    return false;
}

/* The keys of the day are in no backup: their folder may be missing after one was restored. */
static bool prepare_days(const struct settings *s, const struct passwd *pw)
{
    g_autofree char *days = g_strconcat(s->site_key, ".d", NULL);
    g_autofree char *error = NULL;
    const bool ok = own_folder_make(days, 0700, pw ? pw->pw_uid : (uid_t)-1, pw ? pw->pw_gid : (gid_t)-1, &error);
    if (!ok)
        log_warn("%s", error);
    return ok;
}

static bool find_state(struct children *c, const struct passwd *pw)
{
    const struct state_user user = {pw != NULL, pw ? pw->pw_uid : 0, pw ? pw->pw_gid : 0};
    g_autofree char *error = NULL;
    const bool ok = state_claim(c->settings, &user, &c->key, &c->state, &error);
    if (!ok)
        log_warn("%s", error);
    return ok && prepare_days(c->settings, pw);
}

/* The state is not where it was. Its files are let go, so that it can be unmounted. Workers that come now answer that
 * mail must wait. */
static void lose_state(struct children *c)
{
    if (c->state.fd < 0)
        return;
    log_warn("%s: the state is not there any more: mail is put off until it is", c->settings->state_dir);
    state_close(&c->state);
    children_dismiss_workers(c);
}

/* Looks for a state that was lost. All start anew with it: the sandbox holds on to the file system of before. */
static bool state_is_back(struct children *c, gint64 now)
{
    g_autofree char *error = NULL;
    struct state found = STATE_CLOSED;
    if (now < c->state_again)
        return false;
    c->state_again = now + STATE_US;
    const bool back = state_open(c->settings, &(const struct state_user){0}, &found, &error) == STATE_FOUND &&
                      state_has_key(&found, &c->key, c->settings, &error);
    state_close(&found);
    return back;
}

static bool drop_root(const struct passwd *pw)
{
    if (pw && (initgroups(pw->pw_name, pw->pw_gid) || setgid(pw->pw_gid) || setuid(pw->pw_uid)))
        return fail("cannot become", pw->pw_name);
    return true;
}

/* The master's sandbox stays as it was closed. */
static bool may_write(const struct children *c, const struct settings *s)
{
    GArray *folders = sandbox_policy_folders(s);
    const char *lacks = sandbox_policy_lacks(c->folders, folders);
    if (lacks)
        log_warn("%s: a folder to write to that the settings did not name at the start wants a restart", lacks);
    g_array_unref(folders);
    return !lacks;
}

/* "filterctl check" sees by the control socket which settings we have. */
static void note_settings(const struct settings *s, const struct timespec *when)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *when};
    if (s->control.path && utimensat(AT_FDCWD, s->control.path, times, AT_SYMLINK_NOFOLLOW))
        log_warn("%s: %s", s->control.path, g_strerror(errno));
}

static void reread(struct children *c)
{
    g_autofree char *error = NULL;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    reload = 0;
    struct settings *s = settings_load(c->settings->file, &error);
    if (s && !(context_check(s, &error) && sockets_check(s, &error)))
        settings_free(&s);
    if (!s) {
        log_warn("settings stay as they were: %s", error);
        return;
    }
    /* These were set up as root and cannot change now. */
    if (g_strcmp0(s->state_dir, c->settings->state_dir) ||
        g_strcmp0(s->site_key, c->settings->site_key) ||
        g_strcmp0(s->state_id, c->settings->state_id) ||
        !sockets_same(&s->control, &c->settings->control) ||
        !socket_rights_same(&s->control_rights, &c->settings->control_rights) || s->listener_count == 0) {
        log_warn("settings stay as they were: state_dir, site_key, state_id and control want a restart");
        settings_free(&s);
        return;
    }
    struct settings *old = c->settings;
    if (!may_write(c, s) || !sandbox_policy_check(s) || !listening_reopen(c, s)) {
        log_warn("settings stay as they were");
        settings_free(&s);
        return;
    }
    spf_pair_renew(c, s);
    tables_child_dismiss(c);
    importer_child_dismiss(c);
    s->workers = MIN(s->workers, (c->scoreboard->size - 16) / 2); /* the scoreboard cannot grow */
    const bool keeps = keeper_process_same(old, s);
    settings_free(&old);
    milter_processes_replace(c);
    peer_credentials_prepare(s);
    listening_admit_trainers(s);
    children_dismiss_workers(c);
    if (c->keeper > 0 && !keeps)
        kill(c->keeper, SIGTERM);
    note_settings(s, &now);
    log_info("settings read anew");
}

static void look(struct children *c)
{
    struct pollfd fds[] = {{c->log_pipe[0], POLLIN, 0}, {c->wake_pipe[0], POLLIN, 0}, {c->blocked_fd, POLLIN, 0}};
    poll(fds, G_N_ELEMENTS(fds), LOOK_MS);
    children_note_wakes(c);
    blockers_end(c);
    children_relay_log(c);
    children_reap(c);
}

/* Milter processes end before the workers, whom they still ask. */
static void drain_milters(struct children *c)
{
    const gint64 end = g_get_monotonic_time() + DRAIN_FRONTS_US;
    milter_processes_dismiss(c);
    while (milter_processes_left(c) && g_get_monotonic_time() < end)
        look(c);
    milter_processes_kill(c, SIGKILL);
    if (c->milter_fd >= 0)
        shutdown(c->milter_fd, SHUT_RDWR);
}

/* These end last, as workers ask them. */
static const enum children_kind drained[] = {CHILDREN_SPF, CHILDREN_TABLES, CHILDREN_IMPORTER};

static bool others_left(const struct children *c)
{
    int n = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(drained); i++)
        n += children_others_left(c, drained[i]);
    return n;
}

static void drain(struct children *c)
{
    gint64 end = g_get_monotonic_time() + DRAIN_US;
    /* Workers that finish a message hold the sockets, too: after close alone clients could still connect and
     * would wait. */
    listening_shut(c);
    spf_pair_dismiss(c); /* workers keep their end of the door until they end */
    drain_milters(c);
    children_kill(c, SIGTERM);
    while (children_workers_left(c) && g_get_monotonic_time() < end)
        look(c);
    if (children_workers_left(c)) {
        log_warn("%d workers did not finish in time", children_workers_left(c));
        children_kill(c, SIGKILL);
    }
    end = g_get_monotonic_time() + 10 * G_USEC_PER_SEC;
    if (c->keeper > 0)
        kill(c->keeper, SIGTERM);
    tables_child_dismiss(c);
    importer_child_dismiss(c);
    while ((c->keeper > 0 || children_workers_left(c) || others_left(c)) && g_get_monotonic_time() < end)
        look(c);
    for (size_t i = 0; i < G_N_ELEMENTS(drained); i++)
        children_others_kill(c, drained[i], SIGKILL);
    children_relay_log(c);
}

/* Returns the exit code: EX_OK when told to stop. */
static int loop(struct children *c)
{
    while (!stop) {
        const gint64 now = g_get_monotonic_time();
        const bool here = state_holds(&c->state);
        if (!here)
            lose_state(c);
        if (!here && state_is_back(c, now))
            return EX_TEMPFAIL;
        if (reload)
            reread(c);
        const bool again = now >= c->listen_again;
        if (again && listening_retry(c))
            children_dismiss_workers(c); /* new workers have the new socket */
        if (here && !c->keeper && now >= c->not_before)
            children_start_keeper(c);
        spf_pair_start(c);
        tables_child_start(c);
        importer_child_start(c);
        if (g_get_monotonic_time() >= c->not_before)
            milter_processes_start(c, again);
        if (again)
            listening_rest(c, now);
        children_balance(c);
        look(c);
    }
    return EX_OK;
}

static int give_up(struct children *c, int code)
{
    spf_pair_dismiss(c);
    listening_close(c);
    g_array_unref(c->others);
    g_clear_pointer(&c->folders, g_array_unref);
    settings_free(&c->settings);
    state_close(&c->state);
    explicit_bzero(&c->key, sizeof c->key);
    return code;
}

/* Called before the first fork. */
static bool prepare_engine(const struct settings *s)
{
    g_autofree char *error = NULL;
    const bool ok = sealer_prepare(s->state_dir, &error);
    if (!ok)
        log_warn("%s: nothing could be sealed", error);
    return ok;
}

/* The rules are of the folders that are there now. */
static bool close_sandbox(struct children *c)
{
    g_autofree char *keys = g_build_filename(c->settings->state_dir, KEY_FOLDERS, NULL);
    if (c->settings->key_maps && mkdir(keys, 0750) && errno != EEXIST) /* the first "key import" makes it otherwise */
        log_warn("%s: %s", keys, g_strerror(errno));
    c->folders = sandbox_policy_folders(c->settings);
    for (guint i = 0; i < c->folders->len; i++) {
        const char *path = g_array_index(c->folders, struct sandbox_policy_folder, i).path;
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
            log_warn("%s is not there: to write there wants a restart once it is", path);
    }
    return sandbox_policy_close(c->settings, SANDBOX_MASTER);
}

/* Who to become: NULL without root, or if the settings name nobody. What the C library returns is overwritten by the
 * next look-up, and opening sockets looks up users: so the parts that are needed are copied. */
static bool find_user(const struct settings *s, struct passwd *own, const struct passwd **pw_r)
{
    *pw_r = NULL;
    if (geteuid() != 0 || !s->user)
        return true;
    const struct passwd *pw = getpwnam(s->user);
    if (!pw)
        return false;
    *own = (struct passwd){.pw_name = s->user, .pw_uid = pw->pw_uid, .pw_gid = pw->pw_gid};
    *pw_r = own;
    return true;
}

int master_run(struct settings *s)
{
    struct children c = {.settings = s, .control_fd = -1, .keeper_fd = -1, .learn_fd = -1, .milter_fd = -1,
                         .tables_fd = -1, .tables_keeper = {-1, -1}, .importer = {-1, -1}, .blocked_fd = -1,
                         .stop = &stop, .state = STATE_CLOSED};
    struct passwd own;
    const struct passwd *pw;
    set_signals();
    log_info("starting: version %s, settings %s", version_number, s->file);
    peer_credentials_prepare(s);
    if (!find_user(s, &own, &pw)) {
        log_warn("%s: [filterd] user=%s: no such user", s->file, s->user);
        return EX_CONFIG;
    }
    /* EX_CONFIG makes systemd wait for the operator: only for errors that the next start would meet again. */
    if (!find_state(&c, pw) || !listening_open(&c) || !drop_root(pw) || !children_init(&c))
        return EX_TEMPFAIL;
    if (!spf_pair_open(&c, s))
        return give_up(&c, EX_TEMPFAIL);
    if (!sandbox_policy_check(s)) {
        listening_unlink(&c);
        return give_up(&c, EX_CONFIG);
    }
    if (!prepare_engine(s)) {
        listening_unlink(&c);
        return give_up(&c, EX_TEMPFAIL);
    }
    if (!close_sandbox(&c) || !milter_processes_start_all(&c)) {
        listening_unlink(&c);
        milter_processes_kill(&c, SIGKILL);
        return give_up(&c, EX_TEMPFAIL);
    }
    log_info("started: %zu of %zu listeners, at most %d workers, sandbox=%s", milter_processes_served(&c),
             s->listener_count, s->workers, s->sandbox_required ? "required" : "best");
    const int code = loop(&c);
    log_info(code == EX_OK ? "stopping" : "the state is there again: ending, to be started anew");
    drain(&c);
    listening_unlink(&c);
    g_array_unref(c.others);
    scoreboard_free(&c.scoreboard);
    g_array_unref(c.folders);
    settings_free(&c.settings);
    state_close(&c.state);
    explicit_bzero(&c.key, sizeof c.key);
    return code;
}
