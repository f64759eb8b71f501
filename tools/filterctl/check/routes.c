/* filterctl check: ways of mail through Postfix that lead past filterd, or past what Postfix did for it before filterd
 * was there. Called by check.c; what else Postfix's settings must have is in postfix.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/endpoint.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"
#include "tools/filterctl/restrictions.h"
#include "tools/filterctl/services.h"

#define SUBJECT "routes"

struct routes {
    struct filterctl_check *c;
    const struct filterctl_postconf *p;
    const char *context;
    GPtrArray *smtpds;   /* of char* */
    const char *bounces; /* a service whose bounces go past filterd */
};

#define BAD(r, ...) filterctl_check_tell((r)->c, FILTERCTL_CHECK_BAD, SUBJECT, __VA_ARGS__)
#define WARN(r, ...) filterctl_check_tell((r)->c, FILTERCTL_CHECK_WARNING, SUBJECT, __VA_ARGS__)

static const char *get(const struct routes *r, const char *name)
{
    return filterctl_postconf_get(r->p, name);
}

static const char *own(const struct routes *r, const char *name)
{
    return filterctl_postconf_service_get(r->p, r->context, name);
}

static const struct listener *listener_at(const struct routes *r, const char *value)
{
    return filterctl_endpoint_listener(r->p, r->c->ctl->settings, value);
}

static bool leads_to_us(const struct routes *r, const char *name)
{
    return listener_at(r, get(r, name)) != NULL;
}

/* ---- behind ---- */

/* True if the cleanup of a bounce gives it to filterd: by FILTER in its header_checks, or as a milter. */
static bool is_filtered(const struct routes *r, const char *context)
{
    const char *name = filterctl_postconf_service_get(r->p, context, "cleanup_service_name");
    g_autofree char *cleanup = g_strdup_printf("%s/unix", *name ? name : "cleanup");
    const char *checks = filterctl_postconf_service_get(r->p, cleanup, "header_checks");
    const char *filter = strstr(checks, "FILTER ");
    g_autofree char *to = filter ? g_strndup(filter + strlen("FILTER "), strcspn(filter + strlen("FILTER "), " }")) : g_strdup("");
    g_auto(GStrv) milters = filterctl_maps_words(filterctl_postconf_service_get(r->p, cleanup, "non_smtpd_milters"));
    bool known = listener_at(r, to) != NULL;
    for (char **m = milters; *m; m++)
        known |= listener_at(r, *m) != NULL;
    return known && strstr(filterctl_postconf_service_get(r->p, context, "internal_mail_filter_classes"), "bounce");
}

static void take_bounce(const char *context, const char *command, void *arg)
{
    struct routes *r = arg;
    if (!r->bounces && (!strcmp(command, "bounce") || g_str_has_prefix(command, "bounce ")) && !is_filtered(r, context))
        r->bounces = context;
}

/* A FILTER action of the cleanup that local mail comes through wins over content_filter. */
static void check_filter(const struct routes *r)
{
    g_autofree char *cleanup = g_strdup_printf("%s/unix", filterctl_postconf_service_get(r->p, "pickup/unix", "cleanup_service_name"));
    static const char *const checks[] = {"header_checks", "body_checks"};
    for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
        g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_service_get(r->p, cleanup, checks[i]));
        for (char **w = words; *w; w++)
            if (filterctl_restrictions_has_filter(*w))
                BAD(r, "%s: the FILTER in %s=%s wins over content_filter: such mail reaches users with keys unsealed: take it out",
                    cleanup, checks[i], *w);
    }
}

/* content_filter is nothing to what Postfix itself writes. */
static void check_bounces(struct routes *r)
{
    if (leads_to_us(r, "virtual_transport") || leads_to_us(r, "mailbox_transport"))
        return;
    filterctl_postconf_each_service(r->p, take_bounce, r);
    if (r->bounces)
        BAD(r, "%s: content_filter does not see what Postfix itself writes: bounces reach users with keys unsealed: give it a "
               "cleanup_service_name whose header_checks have a FILTER to filterd (\"filterctl setup\")", r->bounces);
}

/* Behind the front only one of the two ways needs to lead to filterd; content_filter catches what is delivered, but
 * for bounces. */
static void check_behind(struct routes *r)
{
    if (!leads_to_us(r, "content_filter")) {
        filterctl_check_delivery(r->c);
        return;
    }
    check_bounces(r);
    check_filter(r);
}

/* ---- in front ---- */

static void tell_filter(const char *setting, const char *table, void *arg)
{
    const struct routes *r = arg;
    WARN(r, "%s: smtpd_proxy_filter disables the FILTER in %s (%s): take it out", r->context, table, setting);
}

/* Where the listener's mail comes back; g_free. NULL: elsewhere. */
static char *way_back(const struct routes *r, const struct listener *l)
{
    const struct next_hop_address *hop = settings_next_hop(r->c->ctl->settings, l);
    for (guint i = 0; hop->kind == HOP_SMTP && i < r->smtpds->len; i++) {
        g_autofree char *at = filterctl_endpoint_of_service(r->p, r->smtpds->pdata[i]);
        if (at && filterctl_endpoint_is(r->p, at, &hop->at))
            return g_strdup(r->smtpds->pdata[i]);
    }
    return NULL;
}

/* The header_checks, or the like, that a service's cleanup applies. */
static const char *checks_of(const struct routes *r, const char *context, const char *name)
{
    g_autofree char *cleanup = g_strdup_printf("%s/unix", filterctl_postconf_service_get(r->p, context, "cleanup_service_name"));
    return filterctl_postconf_service_get(r->p, cleanup, name);
}

/* smtpd_proxy_filter passes the front's cleanup by: what it did must be done where mail comes back. */
static void check_checks(const struct routes *r, const char *back, const char *name)
{
    const char *before = checks_of(r, r->context, name), *behind = checks_of(r, back, name);
    const bool off = strstr(filterctl_postconf_service_get(r->p, back, "receive_override_options"), "no_header_body_checks");
    if (*before && strcmp(before, behind))
        WARN(r, "%s: %s=%s of its cleanup are bypassed: give %s a cleanup_service_name that has them", r->context, name, before,
             back);
    else if (*before && off)
        WARN(r, "%s: %s=%s are bypassed: take no_header_body_checks out of %s's receive_override_options", r->context, name, before,
             back);
}

/* mime_header_checks and nested_header_checks are header_checks, unless they are set. */
static void check_header_checks(const struct routes *r, const char *back)
{
    static const char *const more[] = {"mime_header_checks", "nested_header_checks"};
    const char *body = checks_of(r, r->context, "body_checks");
    check_checks(r, back, "header_checks");
    for (size_t i = 0; i < G_N_ELEMENTS(more); i++)
        if (strcmp(get(r, more[i]), get(r, "header_checks")))
            check_checks(r, back, more[i]);
    if (*body)
        WARN(r, "%s: body_checks=%s are bypassed, and behind filterd bodies are sealed: take them out", r->context, body);
}

static void check_front(const struct routes *r, const struct listener *l)
{
    g_autofree char *back = way_back(r, l);
    filterctl_restrictions_each_filter(r->p, r->context, tell_filter, (void *)r);
    if (l->role == ROLE_INBOUND && filterctl_services_is_for_users(r->p, r->context))
        BAD(r, "%s leads our own users' mail to [listener %s], where it is judged like a stranger's: give it a listener with "
               "role=submission (\"filterctl setup\")", r->context, l->name);
    if (back)
        check_header_checks(r, back);
}

/* ---- rewriting and copies ---- */

static void check_rewriting(const struct routes *r)
{
    static const char *const rewriting[] = {"canonical_maps", "recipient_canonical_maps"};
    static const char *const copying[] = {"always_bcc", "sender_bcc_maps", "recipient_bcc_maps"};
    for (size_t i = 0; i < G_N_ELEMENTS(rewriting); i++)
        if (*get(r, rewriting[i]))
            WARN(r, "%s=%s rewrites recipients behind the front: an address that it leads to a user with a key must be "
                    "known to filterd, too (\"filterctl lookup user\")", rewriting[i], get(r, rewriting[i]));
    if (*get(r, "masquerade_domains") && strstr(get(r, "masquerade_classes"), "envelope_recipient"))
        WARN(r, "masquerade_domains=%s rewrites recipients (masquerade_classes): filterd does not: take envelope_recipient "
                "out", get(r, "masquerade_domains"));
    for (size_t i = 0; i < G_N_ELEMENTS(copying); i++)
        if (*get(r, copying[i]))
            WARN(r, "%s=%s: these copies are made of sealed mail, too, and only its recipient can open it", copying[i],
                 get(r, copying[i]));
}

/* ":include:/file" in an alias is read by local(8) alone. */
static void check_includes(const struct routes *r)
{
    g_auto(GStrv) words = filterctl_maps_words(get(r, "alias_maps"));
    for (char **w = words; *w; w++) {
        const char *file = strchr(*w, ':');
        g_autofree char *text = NULL;
        if (file && file[1] == '/' && g_file_get_contents(file + 1, &text, NULL, NULL) &&
            g_regex_match_simple("^[^#\\n]*:include:", text, G_REGEX_MULTILINE, 0))
            WARN(r, "%s has :include:, whose members filterd does not know: name them in the alias, if one has a key", *w);
    }
}

/* ---- all of it ---- */

static void take_smtpd(const char *context, const char *command, void *arg)
{
    if (!strcmp(command, "smtpd") || g_str_has_prefix(command, "smtpd "))
        g_ptr_array_add(arg, g_strdup(context));
}

void filterctl_check_routes(struct filterctl_check *c)
{
    const struct filterctl_postconf *p = c->postconf;
    struct routes r = {.c = c, .p = p};
    bool attached = false;
    const int lines = c->lines;
    if (!p)
        return; /* postfix.c has told */
    r.smtpds = g_ptr_array_new_with_free_func(g_free);
    filterctl_postconf_each_service(p, take_smtpd, r.smtpds);
    for (guint i = 0; i < r.smtpds->len; i++) {
        r.context = r.smtpds->pdata[i];
        const struct listener *l = listener_at(&r, own(&r, "smtpd_proxy_filter"));
        if (l)
            check_front(&r, l);
        attached |= l != NULL;
    }
    if (attached || leads_to_us(&r, "virtual_transport") || leads_to_us(&r, "mailbox_transport"))
        check_behind(&r);
    if (attached)
        check_rewriting(&r);
    if (attached)
        check_includes(&r);
    if (attached && c->lines == lines)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, SUBJECT, "no mail goes past filterd");
    g_ptr_array_unref(r.smtpds);
}
