/* Compares addresses as Postfix writes them with filterd's. Called by postfix.c and prove_attachment.c. */
#include "tools/filterctl/check/endpoint.h"

#include <glib.h>
#include <string.h>

static bool is_here(const char *host)
{
    return !*host || !strcmp(host, "localhost") || !strcmp(host, "::1") || !strcmp(host, "0.0.0.0") ||
           !strcmp(host, "*") || g_str_has_prefix(host, "127.");
}

static bool is_inet(const char *at, const struct endpoint *e)
{
    const char *rest = g_str_has_prefix(at, "inet:") ? at + strlen("inet:") : at;
    const char *colon = strrchr(rest, ':');
    g_autofree char *host = colon ? g_strndup(rest, (gsize)(colon - rest)) : g_strdup("");
    g_strdelimit(host, "[]", ' ');
    g_strstrip(host);
    const char *port = colon ? colon + 1 : rest;
    return !strcmp(port, e->port) &&
           (!g_ascii_strcasecmp(host, e->host) || (is_here(host) && is_here(e->host)));
}

/* The address of "{ address, name=value ... }", or of a bare one; g_free. */
static char *bare(const char *at)
{
    at += *at == '{' ? 1 + strspn(at + 1, " ") : 0;
    return g_strndup(at, strcspn(at, ", }"));
}

bool filterctl_endpoint_is(const struct filterctl_postconf *p, const char *value, const struct endpoint *e)
{
    g_autofree char *at = bare(value);
    const char *path = strstr(at, "unix:"), *queue = filterctl_postconf_get(p, "queue_directory");
    if (!path || !e->path)
        return !path && !e->path && e->host && is_inet(at, e);
    g_autofree char *ours = g_canonicalize_filename(e->path, "/");
    g_autofree char *theirs = g_canonicalize_filename(path + strlen("unix:"), *queue == '/' ? queue : "/");
    return !strcmp(ours, theirs);
}

const struct listener *filterctl_endpoint_listener(const struct filterctl_postconf *p, const struct settings *s, const char *value)
{
    const char *colon = strchr(value, ':');
    for (size_t i = 0; *value && i < s->listener_count; i++)
        if (filterctl_endpoint_is(p, value, &s->listeners[i].at) ||
            (colon && colon[1] && filterctl_endpoint_is(p, colon + 1, &s->listeners[i].at)))
            return &s->listeners[i];
    return NULL;
}

char *filterctl_endpoint_of_service(const struct filterctl_postconf *p, const char *context)
{
    const char *slash = strrchr(context, '/');
    g_autofree char *name = slash ? g_strndup(context, (gsize)(slash - context)) : NULL;
    if (slash && !strcmp(slash, "/inet"))
        return g_steal_pointer(&name);
    if (slash && !strcmp(slash, "/unix"))
        return g_strdup_printf("unix:%s/%s", filterctl_postconf_is_private(p, context) ? "private" : "public", name);
    return NULL;
}
