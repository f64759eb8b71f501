/* Reads files in key file syntax. Called by settings.c and by the table of DNS lists (rules/dnsbl_table.c). */
#include "base/config/ini.h"

#include <stdbool.h>
#include <string.h>

struct reader {
    struct ini *ini;
    const char *group; /* lent: owned by the entry of the [group] line */
    GHashTable *lines; /* "group\nname" => the line where it first occurred */
    int line;
    char **error_r;
};

static void entry_free(void *data)
{
    struct ini_entry *e = data;
    g_free(e->group);
    g_free(e->name);
    g_free(e->value);
    g_free(e);
}

void ini_free(struct ini **ini)
{
    if (!*ini)
        return;
    g_free((*ini)->file);
    g_ptr_array_unref((*ini)->files);
    g_ptr_array_unref((*ini)->entries);
    g_clear_pointer(ini, g_free);
}

static bool fail(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct reader *r, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    *r->error_r = g_strdup_printf("%s:%d: %s", r->ini->file, r->line, what);
    return false;
}

/* Returns the line where group (and name) occurred before, 0 if nowhere; then remembers this line. */
static int seen_at(struct reader *r, const char *group, const char *name)
{
    char *id = g_strdup_printf("%s\n%s", group, name ? name : "");
    int line = GPOINTER_TO_INT(g_hash_table_lookup(r->lines, id));
    g_hash_table_insert(r->lines, id, GINT_TO_POINTER(line ? line : r->line));
    return line;
}

static struct ini_entry *add_entry(struct reader *r, const char *group, const char *name, char *value)
{
    struct ini_entry *e = g_new0(struct ini_entry, 1);
    e->group = g_strdup(group);
    e->name = g_strdup(name);
    e->value = value;
    e->file = r->ini->files->pdata[0];
    e->line = r->line;
    g_ptr_array_add(r->ini->entries, e);
    return e;
}

static bool read_group(struct reader *r, char *text)
{
    char *end = strchr(text, ']');
    if (!end || end[1] || end == text + 1)
        return fail(r, "expected [GROUP] alone on its line");
    *end = 0;
    int before = seen_at(r, text + 1, NULL);
    if (before)
        return fail(r, "group [%s] stands already in line %d", text + 1, before);
    r->group = add_entry(r, text + 1, NULL, NULL)->group;
    return true;
}

static char *unescape(const char *text)
{
    static const char from[] = "sntr\\", to[] = " \n\t\r\\";
    GString *out = g_string_new(NULL);
    for (; *text; text++) {
        const char *hit = *text == '\\' && text[1] ? strchr(from, text[1]) : NULL;
        if (*text == '\\' && !hit) {
            g_string_free(out, TRUE);
            return NULL;
        }
        g_string_append_c(out, hit ? to[hit - from] : *text);
        text += hit != NULL;
    }
    return g_string_free(out, FALSE);
}

static bool read_setting(struct reader *r, char *text)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return fail(r, "expected [GROUP], NAME=VALUE or a comment that begins with #");
    *equals = 0;
    g_strchomp(text);
    if (!r->group)
        return fail(r, "\"%s\" stands before any [GROUP]", text);
    int before = seen_at(r, r->group, text);
    if (before)
        return fail(r, "[%s] %s is set already in line %d", r->group, text, before);
    char *value = unescape(g_strchug(equals + 1));
    if (!value)
        return fail(r, "[%s] %s: a backslash is written \\\\", r->group, text);
    add_entry(r, r->group, text, value);
    return true;
}

static bool read_line(struct reader *r, char *text)
{
    if (!g_utf8_validate(text, -1, NULL))
        return fail(r, "is not UTF-8");
    g_strstrip(text);
    if (!*text || *text == '#')
        return true;
    return *text == '[' ? read_group(r, text) : read_setting(r, text);
}

static bool read_lines(struct reader *r, char *text)
{
    for (char *next; text; text = next) {
        next = strchr(text, '\n');
        if (next)
            *next++ = 0;
        r->line++;
        if (!read_line(r, text))
            return false;
    }
    return true;
}

struct ini *ini_load(const char *file, char **error_r)
{
    g_autofree char *text = NULL;
    gsize len;
    GError *error = NULL;
    if (!g_file_get_contents(file, &text, &len, &error)) {
        *error_r = g_strdup(error->message);
        g_error_free(error);
        return NULL;
    }
    struct ini *ini = g_new0(struct ini, 1);
    ini->file = g_strdup(file);
    ini->files = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(ini->files, g_strdup(file));
    ini->entries = g_ptr_array_new_with_free_func(entry_free);
    struct reader r = {.ini = ini, .error_r = error_r};
    r.lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = strlen(text) == len ? read_lines(&r, text) : fail(&r, "holds a NUL byte");
    g_hash_table_unref(r.lines);
    if (!ok)
        ini_free(&ini);
    return ini;
}

/* ---- drop-ins ---- */

/* The place of the entry with that group and name, or where it belongs; true: it is there. */
static bool place_of(const struct ini *ini, const struct ini_entry *wanted, guint *place_r)
{
    *place_r = ini->entries->len;
    for (guint i = 0; i < ini->entries->len; i++) {
        const struct ini_entry *e = ini->entries->pdata[i];
        if (strcmp(e->group, wanted->group))
            continue;
        *place_r = i;
        if (!g_strcmp0(e->name, wanted->name))
            return true;
        ++*place_r;
    }
    return false;
}

/* Takes over all that the drop-in holds, and frees it. */
static void merge(struct ini *into, struct ini *from)
{
    g_ptr_array_set_free_func(from->entries, NULL);
    for (guint i = 0; i < from->entries->len; i++) {
        struct ini_entry *e = from->entries->pdata[i];
        guint place;
        if (place_of(into, e, &place)) {
            entry_free(into->entries->pdata[place]);
            into->entries->pdata[place] = e;
        } else {
            g_ptr_array_insert(into->entries, (gint)place, e);
        }
    }
    g_ptr_array_set_free_func(from->files, NULL);
    g_ptr_array_add(into->files, from->files->pdata[0]);
    ini_free(&from);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The paths of the drop-ins, sorted, of char*; empty if there is no such folder. NULL with *error_r: it is not
 * readable. */
static GPtrArray *drop_ins(const char *folder, char **error_r)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, &error);
    if (!dir && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
        *error_r = g_strdup(error->message);
        return NULL;
    }
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (*name != '.' && g_str_has_suffix(name, ".conf"))
            g_ptr_array_add(paths, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(paths, by_name);
    return paths;
}

static bool merge_all(struct ini *ini, char **error_r)
{
    g_autofree char *parent = g_path_get_dirname(ini->file);
    g_autofree char *folder = g_build_filename(parent, "conf.d", NULL);
    g_autoptr(GPtrArray) paths = drop_ins(folder, error_r);
    for (guint i = 0; paths && i < paths->len; i++) {
        struct ini *more = ini_load(paths->pdata[i], error_r);
        if (!more)
            return false;
        merge(ini, more);
    }
    return paths != NULL;
}

struct ini *ini_load_all(const char *file, char **error_r)
{
    g_autofree char *name = g_path_get_basename(file);
    struct ini *ini = ini_load(file, error_r);
    if (ini && !strcmp(name, "filterd.conf") && !merge_all(ini, error_r))
        ini_free(&ini);
    return ini;
}
