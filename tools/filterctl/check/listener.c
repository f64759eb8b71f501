/* Finds filterd in Postfix's settings. Called by postfix.c and prove_attachment.c. */
#include "tools/filterctl/check/listener.h"

#include <glib.h>
#include <string.h>

#include "tools/filterctl/maps.h"

static bool is_here(const char *host)
{
    return !*host || !strcmp(host, "localhost") || !strcmp(host, "::1") || !strcmp(host, "0.0.0.0") ||
           !strcmp(host, "*") || g_str_has_prefix(host, "127.");
}

bool filterctl_listener_is_endpoint(const char *at, const struct endpoint *e)
{
    const char *path = strstr(at, "unix:");
    if (e->path && path) {
        path += strlen("unix:"); /* a relative path is below Postfix's queue_directory */
        const size_t n = strlen(path), whole = strlen(e->path);
        return *path == '/' ? !strcmp(path, e->path)
                            : n < whole && e->path[whole - n - 1] == '/' && !strcmp(e->path + whole - n, path);
    }
    if (e->path || !e->host || path)
        return false;
    const char *rest = g_str_has_prefix(at, "inet:") ? at + strlen("inet:") : at;
    const char *colon = strrchr(rest, ':');
    g_autofree char *host = colon ? g_strndup(rest, (gsize)(colon - rest)) : g_strdup("");
    g_strdelimit(host, "[]", ' ');
    g_strstrip(host);
    const char *port = colon ? colon + 1 : rest;
    return !strcmp(port, e->port) &&
           (!g_ascii_strcasecmp(host, e->host) || (is_here(host) && is_here(e->host)));
}

bool filterctl_listener_is(const struct settings *s, enum protocol protocol, const char *at)
{
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].protocol == protocol && filterctl_listener_is_endpoint(at, &s->listeners[i].at))
            return true;
    return false;
}

bool filterctl_listener_is_behind(const struct settings *s, const char *transport)
{
    const char *colon = strchr(transport, ':');
    return colon && (filterctl_listener_is(s, PROTO_LMTP, colon + 1) || filterctl_listener_is(s, PROTO_SMTP, colon + 1));
}

/* Without the braces, and the milter's settings behind its address; g_free. */
static char *address_of(const char *milter)
{
    const char *start = milter + strspn(milter, "{ \t");
    return g_strndup(start, milter[0] == '{' ? strcspn(start, ", \t}") : strlen(start));
}

bool filterctl_listener_is_milter(const struct settings *s, const char *milters)
{
    g_auto(GStrv) words = filterctl_maps_words(milters);
    bool is = false;
    for (char **m = words; *m && !is; m++) {
        g_autofree char *at = address_of(*m);
        is = filterctl_listener_is(s, PROTO_MILTER, at);
    }
    return is;
}
