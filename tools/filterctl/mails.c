/* Walks over messages in files, mbox files, Maildirs and folders. Called by train.c. */
#include "tools/filterctl/mails.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/mail/packed.h"
#include "base/newline.h"
#include "tools/filterctl/filterctl.h"

struct walk {
    filterctl_mails_fn *fn; /* NULL: only add up the sizes of the files */
    void *arg;
    struct filterctl_mails_packed *packed;
    guint64 bytes;
    bool stopped, failed;
};

static void give(struct walk *w, const char *data, size_t len)
{
    struct bytes raw = {0};
    bytes_add(&raw, data, len);
    newline_normalise(&raw);
    struct message *m = message_new(raw.data ? (char *)raw.data : "", raw.len);
    w->stopped = !w->fn(m, len, w->arg);
    message_free(&m);
    bytes_free(&raw);
}

/* The start of the next message of an mbox (a From_ line after an empty one), or end. */
static const char *next_from(const char *p, const char *end)
{
    const char *from;
    while ((from = memmem(p, (size_t)(end - p), "\nFrom ", 6))) {
        if (from[-1] == '\n' || (from[-1] == '\r' && from[-2] == '\n'))
            return from + 1;
        p = from + 1;
    }
    return end;
}

static void leave_packed(struct walk *w, const char *path, const char *form)
{
    if (!w->packed->files++) {
        w->packed->first = g_strdup(path);
        w->packed->form = form;
    }
}

/* A file u.NUMBER of sdbox holds one message. Those of mdbox hold many, deleted ones among them, and only its index
 * knows which: they are left out. */
static const char *unwrapped(const char *path, const char *data, size_t *len)
{
    g_autofree char *name = g_path_get_basename(path);
    const char *message = g_str_has_prefix(name, "u.") ? packed_sdbox(data, *len, len) : NULL;
    return message ? message : data;
}

static void give_file(struct walk *w, const char *path, const char *data, size_t len)
{
    data = unwrapped(path, data, &len);
    const char *end = data + len;
    const char *form = packed_form(data, len);
    if (form) {
        leave_packed(w, path, form);
        return;
    }
    if (!packed_is_mail(data, len)) {
        if (!w->packed->others++)
            w->packed->first_other = g_strdup(path);
        return;
    }
    if (len < 5 || memcmp(data, "From ", 5) != 0) {
        give(w, data, len);
        return;
    }
    for (const char *p = data; p < end && !w->stopped;) {
        const char *next = next_from(p + 5, end);
        give(w, p, (size_t)(next - p));
        p = next;
    }
}

static void walk_file(struct walk *w, const char *path)
{
    struct stat st;
    if (!w->fn) {
        w->bytes += stat(path, &st) == 0 ? (guint64)st.st_size : 0;
        return;
    }
    GError *error = NULL;
    GMappedFile *file = g_mapped_file_new(path, FALSE, &error);
    if (!file) {
        filterctl_complain("%s", error->message);
        g_error_free(error);
        w->failed = true;
        return;
    }
    if (g_mapped_file_get_length(file) > 0)
        give_file(w, path, g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
    g_mapped_file_unref(file);
}

static gint by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Mail stores keep their indexes in hidden files and folders, Dovecot in such as dovecot.index.cache, too. */
static bool is_index(const char *name)
{
    return name[0] == '.' || g_str_has_prefix(name, "dovecot.") || g_str_has_prefix(name, "dovecot-");
}

/* The names in a folder, sorted, without indexes; NULL if it cannot be read. */
static GPtrArray *names_in(const struct walk *w, const char *path)
{
    GError *error = NULL;
    GDir *dir = g_dir_open(path, 0, &error);
    if (!dir) {
        if (w->fn) /* without fn it is told when the messages are read */
            filterctl_complain("%s", error->message);
        g_error_free(error);
        return NULL;
    }
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    for (const char *name; (name = g_dir_read_name(dir));)
        if (!is_index(name))
            g_ptr_array_add(names, g_strdup(name));
    g_dir_close(dir);
    g_ptr_array_sort(names, by_name);
    return names;
}

/* In a Maildir only cur and new hold mail; tmp and indexes do not. */
static bool is_maildir(const char *path)
{
    g_autofree char *cur = g_build_filename(path, "cur", NULL), *new = g_build_filename(path, "new", NULL);
    const bool is = g_file_test(cur, G_FILE_TEST_IS_DIR) && g_file_test(new, G_FILE_TEST_IS_DIR);
    return is;
}

static void walk_path(struct walk *w, const char *path)
{
    if (!g_file_test(path, G_FILE_TEST_IS_DIR)) {
        walk_file(w, path);
        return;
    }
    const bool maildir = is_maildir(path);
    GPtrArray *names = names_in(w, path);
    w->failed |= !names;
    for (guint i = 0; names && i < names->len && !w->stopped; i++) {
        const char *name = g_ptr_array_index(names, i);
        if (maildir && strcmp(name, "cur") != 0 && strcmp(name, "new") != 0)
            continue;
        g_autofree char *below = g_build_filename(path, name, NULL);
        walk_path(w, below);
    }
    if (names)
        g_ptr_array_unref(names);
}

bool filterctl_mails_each(const char *path, filterctl_mails_fn *fn, void *arg,
                          struct filterctl_mails_packed *packed)
{
    struct walk w = {.fn = fn, .arg = arg, .packed = packed};
    if (strcmp(path, "-") != 0) {
        walk_path(&w, path);
        return !w.failed;
    }
    struct bytes data = {0};
    const bool ok = filterctl_read(path, &data);
    if (ok && data.len > 0)
        give_file(&w, path, (char *)data.data, data.len);
    bytes_free(&data);
    return ok;
}

guint64 filterctl_mails_bytes(const char *path)
{
    struct walk w = {0};
    if (strcmp(path, "-") != 0)
        walk_path(&w, path);
    return w.bytes;
}
