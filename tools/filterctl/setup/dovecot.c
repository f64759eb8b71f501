/* Puts filterd's settings into Dovecot's conf.d. Called by setup.c. */
#include "tools/filterctl/setup/dovecot.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/filterctl/doveconf.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/setup/service.h"

#define DROP_IN "99-filterd.conf"
#define EXTENSIONS "+vnd.dovecot.pipe +vnd.dovecot.environment +special-use"
#define SCRIPTS "/etc/filterd/sieve"

/* Where we are installed: PREFIX/share/filterd. */
static char *shipped(const char *version)
{
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = exe ? g_path_get_dirname(exe) : NULL;
    g_autofree char *name = g_strdup_printf("filterd-%.3s.conf", version);
    g_autofree char *path = folder ? g_build_filename(folder, "..", "share", "filterd", "dovecot", name, NULL) : NULL;
    return path && access(path, R_OK) == 0 ? g_canonicalize_filename(path, NULL) : NULL;
}

/* The first line of doveconf -n: "# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf". */
struct filterctl_setup_dovecot *filterctl_setup_dovecot_find(void)
{
    g_autofree char *text = filterctl_doveconf(NULL, "-n", NULL);
    g_autoptr(GRegex) first = g_regex_new("\\A# (\\d\\.\\d)\\S* .*: (/\\S+)$", G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    if (!text || !g_regex_match(first, text, 0, &match))
        return NULL;
    g_autofree char *version = g_match_info_fetch(match, 1), *file = g_match_info_fetch(match, 2);
    g_autofree char *parent = g_path_get_dirname(file), *folder = g_build_filename(parent, "conf.d", NULL);
    g_autofree char *from = shipped(version);
    if (!from || !g_file_test(folder, G_FILE_TEST_IS_DIR))
        return NULL;
    struct filterctl_setup_dovecot *d = g_new0(struct filterctl_setup_dovecot, 1);
    d->conf = g_steal_pointer(&file);
    d->from = g_steal_pointer(&from);
    d->to = g_build_filename(folder, DROP_IN, NULL);
    d->there = strstr(text, "learn.sieve") != NULL;
    return d;
}

void filterctl_setup_dovecot_free(struct filterctl_setup_dovecot **d)
{
    if (!*d)
        return;
    g_free((*d)->conf);
    g_free((*d)->from);
    g_free((*d)->to);
    g_clear_pointer(d, g_free);
}

char *filterctl_setup_dovecot_commands(const struct filterctl_setup_dovecot *d)
{
    return g_strdup_printf("install -m 644 %s %s\nsievec -c %s -x '" EXTENSIONS "' " SCRIPTS "\nsystemctl restart dovecot\n",
                           d->from, d->to, d->conf);
}

static bool put(const char *from, const char *to)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    const bool ok = g_file_get_contents(from, &text, NULL, &error) && g_file_set_contents(to, text, -1, &error);
    if (!ok)
        filterctl_complain("%s", error->message);
    return ok;
}

/* -c: else it asks the Dovecot that runs, which has read its settings before. */
static bool compile(const char *conf)
{
    const char *argv[] = {"sievec", "-c", conf, "-x", EXTENSIONS, SCRIPTS, NULL};
    g_autoptr(GError) error = NULL;
    int status = 0;
    if (g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error) &&
        g_spawn_check_wait_status(status, &error))
        return true;
    filterctl_complain("sievec: %s (Debian's package dovecot-sieve)", error->message);
    return false;
}

static bool put_in(const struct filterctl_setup_dovecot *d)
{
    if (!put(d->from, d->to))
        return false;
    g_autofree char *understood = filterctl_doveconf(NULL, "-n", NULL);
    const bool ok = understood && strstr(understood, "learn.sieve") && compile(d->conf);
    if (!ok)
        unlink(d->to);
    if (!ok)
        filterctl_complain("%s: Dovecot cannot use it so: taken away again", d->to);
    return ok;
}

bool filterctl_setup_dovecot_apply(const struct settings *s)
{
    struct filterctl_setup_dovecot *d = filterctl_setup_service_is_ours(s) ? filterctl_setup_dovecot_find() : NULL;
    const bool ok = !d || d->there || (put_in(d) && filterctl_setup_service_do("restart", "dovecot.service"));
    filterctl_setup_dovecot_free(&d);
    return ok;
}

static bool same(const char *a, const char *b)
{
    g_autofree char *one = NULL, *two = NULL;
    return g_file_get_contents(a, &one, NULL, NULL) && g_file_get_contents(b, &two, NULL, NULL) && !strcmp(one, two);
}

bool filterctl_setup_dovecot_undo(const struct settings *s)
{
    struct filterctl_setup_dovecot *d = filterctl_setup_service_is_ours(s) ? filterctl_setup_dovecot_find() : NULL;
    bool ok = true;
    if (d && same(d->from, d->to))
        ok = unlink(d->to) == 0 && filterctl_setup_service_do("restart", "dovecot.service");
    else if (d && access(d->to, F_OK) == 0)
        filterctl_complain("%s was changed since: it stays", d->to);
    filterctl_setup_dovecot_free(&d);
    return ok;
}
