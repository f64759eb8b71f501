/* Carries out "filterctl setup --apply" and "--undo". Called by setup.c.
 *
 * main.cf and master.cf are kept beside filterd's settings, in the folder setup: as they were before a run (.before) and
 * as we left them (.after). A run after somebody else's change has a folder of its own, setup/2 and so on: taking it back
 * gives their files back, not older ones. */
#include "tools/filterctl/setup/apply.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "filterd/delivery/dial.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/reread.h"
#include "tools/filterctl/setup/maps.h"
#include "tools/filterctl/setup/service.h"

#define DROP_IN "50-setup.conf"
#define ANSWER_MS 10000
#define RELOAD_S 10
#define START_S 30

static const char *const files[] = {"main.cf", "master.cf"};

/* ---- paths ---- */

static char *beside(const struct settings *s, const char *folder, const char *name)
{
    g_autofree char *parent = g_path_get_dirname(s->file);
    return g_build_filename(parent, folder, name, NULL);
}

static char *folder_of(const struct settings *s, int run)
{
    g_autofree char *number = g_strdup_printf("%d", run);
    return beside(s, "setup", number);
}

static char *kept(const struct settings *s, int run, const char *name, const char *when)
{
    g_autofree char *folder = folder_of(s, run), *file = g_strdup_printf("%s.%s", name, when);
    return g_build_filename(folder, file, NULL);
}

/* The last run that was not taken back; 0: none. */
static int last_run(const struct settings *s)
{
    for (int run = 0;; run++) {
        g_autofree char *next = folder_of(s, run + 1);
        if (!g_file_test(next, G_FILE_TEST_IS_DIR))
            return run;
    }
}

static bool make_folder(const struct settings *s, const char *folder, int mode)
{
    g_autofree char *path = beside(s, folder, NULL);
    if (!g_mkdir(path, mode) || errno == EEXIST)
        return true;
    filterctl_complain("%s: %s", path, g_strerror(errno));
    return false;
}

/* ---- files ---- */

static bool read_file(const char *path, char **text_r)
{
    g_autoptr(GError) error = NULL;
    if (g_file_get_contents(path, text_r, NULL, &error))
        return true;
    filterctl_complain("%s", error->message);
    return false;
}

/* A new file takes the place of the old one at once; it has that one's mode and owner. */
static bool write_file(const char *path, const char *text, int mode)
{
    g_autoptr(GError) error = NULL;
    struct stat was;
    const bool there = !stat(path, &was);
    g_autofree char *fresh = g_strconcat(path, ".filterd-setup", NULL);
    bool ok = g_file_set_contents_full(fresh, text, -1, G_FILE_SET_CONTENTS_DURABLE, there ? (int)(was.st_mode & 07777) : mode,
                                       &error);
    ok = ok && (!there || !chown(fresh, was.st_uid, was.st_gid)) && !rename(fresh, path);
    if (!ok)
        filterctl_complain("%s: %s", path, error ? error->message : g_strerror(errno));
    if (!ok)
        unlink(fresh);
    return ok;
}

static bool copy(const char *from, const char *to, int mode)
{
    g_autofree char *text = NULL;
    return read_file(from, &text) && write_file(to, text, mode);
}

static bool same(const char *a, const char *b)
{
    g_autofree char *one = NULL, *two = NULL;
    return g_file_get_contents(a, &one, NULL, NULL) && g_file_get_contents(b, &two, NULL, NULL) && !strcmp(one, two);
}

/* Each of Postfix's files to its kept copy, or back. */
static bool copy_all(const struct settings *s, int run, const char *config_dir, const char *when, bool back)
{
    bool ok = true;
    for (size_t i = 0; i < G_N_ELEMENTS(files) && ok; i++) {
        g_autofree char *theirs = g_build_filename(config_dir, files[i], NULL), *ours = kept(s, run, files[i], when);
        ok = back ? copy(ours, theirs, 0644) : copy(theirs, ours, 0600);
    }
    return ok;
}

/* ---- programs ---- */

/* Runs a program of Postfix's on its configuration. */
static bool run(const char *program, const char *config_dir, const char *word, const char *argument)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *found = g_find_program_in_path(program), *out = NULL, *complaint = NULL;
    g_autofree char *usual = g_build_filename("/usr/sbin", program, NULL);
    const char *argv[] = {found ? found : usual, "-c", config_dir, word, argument, NULL};
    int status = 0;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &complaint, &status, &error)) {
        filterctl_complain("%s: %s", program, error->message);
        return false;
    }
    if (g_spawn_check_wait_status(status, NULL))
        return true;
    g_strdelimit(g_strchomp(complaint), "\n", ' ');
    filterctl_complain("%s %s %s: %s", program, word, argument ? argument : "", *complaint ? complaint : "it failed");
    return false;
}

static bool carry_out(const char *config_dir, const GPtrArray *steps)
{
    bool ok = true;
    for (guint i = 0; i < steps->len && ok; i++) {
        const struct filterctl_setup_step *step = steps->pdata[i];
        const char option[] = {'-', step->option, 0};
        ok = run("postconf", config_dir, option, step->argument);
    }
    return ok;
}

/* A Postfix that does not run reads its settings when it starts. */
static void reload(const char *config_dir)
{
    if (run("postfix", config_dir, "status", NULL))
        run("postfix", config_dir, "reload", NULL);
}

/* ---- filterd's own settings ---- */

static bool copy_maps(const struct filterctl_setup_site *site, bool *fresh_r)
{
    struct filterctl_setup_maps *maps = filterctl_setup_maps_new(site);
    const bool ok = filterctl_setup_maps_copy(maps, site->settings, fresh_r);
    filterctl_setup_maps_free(&maps);
    return ok;
}

/* Writes the drop-in; takes it away again if the settings are wrong with it. *fresh_r: it was not there so. */
static struct settings *write_drop_in(const struct filterctl_setup_site *site, bool *fresh_r)
{
    g_autofree char *error = NULL, *text = filterctl_setup_drop_in(site), *path = beside(site->settings, "conf.d", DROP_IN);
    g_autofree char *before = NULL;
    g_file_get_contents(path, &before, NULL, NULL);
    const bool changed = g_strcmp0(before, text) != 0;
    *fresh_r = changed;
    if (!copy_maps(site, fresh_r) || !make_folder(site->settings, "conf.d", 0755) || (changed && !write_file(path, text, 0644)))
        return NULL;
    struct settings *now = settings_load(site->settings->file, &error);
    if (!now)
        filterctl_complain("%s", error);
    if (!now && before)
        write_file(path, before, 0644);
    else if (!now)
        unlink(path);
    return now;
}

/* True if filterd greets there. */
static bool greets(const struct listener *l)
{
    char greeting[4] = "";
    const int fd = dial(&l->at, ANSWER_MS);
    struct pollfd p = {fd, POLLIN, 0};
    const bool ok = fd >= 0 && poll(&p, 1, ANSWER_MS) == 1 && read(fd, greeting, 3) == 3 && !strcmp(greeting, "220");
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The first listener of the drop-in that does not answer; NULL: all do. */
static const struct listener *silent_one(const struct settings *s)
{
    static const char *const ours[] = {"smtp", "submission", "lmtp", NULL};
    for (size_t i = 0; i < s->listener_count; i++)
        if (g_strv_contains(ours, s->listeners[i].name) && !greets(&s->listeners[i]))
            return &s->listeners[i];
    return NULL;
}

static bool has_read(const struct settings *s)
{
    g_autofree char *unread = filterctl_reread_wanted(s);
    return !unread && !silent_one(s);
}

static bool await(const struct settings *s, gint64 seconds)
{
    const gint64 end = g_get_monotonic_time() + seconds * G_USEC_PER_SEC;
    while (!has_read(s) && g_get_monotonic_time() < end)
        g_usleep(G_USEC_PER_SEC / 5);
    return has_read(s);
}

/* Has systemd start the daemon, or read these settings; anew, if it says that they want a restart. */
static bool wake(const struct settings *s)
{
    static const char unit[] = "filterd.service";
    return filterctl_setup_service_is_ours(s) && filterctl_setup_service_do("enable", unit) &&
           filterctl_setup_service_do("reload-or-restart", unit) &&
           (await(s, RELOAD_S) || (filterctl_setup_service_do("restart", unit) && await(s, START_S)));
}

static bool is_answering(const struct settings *s, bool fresh)
{
    if ((fresh || !has_read(s)) && wake(s))
        return true;
    const struct listener *l = silent_one(s);
    g_autofree char *unread = filterctl_reread_wanted(s);
    if (l)
        filterctl_complain("filterd does not answer at unix:%s yet: \"systemctl reload-or-restart filterd\", then again "
                           "(Postfix is as it was)", l->at.path ? l->at.path : "");
    else if (fresh || unread)
        filterctl_complain("filterd's settings are new: \"systemctl reload-or-restart filterd\", then again (Postfix is as "
                           "it was)");
    return !l && !fresh && !unread;
}

/* ---- both ways ---- */

/* True if Postfix's files are as this run left them. */
static bool is_as_left(const struct settings *s, int run, const char *config_dir)
{
    bool is = true;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *theirs = g_build_filename(config_dir, files[i], NULL), *ours = kept(s, run, files[i], "after");
        is &= same(theirs, ours);
    }
    return is;
}

/* The number of this run, whose .before is what --undo gives back: the last one's if nobody has changed anything since.
 * 0 after complaining. */
static int begin(const struct settings *s, const char *config_dir, int last)
{
    const int run = last + 1;
    if (last && is_as_left(s, last, config_dir))
        return last;
    g_autofree char *number = g_strdup_printf("setup/%d", run);
    return make_folder(s, "setup", 0700) && make_folder(s, number, 0700) && copy_all(s, run, config_dir, "before", false) ? run
                                                                                                                     : 0;
}

static void forget(const struct settings *s, int run)
{
    static const char *const when[] = {"before", "now", "after"};
    g_autofree char *folder = folder_of(s, run);
    for (size_t i = 0; i < G_N_ELEMENTS(files) * G_N_ELEMENTS(when); i++) {
        g_autofree char *path = kept(s, run, files[i % 2], when[i / 2]);
        unlink(path);
    }
    rmdir(folder);
}

int filterctl_setup_apply(const struct filterctl_setup_site *site, const GPtrArray *steps)
{
    const struct settings *s = site->settings;
    const char *config_dir = filterctl_postconf_get(site->p, "config_directory");
    bool fresh;
    struct settings *now = write_drop_in(site, &fresh);
    if (!now)
        return EX_CONFIG;
    const bool answers = is_answering(now, fresh);
    settings_free(&now);
    if (!answers)
        return EX_TEMPFAIL;
    if (!steps->len)
        return EX_OK;
    const int last = last_run(s), run = begin(s, config_dir, last);
    if (!run || !copy_all(s, run, config_dir, "now", false))
        return EX_CANTCREAT;
    if (!carry_out(config_dir, steps) || !copy_all(s, run, config_dir, "after", false)) {
        /* A run that changed nothing is none that --undo has to take back. */
        if (copy_all(s, run, config_dir, "now", true) && run > last)
            forget(s, run);
        return EX_SOFTWARE;
    }
    reload(config_dir);
    return EX_OK;
}

static bool print_difference(const struct settings *s, int run, const char *config_dir)
{
    bool changed = false;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *theirs = g_build_filename(config_dir, files[i], NULL), *ours = kept(s, run, files[i], "after");
        const char *argv[] = {"diff", "-u", ours, theirs, NULL};
        g_autofree char *out = NULL;
        if (same(theirs, ours))
            continue;
        changed = true;
        if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, NULL, NULL, NULL))
            fputs(out, stdout);
    }
    return changed;
}

static void take_settings_back(const struct settings *s)
{
    g_autofree char *drop_in = beside(s, "conf.d", DROP_IN);
    filterctl_setup_maps_remove(s);
    if (unlink(drop_in) && errno != ENOENT)
        filterctl_complain("%s: %s", drop_in, g_strerror(errno));
}

int filterctl_setup_apply_undo(const struct settings *s, const char *config_dir)
{
    const int run = last_run(s);
    if (!run) {
        filterctl_complain("nothing was set up from here");
        return EX_NOINPUT;
    }
    if (print_difference(s, run, config_dir)) {
        filterctl_complain("Postfix's settings were changed since (above): nothing was taken back");
        return EX_DATAERR;
    }
    if (!copy_all(s, run, config_dir, "before", true))
        return EX_CANTCREAT;
    reload(config_dir);
    forget(s, run);
    if (run == 1)
        take_settings_back(s);
    else
        filterctl_complain("the run before the last is still in place: --undo once more takes that back");
    return EX_OK;
}
