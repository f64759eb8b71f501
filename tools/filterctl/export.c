/* filterctl user export and user import: the keeper makes the file's content and takes it; here it is
 * written and read. Called by alias.c. */
#include "tools/filterctl/export.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "filterd/keeper/export.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"

/* Writes the file whole or not at all, readable for its owner only: it holds a user's model. */
static int write_file(const char *file, const char *data, size_t len)
{
    g_autofree char *fresh = g_strdup_printf("%s.%d.new", file, (int)getpid());
    const int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool ok = fd >= 0 && bytes_write(fd, data, len) && fsync(fd) == 0 && rename(fresh, file) == 0;
    if (!ok)
        filterctl_complain("%s: %s", file, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !ok)
        unlink(fresh);
    return ok ? EX_OK : EX_CANTCREAT;
}

static int write_out(const char *data, size_t len)
{
    if (isatty(STDOUT_FILENO)) {
        filterctl_complain("an export is nothing to read: name a file for it");
        return EX_USAGE;
    }
    if (bytes_write(STDOUT_FILENO, data, len))
        return EX_OK;
    filterctl_complain("standard output: %s", g_strerror(errno));
    return EX_IOERR;
}

static int write_answer(struct filterctl *ctl, GBytes *bytes, const char *file)
{
    gsize len;
    const char *data = g_bytes_get_data(bytes, &len);
    if (!file || strcmp(file, "-") == 0)
        return write_out(data, len);
    const struct keeper_answer done = {
        write_file(file, data, len),
        (char *)"settings, aliases and what was learnt; records and keys stay here", NULL};
    return done.code == EX_OK ? filterctl_tell(ctl, &done) : done.code;
}

int filterctl_export_write(struct filterctl *ctl, const char *user, const char *file)
{
    const struct keeper_user_export wanted = {user};
    struct keeper_answer a = filterctl_request(ctl, &keeper_format_user_export, &wanted);
    struct keeper_exported out = {0};
    const bool whole = a.results && keeper_format_unpack(&keeper_format_exported, a.results, &out, NULL);
    int code = a.code == EX_OK && !whole ? EX_PROTOCOL : a.code;
    if (code == EX_OK)
        code = write_answer(ctl, out.file, file);
    else
        filterctl_complain("%s", a.text && *a.text ? a.text : "no export came");
    keeper_format_clear(&keeper_format_exported, &out);
    keeper_answer_clear(&a);
    return code;
}

int filterctl_export_read(struct filterctl *ctl, const char *user, const char *file)
{
    struct bytes data = {0};
    int code = EX_NOINPUT;
    if (filterctl_read(file, &data) && data.len <= EXPORT_MAX_BYTES) {
        const struct keeper_user_import wanted = {user, g_bytes_new_static(data.data, data.len)};
        code = filterctl_ask_and_tell(ctl, &keeper_format_user_import, &wanted);
        g_bytes_unref(wanted.file);
    } else if (data.len > EXPORT_MAX_BYTES) {
        filterctl_complain("%s: this is no export of a user", file);
        code = EX_DATAERR;
    }
    bytes_free(&data);
    return code;
}
