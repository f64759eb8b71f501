/* Finds out by postconf and doveconf how mail comes into this host and where it goes. Called by setup.c. */
#include "tools/filterctl/setup/site.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/filterctl/doveconf.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/restrictions.h"
#include "tools/filterctl/services.h"

/* ---- Postfix's services ---- */

const char *filterctl_setup_site_get(const struct filterctl_setup_site *site, const char *context, const char *name)
{
    return context ? filterctl_postconf_service_get(site->p, context, name) : filterctl_postconf_get(site->p, name);
}

void filterctl_setup_site_note(struct filterctl_setup_site *site, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_ptr_array_add(site->notes, g_strdup_vprintf(format, ap));
    va_end(ap);
}

/* Where another filter gives mail back: what was checked before is not checked again, and no filter follows. */
static bool is_way_back(const struct filterctl_setup_site *site, const char *context)
{
    static const char *const once[] = {"no_unknown_recipient_checks", "no_header_body_checks", "no_milters"};
    const char *overrides = filterctl_setup_site_get(site, context, "receive_override_options");
    bool back = *filterctl_postconf_get(site->p, "content_filter") && !*filterctl_setup_site_get(site, context, "content_filter");
    if (g_str_has_prefix(filterctl_setup_site_get(site, context, "smtpd_proxy_filter"), "unix:filterd/"))
        return false; /* we are there already */
    for (size_t i = 0; i < G_N_ELEMENTS(once); i++)
        back |= strstr(overrides, once[i]) != NULL;
    return back;
}

static void sort_service(const char *context, const char *command, void *arg)
{
    struct filterctl_setup_site *site = arg;
    const bool reached = g_str_has_suffix(context, "/inet") || g_str_has_suffix(context, "/pass");
    if (!reached || !filterctl_services_is(command, "smtpd"))
        return;
    if (filterctl_services_is_for_users(site->p, context))
        g_ptr_array_add(site->submissions, g_strdup(context));
    else if (is_way_back(site, context))
        filterctl_setup_site_note(site, "%s takes mail back from another filter: it stays as it is", context);
    else
        g_ptr_array_add(site->fronts, g_strdup(context));
}

static int by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_services(struct filterctl_setup_site *site)
{
    filterctl_postconf_each_service(site->p, sort_service, site);
    g_ptr_array_sort(site->fronts, by_text);
    g_ptr_array_sort(site->submissions, by_text);
}

/* ---- where mail goes ---- */

static bool is_socket(const char *path)
{
    struct stat st;
    return !stat(path, &st) && S_ISSOCK(st.st_mode);
}

/* What filterd may use where Postfix has "lmtp:unix:private/dovecot-lmtp": Postfix's own folders are closed to
 * others. NULL: nothing. */
static char *next_hop_for(const struct filterctl_setup_site *site, const char *transport, const char *dovecot_file)
{
    const char *at = strchr(transport, ':') + 1;
    const char *queue = filterctl_postconf_get(site->p, "queue_directory");
    if (!g_str_has_prefix(at, "unix:"))
        return g_strconcat("lmtp:", g_str_has_prefix(at, "inet:") ? "" : "inet:", at, NULL);
    g_autofree char *path = g_canonicalize_filename(at + strlen("unix:"), queue);
    g_autofree char *private = g_build_filename(queue, "private/", NULL);
    g_autofree char *base = filterctl_doveconf(dovecot_file, "-h", "base_dir");
    g_autofree char *own = base ? g_build_filename(base, "lmtp", NULL) : NULL;
    if (!g_str_has_prefix(path, private))
        return g_strconcat("lmtp:unix:", path, NULL);
    return own && is_socket(own) ? g_strconcat("lmtp:unix:", own, NULL) : NULL;
}

/* The next hop of our listener, if this transport leads to it already. */
static char *next_hop_known(const struct filterctl_setup_site *site, const char *transport)
{
    for (size_t i = 0; g_str_has_prefix(transport, "filterd:unix:filterd/") && i < site->settings->listener_count; i++) {
        const struct listener *l = &site->settings->listeners[i];
        const struct next_hop_address *hop = settings_next_hop(site->settings, l);
        if (hop->kind != HOP_LMTP || !l->at.path || !g_str_has_suffix(l->at.path, strrchr(transport, '/')))
            continue;
        return hop->at.path ? g_strconcat("lmtp:unix:", hop->at.path, NULL)
                            : g_strdup_printf("lmtp:inet:%s:%s", hop->at.host, hop->at.port);
    }
    return NULL;
}

/* Adds a setting that leads to Dovecot's LMTP. False: it leads elsewhere, or to another LMTP server. */
static bool add_transport(struct filterctl_setup_site *site, const char *name, const char *dovecot_file)
{
    const char *value = filterctl_postconf_get(site->p, name);
    g_autofree char *known = next_hop_known(site, value);
    g_autofree char *hop = known                            ? g_strdup(known)
                           : g_str_has_prefix(value, "lmtp:") ? next_hop_for(site, value, dovecot_file)
                                                              : NULL;
    if (!hop || (site->mailboxes && strcmp(hop, site->mailboxes)))
        return false;
    g_free(site->mailboxes);
    site->mailboxes = g_steal_pointer(&hop);
    g_ptr_array_add(site->transports, (char *)name);
    return true;
}

/* By its LMTP alone, if nothing else delivers to users; else mail comes back into the queue once more. */
static void find_mailboxes(struct filterctl_setup_site *site, const char *dovecot_file)
{
    const bool virtual = *filterctl_postconf_get(site->p, "virtual_mailbox_domains") != 0;
    const bool local = *filterctl_postconf_get(site->p, "mailbox_transport") != 0;
    const char *transports = filterctl_postconf_get(site->p, "transport_maps");
    bool all = virtual || local;
    if (*transports)
        filterctl_setup_site_note(site, "transport_maps=%s may lead past virtual_transport: what Postfix did not take by "
                                        "SMTP goes through filterd in the queue (content_filter)", transports);
    if (virtual && !*transports)
        all &= add_transport(site, "virtual_transport", dovecot_file);
    if (local && !*transports)
        all &= add_transport(site, "mailbox_transport", dovecot_file);
    if (all && !*transports)
        return;
    g_clear_pointer(&site->mailboxes, g_free);
    g_ptr_array_set_size(site->transports, 0);
}

/* ---- what a person has to look at ---- */

struct noting {
    struct filterctl_setup_site *site;
    const char *context;
};

static void note_filter(const char *setting, const char *table, void *arg)
{
    const struct noting *n = arg;
    filterctl_setup_site_note(n->site, "%s: %s has %s, whose FILTER smtpd_proxy_filter disables: take it out", n->context,
                              setting, table);
}

static void note_filters(struct filterctl_setup_site *site, const GPtrArray *services)
{
    for (guint i = 0; i < services->len; i++) {
        struct noting n = {site, services->pdata[i]};
        filterctl_restrictions_each_filter(site->p, n.context, note_filter, &n);
    }
}

/* What Postfix itself writes into mailboxes passes no Sieve script. */
static void note_virtual(struct filterctl_setup_site *site)
{
    static const char *const transports[] = {"virtual_transport", "local_transport"};
    bool used = false;
    for (size_t i = 0; i < G_N_ELEMENTS(transports); i++)
        used |= g_str_has_prefix(filterctl_postconf_get(site->p, transports[i]), "virtual");
    if (used && (*filterctl_postconf_get(site->p, "virtual_mailbox_domains") || *filterctl_postconf_get(site->p, "virtual_mailbox_maps")))
        filterctl_setup_site_note(site, "virtual(8) runs no Sieve script: spam is marked, but stays in the inbox until Dovecot delivers "
                                        "(lmtp:unix:private/dovecot-lmtp in place of virtual:)");
}

static void note_all(struct filterctl_setup_site *site)
{
    const char *bcc = filterctl_postconf_get(site->p, "always_bcc");
    note_filters(site, site->fronts);
    note_filters(site, site->submissions);
    if (!site->mailboxes)
        note_virtual(site);
    if (*bcc)
        filterctl_setup_site_note(site, "always_bcc=%s gets each sealed copy, and can open none", bcc);
    if (*filterctl_postconf_get(site->p, "multi_instance_directories"))
        filterctl_setup_site_note(site, "there are several instances of Postfix: this is about %s alone; see --postfix",
                                  filterctl_postconf_get(site->p, "config_directory"));
    if (!site->fronts->len)
        filterctl_setup_site_note(site, "no service of master.cf takes mail from outside");
    if (!site->mail_user)
        filterctl_setup_site_note(site, "as which user Dovecot runs for its users was not found out: set [control] "
                                        "train_users, or moves between folders do not train");
}

/* ---- numbers ---- */

guint64 filterctl_setup_site_limit(const struct filterctl_setup_site *site)
{
    return g_ascii_strtoull(filterctl_postconf_get(site->p, "message_size_limit"), NULL, 10);
}

int filterctl_setup_site_sessions(const struct filterctl_setup_site *site)
{
    int sum = atoi(filterctl_postconf_get(site->p, "default_destination_concurrency_limit"));
    const GPtrArray *const all[] = {site->fronts, site->submissions};
    for (size_t k = 0; k < G_N_ELEMENTS(all); k++)
        for (guint i = 0; i < all[k]->len; i++)
            sum += filterctl_postconf_process_limit(site->p, all[k]->pdata[i]);
    return sum;
}

struct filterctl_setup_site *filterctl_setup_site_find(const struct settings *s, const char *config_dir,
                                                       const char *dovecot_file, char **error_r)
{
    struct filterctl_postconf *p = filterctl_postconf_read(config_dir, error_r);
    if (!p)
        return NULL;
    struct filterctl_setup_site *site = g_new0(struct filterctl_setup_site, 1);
    *site = (struct filterctl_setup_site){
        .settings = s, .p = p, .fronts = g_ptr_array_new_with_free_func(g_free),
        .submissions = g_ptr_array_new_with_free_func(g_free), .transports = g_ptr_array_new(),
        .notes = g_ptr_array_new_with_free_func(g_free)};
    sort_services(site);
    site->mail_user = filterctl_doveconf_mail_user(dovecot_file);
    find_mailboxes(site, dovecot_file);
    note_all(site);
    return site;
}

void filterctl_setup_site_free(struct filterctl_setup_site **site)
{
    if (!*site)
        return;
    filterctl_postconf_free(&(*site)->p);
    g_ptr_array_unref((*site)->fronts);
    g_ptr_array_unref((*site)->submissions);
    g_ptr_array_unref((*site)->transports);
    g_ptr_array_unref((*site)->notes);
    g_free((*site)->mailboxes);
    g_free((*site)->mail_user);
    g_clear_pointer(site, g_free);
}
