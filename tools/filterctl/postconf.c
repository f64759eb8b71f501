/* Reads Postfix's settings by running postconf(1). Called by aliases.c, alias_import.c and the checks. */
#include "tools/filterctl/postconf.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

struct filterctl_postconf {
    char *folder;
    GHashTable *main;     /* name -> value */
    GHashTable *commands; /* "smtp/inet" -> "smtpd -o ..." */
    GHashTable *limits;   /* "smtp/inet" -> its process limit */
    GHashTable *private;  /* "smtp/inet" -> y, n or - */
    GHashTable *chroot;   /* the same */
    GHashTable *own;      /* "smtp/inet/name" -> value of -o */
};

static GHashTable *new_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* Parses lines "name = value". */
static void take_lines(GHashTable *table, const char *text, const char *suffix)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        char *equals = strchr(*l, '=');
        if (!equals)
            continue;
        *equals = 0;
        char *name = g_strstrip(*l);
        if (suffix && !g_str_has_suffix(name, suffix))
            continue;
        if (suffix)
            name[strlen(name) - strlen(suffix)] = 0;
        g_hash_table_replace(table, g_strdup(name), g_strdup(g_strstrip(equals + 1)));
    }
}

/* Runs postconf once; its output (g_free), or NULL with *error_r. */
static char *ask(const char *folder, const char *option, char **error_r)
{
    const char *argv[] = {"postconf", option, "-c", folder, NULL};
    g_autoptr(GError) error = NULL;
    g_autofree char *complaint = NULL;
    g_autofree char *program = g_find_program_in_path("postconf");
    char *out = NULL;
    int status = 0;
    argv[0] = program ? program : "/usr/sbin/postconf"; /* /usr/sbin is not in the PATH of ordinary users */
    if (!folder)
        argv[2] = NULL;
    if (!g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &out, &complaint, &status,
                      &error))
        *error_r = g_strdup_printf("there is no Postfix here: %s", error->message);
    else if (!g_spawn_check_wait_status(status, NULL)) {
        complaint[strcspn(complaint, "\n")] = 0;
        *error_r = g_strdup_printf("postconf: %s", *complaint ? complaint : "it failed");
        g_clear_pointer(&out, g_free);
    }
    return out;
}

static bool take(struct filterctl_postconf *p, GHashTable *table, const char *option, const char *suffix,
                 char **error_r)
{
    g_autofree char *text = ask(p->folder, option, error_r);
    if (text)
        take_lines(table, text, suffix);
    return text != NULL;
}

struct filterctl_postconf *filterctl_postconf_read(const char *config_dir, char **error_r)
{
    struct filterctl_postconf *p = g_new0(struct filterctl_postconf, 1);
    p->folder = g_strdup(config_dir);
    p->main = new_table();
    p->commands = new_table();
    p->limits = new_table();
    p->private = new_table();
    p->chroot = new_table();
    p->own = new_table();
    if (!take(p, p->main, "-x", NULL, error_r) || !take(p, p->commands, "-Fx", "/command", error_r) ||
        !take(p, p->limits, "-Fx", "/process_limit", error_r) || !take(p, p->private, "-Fx", "/private", error_r) ||
        !take(p, p->chroot, "-Fx", "/chroot", error_r) || !take(p, p->own, "-Px", NULL, error_r))
        filterctl_postconf_free(&p);
    else if (config_dir) /* with -x postconf 3.10 names its default, whatever -c says */
        g_hash_table_replace(p->main, g_strdup("config_directory"), g_strdup(config_dir));
    return p;
}

void filterctl_postconf_free(struct filterctl_postconf **p)
{
    if (!*p)
        return;
    g_hash_table_unref((*p)->main);
    g_hash_table_unref((*p)->commands);
    g_hash_table_unref((*p)->limits);
    g_hash_table_unref((*p)->private);
    g_hash_table_unref((*p)->chroot);
    g_hash_table_unref((*p)->own);
    g_free((*p)->folder);
    g_free(*p);
    *p = NULL;
}

const char *filterctl_postconf_get(const struct filterctl_postconf *p, const char *name)
{
    const char *value = g_hash_table_lookup(p->main, name);
    return value ? value : "";
}

const char *filterctl_postconf_service_get(const struct filterctl_postconf *p, const char *context,
                                           const char *name)
{
    g_autofree char *key = g_strdup_printf("%s/%s", context, name);
    const char *value = g_hash_table_lookup(p->own, key);
    return value ? value : filterctl_postconf_get(p, name);
}

const char *filterctl_postconf_command(const struct filterctl_postconf *p, const char *context)
{
    return g_hash_table_lookup(p->commands, context);
}

bool filterctl_postconf_is_private(const struct filterctl_postconf *p, const char *context)
{
    const char *private = g_hash_table_lookup(p->private, context);
    return !private || strcmp(private, "n") != 0;
}

bool filterctl_postconf_is_chrooted(const struct filterctl_postconf *p, const char *context)
{
    const char *chroot = g_hash_table_lookup(p->chroot, context);
    return chroot && (!strcmp(chroot, "y") || (!strcmp(chroot, "-") && atoi(filterctl_postconf_get(p, "compatibility_level")) < 1));
}

int filterctl_postconf_process_limit(const struct filterctl_postconf *p, const char *context)
{
    const char *limit = g_hash_table_lookup(p->limits, context);
    return atoi(limit && strcmp(limit, "-") ? limit : filterctl_postconf_get(p, "default_process_limit"));
}

void filterctl_postconf_each_service(const struct filterctl_postconf *p,
                                     void (*fn)(const char *context, const char *command, void *arg),
                                     void *arg)
{
    GHashTableIter i;
    gpointer context, command;
    g_hash_table_iter_init(&i, p->commands);
    while (g_hash_table_iter_next(&i, &context, &command))
        fn(context, command, arg);
}

const char *filterctl_postconf_folder(const struct filterctl_postconf *p)
{
    return p->folder;
}
