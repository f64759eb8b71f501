/* filterctl check: the services of Postfix that mail comes back to from filterd, and those that bring it there: whether they
 * are there, reach each other and do what was done before filterd came. Called by check.c. */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/endpoint.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/reach.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"
#include "tools/filterctl/services.h"

#define SUBJECT "ways back"

struct backs {
    struct filterctl_check *c;
    const struct filterctl_postconf *p;
    GPtrArray *smtpds; /* of const char* */
};

#define BAD(b, ...) filterctl_check_tell((b)->c, FILTERCTL_CHECK_BAD, SUBJECT, __VA_ARGS__)
#define WARN(b, ...) filterctl_check_tell((b)->c, FILTERCTL_CHECK_WARNING, SUBJECT, __VA_ARGS__)

static const char *own(const struct backs *b, const char *context, const char *name)
{
    return filterctl_postconf_service_get(b->p, context, name);
}

static bool has_word(const char *list, const char *word)
{
    g_auto(GStrv) words = filterctl_maps_words(list);
    return g_strv_contains((const char *const *)words, word);
}

/* The smtpd that listens there; NULL: none. Lent. */
static const char *service_at(const struct backs *b, const struct endpoint *e)
{
    for (guint i = 0; i < b->smtpds->len; i++) {
        g_autofree char *at = filterctl_endpoint_of_service(b->p, b->smtpds->pdata[i]);
        if (at && filterctl_endpoint_is(b->p, at, e))
            return b->smtpds->pdata[i];
    }
    return NULL;
}

/* The listener that this smtpd's smtpd_proxy_filter leads to; NULL: none of ours. */
static const struct listener *proxied(const struct backs *b, const char *context)
{
    return filterctl_endpoint_listener(b->p, b->c->ctl->settings, own(b, context, "smtpd_proxy_filter"));
}

/* True if mail comes to this listener before any cleanup(8) has seen it. */
static bool is_before_queue(const struct backs *b, const struct listener *l)
{
    bool before = false;
    for (guint i = 0; i < b->smtpds->len; i++)
        before |= proxied(b, b->smtpds->pdata[i]) == l;
    return before;
}

/* ---- is it there ---- */

/* Sockets below these folders are Postfix's own services. */
static void check_there(const struct backs *b, const struct listener *l, const struct next_hop_address *hop)
{
    const char *queue = filterctl_postconf_get(b->p, "queue_directory");
    static const char *const folders[] = {"public", "private"};
    for (size_t i = 0; hop->at.path && i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_strdup_printf("%s/%s/", queue, folders[i]);
        if (!g_str_has_prefix(hop->at.path, folder) || service_at(b, &hop->at))
            continue;
        BAD(b, "[listener %s] has next_hop=smtp:unix:%s, but master.cf has no smtpd \"%s unix%s\": all mail waits: \"filterctl "
               "setup\" makes it", l->name, hop->at.path, hop->at.path + strlen(folder), i ? "" : " n");
    }
}

/* ---- what it does ---- */

/* Aliases that cleanup(8) leaves as they are here are expanded nowhere. */
static void check_mappings(const struct backs *b, const char *back)
{
    if (has_word(own(b, back, "receive_override_options"), "no_address_mappings"))
        BAD(b, "%s: no_address_mappings, and aliases are expanded nowhere: take it out of its receive_override_options", back);
}

/* Our users' mail was signed by a milter before: smtpd_proxy_filter shows it no content any more. */
static void check_signing(const struct backs *b, const char *back)
{
    const char *milters = filterctl_postconf_get(b->p, "smtpd_milters");
    const bool off = has_word(own(b, back, "receive_override_options"), "no_milters");
    if (*milters && (off || !*own(b, back, "smtpd_milters")))
        WARN(b, "%s: smtpd_milters=%s sees none of our users' mail: a milter that signs does not sign it: take %s away", back,
             milters, off ? "no_milters" : "-o smtpd_milters=");
}

/* What comes back over a local socket or the loopback device is a local client's to Postfix. */
static void check_rewriting(const struct backs *b, const char *back)
{
    const char *clients = own(b, back, "local_header_rewrite_clients");
    if (strstr(clients, "permit_inet_interfaces") || strstr(clients, "permit_mynetworks"))
        WARN(b, "%s: local_header_rewrite_clients=%s changes the header of mail from outside, which breaks signatures: add -o "
                "local_header_rewrite_clients=", back, clients);
}

static void check_back(const struct backs *b, const struct listener *l)
{
    const struct next_hop_address *hop = settings_next_hop(b->c->ctl->settings, l);
    const char *back = hop->kind == HOP_SMTP ? service_at(b, &hop->at) : NULL;
    if (hop->kind == HOP_SMTP)
        check_there(b, l, hop);
    if (!back)
        return;
    if (is_before_queue(b, l))
        check_mappings(b, back);
    if (l->role == ROLE_SUBMISSION && is_before_queue(b, l))
        check_signing(b, back);
    else if (l->role != ROLE_SUBMISSION)
        check_rewriting(b, back);
}

/* ---- what brings mail to filterd ---- */

/* The socket that a service connects to, if it is a listener of ours; NULL. */
static const char *socket_of(const struct backs *b, const char *value)
{
    const struct listener *l = filterctl_endpoint_listener(b->p, b->c->ctl->settings, value);
    return l ? l->at.path : NULL;
}

/* Postfix's processes are mail_owner, with no group but its own. */
static void check_rights(const struct backs *b, const char *context, const char *value)
{
    const char *path = socket_of(b, value), *owner = filterctl_postconf_get(b->p, "mail_owner");
    const struct listener *l = filterctl_endpoint_listener(b->p, b->c->ctl->settings, value);
    g_autofree char *folder = path ? g_path_get_dirname(path) : NULL;
    const char *const folders[] = {folder, NULL}, *const sockets[] = {path, NULL};
    int why;
    if (path && filterctl_reach_first(owner, true, folders, X_OK, &why) < 0 &&
        filterctl_reach_first(owner, true, sockets, W_OK, &why) == 0 && why == EACCES)
        BAD(b, "%s: Postfix's user %s may not connect to unix:%s: set [listener %s] group=%s, and restart filterd", context, owner,
            path, l->name, owner);
}

/* A chrooted process finds only what lies below Postfix's queue, and names it from there. */
static void check_chroot(const struct backs *b, const char *context, const char *value)
{
    const char *path = socket_of(b, value);
    if (path && strstr(value, "unix:/") && filterctl_postconf_is_chrooted(b->p, context))
        BAD(b, "%s is chrooted (master.cf) and cannot reach %s: put the socket below queue_directory, as \"filterctl setup\" does, or "
               "set its chroot column to n", context, path);
}

static void check_smtpd(const struct backs *b, const char *context)
{
    const char *proxy = own(b, context, "smtpd_proxy_filter");
    check_chroot(b, context, proxy);
    check_rights(b, context, proxy);
}

static void check_transport(const struct backs *b, const char *name)
{
    const char *value = filterctl_postconf_get(b->p, name), *colon = strchr(value, ':');
    g_autofree char *context = colon ? g_strdup_printf("%.*s/unix", (int)(colon - value), value) : NULL;
    if (!context)
        return;
    check_chroot(b, context, value);
    check_rights(b, context, value);
}

/* ---- all of it ---- */

static void take_smtpd(const char *context, const char *command, void *arg)
{
    if (filterctl_services_is(command, "smtpd"))
        g_ptr_array_add(arg, (char *)context);
}

void filterctl_check_backs(struct filterctl_check *c)
{
    static const char *const transports[] = {"content_filter", "virtual_transport", "mailbox_transport", "local_transport",
                                             "relay_transport"};
    struct backs b = {c, c->postconf, g_ptr_array_new()};
    const struct settings *s = c->ctl->settings;
    if (b.p) {
        filterctl_postconf_each_service(b.p, take_smtpd, b.smtpds);
        for (size_t i = 0; i < s->listener_count; i++)
            if (s->listeners[i].protocol == PROTO_SMTP || s->listeners[i].protocol == PROTO_LMTP)
                check_back(&b, &s->listeners[i]);
        for (guint i = 0; i < b.smtpds->len; i++)
            check_smtpd(&b, b.smtpds->pdata[i]);
        for (size_t i = 0; i < G_N_ELEMENTS(transports); i++)
            check_transport(&b, transports[i]);
    }
    g_ptr_array_unref(b.smtpds);
}
