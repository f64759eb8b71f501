/* Chooses sandboxes from the settings. Called by each process before it serves, and by the master at start to
 * try them all. */
#include "base/sandbox/sandbox_policy.h"

#include <glib.h>
#include <string.h>

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

static GPtrArray *folders_for(const struct settings *s, enum sandbox_kind kind)
{
    GPtrArray *folders = kind == SANDBOX_DELIVERY_AGENT ? maildir_folders(s)
                                                 : g_ptr_array_new_with_free_func(g_free);
    if (kind == SANDBOX_KEEPER) {
        g_ptr_array_add(folders, g_strdup(s->state_dir));
        g_ptr_array_add(folders, g_strconcat(s->site_key, ".d", NULL));
    }
    g_ptr_array_add(folders, NULL);
    return folders;
}

bool sandbox_policy_close(const struct settings *s, enum sandbox_kind kind)
{
    const char *why;
    GPtrArray *folders = folders_for(s, kind);
    const struct sandbox sandbox = {kind, (const char *const *)folders->pdata,
                                    settings_size_limit(s, NULL)};
    const bool closed = sandbox_close(&sandbox, &why);
    g_ptr_array_unref(folders);
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
    default:
        return true;
    }
}

static bool check(const struct settings *s, enum sandbox_kind kind)
{
    bool whole;
    GPtrArray *folders = folders_for(s, kind);
    const struct sandbox sandbox = {kind, (const char *const *)folders->pdata,
                                    settings_size_limit(s, NULL)};
    g_autofree char *line = sandbox_probe(&sandbox, &whole);
    if (whole)
        log_info("sandbox: %s", line);
    else
        log_warn("sandbox: %s", line);
    g_ptr_array_unref(folders);
    return whole;
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
