/* Where a message enters Postfix, how filterd is attached there, and where plaintext must be expected
 * then. Called by prove.c. */
#include <glib.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/endpoint.h"
#include "tools/filterctl/check/endpoint.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/prove.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"

static const char *port_of(const char *address)
{
    const char *colon = strrchr(address, ':');
    return colon && !strchr(colon, ']') ? colon + 1 : address;
}

static bool same_port(const char *a, const char *b)
{
    const char *names[2] = {port_of(a), port_of(b)};
    int numbers[2];
    for (int i = 0; i < 2; i++) {
        const struct servent *s = getservbyname(names[i], "tcp");
        numbers[i] = s ? ntohs((uint16_t)s->s_port) : (int)g_ascii_strtoll(names[i], NULL, 10);
    }
    return numbers[0] && numbers[0] == numbers[1];
}

struct search {
    const char *address;
    char *context, *host;
};

static void match(const char *context, const char *command, void *arg)
{
    struct search *s = arg;
    const char *slash = strrchr(context, '/');
    g_autofree char *place = g_strndup(context, (gsize)(slash - context));
    if (strcmp(slash, "/inet") || !g_str_has_prefix(command, "smtpd") || !same_port(place, s->address) || s->context)
        return;
    const char *colon = strrchr(place, ':');
    s->context = g_strdup(context);
    s->host = colon ? g_strndup(place, (gsize)(colon - place)) : NULL;
}

/* True if a transport, filter or milter leads to one of our listeners. */
static bool leads_to_us(const struct filterctl_postconf *p, const struct settings *s, const char *value)
{
    g_auto(GStrv) words = filterctl_maps_words(value);
    for (char **w = words; *w; w++) {
        const char *colon = strchr(*w, ':'); /* behind that of a transport */
        for (size_t i = 0; i < s->listener_count; i++)
            if (filterctl_endpoint_is(p, *w, &s->listeners[i].at) ||
                (colon && filterctl_endpoint_is(p, colon + 1, &s->listeners[i].at)))
                return true;
    }
    return false;
}

/* True if the transport is a pipe(8) into filterd-pipe. */
static bool is_pipe(const struct filterctl_postconf *p, const char *transport)
{
    g_autofree char *service = g_strdup_printf("%.*s/unix", (int)strcspn(transport, ":"), transport);
    const char *command = filterctl_postconf_command(p, service);
    if (!command || !g_str_has_prefix(command, "pipe "))
        return false;
    const char *program = strstr(command, " argv=");
    program = program ? program + strlen(" argv=") : "";
    g_autofree char *path = g_strndup(program, strcspn(program, " ")), *name = g_path_get_basename(path);
    return !strcmp(name, "filterd-pipe");
}

static bool is_set(const struct filterctl_attachment *w, const struct filterctl_postconf *p, const char *name)
{
    return *filterctl_postconf_service_get(p, w->context, name) != 0;
}

bool filterctl_attachment_find(struct filterctl_attachment *w, const struct filterctl_postconf *p, const char *address)
{
    struct search s = {.address = address ? address : "25"};
    *w = (struct filterctl_attachment){0};
    if (p)
        filterctl_postconf_each_service(p, match, &s);
    const bool named = s.host && *s.host && strcmp(s.host, "*") && strcmp(s.host, "0.0.0.0");
    w->address = address ? g_strdup(address) : g_strdup_printf("%s:25", named ? s.host : "127.0.0.1");
    w->context = s.context;
    g_free(s.host);
    if (!w->context)
        return false;
    w->kind = is_set(w, p, "smtpd_proxy_filter") ? ATTACHED_PROXY
              : is_set(w, p, "content_filter")   ? ATTACHED_CONTENT_FILTER
                                                 : ATTACHED_NOT;
    return true;
}

void filterctl_attachment_clear(struct filterctl_attachment *w)
{
    g_free(w->context);
    g_free(w->address);
    *w = (struct filterctl_attachment){0};
}

/* Recognises milters and transports: whether one of them is filterd's is known only from our listeners. */
static void refine(struct filterctl_attachment *w, const struct filterctl_postconf *p, const struct settings *s)
{
    static const char *const transports[] = {"virtual_transport", "mailbox_transport", "local_transport",
                                             "relay_transport", "default_transport"};
    if (w->kind == ATTACHED_NOT && leads_to_us(p, s, filterctl_postconf_service_get(p, w->context, "smtpd_milters")))
        w->kind = ATTACHED_MILTER;
    for (size_t i = 0; w->kind == ATTACHED_NOT && i < G_N_ELEMENTS(transports); i++) {
        const char *value = filterctl_postconf_get(p, transports[i]);
        if (leads_to_us(p, s, value) || is_pipe(p, value))
            w->kind = ATTACHED_TRANSPORT;
    }
}

static void tell_proxy(const struct filterctl_postconf *p, const char *filter, struct filterctl_check *c)
{
    if (leads_to_us(p, c->ctl->settings, filter))
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, "postfix", "smtpd_proxy_filter: mail is sealed before it is queued");
    else
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "postfix",
                             "smtpd_proxy_filter = %s is no listener of filterd: see what it does with mail", filter);
}

static void tell_kind(const struct filterctl_attachment *w, const struct filterctl_postconf *p, struct filterctl_check *c)
{
    switch (w->kind) {
    case ATTACHED_PROXY:
        tell_proxy(p, filterctl_postconf_service_get(p, w->context, "smtpd_proxy_filter"), c);
        break;
    case ATTACHED_CONTENT_FILTER:
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "postfix",
                             "content_filter: a queue file holds the plaintext until filterd has taken it, "
                             "for days if it is deferred; smtpd_proxy_filter avoids that");
        break;
    case ATTACHED_MILTER:
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "postfix",
                             "milter: the queue file holds the plaintext until filterd answers, then the sealed "
                             "body (never compressed, so never shorter) is written over it; smtpd_proxy_filter "
                             "avoids that");
        break;
    case ATTACHED_TRANSPORT:
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "postfix",
                             "a transport leads to filterd: a queue file holds the plaintext until then, for days "
                             "if it is deferred; smtpd_proxy_filter in front avoids that");
        break;
    case ATTACHED_NOT:
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "postfix",
                             "nothing in its settings leads mail for %s to filterd", w->address);
    }
}

void filterctl_attachment_tell(struct filterctl_attachment *w, const struct filterctl_postconf *p, struct filterctl_check *c)
{
    static const char *const copies[] = {"always_bcc", "recipient_bcc_maps", "sender_bcc_maps", "debug_peer_list"};
    refine(w, p, c->ctl->settings);
    tell_kind(w, p, c);
    if (strstr(filterctl_postconf_service_get(p, w->context, "smtpd_proxy_options"), "speed_adjust"))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, "postfix",
                             "smtpd_proxy_options = speed_adjust writes each message to a file first: leave it empty");
    for (size_t i = 0; i < G_N_ELEMENTS(copies); i++)
        if (*filterctl_postconf_get(p, copies[i]))
            filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, "postfix", "%s is set: see who gets to read what it makes",
                                 copies[i]);
}
