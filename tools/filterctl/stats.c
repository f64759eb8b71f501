/* filterctl stats [USER]: what each user's model has learnt, and who gets mail but corrects nothing any
 * more. Called by filterctl.c. */
#include <glib/gstdio.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "classifier/model.h"
#include "tools/filterctl/filterctl.h"

enum { WARNINGS = 10 }; /* silent users that are named; of more only the number is told */

struct row {
    char *user;
    char *mode;  /* NULL for the site's base, which has no mode */
    bool learns; /* the mode learns from corrections (settle, toe) */
    struct model_figures figures;
    gint64 bytes;
    bool silent; /* gets mail, corrects nothing, and the mode needs corrections */
};

static void row_free(gpointer data)
{
    struct row *r = data;
    g_free(r->user);
    g_free(r->mode);
    g_free(r);
}

/* Fills in the user's mode. False if the settings cannot be read (see users_error). */
static bool take_mode(const struct filterctl *ctl, struct users *users, struct row *r)
{
    struct user_settings of = user_settings_of(ctl->settings);
    const bool ok = users_settings(users, r->user, &of);
    r->learns = of.mode == MODE_SETTLE || of.mode == MODE_TOE;
    r->mode = user_settings_print(&of, USER_MODE);
    user_settings_clear(&of);
    return ok;
}

/* Reads one user's store. NULL with one line in *error_r if it cannot be read. */
static struct row *row_new(const char *path, char **error_r)
{
    struct stat st;
    struct model *m = model_open_file(path, false, error_r);
    if (!m)
        return NULL;
    struct row *r = g_new0(struct row, 1);
    if (!model_user(m, &r->user) || !model_figures(m, &r->figures)) {
        *error_r = g_strdup_printf("%s: it cannot be read", path);
        row_free(r);
        r = NULL;
    } else {
        r->bytes = g_stat(path, &st) == 0 ? (gint64)st.st_size : 0;
    }
    model_free(&m);
    return r;
}

struct collection {
    const struct filterctl *ctl;
    struct users *users;
    const char *wanted; /* NULL: all */
    GPtrArray *rows;
};

static gint by_user(gconstpointer a, gconstpointer b)
{
    const struct row *x = *(struct row *const *)a, *y = *(struct row *const *)b;
    return strcmp(x->user, y->user);
}

/* Adds the row of one store, if it is wanted. Sets *error_r to one line if it cannot be read. */
static void collect_file(struct collection *c, const char *path, char **error_r)
{
    struct row *r = row_new(path, error_r);
    if (!r)
        return;
    const bool site = g_strcmp0(r->user, MODEL_SITE) == 0;
    if (!r->user || (c->wanted && strcmp(r->user, c->wanted) != 0)) {
        row_free(r);
        return;
    }
    g_ptr_array_add(c->rows, r);
    if (!site && !take_mode(c->ctl, c->users, r))
        *error_r = g_strdup(users_error(c->users));
    r->silent = !site && r->learns && model_is_silent(&r->figures);
}

/* A user without a store: no mail has come and nothing was learnt yet. */
static void add_new(struct collection *c, char **error_r)
{
    struct row *r = g_new0(struct row, 1);
    r->user = g_strdup(c->wanted);
    g_ptr_array_add(c->rows, r);
    if (!take_mode(c->ctl, c->users, r))
        *error_r = g_strdup(users_error(c->users));
}

/* All rows (struct row*), sorted; NULL with the reason on stderr. */
static GPtrArray *collect(const struct filterctl *ctl, const char *wanted)
{
    g_autofree char *error = NULL;
    struct collection c = {ctl, users_open(ctl->settings->state_dir, false, &error), wanted,
                           g_ptr_array_new_with_free_func(row_free)};
    GPtrArray *files = model_files(ctl->settings->state_dir, ".db");
    if (!files && !error)
        error = g_strdup_printf("%s/users: %s", ctl->settings->state_dir, g_strerror(errno));
    for (guint i = 0; !error && i < files->len; i++)
        collect_file(&c, g_ptr_array_index(files, i), &error);
    if (!error && wanted && c.rows->len == 0)
        add_new(&c, &error);
    if (error) {
        filterctl_complain("%s", error);
        g_clear_pointer(&c.rows, g_ptr_array_unref);
    } else {
        g_ptr_array_sort(c.rows, by_user);
    }
    users_free(&c.users);
    g_clear_pointer(&files, g_ptr_array_unref);
    return c.rows;
}

/* ---- all of them together ---- */

struct total {
    guint users, silent;
    const struct row *last; /* the row with the latest correction; NULL: there was none */
};

static struct total total_of(const GPtrArray *rows)
{
    struct total t = {0};
    for (guint i = 0; i < rows->len; i++) {
        const struct row *r = g_ptr_array_index(rows, i);
        t.users += r->mode != NULL;
        t.silent += r->silent;
        if (*r->figures.last_move &&
            (!t.last || strcmp(r->figures.last_move, t.last->figures.last_move) > 0))
            t.last = r;
    }
    return t;
}

/* ---- JSON ---- */

static void add_day(GString *out, const char *name, const char *day)
{
    g_string_append_printf(out, ",\"%s\":", name);
    filterctl_json_string(out, *day ? day : NULL);
}

static void add_json(GString *out, const struct row *r)
{
    const struct model_figures *f = &r->figures;
    g_string_append(out, "{\"user\":");
    filterctl_json_string(out, r->user);
    g_string_append(out, ",\"mode\":");
    filterctl_json_string(out, r->mode);
    g_string_append_printf(out,
                           ",\"spam\":%" PRId64 ",\"ham\":%" PRId64 ",\"moves\":%" PRId64
                           ",\"records\":%" PRId64 ",\"delivered\":%" PRId64 ",\"bytes\":%" PRId64,
                           f->spam, f->ham, f->moves, f->records, f->delivered, r->bytes);
    add_day(out, "last_move", f->last_move);
    g_string_append_printf(out, ",\"silent\":%s}", r->silent ? "true" : "false");
}

static void print_json(const GPtrArray *rows, bool one)
{
    const struct total t = total_of(rows);
    GString *out = g_string_new(one ? NULL : "{\"users\":[");
    for (guint i = 0; i < rows->len; i++) {
        g_string_append(out, i ? ",\n" : "");
        add_json(out, g_ptr_array_index(rows, i));
    }
    if (!one) {
        g_string_append_printf(out, "],\"count\":%u,\"silent\":%u", t.users, t.silent);
        add_day(out, "last_move", t.last ? t.last->figures.last_move : "");
        g_string_append_c(out, '}');
    }
    puts(out->str);
    g_string_free(out, TRUE);
}

/* ---- a table ---- */

static const char *day_or_never(const char *day)
{
    return *day ? day : "never";
}

static void print_table(const GPtrArray *rows)
{
    int width = 4;
    for (guint i = 0; i < rows->len; i++)
        width = MAX(width, (int)strlen(((struct row *)rows->pdata[i])->user));
    printf("%-*s  %-6s %8s %8s %9s  %-10s %7s %10s\n", width, "user", "mode", "spam", "ham",
           "corrected", "last", "7 days", "bytes");
    for (guint i = 0; i < rows->len; i++) {
        const struct row *r = g_ptr_array_index(rows, i);
        const struct model_figures *f = &r->figures;
        printf("%-*s  %-6s %8" PRId64 " %8" PRId64 " %9" PRId64 "  %-10s %7" PRId64 " %10" PRId64 "\n",
               width, r->user, r->mode ? r->mode : "-", f->spam, f->ham, f->moves,
               r->mode ? day_or_never(f->last_move) : "-", f->delivered, r->bytes);
    }
}

/* Warns only: a user who corrects nothing may simply have nothing to correct. */
static void print_warnings(const GPtrArray *rows, guint silent)
{
    guint told = 0;
    for (guint i = 0; i < rows->len && told < WARNINGS; i++) {
        const struct row *r = g_ptr_array_index(rows, i);
        if (!r->silent)
            continue;
        printf("warning: %s gets mail, but %s%s\n", r->user,
               *r->figures.last_move ? "last corrected the filter on " : "never corrected the filter",
               r->figures.last_move);
        told++;
    }
    if (silent > told)
        printf("warning: and %u more\n", silent - told);
    if (silent > 0)
        puts("If they do move mail into Junk and out of it: see that Dovecot's IMAPSieve is set up\n"
             "(share/filterd/dovecot) and runs filterd-retrain, and that train_users has its user.");
}

static void print_total(const struct total *t)
{
    printf("%u user%s, last correction", t->users, t->users == 1 ? "" : "s");
    if (t->last)
        printf(" on %s by %s\n", t->last->figures.last_move, t->last->user);
    else
        puts(": never");
}

int filterctl_stats(struct filterctl *ctl, int argc, char **argv)
{
    if (argc > 2)
        return EX_USAGE;
    g_autofree char *wanted = argc == 2 ? address_canonical(argv[1]) : NULL;
    if (argc == 2 && !wanted) {
        filterctl_complain("%s: not a user", argv[1]);
        return EX_DATAERR;
    }
    filterctl_settle(ctl);
    GPtrArray *rows = collect(ctl, wanted);
    if (!rows)
        return EX_DATAERR;
    const struct total t = total_of(rows);
    if (ctl->json) {
        print_json(rows, wanted != NULL);
    } else {
        print_table(rows);
        print_warnings(rows, t.silent);
        if (!wanted)
            print_total(&t);
    }
    g_ptr_array_unref(rows);
    return EX_OK;
}
