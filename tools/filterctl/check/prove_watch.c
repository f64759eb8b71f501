/* Searches for the message of "check --prove" in every file that is written while it passes: by fanotify
 * as root, else by polling folders. Called by prove.c and prove_send.c. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tools/filterctl/check/prove.h"

#define MOUNTS "/proc/self/mounts"
#define EVENT_BYTES 16384
/* So much of each end of a file that is written while mail passes: appended or new text is there. */
#define END_BYTES (256 * 1024)
/* The largest file that the final search reads whole; of larger ones it reads both ends. */
#define WHOLE_BYTES (64 * 1024 * 1024)
#define DEPTH 8
#define NAP_MS 5
/* failed reads of fanotify in a row before we give up */
#define FAILURES 1000

static void free_sighting(gpointer data)
{
    struct filterctl_sighting *s = data;
    g_free(s->path);
    g_free(s);
}

static void free_folder(gpointer data)
{
    struct filterctl_folder *f = data;
    g_free(f->path);
    g_free(f->hidden);
    g_free(f);
}

static void note(struct filterctl_watch *w, const char *path, unsigned found, int fd)
{
    if (!found)
        return;
    struct filterctl_sighting *s = g_hash_table_lookup(w->sightings, path);
    if (!s) {
        s = g_new0(struct filterctl_sighting, 1);
        s->path = g_strdup(path);
        g_hash_table_insert(w->sightings, s->path, s);
    }
    struct stat st = {0};
    s->inode = fd >= 0 && fstat(fd, &st) == 0 ? st.st_ino : 0;
    s->device = st.st_dev;
    s->found |= found;
}

void filterctl_watch_text(struct filterctl_watch *w, const char *name, const char *data, size_t len)
{
    note(w, name, filterctl_canary_find(w->canary, data, len), -1);
}

static unsigned find_at(const struct filterctl_watch *w, int fd, off_t at, size_t len)
{
    struct bytes b = {0};
    unsigned found = 0;
    bytes_reserve(&b, len);
    ssize_t n = pread(fd, b.data, len, at);
    if (n > 0)
        found = filterctl_canary_find(w->canary, (char *)b.data, (size_t)n);
    b.len = n > 0 ? (size_t)n : 0;
    bytes_free(&b);
    return found;
}

static unsigned find_in(const struct filterctl_watch *w, int fd, off_t whole)
{
    struct stat st;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size == 0)
        return 0;
    if (st.st_size <= whole)
        return find_at(w, fd, 0, (size_t)st.st_size);
    return find_at(w, fd, 0, END_BYTES) | find_at(w, fd, st.st_size - END_BYTES, END_BYTES);
}

/* ---- with fanotify: the kernel reports every file that is written ---- */

static bool is_worth_watching(const char *type)
{
    static const char *const types[] = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "zfs", "jfs",
                                        "overlay", "tmpfs", "nfs", "nfs4", "bcachefs", "reiserfs"};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (!strcmp(type, types[i]))
            return true;
    return false;
}

static void watch_file_systems(struct filterctl_watch *w)
{
    char path[1024], type[64];
    int marks = 0;
    FILE *in = fopen(MOUNTS, "re");
    while (in && fscanf(in, "%*s %1023s %63s %*[^\n]", path, type) == 2)
        if (is_worth_watching(type) &&
            fanotify_mark(w->fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_MODIFY | FAN_CLOSE_WRITE, AT_FDCWD,
                          path) == 0)
            marks++;
    if (in)
        fclose(in);
    if (!marks && w->fd >= 0) {
        close(w->fd);
        w->fd = -1;
    }
}

static void take_event(struct filterctl_watch *w, const struct fanotify_event_metadata *e)
{
    char link[64], path[PATH_MAX];
    if (e->fd < 0)
        return;
    const unsigned found = e->pid == getpid() ? 0 : find_in(w, e->fd, 2 * END_BYTES);
    if (found) {
        g_snprintf(link, sizeof link, "/proc/self/fd/%d", e->fd);
        const ssize_t n = readlink(link, path, sizeof path - 1);
        path[MAX(n, 0)] = 0;
        note(w, path, found, e->fd);
    }
    close(e->fd);
}

/* When the kernel cannot open an event's file, read fails once, and the next read returns the following
 * events. So go on, and note that something was lost. */
static void take_events(struct filterctl_watch *w)
{
    _Alignas(struct fanotify_event_metadata) char events[EVENT_BYTES];
    for (int failed = 0; failed < FAILURES;) {
        const ssize_t n = read(w->fd, events, sizeof events);
        if (n == 0 || (n < 0 && errno == EAGAIN))
            return;
        if (n < 0) {
            w->lost = errno == EINTR ? w->lost : errno;
            failed++;
            continue;
        }
        const struct fanotify_event_metadata *e = (const void *)events;
        for (ssize_t left = n; FAN_EVENT_OK(e, left); e = FAN_EVENT_NEXT(e, left))
            take_event(w, e);
    }
}

/* ---- without fanotify: the folders are searched ---- */

struct look {
    struct filterctl_watch *watch;
    struct filterctl_folder *folder;
};

/* Notes a path that could not be read. A file that is gone, or was never there, hides nothing. */
static void hides(const struct look *l, const char *path)
{
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || l->folder->error)
        return;
    l->folder->error = errno;
    l->folder->hidden = g_strdup(path);
}

static void scan(const struct look *l, const char *folder, int depth);

static void scan_entry(const struct look *l, const char *path, int depth)
{
    struct filterctl_watch *w = l->watch;
    struct stat st;
    if (lstat(path, &st)) {
        hides(l, path);
        return;
    }
    if (S_ISDIR(st.st_mode) && depth < DEPTH)
        scan(l, path, depth + 1);
    if (!S_ISREG(st.st_mode) || (st.st_mtime < w->since && st.st_ctime < w->since))
        return;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        hides(l, path);
        return;
    }
    note(w, path, find_in(w, fd, WHOLE_BYTES), fd);
    close(fd);
}

static void scan(const struct look *l, const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        hides(l, folder);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        g_autofree char *path = g_build_filename(folder, e->d_name, NULL);
        scan_entry(l, path, depth);
    }
    closedir(dir);
}

static void scan_first(struct filterctl_watch *w, guint n)
{
    struct stat st;
    for (guint i = 0; i < n; i++) {
        const struct look l = {w, w->folders->pdata[i]};
        if (lstat(l.folder->path, &st) == 0 && S_ISDIR(st.st_mode))
            scan(&l, l.folder->path, 0);
        else
            scan_entry(&l, l.folder->path, 0);
    }
}

const struct filterctl_folder *filterctl_watch_hidden(const struct filterctl_watch *w, const char *path)
{
    const size_t n = path ? strlen(path) : 0;
    for (guint i = 0; i < w->folders->len; i++) {
        const struct filterctl_folder *f = w->folders->pdata[i];
        if (f->error && (!n || (g_str_has_prefix(f->path, path) && (f->path[n] == '/' || !f->path[n]))))
            return f;
    }
    return NULL;
}

void filterctl_watch_scan(struct filterctl_watch *w)
{
    scan_first(w, w->folders->len);
}

/* ---- what the header declares ---- */

void filterctl_watch_begin(struct filterctl_watch *w, const struct filterctl_canary *c)
{
    w->canary = c;
    w->since = time(NULL) - 1;
    w->sightings = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_sighting);
    w->folders = g_ptr_array_new_with_free_func(free_folder);
    w->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE,
                          O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
    if (w->fd >= 0)
        watch_file_systems(w);
}

void filterctl_watch_end(struct filterctl_watch *w)
{
    if (!w->sightings)
        return;
    g_hash_table_unref(w->sightings);
    g_ptr_array_unref(w->folders);
    if (w->fd >= 0)
        close(w->fd);
    *w = (struct filterctl_watch){.fd = -1};
}

void filterctl_watch_folder(struct filterctl_watch *w, const char *path)
{
    if (!path || !*path)
        return;
    struct filterctl_folder *f = g_new0(struct filterctl_folder, 1);
    f->path = g_strdup(path);
    g_ptr_array_add(w->folders, f);
}

bool filterctl_watch_look(struct filterctl_watch *w, int fd, int ms)
{
    const gint64 end = g_get_monotonic_time() + (gint64)ms * 1000;
    struct pollfd p[2] = {{fd, POLLIN, 0}, {w->fd, POLLIN, 0}};
    for (;;) {
        const int left = (int)MAX((end - g_get_monotonic_time()) / 1000, 0);
        poll(p, 2, w->fd >= 0 ? left : MIN(left, NAP_MS));
        if (w->fd >= 0)
            take_events(w);
        else
            scan_first(w, w->polled);
        if (p[0].revents)
            return true;
        if (left == 0)
            return false;
    }
}
