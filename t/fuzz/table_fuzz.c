/* What operators write for tables, and what their programs compile: the first byte says how the rest is read, as a
 * chain with its tables in it, a texthash, pcre or regexp file, an SQL file, or a constant database. Nothing outside
 * is asked, and no file is read but the one made of the input. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/tables/cdb.h"
#include "filterd/tables/postmap.h"
#include "filterd/tables/sql_file.h"
#include "filterd/tables/sql_template.h"
#include "filterd/tables/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct table *t, const char *key)
{
    GString *value = NULL;
    g_autofree char *error = NULL;
    const enum table_result r = table_ask(t, key, 0, &value, &error);
    if ((r == TABLE_FOUND) != (value != NULL) || (r == TABLE_TEMP) != (error != NULL))
        __builtin_trap();
    if (value && (!value->len || value->len > TABLE_VALUE_MAX || !g_utf8_validate(value->str, (gssize)value->len, NULL)))
        __builtin_trap();
    if (value)
        g_string_free(value, TRUE);
}

static void ask_chain(const char *chain)
{
    static const char *const keys[] = {"", "a", "alice@example.org", "@example.org", "\xc3\x89@x", "a@b@c", "1 2"};
    g_autofree char *error = NULL;
    struct table *t = table_open(chain, &error);
    if (!t && (!error || strchr(error, '\n')))
        __builtin_trap();
    for (size_t i = 0; t && i < G_N_ELEMENTS(keys); i++)
        ask(t, keys[i]);
    if (t)
        table_free(&t);
}

/* A file name would lead outside: everything in the chain is in its text. */
static void chain(const char *text)
{
    if (!strchr(text, '/'))
        ask_chain(text);
}

static int make_file(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("table", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, data, size) != (ssize_t)size)
        __builtin_trap();
    return fd;
}

static void text_file(const char *type, int fd)
{
    g_autofree char *name = g_strdup_printf("%s:/proc/self/fd/%d", type, fd);
    ask_chain(name);
}

static bool quote(void *arg, const char *text, gsize len, GString *out)
{
    (void)arg;
    g_string_append_len(out, text, (gssize)len);
    return true;
}

static void fill(const char *text)
{
    static const char *const keys[] = {"a@b.c", "x", "@b", "a@", "u@a.b..c"};
    struct sql_template *t = sql_template_new(text);
    for (size_t i = 0; t && i < G_N_ELEMENTS(keys); i++) {
        GString *out = g_string_new(NULL), *value = g_string_new("v@w.x");
        if (sql_template_query_fits(t, keys[i]) && !sql_template_query(t, keys[i], quote, NULL, out))
            __builtin_trap();
        if (sql_template_result_fits(t, keys[i]))
            sql_template_result(t, keys[i], value, out);
        g_string_free(out, TRUE);
        g_string_free(value, TRUE);
    }
    sql_template_free(&t);
}

static void sql(int fd)
{
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd), *error = NULL;
    struct sql_file *f = sql_file_read(path, &error);
    if (!f && (!error || strchr(error, '\n')))
        __builtin_trap();
    if (f)
        fill(sql_file_get(f, "query", ""));
    sql_file_free(&f);
}

static void cdb(const uint8_t *data, size_t size)
{
    GString *out = g_string_new(NULL);
    /* A copy of its very size: one byte too many is seen. */
    g_autofree char *copy = g_memdup2(data, size);
    cdb_dump(copy, size, out);
    g_string_free(out, TRUE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    log_to_fd(1023); /* closed: nothing is logged */
    postmap_facts_set(true, 3, 10);
    const int fd = make_file(data + 1, size - 1);
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    switch (*data) {
    case 't': text_file("texthash", fd); break;
    case 'p': text_file("pcre", fd); break;
    case 'r': text_file("regexp", fd); break;
    case 's': sql(fd); break;
    case 'c': cdb(data + 1, size - 1); break;
    default: chain(text);
    }
    close(fd);
    return 0;
}
