/* Reads files as Postfix does: logical lines (postconf(5), "main.cf file format"), and whether a file has changed.
 * Called by the readers of map files and of tables that are text. */
#include "filterd/tables/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define BLANKS " \t\r\v\f"

struct lines lines_of(const char *text, gsize len)
{
    return (struct lines){text, text + len, 1};
}

/* A text may hold zero bytes: what is behind one on its line is not seen, as in Postfix. */
static bool physical(struct lines *l, const char **line_r, size_t *len_r)
{
    if (l->at >= l->end)
        return false;
    const char *lf = memchr(l->at, '\n', (size_t)(l->end - l->at));
    *line_r = l->at;
    *len_r = strnlen(l->at, (size_t)((lf ? lf : l->end) - l->at));
    l->at = lf ? lf + 1 : l->end;
    l->next++;
    return true;
}

static bool is_nothing(const char *line, size_t len)
{
    size_t blank = 0;
    while (blank < len && strchr(BLANKS, line[blank]))
        blank++;
    return blank == len || line[blank] == '#';
}

bool lines_next(struct lines *l, GString *line, int *number_r)
{
    const char *text;
    size_t len;
    bool begun = false;
    g_string_truncate(line, 0);
    for (struct lines before = *l; physical(l, &text, &len); before = *l) {
        if (is_nothing(text, len))
            continue;
        if (begun && !strchr(BLANKS, *text)) {
            *l = before;
            break;
        }
        if (!begun)
            *number_r = before.next;
        begun = true;
        g_string_append_len(line, text, (gssize)len);
    }
    while (line->len && strchr(BLANKS, line->str[line->len - 1]))
        g_string_truncate(line, line->len - 1);
    return begun;
}

static void stamp_of(const struct stat *st, struct lines_stamp *stamp_r)
{
    *stamp_r = (struct lines_stamp){st->st_dev, st->st_ino, st->st_size, st->st_mtim};
}

bool lines_stamp(const char *path, struct lines_stamp *stamp_r)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return false;
    stamp_of(&st, stamp_r);
    return true;
}

bool lines_stamp_is(const struct lines_stamp *a, const struct lines_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

/* Reads to the end of the file, as its size may change meanwhile. */
static bool read_all(int fd, GString *text, gsize limit)
{
    char part[16384];
    ssize_t n;
    while ((n = read(fd, part, sizeof part)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n > 0 && text->len + (gsize)n > limit) {
            errno = EFBIG;
            n = -1;
        }
        if (n < 0)
            break;
        g_string_append_len(text, part, n);
    }
    explicit_bzero(part, sizeof part); /* a map file holds a password */
    return n == 0;
}

bool lines_read(const char *path, gsize limit, char **text_r, gsize *len_r, char **error_r)
{
    struct stat st;
    /* A pipe must not hold us up. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    bool ok = fd >= 0 && fstat(fd, &st) == 0;
    if (ok && !S_ISREG(st.st_mode)) {
        errno = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
        ok = false;
    }
    /* At its full size from the start, so that no copy of a password is left behind in freed memory. */
    GString *text = g_string_sized_new(ok ? (gsize)MIN(st.st_size, (off_t)limit) + 1 : 1);
    ok = ok && read_all(fd, text, limit);
    if (!ok)
        *error_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    *len_r = text->len;
    *text_r = g_string_free(text, !ok);
    return ok;
}
