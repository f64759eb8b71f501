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
/* What failed otherwise, or took long, is tried again after this many times what it took: one user's key, which may hold
 * thousands of signatures, takes no more than a tenth of the time that all have. */
#define REST_TIMES 10
#define SLOW_US (3 * G_USEC_PER_SEC)
#define TRIED_KEPT 10000
/* More addresses of a key are not looked for among the user's: each is a question to the tables. */
#define ADDRESSES_MAX 20

/* A user's last text that was not imported, or took long. */
struct tried {
    char *digest;
    enum key_import result;
    gint64 until;       /* monotonic microseconds: the same text gets the same answer */
    gint64 rests_until; /* another is not tried either */
};

struct column_import {
    const struct settings *settings;
    int line;
    struct endpoint keeper;
    struct users *users;
    struct tables_client *tables;
    GHashTable *tried; /* user -> struct tried */
    int asked;         /* addresses of the key at hand */
    bool unsure;       /* whose one of them is cannot be known now */
};

static void tried_free(gpointer data)
{
    struct tried *t = data;
    g_free(t->digest);
    g_free(t);
}

struct column_import *column_import_new(const struct settings *settings, int line)
{
    struct column_import *c = g_new0(struct column_import, 1);
    *c = (struct column_import){.settings = settings, .line = line, .keeper = keeper_workers_at(&settings->control)};
    c->users = users_watch(settings->state_dir);
    users_let_go(c->users);
    c->tables = tables_client_new(settings);
    users_use_tables(c->users, tables_client_users(c->tables));
    c->tried = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, tried_free);
    return c;
}

void column_import_free(struct column_import **c)
{
    if (!*c)
        return;
    users_free(&(*c)->users);
    tables_client_free(&(*c)->tables);
    g_hash_table_unref((*c)->tried);
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
    struct column_import *c = arg;
    GPtrArray *found = NULL;
    if (c->unsure || c->asked++ >= ADDRESSES_MAX)
        return false;
    const enum users_result result = users_resolve(c->users, address, c->settings->recipient_delimiter, &found);
    const bool theirs = result == USERS_FOUND && g_ptr_array_find_with_equal_func(found, user, g_str_equal, NULL);
    c->unsure = result == USERS_TEMP;
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

/* False: it is to be tried. */
static bool rests(const struct column_import *c, const char *user, const char *digest, enum key_import *result_r)
{
    const struct tried *t = g_hash_table_lookup(c->tried, user);
    const gint64 now = g_get_monotonic_time();
    const bool same = t && now < t->until && !strcmp(t->digest, digest);
    *result_r = same ? t->result : KEY_IMPORT_TEMP;
    return same || (t && now < t->rests_until);
}

/* Returns for how many seconds the same text is not tried again. */
static int remember(struct column_import *c, const char *user, const char *digest, enum key_import result, gint64 took)
{
    const gint64 now = g_get_monotonic_time(), rest = MIN(REST_TIMES * took, REFUSED_US);
    const gint64 until = now + (result == KEY_IMPORT_REFUSED ? REFUSED_US : result == KEY_IMPORT_TEMP ? rest : 0);
    g_hash_table_remove(c->tried, user);
    if (result == KEY_IMPORT_DONE && took < SLOW_US)
        return 0;
    if (g_hash_table_size(c->tried) >= TRIED_KEPT)
        g_hash_table_remove_all(c->tried);
    struct tried *t = g_new0(struct tried, 1);
    *t = (struct tried){g_strdup(digest), result, until, took < SLOW_US ? now : now + rest};
    g_hash_table_replace(c->tried, g_strdup(user), t);
    return (int)((until - now) / G_USEC_PER_SEC) + 1;
}

static void note_change(const struct column_import *c, const char *user, const char *before)
{
    g_autofree char *now = fingerprints(c, user);
    if (!strcmp(before, "-"))
        log_info("user=<%s> [users] key: key=%s imported", user, now);
    else
        log_info("user=<%s> [users] key: changed: key=%s, before %s", user, now, before);
}

static enum key_import result_of(const struct column_import *c, int code)
{
    return code == EX_OK ? KEY_IMPORT_DONE : code == EX_DATAERR && !c->unsure ? KEY_IMPORT_REFUSED : KEY_IMPORT_TEMP;
}

static enum key_import import(struct column_import *c, const char *user, const char *text, size_t len,
                              const char *digest)
{
    const struct keyring_notes notes = {note, c};
    struct keyring_input input = {.is_theirs = is_theirs, .arg = c, .column = digest, .notes = &notes};
    g_autofree char *error = NULL, *before = fingerprints(c, user);
    const gint64 start = g_get_monotonic_time();
    int code = EX_DATAERR;
    c->asked = 0;
    c->unsure = false;
    if (column_key_read(text, len, &input.text))
        code = keyring_import(c->settings->state_dir, user, &input, NULL, &error);
    bytes_free(&input.text);
    users_let_go(c->users); /* between two imports nothing keeps state_dir from being unmounted */
    const enum key_import result = result_of(c, code);
    const int again = remember(c, user, digest, result, g_get_monotonic_time() - start);
    if (result == KEY_IMPORT_DONE)
        note_change(c, user, before);
    else if (result == KEY_IMPORT_REFUSED)
        log_warn("user=<%s> [users] key: refused: %s; mail waits until the column has a key that can be used", user,
                 error ? error : "no key in the column");
    else
        log_warn("user=<%s> [users] key: not imported now: %s; tried again after %d s", user,
                 c->unsure ? "whose an address is that the key names cannot be known" : error ? error : "unknown", again);
    return result;
}

/* Another who asked may have had it imported meanwhile. */
enum key_import column_import_text(struct column_import *c, const char *user, const char *text, size_t len)
{
    g_autofree char *digest = column_key_digest(text, len);
    enum key_import result;
    switch (column_key_compare(c->settings->state_dir, user, text, len)) {
    case COLUMN_KEY_IMPORTED:
        return KEY_IMPORT_DONE;
    case COLUMN_KEY_NEW:
        return rests(c, user, digest, &result) ? result : import(c, user, text, len, digest);
    default:
        return KEY_IMPORT_TEMP;
    }
}
