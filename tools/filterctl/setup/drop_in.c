/* Writes filterd's own settings for a site. Called by setup.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "tools/filterctl/maps.h"
#include "tools/filterctl/setup/maps.h"
#include "tools/filterctl/setup/plan.h"

#define WORKERS_MIN 120

/* The plain words of a Postfix list of domains: no tables, no files. */
static void add_domains(GPtrArray *domains, const char *list)
{
    g_auto(GStrv) words = filterctl_maps_words(list);
    for (char **w = words; *w; w++)
        if (!strpbrk(*w, ":/!") && strchr(*w, '.') && !g_ptr_array_find_with_equal_func(domains, *w, g_str_equal, NULL))
            g_ptr_array_add(domains, g_strdup(*w));
}

/* Names of the host's own, the first is the one that an address without a domain gets. */
static void add_local_names(GPtrArray *names, const char *list)
{
    g_auto(GStrv) words = filterctl_maps_words(list);
    for (char **w = words; *w; w++)
        if (!strpbrk(*w, ":/!") && !g_ptr_array_find_with_equal_func(names, *w, g_str_equal, NULL))
            g_ptr_array_add(names, g_strdup(*w));
}

static void write_list(GString *out, const char *name, GPtrArray *words)
{
    if (!words->len)
        return;
    g_ptr_array_add(words, NULL);
    g_autofree char *text = g_strjoinv(", ", (char **)words->pdata);
    g_string_append_printf(out, "%s = %s\n", name, text);
}

static void write_names(GString *out, const struct filterctl_setup_site *site)
{
    static const char *const lists[] = {"virtual_mailbox_domains", "virtual_alias_domains"};
    g_autoptr(GPtrArray) domains = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        add_domains(domains, filterctl_postconf_get(site->p, lists[i]));
    if (*filterctl_postconf_get(site->p, "mailbox_transport") || !*filterctl_postconf_get(site->p, "virtual_mailbox_domains"))
        add_domains(domains, filterctl_postconf_get(site->p, "mydestination"));
    add_local_names(names, filterctl_postconf_get(site->p, "myorigin"));
    add_local_names(names, filterctl_postconf_get(site->p, "mydestination"));
    write_list(out, "domains", domains);
    write_list(out, "local_names", names);
}

static void write_listener(GString *out, const struct filterctl_setup_site *site, const char *name, const char *protocol,
                           const char *next_hop)
{
    const char *queue = filterctl_postconf_get(site->p, "queue_directory");
    g_string_append_printf(out, "\n[listener %s]\nprotocol = %s\naddress = unix:%s/filterd/%s.sock\ngroup = %s\n", name, protocol,
                           queue, name, filterctl_postconf_get(site->p, "mail_owner"));
    if (*next_hop == '/')
        g_string_append_printf(out, "next_hop = smtp:unix:%s/public%s\n", queue, next_hop);
    else
        g_string_append_printf(out, "next_hop = %s\n", next_hop);
}

static void write_users(GString *out, const struct filterctl_setup_site *site)
{
    struct filterctl_setup_maps *maps = filterctl_setup_maps_new(site);
    if (maps->mailboxes || maps->aliases || maps->domains)
        g_string_append(out, "\n[users]\n");
    if (maps->mailboxes)
        g_string_append_printf(out, "mailboxes = %s\n", maps->mailboxes);
    if (maps->aliases)
        g_string_append_printf(out, "aliases = %s\n", maps->aliases);
    if (maps->domains)
        g_string_append_printf(out, "domains = %s\n", maps->domains);
    filterctl_setup_maps_free(&maps);
}

char *filterctl_setup_drop_in(const struct filterctl_setup_site *site)
{
    GString *out = g_string_new("# Made by \"filterctl setup\" from Postfix's and Dovecot's settings; see filterctl(1).\n"
                                "# What stands in a file of a later name replaces what stands here.\n\n[filterd]\n");
    const guint64 limit = filterctl_setup_site_limit(site);
    const int sessions = filterctl_setup_site_sessions(site);
    g_string_append_printf(out, "hostname = %s\n", filterctl_postconf_get(site->p, "myhostname"));
    write_names(out, site);
    g_string_append_printf(out, "recipient_delimiter = %s\n", filterctl_postconf_get(site->p, "recipient_delimiter"));
    if (limit)
        g_string_append_printf(out, "message_size_limit = %" G_GUINT64_FORMAT "\n", limit);
    g_string_append_printf(out, "# As many sessions as Postfix may open; they are started when they are needed.\n"
                                "workers = %d\n", MAX(sessions, WORKERS_MIN));
    write_listener(out, site, "smtp", "smtp", "/reinject");
    if (site->submissions->len) {
        write_listener(out, site, "submission", "smtp", "/reinject-submitted");
        g_string_append(out, "role = submission\n");
    }
    write_listener(out, site, "lmtp", "lmtp", site->mailboxes ? site->mailboxes : "/reinject");
    write_users(out, site);
    if (site->mail_user)
        g_string_append_printf(out, "\n[control]\ntrain_users = %s\n", site->mail_user);
    return g_string_free(out, FALSE);
}
