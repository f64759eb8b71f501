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

/* Whole or not at all, and for its owner only. */
static int write_file(const char *file, const char *data, size_t len)
{
    char *fresh = g_strdup_printf("%s.%d.new", file, (int)getpid());
    const int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    const bool ok = fd >= 0 && bytes_write(fd, data, len) && fsync(fd) == 0 && rename(fresh, file) == 0;
    if (!ok)
        filterctl_complain("%s: %s", file, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !ok)
        unlink(fresh);
    g_free(fresh);
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

int filterctl_export_write(struct filterctl *ctl, const char *user, const char *file)
{
    const bool out = !file || strcmp(file, "-") == 0;
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", user);
    struct keeper_answer a = filterctl_request(ctl, "user-export", g_variant_dict_end(&d));
    GVariant *bytes = a.results ? g_variant_lookup_value(a.results, "file", G_VARIANT_TYPE("ay")) : NULL;
    if (a.code == EX_OK && !bytes)
        a.code = EX_PROTOCOL;
    if (a.code == EX_OK) {
        gsize len;
        const char *data = g_variant_get_fixed_array(bytes, &len, 1);
        a.code = out ? write_out(data, len) : write_file(file, data, len);
        if (a.code == EX_OK && !out) {
            g_free(a.text);
            a.text = g_strdup("settings, aliases and what was learnt; records and keys stay here");
            filterctl_tell(ctl, &a);
        }
    } else {
        filterctl_complain("%s", a.text && *a.text ? a.text : "no export came");
    }
    const int code = a.code;
    if (bytes)
        g_variant_unref(bytes);
    keeper_answer_clear(&a);
    return code;
}

int filterctl_export_read(struct filterctl *ctl, const char *user, const char *file)
{
    struct bytes data = {0};
    int code = EX_NOINPUT;
    if (filterctl_read(file, &data) && data.len <= EXPORT_MAX_BYTES) {
        GVariantDict d;
        g_variant_dict_init(&d, NULL);
        g_variant_dict_insert(&d, "user", "s", user);
        g_variant_dict_insert_value(&d, "file",
                                    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data.data, data.len, 1));
        code = filterctl_ask_and_tell(ctl, "user-import", g_variant_dict_end(&d));
    } else if (data.len > EXPORT_MAX_BYTES) {
        filterctl_complain("%s: this is no export of a user", file);
        code = EX_DATAERR;
    }
    bytes_free(&data);
    return code;
}
