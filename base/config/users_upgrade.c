/* Upgrades users.db. Called by users.c when the keeper, or filterctl in its place, opens a file of an older
 * version. */
#include "base/config/users_upgrade.h"

#include <glib.h>

#include "base/config/key_folders.h"
#include "base/log.h"

struct noting {
    sqlite3 *db;
    bool ok;
};

static void note(const char *user, void *arg)
{
    struct noting *n = arg;
    n->ok = n->ok && store_run(n->db, "INSERT OR IGNORE INTO key VALUES (?1)", &user, 1);
}

/* Version 2: whoever has a key folder gets a note of it. */
static int note_key_folders(sqlite3 *db)
{
    struct noting n = {db, true};
    g_autofree char *state_dir = g_path_get_dirname(sqlite3_db_filename(db, "main"));
    if (!key_folders_each(state_dir, note, &n)) {
        log_warn("%s/keys cannot be read: not upgraded", state_dir);
        return SQLITE_CANTOPEN;
    }
    return n.ok ? SQLITE_OK : sqlite3_errcode(db);
}

/* Version 2 refuses what never did anything. */
static int drop_noops(sqlite3 *db)
{
    return sqlite3_exec(db, "DELETE FROM setting WHERE name = 'protect_headers' AND value = 'yes'", NULL, NULL, NULL);
}

int users_upgrade(sqlite3 *db, int from)
{
    if (from >= 2)
        return SQLITE_OK;
    const int code = drop_noops(db);
    return code == SQLITE_OK ? note_key_folders(db) : code;
}
