/* filterctl check: whether each way into this host leads to filterd: from outside, and of our own users. Called by
 * check.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/endpoint.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"
#include "tools/filterctl/services.h"

#define SUBJECT "fronts"

struct fronts {
    struct filterctl_check *c;
    const struct filterctl_postconf *p;
    GPtrArray *world, *users; /* of const char*: smtpd services, "smtp/inet" */
};

static const char *own(const struct fronts *f, const char *context, const char *name)
{
    return filterctl_postconf_service_get(f->p, context, name);
}

static const struct listener *listener_at(const struct fronts *f, const char *value)
{
    return filterctl_endpoint_listener(f->p, f->c->ctl->settings, value);
}

/* The listener that a service's mail comes to first. Behind a proxy no other filter follows. NULL: none in front of the
 * mailbox. */
static const struct listener *first_of(const struct fronts *f, const char *context)
{
    const char *proxy = own(f, context, "smtpd_proxy_filter");
    g_auto(GStrv) milters = filterctl_maps_words(own(f, context, "smtpd_milters"));
    const struct listener *l = listener_at(f, *proxy ? proxy : own(f, context, "content_filter"));
    for (char **m = milters; *m && !l && !*proxy; m++)
        l = listener_at(f, *m);
    return l;
}

/* True if this smtpd takes mail back from filterd. */
static bool is_way_back(const struct fronts *f, const char *context)
{
    const struct settings *s = f->c->ctl->settings;
    g_autofree char *at = filterctl_endpoint_of_service(f->p, context);
    bool back = false;
    for (size_t i = 0; at && i < s->listener_count; i++) {
        const struct next_hop_address *hop = settings_next_hop(s, &s->listeners[i]);
        back |= hop->kind == HOP_SMTP && filterctl_endpoint_is(f->p, at, &hop->at);
    }
    return back;
}

static void take_smtpd(const char *context, const char *command, void *arg)
{
    struct fronts *f = arg;
    if (filterctl_services_is(command, "smtpd") && filterctl_services_is_open(context) && !is_way_back(f, context))
        g_ptr_array_add(filterctl_services_is_for_users(f->p, context) ? f->users : f->world, (char *)context);
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "unix:filterd/smtp.sock" as Postfix's smtpd_proxy_filter has it for the first listener of that role; g_free. NULL: there
 * is none. */
static char *proxy_for(const struct fronts *f, enum role role)
{
    const struct settings *s = f->c->ctl->settings;
    g_autofree char *queue = g_strconcat(filterctl_postconf_get(f->p, "queue_directory"), "/", NULL);
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct listener *l = &s->listeners[i];
        if (l->protocol != PROTO_SMTP || l->role != role)
            continue;
        if (!l->at.path)
            return g_strdup_printf("%s:%s", l->at.host, l->at.port);
        return g_strconcat("unix:", l->at.path + (g_str_has_prefix(l->at.path, queue) ? strlen(queue) : 0), NULL);
    }
    return NULL;
}

static void check_world(const struct fronts *f)
{
    bool any = false;
    for (guint i = 0; i < f->world->len + f->users->len; i++)
        any |= first_of(f, i < f->world->len ? f->world->pdata[i] : f->users->pdata[i - f->world->len]) != NULL;
    g_autofree char *proxy = proxy_for(f, ROLE_INBOUND);
    for (guint i = 0; any && i < f->world->len; i++)
        if (!first_of(f, f->world->pdata[i]))
            filterctl_check_tell(f->c, FILTERCTL_CHECK_BAD, SUBJECT, "%s takes mail from outside and does not lead to filterd: it is "
                                 "queued in plaintext: postconf -P '%s/smtpd_proxy_filter=%s', or close it", (char *)f->world->pdata[i],
                                 (char *)f->world->pdata[i], proxy ? proxy : "...");
}

/* Where filterd is the milter it knows our users by their login. Behind a proxy of another role the check of routes tells. */
static void check_users(const struct fronts *f)
{
    g_autofree char *proxy = proxy_for(f, ROLE_SUBMISSION);
    for (guint i = 0; i < f->users->len; i++) {
        const char *context = f->users->pdata[i];
        const struct listener *l = first_of(f, context);
        if (l && (l->role == ROLE_SUBMISSION || l->protocol == PROTO_MILTER || listener_at(f, own(f, context, "smtpd_proxy_filter"))))
            continue;
        filterctl_check_tell(f->c, FILTERCTL_CHECK_BAD, SUBJECT, "%s: our own users' mail comes to filterd behind the queue, where it "
                             "is judged like a stranger's: postconf -P '%s/smtpd_proxy_filter=%s'%s", context, context,
                             proxy ? proxy : "...", proxy ? "" : ", with a listener of role=submission (\"filterctl setup\")");
    }
}

/* Whether any mail comes to filterd at all: else the check of Postfix's settings tells. */
static bool is_attached(const struct fronts *f)
{
    static const char *const legs[] = {"virtual_transport", "mailbox_transport", "local_transport", "relay_transport",
                                       "content_filter", "smtpd_proxy_filter"};
    bool any = false;
    for (size_t i = 0; i < G_N_ELEMENTS(legs); i++)
        any |= listener_at(f, filterctl_postconf_get(f->p, legs[i])) != NULL;
    for (guint i = 0; i < f->world->len; i++)
        any |= first_of(f, f->world->pdata[i]) != NULL;
    return any;
}

void filterctl_check_fronts(struct filterctl_check *c)
{
    struct fronts f = {c, c->postconf, g_ptr_array_new(), g_ptr_array_new()};
    if (c->postconf) {
        filterctl_postconf_each_service(f.p, take_smtpd, &f);
        g_ptr_array_sort(f.world, by_text);
        g_ptr_array_sort(f.users, by_text);
        check_world(&f);
        if (is_attached(&f))
            check_users(&f);
    }
    g_ptr_array_unref(f.world);
    g_ptr_array_unref(f.users);
}
