/* test_folder: a folder of a test's own, below $TMPDIR, and one file in it. */
#ifndef T_UNIT_TEST_FOLDER_H
#define T_UNIT_TEST_FOLDER_H

#include <glib.h>
#include <glib/gstdio.h>

static char *folder, *file __attribute__((unused));

/* 0, or -1 as cmocka's set-up functions. */
static inline int folder_make(const char *name)
{
    folder = g_dir_make_tmp("filterd-test-XXXXXX", NULL);
    file = folder ? g_build_filename(folder, name, NULL) : NULL;
    return file ? 0 : -1;
}

static inline void folder_empty(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));) {
        char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR) && !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            folder_empty(child);
        g_remove(child);
        g_free(child);
    }
    if (dir)
        g_dir_close(dir);
}

/* With all that lies in it. */
static inline int folder_remove(void **state)
{
    (void)state;
    folder_empty(folder);
    const int failed = g_rmdir(folder);
    g_free(file);
    g_free(folder);
    return failed;
}

#endif
