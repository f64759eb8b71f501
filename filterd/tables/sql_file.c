/* Reads the files of SQL tables. A $ in a value is nothing special in them, the last of two lines for one parameter
 * counts, and parameters that nobody asks for are passed over, all as in Postfix. Called by sql.c and the clients. */
#include "filterd/tables/sql_file.h"

#include <string.h>

#include "filterd/tables/lines.h"
#include "filterd/tables/list.h"

#define FILE_MAX ((gsize)1 << 20)

struct sql_file {
    char *path;
    GHashTable *values;
};

static void wipe(gpointer data)
{
    char *text = data;
    explicit_bzero(text, strlen(text));
    g_free(data);
}

static bool read_lines(struct sql_file *f, const char *text, gsize len, char **error_r)
{
    struct lines lines = lines_of(text, len);
    GString *line = g_string_sized_new(len + 1); /* one that grows would leave a password behind */
    int number;
    bool ok = true;
    while (ok && lines_next(&lines, line, &number)) {
        char *name, *value;
        ok = list_pair(line->str, &name, &value);
        if (ok)
            g_hash_table_replace(f->values, name, value);
        else
            *error_r = g_strdup_printf("%s:%d: expected name = value", f->path, number);
    }
    explicit_bzero(line->str, line->allocated_len);
    g_string_free(line, TRUE);
    return ok;
}

struct sql_file *sql_file_read(const char *path, char **error_r)
{
    char *text;
    gsize len;
    if (!lines_read(path, FILE_MAX, &text, &len, error_r))
        return NULL;
    struct sql_file *f = g_new0(struct sql_file, 1);
    f->path = g_strdup(path);
    f->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, wipe);
    if (!read_lines(f, text, len, error_r))
        sql_file_free(&f);
    explicit_bzero(text, len);
    g_free(text);
    return f;
}

const char *sql_file_path(const struct sql_file *f)
{
    return f->path;
}

const char *sql_file_get(const struct sql_file *f, const char *name, const char *otherwise)
{
    const char *value = g_hash_table_lookup(f->values, name);
    return value ? value : otherwise;
}

const char *sql_file_need(const struct sql_file *f, const char *name, char **error_r)
{
    const char *value = sql_file_get(f, name, "");
    if (*value)
        return value;
    *error_r = g_strdup_printf("%s: %s is missing", f->path, name);
    return NULL;
}

bool sql_file_number(const struct sql_file *f, const char *name, int otherwise, int *value_r, char **error_r)
{
    const char *text = sql_file_get(f, name, NULL);
    guint64 number = (guint64)otherwise;
    const bool ok = !text || g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL);
    if (!ok)
        *error_r = g_strdup_printf("%s: %s: expected a number, not \"%.100s\"", f->path, name, text);
    *value_r = (int)number;
    return ok;
}

bool sql_file_yes(const struct sql_file *f, const char *name, bool otherwise, bool *value_r, char **error_r)
{
    const char *text = sql_file_get(f, name, otherwise ? "yes" : "no");
    *value_r = !g_ascii_strcasecmp(text, "yes");
    const bool ok = *value_r || !g_ascii_strcasecmp(text, "no");
    if (!ok)
        *error_r = g_strdup_printf("%s: %s: expected yes or no, not \"%.100s\"", f->path, name, text);
    return ok;
}

void sql_file_free(struct sql_file **f)
{
    if (!*f)
        return;
    g_hash_table_unref((*f)->values);
    g_free((*f)->path);
    g_clear_pointer(f, g_free);
}
