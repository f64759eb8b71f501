/* filterctl check: where Postfix delivers mail for our domains and users, as its trivial-rewrite(8) and local(8) find it:
 * each of these ways must lead to filterd, if one does. Called by routes.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/config/settings.h"
#include "gpg/keyring.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/endpoint.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"

#define SUBJECT "routes"
/* Who decides on the way of each message, and who delivers to the host's own users: their -o count. */
#define RESOLVER "rewrite/unix"
#define LOCAL "local/unix"
#define BAD(d, ...) filterctl_check_tell((d)->c, FILTERCTL_CHECK_BAD, SUBJECT, __VA_ARGS__)

enum class { CLASS_LOCAL, CLASS_VIRTUAL, CLASS_RELAY, CLASSES, CLASS_OTHER = CLASSES };

static const struct {
    const char *domains, *transport;
} classes[CLASSES] = {{"mydestination", "local_transport"},
                      {"virtual_mailbox_domains", "virtual_transport"},
                      {"relay_domains", "relay_transport"}};

struct delivery {
    struct filterctl_check *c;
    const struct filterctl_postconf *p;
    struct filterctl_maps *transports;
    struct filterctl_maps *domains[CLASSES]; /* tables among the words of the list */
    GPtrArray *names; /* of char*: our domains, and users with keys */
    GHashTable *seen; /* the same */
    bool told[CLASSES];
};

static const char *get(const struct delivery *d, const char *context, const char *name)
{
    return filterctl_postconf_service_get(d->p, context, name);
}

static bool is_ours(const struct delivery *d, const char *transport)
{
    return filterctl_endpoint_listener(d->p, d->c->ctl->settings, transport) != NULL;
}

/* True if nothing is delivered that way. */
static bool is_error(const char *transport)
{
    return g_str_has_prefix(transport, "error") || g_str_has_prefix(transport, "discard") || g_str_has_prefix(transport, "retry");
}

/* "rewrite/unix/virtual_transport" where the service has its own; g_free. */
static char *name_of(const struct delivery *d, const char *context, const char *name)
{
    const bool own = strcmp(get(d, context, name), filterctl_postconf_get(d->p, name)) != 0;
    return own ? g_strdup_printf("%s/%s", context, name) : g_strdup(name);
}

/* ---- what is ours ---- */

static void add_name(struct delivery *d, const char *name)
{
    if (g_hash_table_contains(d->seen, name))
        return;
    char *copy = g_strdup(name);
    g_ptr_array_add(d->names, copy);
    g_hash_table_add(d->seen, copy); /* names owns it */
}

static void take_user(const char *user, void *arg)
{
    const char *at = strrchr(user, '@');
    add_name(arg, user);
    if (at)
        add_name(arg, at + 1);
}

static void add_words(struct delivery *d, char **words)
{
    for (char **w = words; *w; w++)
        if (!strpbrk(*w, ":/!"))
            add_name(d, *w);
}

/* Our domains may stand in tables that cannot be listed: those of users with keys are known. */
static void find_names(struct delivery *d)
{
    d->names = g_ptr_array_new_with_free_func(g_free);
    d->seen = g_hash_table_new(g_str_hash, g_str_equal);
    add_words(d, d->c->ctl->settings->domains);
    for (int k = CLASS_LOCAL; k <= CLASS_VIRTUAL; k++) {
        g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_get(d->p, classes[k].domains));
        add_words(d, words);
    }
    const guint domains = d->names->len;
    if (!keyring_each_user(d->c->ctl->settings->state_dir, take_user, d))
        g_ptr_array_set_size(d->names, (gint)domains); /* the check of aliases tells */
}

/* ---- transport_maps ---- */

/* What a lookup finds: "", ":" and the like leave it to the domain's class, with another next hop. */
static const char *mapped(const struct delivery *d, const char *key)
{
    const char *to = filterctl_maps_get(d->transports, key);
    return to && *to && strcmp(to, ":") && !is_error(to) && !is_ours(d, to) ? to : NULL;
}

/* Also by a parent domain, ".example.com", and by "*"; lent. */
static const char *elsewhere(const struct delivery *d, const char *name)
{
    const bool user = strchr(name, '@') != NULL;
    if (filterctl_maps_get(d->transports, name))
        return mapped(d, name);
    for (const char *dot = user ? NULL : strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
        if (filterctl_maps_get(d->transports, dot))
            return mapped(d, dot);
    return user ? NULL : mapped(d, "*");
}

static void take_unread(const char *table, const char *why, void *arg)
{
    const struct delivery *d = arg;
    if (why)
        BAD(d, "transport_maps names %s, which cannot be read (%s): Postfix delivers nothing, and where it would is not known: mend "
               "or remove it", table, why);
}

static void check_transport_maps(const struct delivery *d)
{
    const char *told = NULL;
    filterctl_maps_ask(d->transports, d->names);
    for (guint i = 0; i < d->names->len && !told; i++)
        if ((told = elsewhere(d, d->names->pdata[i])))
            BAD(d, "transport_maps sends %s to %s, past virtual_transport: bounces and what sendmail sends reach users "
                   "with keys unsealed: take it out, or attach filterd by content_filter (\"filterctl setup\")",
                (char *)d->names->pdata[i], told);
    filterctl_maps_each_unlisted(d->transports, take_unread, (void *)d);
}

/* ---- by a domain's class ---- */

static bool is_in(const struct delivery *d, enum class k, const char *domain)
{
    g_auto(GStrv) words = filterctl_maps_words(get(d, RESOLVER, classes[k].domains));
    return g_strv_contains((const char *const *)words, domain) || filterctl_maps_get(d->domains[k], domain);
}

/* As trivial-rewrite(8) tries them. */
static enum class class_of(const struct delivery *d, const char *domain)
{
    for (int k = 0; k < CLASSES; k++)
        if (is_in(d, (enum class)k, domain))
            return (enum class)k;
    return CLASS_OTHER;
}

static void check_class(struct delivery *d, const char *domain)
{
    const enum class k = class_of(d, domain);
    const char *transport = k == CLASS_OTHER ? "" : get(d, RESOLVER, classes[k].transport);
    const bool by_local = k == CLASS_LOCAL && g_str_has_prefix(transport, "local");
    if (k == CLASS_OTHER || d->told[k] || by_local || is_error(transport) || is_ours(d, transport))
        return;
    g_autofree char *name = name_of(d, RESOLVER, classes[k].transport);
    BAD(d, "%s=%s delivers mail for %s (%s) past filterd: bounces and what sendmail sends reach users with keys unsealed: let it "
           "lead to filterd, too, or attach filterd by content_filter (\"filterctl setup\")", name, transport, domain, classes[k].domains);
    d->told[k] = true;
}

/* Also where no domain of ours is local: "user@localhost" is somebody's address. */
static void check_local_transport(struct delivery *d)
{
    const char *local = get(d, RESOLVER, "local_transport");
    if (d->told[CLASS_LOCAL] || g_str_has_prefix(local, "local") || is_error(local) || is_ours(d, local))
        return;
    g_autofree char *name = name_of(d, RESOLVER, "local_transport");
    BAD(d, "%s=%s delivers mail for mydestination past filterd: let it lead to filterd, too, or attach filterd by content_filter "
           "(\"filterctl setup\")", name, local);
}

/* ---- by local(8) ---- */

static void check_mailbox_maps(const struct delivery *d)
{
    const char *setting = "mailbox_transport_maps";
    struct filterctl_maps *maps = filterctl_maps_new(filterctl_postconf_folder(d->p), get(d, LOCAL, setting));
    g_autofree char *name = name_of(d, LOCAL, setting);
    g_autoptr(GPtrArray) users = g_ptr_array_new_with_free_func(g_free);
    bool told = false;
    for (guint i = 0; i < d->names->len; i++) {
        const char *user = d->names->pdata[i], *at = strrchr(user, '@');
        if (at)
            g_ptr_array_add(users, g_strndup(user, (gsize)(at - user)));
    }
    filterctl_maps_ask(maps, users);
    for (guint i = 0; i < users->len && !told; i++) {
        const char *to = filterctl_maps_get(maps, users->pdata[i]);
        told = to && *to && !is_ours(d, to);
        if (told)
            BAD(d, "%s sends %s to %s, past mailbox_transport: take it out", name, (char *)users->pdata[i], to);
    }
    filterctl_maps_free(&maps);
}

/* A table comes before the setting that holds for all. */
static void check_mailboxes(const struct delivery *d)
{
    const char *to = get(d, LOCAL, "mailbox_transport");
    if (!is_ours(d, filterctl_postconf_get(d->p, "mailbox_transport")))
        return; /* postfix.c tells, where it matters */
    if (!is_ours(d, to))
        BAD(d, LOCAL "/mailbox_transport=%s delivers past filterd: take this -o out of master.cf", to);
    if (*get(d, LOCAL, "mailbox_transport_maps"))
        check_mailbox_maps(d);
}

/* ---- all of it ---- */

static void check_classes(struct delivery *d)
{
    for (int k = 0; k < CLASSES; k++) {
        g_auto(GStrv) words = filterctl_maps_words(get(d, RESOLVER, classes[k].domains));
        g_autoptr(GString) tables = g_string_new(NULL);
        for (char **w = words; *w; w++)
            if (strchr(*w, ':') && !strchr("![", **w))
                g_string_append_printf(tables, " %s", *w);
        d->domains[k] = filterctl_maps_new(filterctl_postconf_folder(d->p), tables->str);
    }
    for (guint i = 0; i < d->names->len; i++)
        if (!strchr(d->names->pdata[i], '@') && strchr(d->names->pdata[i], '.'))
            check_class(d, d->names->pdata[i]);
    check_local_transport(d);
    for (int k = 0; k < CLASSES; k++)
        filterctl_maps_free(&d->domains[k]);
}

void filterctl_check_delivery(struct filterctl_check *c)
{
    struct delivery d = {.c = c, .p = c->postconf};
    static const char *const legs[] = {"virtual_transport", "mailbox_transport", "local_transport", "relay_transport"};
    bool any = false;
    for (size_t i = 0; i < G_N_ELEMENTS(legs); i++)
        any |= is_ours(&d, filterctl_postconf_get(d.p, legs[i]));
    find_names(&d);
    d.transports = filterctl_maps_new(filterctl_postconf_folder(d.p), get(&d, RESOLVER, "transport_maps"));
    if (*get(&d, RESOLVER, "transport_maps"))
        check_transport_maps(&d);
    if (any)
        check_classes(&d);
    check_mailboxes(&d);
    filterctl_maps_free(&d.transports);
    g_hash_table_unref(d.seen);
    g_ptr_array_unref(d.names);
}
