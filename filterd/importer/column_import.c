/* Imports keys of columns. Called by importer_process.c. */
#include "filterd/importer/column_import.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/config/users.h"
#include "base/frame_stream.h"
#include "base/log.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/tables/tables_client.h"
#include "gpg/column_key.h"
#include "gpg/keyring.h"

#define KEEPER_MS 5000
/* A refused text is tried again after this time: its key may have begun to be valid. */
#define REFUSED_US (600 * G_USEC_PER_SEC)
#define REFUSED_KEPT 10000

struct refused {
    char *digest;
    gint64 until;
};

struct column_import {
    const struct settings *settings;
    int line;
    struct endpoint keeper;
    struct users *users;
    struct tables_client *tables;
    GHashTable *refused; /* user -> struct refused */
};

static void refused_free(gpointer data)
{
    struct refused *r = data;
    g_free(r->digest);
    g_free(r);
}

struct column_import *column_import_new(const struct settings *settings, int line)
{
    struct column_import *c = g_new0(struct column_import, 1);
    *c = (struct column_import){.settings = settings, .line = line, .keeper = keeper_workers_at(&settings->control)};
    c->users = users_watch(settings->state_dir);
    c->tables = tables_client_new(settings);
    users_use_tables(c->users, tables_client_users(c->tables));
    c->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, refused_free);
    return c;
}

void column_import_free(struct column_import **c)
{
    if (!*c)
        return;
    users_free(&(*c)->users);
    tables_client_free(&(*c)->tables);
    g_hash_table_unref((*c)->refused);
    g_free((*c)->keeper.path);
    g_clear_pointer(c, g_free);
}

/* ---- what the import asks ---- */

/* Has the keeper note it, which knows us by our end of the line. */
static bool note(const char *user, bool has_keys, void *arg, char **error_r)
{
    const struct column_import *c = arg;
    const struct keeper_key_note wanted = {user, has_keys ? "keys" : "none"};
    const int fd = keeper_connect(&c->keeper);
    struct keeper_answer a = {.code = EX_TEMPFAIL};
    GVariant *arguments = keeper_format_pack(&keeper_format_key_note, &wanted);
    if (fd >= 0 && frame_stream_pass(fd, g_variant_new("(s@a{sv})", keeper_format_key_note.verb, arguments), c->line))
        a = keeper_hear(fd, KEEPER_MS);
    else if (fd < 0)
        g_variant_unref(g_variant_ref_sink(arguments));
    const bool ok = a.code == EX_OK;
    if (!ok)
        *error_r = g_strdup(a.text && *a.text ? a.text : "the keeper does not answer");
    keeper_answer_clear(&a);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* The login of a mailbox and its public addresses are one user: a key names one of them. */
static bool is_theirs(const char *address, const char *user, void *arg)
{
    const struct column_import *c = arg;
    GPtrArray *found = NULL;
    const bool theirs = users_resolve(c->users, address, c->settings->recipient_delimiter, &found) == USERS_FOUND &&
                        g_ptr_array_find_with_equal_func(found, user, g_str_equal, NULL);
    if (found)
        g_ptr_array_unref(found);
    return theirs;
}

/* The keys of the user's current generation, by their files' names; "-": none. g_free. */
static char *fingerprints(const struct column_import *c, const char *user)
{
    g_autofree char *home = NULL;
    GString *all = g_string_new(NULL);
    GDir *dir = keyring_current(c->settings->state_dir, user, &home) == KEYRING_FOUND ? g_dir_open(home, 0, NULL) : NULL;
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        if (g_str_has_suffix(name, ".pgp"))
            g_string_append_printf(all, "%s%.*s", all->len ? "," : "", (int)strlen(name) - 4, name);
    if (dir)
        g_dir_close(dir);
    return g_string_free(all->len ? all : g_string_assign(all, "-"), FALSE);
}

/* ---- one text ---- */

static bool was_refused(const struct column_import *c, const char *user, const char *digest)
{
    const struct refused *r = g_hash_table_lookup(c->refused, user);
    return r && !strcmp(r->digest, digest) && g_get_monotonic_time() < r->until;
}

static enum key_import refuse(struct column_import *c, const char *user, const char *digest, const char *why)
{
    if (g_hash_table_size(c->refused) >= REFUSED_KEPT)
        g_hash_table_remove_all(c->refused);
    struct refused *r = g_new0(struct refused, 1);
    *r = (struct refused){g_strdup(digest), g_get_monotonic_time() + REFUSED_US};
    g_hash_table_replace(c->refused, g_strdup(user), r);
    log_warn("user=<%s> [users] key: refused: %s; mail waits until the column has a key that can be used", user, why);
    return KEY_IMPORT_REFUSED;
}

static void note_change(const struct column_import *c, const char *user, const char *before)
{
    g_autofree char *now = fingerprints(c, user);
    if (!strcmp(before, "-"))
        log_info("user=<%s> [users] key: key=%s imported", user, now);
    else
        log_info("user=<%s> [users] key: changed: key=%s, before %s", user, now, before);
    g_hash_table_remove(c->refused, user);
}

static enum key_import import(struct column_import *c, const char *user, const char *text, size_t len,
                              const char *digest)
{
    const struct keyring_notes notes = {note, c};
    struct keyring_input input = {.is_theirs = is_theirs, .arg = c, .column = digest, .notes = &notes};
    g_autofree char *error = NULL, *before = fingerprints(c, user);
    int code = EX_DATAERR;
    if (column_key_read(text, len, &input.text))
        code = keyring_import(c->settings->state_dir, user, &input, NULL, &error);
    bytes_free(&input.text);
    if (code == EX_DATAERR)
        return refuse(c, user, digest, error ? error : "no key in the column");
    if (code == EX_OK)
        note_change(c, user, before);
    else
        log_warn("user=<%s> [users] key: not imported now: %s", user, error ? error : "unknown");
    return code == EX_OK ? KEY_IMPORT_DONE : KEY_IMPORT_TEMP;
}

/* Another who asked may have had it imported meanwhile. */
enum key_import column_import_text(struct column_import *c, const char *user, const char *text, size_t len)
{
    g_autofree char *digest = column_key_digest(text, len);
    switch (column_key_compare(c->settings->state_dir, user, text, len)) {
    case COLUMN_KEY_IMPORTED:
        return KEY_IMPORT_DONE;
    case COLUMN_KEY_NEW:
        return was_refused(c, user, digest) ? KEY_IMPORT_REFUSED : import(c, user, text, len, digest);
    default:
        return KEY_IMPORT_TEMP;
    }
}
