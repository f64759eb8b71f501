/* Follows Postfix's alias tables to the users they lead to, and compares that with filterd's own aliases.
 * Called by alias_import.c and check/postfix.c. */
#include "tools/filterctl/aliases.h"

#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "gpg/keyring.h"
#include "tools/filterctl/maps.h"

#define DEPTH_MAX 50
#define RENAMES_MAX 10 /* as many as Postfix does itself */

struct world {
    const struct filterctl *ctl;
    const struct filterctl_postconf *postfix;
    struct users *users;
    struct filterctl_maps *canonical, *virtual, *local;
    char *origin;
    char **destinations; /* mydestination: here alias_maps apply */
    char **mailboxes;    /* virtual_mailbox_domains */
    GHashTable *candidates;
    GHashTable *known; /* aliases that filterd has */
    GHashTable *lists; /* tables named in lists of domains, each read once */
    bool failed;       /* users.db could not be read (see users_error) */
};

/* ---- domains ---- */

/* mydestination and virtual_mailbox_domains may name tables beside domains. */
static bool list_has(const struct world *w, char **list, const char *domain)
{
    for (char **word = list; *word; word++) {
        if (g_ascii_strcasecmp(*word, domain) == 0)
            return true;
        if (!strchr(*word, ':'))
            continue;
        struct filterctl_maps *m = g_hash_table_lookup(w->lists, *word);
        if (!m) {
            m = filterctl_maps_new(filterctl_postconf_folder(w->postfix), *word);
            g_hash_table_insert(w->lists, g_strdup(*word), m);
        }
        if (filterctl_maps_get(m, domain))
            return true;
    }
    return false;
}

static bool is_ours(const struct world *w, const char *address)
{
    const char *domain = address_domain(address);
    const struct settings *s = w->ctl->settings;
    if (s->domains[0] && settings_is_local_domain(s, domain))
        return true;
    return list_has(w, w->destinations, domain) || list_has(w, w->mailboxes, domain);
}

static bool is_domain_name(const char *word)
{
    return !strpbrk(word, ":/{") && !g_str_has_prefix(word, "localhost");
}

/* ---- where an address leads ---- */

struct walk {
    struct world *world;
    GHashTable *open; /* addresses on the path from the start to the current one: ends loops */
    GHashTable *done; /* addresses followed to their end: many paths may meet in one */
    GPtrArray *found;
    char *elsewhere;
};

/* What a table has for an address, in Postfix's order: the whole address, the same without its extension,
 * the local part alone if its domain is local, then "@domain". */
static const char *get_in(const struct world *w, struct filterctl_maps *maps, const char *address)
{
    const char *at = strrchr(address, '@');
    g_autofree char *bare = address_without_extension(address, w->ctl->settings->recipient_delimiter);
    const char *forms[] = {address, bare};
    const char *value = NULL;
    const bool local = !g_ascii_strcasecmp(at + 1, w->origin) || list_has(w, w->destinations, at + 1);
    for (size_t i = 0; i < G_N_ELEMENTS(forms) && !value; i++)
        value = forms[i] ? filterctl_maps_get(maps, forms[i]) : NULL;
    for (size_t i = 0; local && i < G_N_ELEMENTS(forms) && !value; i++) {
        g_autofree char *name = forms[i] ? g_strndup(forms[i], (gsize)(strrchr(forms[i], '@') - forms[i]))
                                         : NULL;
        value = name ? filterctl_maps_get(maps, name) : NULL;
    }
    return value ? value : filterctl_maps_get(maps, at);
}

static const char *get_virtual(const struct world *w, const char *address)
{
    return get_in(w, w->virtual, address);
}

/* The address after Postfix's canonical maps, which it applies before it expands aliases; g_free. */
static char *renamed(const struct world *w, const char *address)
{
    char *now = g_strdup(address);
    for (int i = 0; i < RENAMES_MAX; i++) {
        const char *value = get_in(w, w->canonical, now);
        if (!value)
            break;
        g_autofree char *full =
            *value == '@' ? g_strdup_printf("%.*s%s", (int)(strrchr(now, '@') - now), now, value)
            : strchr(value, '@') ? g_strdup(value)
                                 : g_strdup_printf("%s@%s", value, w->origin);
        char *next = address_canonical(full);
        if (!next || *next == '@' || !strcmp(next, now)) {
            g_free(next);
            break;
        }
        g_free(now);
        now = next;
    }
    return now;
}

static const char *get_local(const struct world *w, const char *address)
{
    const char *at = strrchr(address, '@');
    if (!list_has(w, w->destinations, at + 1))
        return NULL;
    g_autofree char *bare = address_without_extension(address, w->ctl->settings->recipient_delimiter);
    g_autofree char *name = g_strndup(address, (gsize)(at - address));
    g_autofree char *base = bare ? g_strndup(bare, (gsize)(strrchr(bare, '@') - bare)) : NULL;
    const char *value = filterctl_maps_get(w->local, name);
    return value || !base ? value : filterctl_maps_get(w->local, base);
}

static void leads_elsewhere(struct walk *k, const char *where)
{
    if (!k->elsewhere)
        k->elsewhere = g_strdup(where);
}

static void add_once(GPtrArray *list, const char *text)
{
    if (!g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
        g_ptr_array_add(list, g_strdup(text));
}

/* The users filterd has for an address, or the address as it is. */
static void arrive(struct walk *k, const char *address)
{
    const struct world *w = k->world;
    const char *delimiter = w->ctl->settings->recipient_delimiter;
    GPtrArray *users = NULL;
    if (!is_ours(w, address)) {
        leads_elsewhere(k, address);
        return;
    }
    g_autofree char *bare = address_without_extension(address, delimiter);
    if (users_resolve(w->users, address, delimiter, &users) != USERS_FOUND)
        add_once(k->found, bare ? bare : address);
    for (guint i = 0; i < users->len; i++)
        add_once(k->found, users->pdata[i]);
    g_ptr_array_unref(users);
}

static void follow(struct walk *k, const char *address);

static void follow_word(struct walk *k, char *word)
{
    char *p = word;
    if (*p == '"' && (p[1] == '|' || p[1] == '/'))
        p++;
    if (*p == '|' || *p == '/' || *p == ':') {
        leads_elsewhere(k, *p == '|' ? "a command" : *p == '/' ? "a file" : "an :include: list");
        return;
    }
    p += *p == '\\'; /* in sendmail's syntax: expand no further */
    g_autofree char *full = strchr(p, '@') ? g_strdup(p) : g_strdup_printf("%s@%s", p, k->world->origin);
    g_autofree char *address = address_canonical(full);
    if (address && *address != '@')
        follow(k, address);
    else
        leads_elsewhere(k, p);
}

static void follow(struct walk *k, const char *address)
{
    const char *value = get_virtual(k->world, address);
    if (!value)
        value = get_local(k->world, address);
    if (g_hash_table_contains(k->open, address)) { /* it lists itself: a copy stays there */
        add_once(k->found, address);
        return;
    }
    if (!g_hash_table_add(k->done, g_strdup(address)))
        return;
    if (!value || g_hash_table_size(k->open) > DEPTH_MAX) {
        arrive(k, address);
        return;
    }
    g_hash_table_add(k->open, g_strdup(address));
    g_auto(GStrv) words = filterctl_maps_words(value);
    for (char **word = words; *word; word++)
        follow_word(k, *word);
    g_hash_table_remove(k->open, address);
}

/* ---- what filterd knows of it ---- */

static bool has_key(struct world *w, const char *user)
{
    g_autofree char *path = NULL;
    struct user_settings of = user_settings_of(w->ctl->settings);
    w->failed |= !users_settings(w->users, user, &of);
    user_settings_clear(&of);
    if (!of.encrypt || keyring_current(w->ctl->settings->state_dir, user, &path) != KEYRING_NONE)
        return of.encrypt;
    const enum users_result noted = users_key_noted(w->users, user);
    w->failed |= noted == USERS_TEMP;
    return noted == USERS_FOUND; /* its folder is lost */
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_known(struct world *w, const char *address, const GPtrArray *users)
{
    GPtrArray *there;
    const enum users_result found =
        users_resolve(w->users, address, w->ctl->settings->recipient_delimiter, &there);
    bool same = found == USERS_FOUND && there->len == users->len;
    w->failed |= found == USERS_TEMP;
    g_ptr_array_sort(there, by_text);
    for (guint i = 0; same && i < users->len; i++)
        same = !strcmp(there->pdata[i], users->pdata[i]);
    g_ptr_array_unref(there);
    return same;
}

static void note_alias(const char *address, const char *member, void *arg)
{
    (void)member;
    g_hash_table_add(arg, g_strdup(address));
}

static enum filterctl_aliases_state state_of(struct world *w, const char *address,
                                             const struct walk *k)
{
    guint keys = 0;
    for (guint i = 0; i < k->found->len; i++)
        keys += has_key(w, k->found->pdata[i]);
    if (!keys)
        return FILTERCTL_ALIASES_NO_KEYS;
    if (*address == '@')
        return FILTERCTL_ALIASES_CATCH_ALL;
    if (k->elsewhere)
        return FILTERCTL_ALIASES_OUTSIDE;
    if (keys < k->found->len)
        return FILTERCTL_ALIASES_MIXED;
    return is_known(w, address, k->found) ? FILTERCTL_ALIASES_KNOWN : FILTERCTL_ALIASES_NEW;
}

struct domain {
    const char *at; /* "@example.com" */
    bool has_keys;
};

static void look_for_domain(const char *user, void *arg)
{
    struct domain *d = arg;
    const char *at = strchr(user, '@');
    d->has_keys |= at && !g_ascii_strcasecmp(at, d->at);
}

/* "@old.example @example.com" keeps each local part: one alias for the whole domain is enough. False if the
 * address is none of that kind. */
static bool tell_domain(struct world *w, const char *address, const struct filterctl_aliases *to)
{
    const char *value = filterctl_maps_get(w->canonical, address);
    if (!value)
        value = filterctl_maps_get(w->virtual, address);
    g_autofree char *target = value && *value == '@' && !strpbrk(value, ", \t") ? address_canonical(value) : NULL;
    struct domain d = {.at = target};
    if (!target)
        return false;
    w->failed |= !keyring_each_user(w->ctl->settings->state_dir, look_for_domain, &d);
    const bool known = g_hash_table_contains(w->known, address);
    GPtrArray *users = g_ptr_array_new();
    g_ptr_array_add(users, target);
    const struct filterctl_aliases_entry e = {
        address, known ? FILTERCTL_ALIASES_KNOWN : d.has_keys ? FILTERCTL_ALIASES_NEW : FILTERCTL_ALIASES_NO_KEYS,
        users, known, NULL};
    to->entry(&e, to->arg);
    g_ptr_array_unref(users);
    return true;
}

static void tell(struct world *w, const char *address, const struct filterctl_aliases *to)
{
    if (*address == '@' && tell_domain(w, address, to))
        return;
    g_autofree char *anyone = g_strdup_printf("anyone-else%s", address);
    const char *from = *address == '@' ? anyone : address;
    g_autofree char *start = renamed(w, from);
    if (!strcmp(start, from) && !get_virtual(w, from) && !get_local(w, from))
        return; /* Postfix has no alias of this name */
    struct walk k = {.world = w, .found = g_ptr_array_new_with_free_func(g_free)};
    k.open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    k.done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    follow(&k, start);
    g_ptr_array_sort(k.found, by_text);
    const bool itself = !k.elsewhere && k.found->len == 1 && !strcmp(k.found->pdata[0], address);
    const struct filterctl_aliases_entry e = {address, state_of(w, address, &k), k.found,
                                              g_hash_table_contains(w->known, address), k.elsewhere};
    /* Do not report what leads out of this host and to no user with a key: filterd has nothing to seal
     * there. */
    if (!itself && k.found->len && !(e.state == FILTERCTL_ALIASES_NO_KEYS && (k.elsewhere || *address == '@')))
        to->entry(&e, to->arg);
    g_hash_table_unref(k.open);
    g_hash_table_unref(k.done);
    g_ptr_array_unref(k.found);
    g_free(k.elsewhere);
}

/* ---- all there are ---- */

static void add_candidate(const char *address, void *arg)
{
    struct world *w = arg;
    char *canonical = address_canonical(address);
    if (canonical)
        g_hash_table_add(w->candidates, canonical);
}

static void add_at(struct world *w, const char *name, const char *domain)
{
    g_autofree char *address = g_strdup_printf("%s@%s", name, domain);
    add_candidate(address, w);
}

static void add_at_destinations(struct world *w, const char *name)
{
    for (char **d = w->destinations; *d; d++)
        if (is_domain_name(*d))
            add_at(w, name, *d);
}

/* In virtual_alias_maps a name without a domain holds for the origin and each domain in mydestination; one
 * with a dot only marks a virtual domain. */
static void take_virtual(const char *key, void *arg)
{
    struct world *w = arg;
    if (strchr(key, '@')) {
        add_candidate(key, w);
    } else if (!strchr(key, '.')) {
        add_at(w, key, w->origin);
        add_at_destinations(w, key);
    }
}

static void take_local(const char *key, void *arg)
{
    if (!strchr(key, '@') && !g_str_has_prefix(key, "yp_"))
        add_at_destinations(arg, key);
}

/* Names that RFC 2142 wants, and their usual synonyms: asked about in tables that cannot be listed. */
static void add_usual(struct world *w, char **domains)
{
    static const char *const names[] = {"postmaster", "hostmaster", "webmaster", "abuse",   "info",
                                        "root",       "admin",      "security",  "support", "sales",
                                        "noc",        "contact",    "office",    "mail"};
    for (char **d = domains; *d; d++)
        for (size_t i = 0; is_domain_name(*d) && i < G_N_ELEMENTS(names); i++)
            add_at(w, names[i], *d);
}

static void ask_at_once(struct world *w)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter it;
    gpointer key;
    g_hash_table_iter_init(&it, w->candidates);
    while (g_hash_table_iter_next(&it, &key, NULL)) {
        const char *at = strrchr(key, '@');
        g_ptr_array_add(keys, g_strdup(key));
        add_once(keys, at);
        g_ptr_array_add(keys, g_strndup(key, (gsize)(at - (char *)key)));
    }
    filterctl_maps_ask(w->canonical, keys);
    filterctl_maps_ask(w->virtual, keys);
    filterctl_maps_ask(w->local, keys);
    g_ptr_array_unref(keys);
}

static void note_table(const char *table, const char *why, void *arg)
{
    (void)table;
    (void)why;
    *(bool *)arg = true;
}

static void take_known(const char *address, const char *member, void *arg)
{
    (void)member;
    if (strchr(address, '@'))
        add_candidate(address, arg);
}

static void collect(struct world *w)
{
    bool unlisted = false;
    filterctl_maps_each(w->canonical, take_virtual, w);
    filterctl_maps_each(w->virtual, take_virtual, w);
    filterctl_maps_each(w->local, take_local, w);
    filterctl_maps_each_unlisted(w->canonical, note_table, &unlisted);
    filterctl_maps_each_unlisted(w->virtual, note_table, &unlisted);
    filterctl_maps_each_unlisted(w->local, note_table, &unlisted);
    if (!unlisted)
        return;
    w->failed |= !users_alias_each(w->users, take_known, w);
    w->failed |= !keyring_each_user(w->ctl->settings->state_dir, add_candidate, w);
    w->failed |= !users_key_each(w->users, add_candidate, w);
    add_usual(w, w->ctl->settings->domains);
    add_usual(w, w->destinations);
    add_usual(w, w->mailboxes);
    ask_at_once(w);
}

static void free_maps(gpointer p)
{
    struct filterctl_maps *m = p;
    filterctl_maps_free(&m);
}

/* Debian's /etc/mailname: myorigin may name a file */
static char *origin_of(const struct filterctl_postconf *p)
{
    const char *value = filterctl_postconf_get(p, "myorigin");
    g_autofree char *text = NULL;
    if (*value == '/' && g_file_get_contents(value, &text, NULL, NULL))
        value = g_strstrip(text);
    char *origin = g_ascii_strdown(value, -1);
    origin[strcspn(origin, "\n")] = 0;
    return origin;
}

bool filterctl_aliases_each(const struct filterctl *ctl, const struct filterctl_postconf *p,
                            struct users *users, const struct filterctl_aliases *to)
{
    const char *folder = filterctl_postconf_folder(p);
    struct world w = {.ctl = ctl, .postfix = p, .users = users};
    g_autofree char *renaming = g_strjoin(" ", filterctl_postconf_get(p, "recipient_canonical_maps"),
                                          filterctl_postconf_get(p, "canonical_maps"), NULL);
    w.canonical = filterctl_maps_new(folder, renaming);
    w.virtual = filterctl_maps_new(folder, filterctl_postconf_get(p, "virtual_alias_maps"));
    w.local = filterctl_maps_new(folder, filterctl_postconf_get(p, "alias_maps"));
    w.origin = origin_of(p);
    w.destinations = filterctl_maps_words(filterctl_postconf_get(p, "mydestination"));
    w.mailboxes = filterctl_maps_words(filterctl_postconf_get(p, "virtual_mailbox_domains"));
    w.candidates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    w.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    w.failed = !users_alias_each(users, note_alias, w.known);
    w.lists = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_maps);
    collect(&w);
    guint n = 0;
    g_autofree gpointer *sorted = g_hash_table_get_keys_as_array(w.candidates, &n);
    qsort(sorted, n, sizeof *sorted, by_text);
    for (guint i = 0; i < n; i++)
        tell(&w, sorted[i], to);
    filterctl_maps_each_unlisted(w.canonical, to->table, to->arg);
    filterctl_maps_each_unlisted(w.virtual, to->table, to->arg);
    filterctl_maps_each_unlisted(w.local, to->table, to->arg);
    g_hash_table_unref(w.candidates);
    g_hash_table_unref(w.known);
    g_hash_table_unref(w.lists);
    filterctl_maps_free(&w.canonical);
    filterctl_maps_free(&w.virtual);
    filterctl_maps_free(&w.local);
    g_strfreev(w.destinations);
    g_strfreev(w.mailboxes);
    g_free(w.origin);
    return !w.failed;
}
