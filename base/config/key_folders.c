/* Lists the key folders of all users. Called by gpg/keyring.c for filterctl, and by users_upgrade.c. */
#include "base/config/key_folders.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

/* The user of a key folder. A long address has a shortened folder name; its generation holds the full address. */
static char *user_of_folder(const char *keys_dir, const char *name)
{
    char *text = NULL;
    g_autofree char *path = g_build_filename(keys_dir, name, "current", "address", NULL);
    if (g_file_get_contents(path, &text, NULL, NULL))
        return g_strchomp(text);
    return g_uri_unescape_string(name, NULL);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool key_folders_each(const char *state_dir, void (*fn)(const char *user, void *arg), void *arg)
{
    g_autofree char *path = g_build_filename(state_dir, KEY_FOLDERS, NULL);
    GDir *dir = g_dir_open(path, 0, NULL);
    if (!dir)
        return access(path, F_OK) != 0 && errno == ENOENT;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    bool all;
    while (true) {
        errno = 0;
        const char *name = g_dir_read_name(dir);
        all = errno == 0;
        if (!name)
            break;
        char *user = *name == '.' ? NULL : user_of_folder(path, name);
        if (user)
            g_ptr_array_add(names, user);
    }
    g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++)
        fn(g_ptr_array_index(names, i), arg);
    g_ptr_array_unref(names);
    return all;
}
