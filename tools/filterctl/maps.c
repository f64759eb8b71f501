/* Reads Postfix's lookup tables by running postmap(1). Called by aliases.c and check/postfix.c. */
#include "tools/filterctl/maps.h"

#include <gio/gio.h>
#include <stdbool.h>
#include <string.h>

struct table {
    char *name;
    bool listed;
    char *why;            /* why the table can be neither listed nor asked; NULL: it can */
    GHashTable *entries;  /* key -> value; of a table that cannot be listed, the answers so far */
    GHashTable *unknown;  /* keys that the table was asked about and does not have */
};

struct filterctl_maps {
    char *folder;
    GPtrArray *tables;
};

char **filterctl_maps_words(const char *list)
{
    GPtrArray *words = g_ptr_array_new();
    GString *word = g_string_new(NULL);
    int depth = 0;
    bool quoted = false;
    for (const char *p = list;; p++) {
        if (!*p || (!depth && !quoted && strchr(", \t\r\n", *p))) {
            if (word->len)
                g_ptr_array_add(words, g_strdup(word->str));
            g_string_truncate(word, 0);
            if (!*p)
                break;
            continue;
        }
        if (*p == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += *p == '{' ? 1 : *p == '}' && depth ? -1 : 0;
        g_string_append_c(word, *p);
        if (*p == '\\' && p[1])
            g_string_append_c(word, *++p);
    }
    g_string_free(word, TRUE);
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

/* ---- postmap ---- */

/* Runs postmap: with input NULL it lists the table (-s), else it looks up each line of input (-q -).
 * Returns its output (g_free), or NULL with *why_r, postmap's last line. postmap -q exits 1 where it finds
 * none. */
static char *postmap(const struct filterctl_maps *m, const char *table, const char *input, char **why_r)
{
    g_autofree char *program = g_find_program_in_path("postmap");
    GPtrArray *argv = g_ptr_array_new();
    g_autoptr(GError) error = NULL;
    g_autofree char *out = NULL;
    g_autofree char *complaint = NULL;
    g_ptr_array_add(argv, program ? program : (char *)"/usr/sbin/postmap");
    if (m->folder) {
        g_ptr_array_add(argv, (char *)"-c");
        g_ptr_array_add(argv, m->folder);
    }
    g_ptr_array_add(argv, (char *)(input ? "-q" : "-s"));
    if (input)
        g_ptr_array_add(argv, (char *)"-");
    g_ptr_array_add(argv, (char *)table);
    g_ptr_array_add(argv, NULL);
    g_autoptr(GSubprocess) p = g_subprocess_newv((const char *const *)argv->pdata,
                                                 G_SUBPROCESS_FLAGS_STDIN_PIPE |
                                                     G_SUBPROCESS_FLAGS_STDOUT_PIPE |
                                                     G_SUBPROCESS_FLAGS_STDERR_PIPE,
                                                 &error);
    g_ptr_array_unref(argv);
    if (!p || !g_subprocess_communicate_utf8(p, input ? input : "", NULL, &out, &complaint, &error)) {
        *why_r = g_strdup(error->message);
        return NULL;
    }
    if (g_subprocess_get_successful(p) || (input && (!complaint || !*complaint)))
        return g_steal_pointer(&out);
    complaint[strcspn(complaint, "\n")] = 0;
    const char *fatal = strstr(complaint, "fatal: ");
    *why_r = g_strdup(fatal ? fatal + strlen("fatal: ") : complaint);
    return NULL;
}

/* Parses lines "key<TAB>value"; the first value of a key counts, as for Postfix. */
static void take(struct table *t, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        char *tab = strchr(*l, '\t');
        if (!tab)
            continue;
        *tab = 0;
        char *key = g_utf8_validate(*l, -1, NULL) ? g_utf8_strdown(*l, -1) : g_strdup(*l);
        if (g_hash_table_contains(t->entries, key))
            g_free(key);
        else
            g_hash_table_insert(t->entries, key, g_strdup(tab + 1));
    }
}

/* ---- tables ---- */

static void table_free(gpointer p)
{
    g_autofree struct table *t = p;
    g_hash_table_unref(t->entries);
    g_hash_table_unref(t->unknown);
    g_free(t->name);
    g_free(t->why);
}

/* Strips "proxy:": postmap cannot list through the proxy, but reads the table behind it. */
static const char *behind_proxy(const char *name)
{
    while (g_str_has_prefix(name, "proxy:"))
        name += strlen("proxy:");
    return name;
}

/* Of these types no table can be listed: postmap would write a fatal error to the mail log, and wait a second. */
static bool is_never_listed(const char *name)
{
    static const char *const types[] = {"pgsql:", "mysql:", "sqlite:", "ldap:", "memcache:", "tcp:", "socketmap:",
                                        "pcre:", "regexp:", "cidr:", "static:"};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_str_has_prefix(name, types[i]))
            return true;
    return false;
}

static struct table *table_new(const struct filterctl_maps *m, const char *name)
{
    struct table *t = g_new0(struct table, 1);
    g_autofree char *why = NULL;
    t->name = g_strdup(behind_proxy(name));
    t->entries = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    t->unknown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *text = is_never_listed(t->name) ? NULL : postmap(m, t->name, NULL, &why);
    t->listed = text != NULL;
    if (text)
        take(t, text);
    else if (why && !strstr(why, "sequence"))
        t->why = g_steal_pointer(&why);
    return t;
}

struct filterctl_maps *filterctl_maps_new(const char *config_dir, const char *list)
{
    struct filterctl_maps *m = g_new0(struct filterctl_maps, 1);
    m->folder = g_strdup(config_dir);
    m->tables = g_ptr_array_new_with_free_func(table_free);
    g_auto(GStrv) words = filterctl_maps_words(list);
    for (char **w = words; *w; w++)
        g_ptr_array_add(m->tables, table_new(m, *w));
    return m;
}

void filterctl_maps_free(struct filterctl_maps **m)
{
    if (!*m)
        return;
    g_ptr_array_unref((*m)->tables);
    g_free((*m)->folder);
    g_clear_pointer(m, g_free);
}

static bool is_asked(const struct table *t, const char *key)
{
    return t->listed || t->why || g_hash_table_contains(t->entries, key) ||
           g_hash_table_contains(t->unknown, key);
}

static void ask_table(const struct filterctl_maps *m, struct table *t, const GPtrArray *keys)
{
    g_autoptr(GString) input = g_string_new(NULL);
    for (guint i = 0; i < keys->len; i++)
        if (!is_asked(t, keys->pdata[i]) && !strpbrk(keys->pdata[i], "\r\n"))
            g_string_append_printf(input, "%s\n", (char *)keys->pdata[i]);
    if (!input->len)
        return;
    g_autofree char *text = postmap(m, t->name, input->str, &t->why);
    if (text)
        take(t, text);
    for (guint i = 0; i < keys->len; i++)
        if (!g_hash_table_contains(t->entries, keys->pdata[i]))
            g_hash_table_add(t->unknown, g_strdup(keys->pdata[i]));
}

void filterctl_maps_ask(struct filterctl_maps *m, const GPtrArray *keys)
{
    for (guint i = 0; i < m->tables->len; i++)
        ask_table(m, m->tables->pdata[i], keys);
}

const char *filterctl_maps_get(struct filterctl_maps *m, const char *key)
{
    const char *value = NULL;
    GPtrArray *one = g_ptr_array_new();
    g_ptr_array_add(one, (char *)key);
    for (guint i = 0; i < m->tables->len && !value; i++) {
        struct table *t = m->tables->pdata[i];
        ask_table(m, t, one);
        value = g_hash_table_lookup(t->entries, key);
    }
    g_ptr_array_unref(one);
    return value;
}

void filterctl_maps_each(struct filterctl_maps *m, void (*fn)(const char *key, void *arg), void *arg)
{
    for (guint i = 0; i < m->tables->len; i++) {
        const struct table *t = m->tables->pdata[i];
        GHashTableIter it;
        gpointer key;
        if (!t->listed)
            continue;
        g_hash_table_iter_init(&it, t->entries);
        while (g_hash_table_iter_next(&it, &key, NULL))
            fn(key, arg);
    }
}

void filterctl_maps_each_unlisted(const struct filterctl_maps *m,
                                  void (*fn)(const char *table, const char *why, void *arg), void *arg)
{
    for (guint i = 0; i < m->tables->len; i++) {
        const struct table *t = m->tables->pdata[i];
        if (!t->listed)
            fn(t->name, t->why, arg);
    }
}

/* Two folders may have files of one name. */
char *filterctl_maps_copy_of(const char *settings_file, const char *map_file)
{
    g_autofree char *folder = g_path_get_dirname(settings_file), *flat = g_strdup(map_file + 1);
    g_strdelimit(flat, "/", '-');
    return g_build_filename(folder, "maps", flat, NULL);
}
