/* The store of a keeper, and what tests ask of unclaimed addresses in it. */
#ifndef T_UNIT_UNCLAIMED_WORLD_H
#define T_UNIT_UNCLAIMED_WORLD_H

#include <glib.h>

#include "base/config/users.h"
#include "filterd/keeper/unclaimed.h"
#include "t/unit/model_store_world.h"

#define ANN "ann@x.example"
#define EVE "eve@x.example"

static inline bool has_own(const char *user)
{
    g_autofree char *path = users_store_path(settings.state_dir, user);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static inline gint64 number_in(const char *path, const char *sql)
{
    char *error = NULL;
    sqlite3 *db;
    assert_true(store_open(path, false, NULL, &db, &error));
    sqlite3_stmt *st = db ? store_prepare(db, sql, NULL, 0) : NULL;
    const gint64 n = st && sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

/* On disk, of all users. */
static inline gint64 unclaimed(void)
{
    g_autofree char *path = unclaimed_path(settings.state_dir);
    model_store_write(model_store);
    return number_in(path, "SELECT count(*) FROM record");
}

static inline gint64 own(const char *user, const char *where)
{
    g_autofree char *path = users_store_path(settings.state_dir, user);
    g_autofree char *sql = g_strconcat("SELECT count(*) FROM record WHERE ", where, NULL);
    return number_in(path, sql);
}

static inline int record(const char *user, const char *signature, guint32 features)
{
    GArray *of = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint32 i = 0; i < features; i++) {
        const guint32 feature = i * 2654435761u;
        g_array_append_val(of, feature);
    }
    const int code = ask("record", VALUES({"user", user}, {"signature", signature}, {"class", "ham"}), of);
    g_array_unref(of);
    return code;
}

static inline int confirm(const char *user, const char *signature, bool mailbox)
{
    const struct keeper_confirm c = {user, signature, mailbox};
    GVariant *arguments = g_variant_ref_sink(keeper_format_pack(&keeper_format_confirm, &c));
    const int code = code_of("confirm", arguments);
    g_variant_unref(arguments);
    return code;
}

/* As a worker tells it of a mailbox that the operator's tables name. */
static inline int record_named(const char *user, int number)
{
    const guint32 feature = 4711;
    GArray *features = g_array_append_vals(g_array_new(FALSE, FALSE, sizeof(guint32)), &feature, 1);
    g_autofree char *signature = g_strdup_printf("n%d", number);
    const struct keeper_record r = {.user = user, .signature = signature, .class = "ham", .features = features, .named = TRUE};
    GVariant *arguments = g_variant_ref_sink(keeper_format_pack(&keeper_format_record, &r));
    const int code = code_of("record", arguments);
    g_variant_unref(arguments);
    g_array_unref(features);
    return code;
}

#endif
