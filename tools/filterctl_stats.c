/* filterctl stats [USER]: what each user's filter has learnt and keeps. */
#include <glib/gstdio.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/address.h"
#include "classifier/model.h"
#include "tools/filterctl.h"

static void print(const struct filterctl *ctl, const char *user, struct model_figures f,
                  gint64 bytes)
{
    GString *name = g_string_new(NULL);
    if (ctl->json)
        filterctl_json_string(name, user);
    printf(ctl->json ? "{\"user\":%s,\"spam\":%" PRId64 ",\"ham\":%" PRId64 ",\"moves\":%" PRId64
                       ",\"records\":%" PRId64 ",\"bytes\":%" PRId64 "}\n"
                     : "%s spam=%" PRId64 " ham=%" PRId64 " moves=%" PRId64 " records=%" PRId64
                       " bytes=%" PRId64 "\n",
           ctl->json ? name->str : user, f.spam, f.ham, f.moves, f.records, bytes);
    g_string_free(name, TRUE);
}

/* False if it cannot be read. */
static bool show(const struct filterctl *ctl, const char *path, const char *wanted)
{
    char *error = NULL;
    struct stat st;
    struct model *m = model_open_file(path, false, &error);
    char *user = m ? model_user(m) : NULL;
    if (user && (!wanted || g_strcmp0(user, wanted) == 0))
        print(ctl, user, model_figures(m), g_stat(path, &st) == 0 ? (gint64)st.st_size : 0);
    if (error)
        filterctl_complain("%s", error);
    const bool ok = error == NULL;
    g_free(user);
    g_free(error);
    model_free(&m);
    return ok;
}

int filterctl_stats(struct filterctl *ctl, int argc, char **argv)
{
    if (argc > 2)
        return EX_USAGE;
    char *wanted = argc == 2 ? address_canonical(argv[1]) : NULL;
    GPtrArray *files = model_files(ctl->settings->state_dir, ".db");
    bool ok = argc < 2 || wanted;
    for (guint i = 0; ok && i < files->len; i++)
        ok = show(ctl, g_ptr_array_index(files, i), wanted);
    g_ptr_array_unref(files);
    g_free(wanted);
    return ok ? EX_OK : EX_DATAERR;
}
