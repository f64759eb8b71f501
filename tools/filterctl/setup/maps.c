/* Turns Postfix's lists of tables into filterd's. Called by drop_in.c and apply.c. */
#include "tools/filterctl/setup/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/maps.h"

static void copy_free(gpointer data)
{
    struct filterctl_setup_maps_copy *c = data;
    g_free(c->from);
    g_free(c->to);
    g_free(c);
}

/* True if the table is described by a file with a password in it. */
static bool has_file(const char *word)
{
    static const char *const types[] = {"mysql:/", "pgsql:/", "ldap:/", "sqlite:/", "memcache:/", NULL};
    for (const char *const *t = types; *t; t++)
        if (g_str_has_prefix(word, *t))
            return true;
    return false;
}

static bool is_noted(const struct filterctl_setup_maps *maps, const char *from)
{
    bool noted = false;
    for (guint i = 0; i < maps->copies->len; i++)
        noted |= !strcmp(((struct filterctl_setup_maps_copy *)maps->copies->pdata[i])->from, from);
    return noted;
}

/* The copy of a map file, which is noted; "mysql:/etc/filterd/maps/x.cf", g_free. */
static char *copied(struct filterctl_setup_maps *maps, const struct settings *s, const char *word)
{
    const char *from = strchr(word, ':') + 1;
    g_autofree char *to = filterctl_maps_copy_of(s->file, from);
    if (!is_noted(maps, from)) {
        struct filterctl_setup_maps_copy *c = g_new0(struct filterctl_setup_maps_copy, 1);
        *c = (struct filterctl_setup_maps_copy){g_strdup(from), g_strdup(to)};
        g_ptr_array_add(maps->copies, c);
    }
    return g_strdup_printf("%.*s%s", (int)(from - word), word, to);
}

/* True if the chain has that table: "$virtual_mailbox_maps" may stand in several lists. */
static bool has_table(const GString *chain, const char *table)
{
    g_auto(GStrv) words = filterctl_maps_words(chain->str);
    return g_strv_contains((const char *const *)words, table);
}

static void add_word(GString *chain, struct filterctl_setup_maps *maps, const struct filterctl_setup_site *site, const char *whole)
{
    const char *word = g_str_has_prefix(whole, "proxy:") ? whole + strlen("proxy:") : whole;
    g_autofree char *table = has_file(word) ? copied(maps, site->settings, word) : g_strdup(word);
    if (!g_str_has_prefix(word, "unix:") && !has_table(chain, table))
        g_string_append_printf(chain, "%s%s", chain->len ? " " : "", table);
}

/* Adds the tables of a Postfix setting to a chain. The users of the host's own are in no table. */
static void add(GString *chain, struct filterctl_setup_maps *maps, const struct filterctl_setup_site *site, const char *name)
{
    g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_get(site->p, name));
    for (char **w = words; *w; w++)
        add_word(chain, maps, site, *w);
}

/* Adds the tables among the words of a Postfix list of domains, each once. */
static void add_domains(GString *chain, struct filterctl_setup_maps *maps, const struct filterctl_setup_site *site)
{
    static const char *const lists[] = {"virtual_mailbox_domains", "virtual_alias_domains", "mydestination"};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_get(site->p, lists[i]));
        for (char **w = words; *w; w++)
            if (strchr(*w, ':') && !strchr("![", **w) && g_hash_table_add(seen, g_strdup(*w)))
                add_word(chain, maps, site, *w);
    }
}

static char *chain_of(GString *chain)
{
    const bool empty = !chain->len;
    char *text = g_string_free(chain, FALSE);
    if (empty)
        g_clear_pointer(&text, g_free);
    return text;
}

struct filterctl_setup_maps *filterctl_setup_maps_new(const struct filterctl_setup_site *site)
{
    struct filterctl_setup_maps *maps = g_new0(struct filterctl_setup_maps, 1);
    GString *mailboxes = g_string_new(NULL), *aliases = g_string_new(NULL), *domains = g_string_new(NULL);
    maps->copies = g_ptr_array_new_with_free_func(copy_free);
    add(mailboxes, maps, site, "virtual_mailbox_maps");
    if (*filterctl_postconf_get(site->p, "mydestination")) {
        add(mailboxes, maps, site, "local_recipient_maps");
        add(aliases, maps, site, "alias_maps");
    }
    add(aliases, maps, site, "virtual_alias_maps");
    add_domains(domains, maps, site);
    maps->domains = chain_of(domains);
    maps->mailboxes = chain_of(mailboxes);
    maps->aliases = chain_of(aliases);
    return maps;
}

void filterctl_setup_maps_free(struct filterctl_setup_maps **maps)
{
    if (!*maps)
        return;
    g_free((*maps)->mailboxes);
    g_free((*maps)->aliases);
    g_free((*maps)->domains);
    g_ptr_array_unref((*maps)->copies);
    g_clear_pointer(maps, g_free);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, text, len);
        if (n < 0)
            return false;
        text += n;
        len -= (size_t)n;
    }
    return true;
}

/* Nobody else may read it at any time: the group is set while it is still empty. */
static bool write_copy(const struct filterctl_setup_maps_copy *c, const char *text, gid_t group)
{
    g_autofree char *fresh = g_strconcat(c->to, ".new", NULL);
    unlink(fresh);
    const int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && !fchown(fd, 0, group) && !fchmod(fd, 0640) && write_all(fd, text, strlen(text)) && !fsync(fd);
    if (fd >= 0)
        close(fd);
    ok = ok && !rename(fresh, c->to);
    if (!ok)
        filterctl_complain("%s: %s", c->to, g_strerror(errno));
    return ok;
}

static bool copy_one(const struct filterctl_setup_maps_copy *c, gid_t group, bool *fresh_r)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *theirs = NULL, *ours = NULL;
    if (!g_file_get_contents(c->from, &theirs, NULL, &error)) {
        filterctl_complain("%s", error->message);
        return false;
    }
    if (g_file_get_contents(c->to, &ours, NULL, NULL) && !strcmp(theirs, ours))
        return true;
    *fresh_r = true;
    return write_copy(c, theirs, group);
}

bool filterctl_setup_maps_copy(const struct filterctl_setup_maps *maps, const struct settings *s, bool *fresh_r)
{
    const struct passwd *user = s->user ? getpwnam(s->user) : NULL;
    g_autofree char *parent = g_path_get_dirname(s->file), *folder = g_build_filename(parent, "maps", NULL);
    if (!maps->copies->len)
        return true;
    if (mkdir(folder, 0755) && errno != EEXIST) {
        filterctl_complain("%s: %s", folder, g_strerror(errno));
        return false;
    }
    for (guint i = 0; i < maps->copies->len; i++)
        if (!copy_one(maps->copies->pdata[i], user ? user->pw_gid : getegid(), fresh_r))
            return false;
    return true;
}

/* Takes away what a chain names in our folder. */
static void remove_in(const char *chain, const char *folder)
{
    g_auto(GStrv) words = filterctl_maps_words(chain ? chain : "");
    for (char **w = words; *w; w++) {
        const char *path = strchr(*w, ':');
        if (path && g_str_has_prefix(path + 1, folder) && unlink(path + 1) && errno != ENOENT)
            filterctl_complain("%s: %s", path + 1, g_strerror(errno));
    }
}

void filterctl_setup_maps_remove(const struct settings *s)
{
    g_autofree char *parent = g_path_get_dirname(s->file), *folder = g_build_filename(parent, "maps/", NULL);
    remove_in(s->mailbox_maps, folder);
    remove_in(s->alias_maps, folder);
    remove_in(s->domain_maps, folder);
}
