/* lines: a file of Postfix's in memory, and its logical lines. */
#ifndef FILTERD_TABLES_LINES_H
#define FILTERD_TABLES_LINES_H

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

struct lines {
    const char *at, *end;
    int next; /* number of the next physical line */
};

/* Begins with the first line of text, which the caller keeps. */
struct lines lines_of(const char *text, gsize len);
/* Reads the next logical line: a line and those after it that begin with a blank, without comments, empty lines
 * and blanks at its end. False at the end of the text. *number_r is its first physical line's. */
bool lines_next(struct lines *l, GString *line, int *number_r);

/* Where a file stands and since when: it is another one, or was written to, if this differs. */
struct lines_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};
/* False, with errno, if there is no such file. */
bool lines_stamp(const char *path, struct lines_stamp *stamp_r);
bool lines_stamp_is(const struct lines_stamp *a, const struct lines_stamp *b);
/* Reads a regular file of at most limit bytes; *text_r is g_free's, with a NUL behind its *len_r bytes. */
bool lines_read(const char *path, gsize limit, char **text_r, gsize *len_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
