/* Chooses sandboxes from the settings. Called by each process before it serves, and by the master at start to
 * try them all. */
#include "base/sandbox/sandbox_policy.h"

#include <glib.h>
#include <string.h>

#include "base/config/key_folders.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_probe.h"

/* The folder of a maildir pattern in front of its first %: a delivery agent may write below it only. */
static char *fixed_folder(const char *pattern)
{
    size_t n = strcspn(pattern, "%");
    if (!pattern[n])
        return g_path_get_dirname(pattern);
    while (n > 1 && pattern[n - 1] != '/')
        n--;
    return g_strndup(pattern, n);
}

static GPtrArray *maildir_folders(const struct settings *s)
{
    GPtrArray *folders = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i <= s->listener_count; i++) {
        const struct next_hop_address *hop = settings_next_hop(s, i ? &s->listeners[i - 1] : NULL);
        if (hop->kind == HOP_MAILDIR)
            g_ptr_array_add(folders, fixed_folder(hop->at.path));
    }
    return folders;
}

bool sandbox_policy_has_maildir(const struct settings *s)
{
    GPtrArray *folders = maildir_folders(s);
    const bool has = folders->len > 0;
    g_ptr_array_unref(folders);
    return has;
}

/* ---- the master's: what all of its children need ---- */

static void clear_folder(gpointer data)
{
    g_free(((struct sandbox_policy_folder *)data)->path);
}

static bool alike(const struct sandbox_policy_folder *a, const struct sandbox_policy_folder *b)
{
    return a->sockets == b->sockets && a->links == b->links;
}

/* Takes the path over. */
static void add_folder(GArray *folders, struct sandbox_policy_folder one)
{
    for (guint i = 0; i < folders->len; i++) {
        const struct sandbox_policy_folder *f = &g_array_index(folders, struct sandbox_policy_folder, i);
        if (alike(f, &one) && !strcmp(f->path, one.path)) {
            g_free(one.path);
            return;
        }
    }
    g_array_append_val(folders, one);
}

static void add_plain(GArray *folders, char *path)
{
    add_folder(folders, (struct sandbox_policy_folder){.path = path});
}

static char *keys_folder(const struct settings *s)
{
    return s->key_maps ? g_build_filename(s->state_dir, KEY_FOLDERS, NULL) : NULL;
}

static void add_folder_of(GArray *folders, const struct endpoint *at)
{
    if (at->path)
        add_folder(folders, (struct sandbox_policy_folder){.path = g_path_get_dirname(at->path), .sockets = true});
}

GArray *sandbox_policy_folders(const struct settings *s)
{
    GArray *folders = g_array_new(FALSE, FALSE, sizeof(struct sandbox_policy_folder));
    GPtrArray *maildirs = maildir_folders(s);
    g_array_set_clear_func(folders, clear_folder);
    add_plain(folders, g_strdup(s->state_dir));
    add_plain(folders, g_strconcat(s->site_key, ".d", NULL));
    if (s->key_maps)
        add_folder(folders, (struct sandbox_policy_folder){.path = keys_folder(s), .links = true});
    for (guint i = 0; i < maildirs->len; i++)
        add_plain(folders, g_strdup(maildirs->pdata[i]));
    add_folder_of(folders, &s->control);
    for (size_t i = 0; i < s->listener_count; i++)
        add_folder_of(folders, &s->listeners[i].at);
    g_ptr_array_unref(maildirs);
    return folders;
}

static bool lies_in(const char *path, const char *folder)
{
    const size_t n = strlen(folder) - g_str_has_suffix(folder, "/");
    return strncmp(path, folder, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

const char *sandbox_policy_lacks(const GArray *had, const GArray *more)
{
    for (guint i = 0; i < more->len; i++) {
        const struct sandbox_policy_folder *one = &g_array_index(more, struct sandbox_policy_folder, i);
        bool found = false;
        for (guint j = 0; j < had->len && !found; j++) {
            const struct sandbox_policy_folder *f = &g_array_index(had, struct sandbox_policy_folder, j);
            found = alike(f, one) && lies_in(one->path, f->path);
        }
        if (!found)
            return one->path;
    }
    return NULL;
}

static GPtrArray *paths_of(const struct settings *s, bool sockets)
{
    GArray *folders = sandbox_policy_folders(s);
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < folders->len; i++) {
        const struct sandbox_policy_folder *f = &g_array_index(folders, struct sandbox_policy_folder, i);
        if (f->sockets == sockets)
            g_ptr_array_add(paths, g_strdup(f->path));
    }
    g_array_unref(folders);
    return paths;
}

/* ---- any process's ---- */

static GPtrArray *folders_for(const struct settings *s, enum sandbox_kind kind)
{
    GPtrArray *folders = kind == SANDBOX_DELIVERY_AGENT ? maildir_folders(s)
                         : kind == SANDBOX_MASTER       ? paths_of(s, false)
                                                        : g_ptr_array_new_with_free_func(g_free);
    if (kind == SANDBOX_KEEPER) {
        g_ptr_array_add(folders, g_strdup(s->state_dir));
        g_ptr_array_add(folders, g_strconcat(s->site_key, ".d", NULL));
    }
    g_ptr_array_add(folders, NULL);
    return folders;
}

static GPtrArray *socket_folders_for(const struct settings *s, enum sandbox_kind kind)
{
    GPtrArray *folders = kind == SANDBOX_MASTER ? paths_of(s, true) : g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(folders, NULL);
    return folders;
}

/* Calls how with the sandbox of this kind. */
static bool with_sandbox(const struct settings *s, enum sandbox_kind kind,
                         bool (*how)(const struct sandbox *sandbox, void *arg), void *arg)
{
    GPtrArray *folders = folders_for(s, kind), *sockets = socket_folders_for(s, kind);
    g_autofree char *keys = keys_folder(s);
    const struct sandbox sandbox = {.kind = kind,
                                    .folders = (const char *const *)folders->pdata,
                                    .socket_folders = (const char *const *)sockets->pdata,
                                    .keys = keys,
                                    .renames = sandbox_policy_has_maildir(s),
                                    .message_bytes = settings_size_limit(s, NULL)};
    const bool ok = how(&sandbox, arg);
    g_ptr_array_unref(folders);
    g_ptr_array_unref(sockets);
    return ok;
}

static bool close_one(const struct sandbox *sandbox, void *arg)
{
    return sandbox_close(sandbox, arg);
}

bool sandbox_policy_close(const struct settings *s, enum sandbox_kind kind)
{
    const char *why;
    const bool closed = with_sandbox(s, kind, close_one, &why);
    if (!closed && s->sandbox_required)
        log_warn("sandbox=required: %s", why);
    return closed || !s->sandbox_required;
}

static bool has_milter(const struct settings *s)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].protocol == PROTO_MILTER)
            return true;
    return false;
}

static bool is_started(const struct settings *s, enum sandbox_kind kind)
{
    switch (kind) {
    case SANDBOX_DELIVERY_AGENT:
        return sandbox_policy_has_maildir(s);
    case SANDBOX_SPF:
        return s->spf;
    case SANDBOX_MILTER:
        return has_milter(s);
    case SANDBOX_TABLES:
        return settings_has_tables(s);
    case SANDBOX_IMPORTER:
        return s->key_maps != NULL;
    default:
        return true;
    }
}

static bool probe_one(const struct sandbox *sandbox, void *arg)
{
    bool whole;
    (void)arg;
    g_autofree char *line = sandbox_probe(sandbox, &whole);
    if (whole)
        log_info("sandbox: %s", line);
    else
        log_warn("sandbox: %s", line);
    return whole;
}

static bool check(const struct settings *s, enum sandbox_kind kind)
{
    return with_sandbox(s, kind, probe_one, NULL);
}

bool sandbox_policy_check(const struct settings *s)
{
    bool whole = true;
    for (enum sandbox_kind kind = 0; kind < SANDBOX_KINDS; kind++)
        if (is_started(s, kind)) /* twice: a passing shortage (memory, processes) is no lack */
            whole = (check(s, kind) || (s->sandbox_required && check(s, kind))) && whole;
    if (!whole && s->sandbox_required)
        log_warn("sandbox=required, and what is MISSING above cannot be had here: not started");
    return whole || !s->sandbox_required;
}
