/* filterctl check: who on this host may connect to filterd's listeners, and past it to its next hops. Called by
 * check.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/socket_rights.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"

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
                             "socket can be kept from them", list);
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
        if (passes_on(l) && hop->at.host && is_loopback(hop->at.host))
            add(past, name, &hop->at);
    }
    if (!open->len && !past->len)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "sockets", "not open to every user of this host");
    tell_open(c, open->str);
    tell_past(c, past->str);
    g_string_free(open, TRUE);
    g_string_free(past, TRUE);
}
