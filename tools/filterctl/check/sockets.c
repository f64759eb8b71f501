/* filterctl check: who on this host may connect to filterd's listeners, and past it to its next hops; whether those
 * who are to, can. Called by check.c. */
#include <errno.h>
#include <glib.h>
#include <grp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/socket_rights.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/reach.h"

static bool is_loopback(const char *host)
{
    return g_str_has_prefix(host, "127.") || !strcmp(host, "::1") || !g_ascii_strcasecmp(host, "localhost");
}

/* True if everybody may pass all folders above it. A folder that is not there yet is taken for open. */
static bool is_reachable(const char *path)
{
    struct stat st;
    g_autofree char *folder = g_path_get_dirname(path);
    if (stat(folder, &st) == 0 && !(st.st_mode & S_IXOTH))
        return false;
    return !strcmp(folder, "/") || !strcmp(folder, ".") || is_reachable(folder);
}

static bool is_open(const struct endpoint *at, const struct socket_rights *rights)
{
    if (at->path)
        return socket_rights_mode(rights) == 0666 && is_reachable(at->path);
    return at->host != NULL;
}

static void add(GString *list, const char *name, const struct endpoint *at)
{
    if (list->len)
        g_string_append(list, ", ");
    if (at->path)
        g_string_append_printf(list, "%s (unix:%s)", name, at->path);
    else
        g_string_append_printf(list, "%s (inet:%s:%s)", name, at->host, at->port);
}

static bool passes_on(const struct listener *l)
{
    return l->protocol == PROTO_SMTP || l->protocol == PROTO_LMTP;
}

/* A socket of another's is as open as its file. */
static bool is_open_to_all(const struct endpoint *at)
{
    struct stat st;
    return at->host ? is_loopback(at->host)
                    : at->path && stat(at->path, &st) == 0 && st.st_mode & S_IWOTH && is_reachable(at->path);
}

static void tell_open(struct filterctl_check *c, const char *list)
{
    if (*list)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "sockets",
                             "open to every user of this host: %s; a unix socket with group= is not", list);
}

static void tell_past(struct filterctl_check *c, const char *list)
{
    if (*list)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "sockets",
                             "every user of this host can hand over mail past filterd: next_hop of %s; a unix "
                             "socket can be kept from them by its mode and group", list);
}

/* ---- whether those who are to, can ---- */

struct trial {
    struct filterctl_check *c;
    const struct settings *settings;
    pid_t daemon;
    GHashTable *told; /* of char*: two listeners may share a folder */
    int bad;
};

/* Tells a line once. */
static void tell_bad(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell_bad(struct trial *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    t->bad++;
    if (g_hash_table_contains(t->told, text)) {
        g_free(text);
        return;
    }
    filterctl_check_tell(t->c, FILTERCTL_CHECK_BAD, "sockets", "%s", text);
    g_hash_table_add(t->told, text);
}

/* True if this group may pass all folders above the path. */
static bool may_pass(gid_t gid, const char *path, char **refuses_r)
{
    struct stat st;
    g_autofree char *folder = g_path_get_dirname(path);
    if (stat(folder, &st) == 0 && !(st.st_mode & (st.st_gid == gid ? S_IXGRP : S_IXOTH))) {
        *refuses_r = g_steal_pointer(&folder);
        return false;
    }
    return !strcmp(folder, "/") || !strcmp(folder, ".") || may_pass(gid, folder, refuses_r);
}

/* Whether filterd can make its socket there, and its group come to it. */
static void try_listener(struct trial *t, const struct listener *l)
{
    const struct group *g = l->rights.group ? getgrnam(l->rights.group) : NULL;
    g_autofree char *folder = g_path_get_dirname(l->at.path), *refuses = NULL;
    g_autofree char *mend = g_strdup_printf("install -d -o %s -g %s -m 2710 %s", filterctl_reach_user(t->settings),
                                            l->rights.group ? l->rights.group : filterctl_reach_user(t->settings), folder);
    const int no = filterctl_reach_try(t->settings, t->daemon, folder, W_OK | X_OK);
    if (l->rights.group && !g)
        tell_bad(t, "there is no group %s, which [listener %s] names: filterd does not start", l->rights.group, l->name);
    else if (access(folder, F_OK) && errno == ENOENT)
        tell_bad(t, "%s is not there: %s, and restart filterd", folder, mend);
    else if (no && no != ENOSYS)
        tell_bad(t, "filterd can make no socket in %s (%s): %s, and restart filterd", folder, g_strerror(no), mend);
    else if (g && !may_pass(g->gr_gid, l->at.path, &refuses))
        tell_bad(t, "the group %s may not pass %s: %s", l->rights.group, refuses, !strcmp(refuses, folder) ? mend : "open it to it");
}

/* The group that may come there, where filterd's user may not; NULL: there is none. */
static const struct group *group_of(const struct trial *t, const char *path, int how)
{
    struct stat st;
    g_autofree char *folder = g_path_get_dirname(path);
    const struct group *g = strcmp(folder, path) ? group_of(t, folder, X_OK) : NULL;
    if (g || !filterctl_reach_try(t->settings, t->daemon, path, how) || stat(path, &st))
        return g;
    return st.st_mode & (how == X_OK ? S_IXGRP : S_IWGRP) ? getgrgid(st.st_gid) : NULL;
}

/* Whether filterd may connect to its next hop. */
static void try_next_hop(struct trial *t, const struct listener *l, const char *path)
{
    const int no = filterctl_reach_try(t->settings, t->daemon, path, W_OK);
    const struct group *g = no == EACCES ? group_of(t, path, W_OK) : NULL;
    const char *user = filterctl_reach_user(t->settings);
    if (no == EACCES && !filterctl_reach_try(t->settings, 0, path, W_OK))
        tell_bad(t, "filterd may connect to unix:%s, but not as it runs: restart filterd", path);
    else if (g)
        tell_bad(t, "filterd may not connect to unix:%s: adduser %s %s, and restart filterd", path, user, g->gr_name);
    else if (no && no != ENOSYS)
        tell_bad(t, "[listener %s] next_hop: filterd cannot connect to unix:%s: %s", l->name, path, g_strerror(no));
}

static int try_all(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    struct trial t = {c, s, filterctl_reach_daemon(s), g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), 0};
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct listener *l = &s->listeners[i];
        const struct next_hop_address *hop = settings_next_hop(s, l);
        if (l->at.path)
            try_listener(&t, l);
        if (passes_on(l) && (hop->kind == HOP_SMTP || hop->kind == HOP_LMTP) && hop->at.path)
            try_next_hop(&t, l, hop->at.path);
    }
    g_hash_table_unref(t.told);
    return t.bad;
}

void filterctl_check_sockets(struct filterctl_check *c)
{
    const struct settings *s = c->ctl->settings;
    if (!s->listener_count)
        return;
    GString *open = g_string_new(NULL), *past = g_string_new(NULL);
    /* Not [control]: the keeper asks the kernel who it is that connects there. */
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct listener *l = &s->listeners[i];
        const struct next_hop_address *hop = settings_next_hop(s, l);
        g_autofree char *name = g_strdup_printf("[listener %s]", l->name);
        if (is_open(&l->at, &l->rights))
            add(open, name, &l->at);
        if (passes_on(l) && (hop->kind == HOP_SMTP || hop->kind == HOP_LMTP) && is_open_to_all(&hop->at))
            add(past, name, &hop->at);
    }
    if (!try_all(c) && !open->len && !past->len)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "sockets", "not open to every user of this host");
    tell_open(c, open->str);
    tell_past(c, past->str);
    g_string_free(open, TRUE);
    g_string_free(past, TRUE);
}
