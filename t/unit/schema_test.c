/* Versions of the stores: files from before there were versions are upgraded and lose nothing, and a file
 * of a later filterd is left as it is. */
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/log.h"
#include "classifier/classifier.h"
#include "classifier/known_sender.h"
#include "classifier/model.h"
#include "classifier/tokens.h"
#include "filterd/keeper/greylist.h"
#include "filterd/keeper/model_store.h"
#include "filterd/keeper/record.h"
#include "filterd/keeper/delivered.h"
#include "filterd/keeper/spent.h"
#include "t/unit/model_store_world.h"

#include <signal.h>
#include <sys/resource.h>


#define USER "a@x.example"
#define DIGEST "sixteen bytes!!!"

static const long now = 1800000000;

/* Stores as filterd made them before they had versions. */
static const char users_0[] =
    "CREATE TABLE alias (address TEXT NOT NULL, member TEXT NOT NULL, PRIMARY KEY (address, member));"
    "CREATE INDEX alias_member ON alias (member);"
    "CREATE TABLE setting (user TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,"
    " PRIMARY KEY (user, name)) WITHOUT ROWID;"
    "INSERT INTO alias VALUES ('team@x.example', 'a@x.example'), ('team@x.example', 'b@x.example');"
    "INSERT INTO setting VALUES ('a@x.example', 'encrypt', 'no'), ('a@x.example', 'allow', 'c@y.example');";
/* The first of these had no columns for rules and known senders, nor a table for these. */
static const char model_0[] =
    "CREATE TABLE owner(user TEXT NOT NULL);"
    "CREATE TABLE checkpoint(id INTEGER PRIMARY KEY CHECK(id = 1), weights BLOB NOT NULL,"
    " counts BLOB NOT NULL, touched BLOB NOT NULL);"
    "CREATE TABLE learnt(id INTEGER PRIMARY KEY CHECK(id = 1), applied INTEGER NOT NULL,"
    " spam INTEGER NOT NULL, ham INTEGER NOT NULL, counted_spam INTEGER NOT NULL,"
    " counted_ham INTEGER NOT NULL);"
    "CREATE TABLE period(id INTEGER PRIMARY KEY CHECK(id = 1), day TEXT NOT NULL, learnt INTEGER NOT NULL);"
    "CREATE TABLE record(signature TEXT PRIMARY KEY, day TEXT NOT NULL, class TEXT NOT NULL,"
    " score REAL NOT NULL, state INTEGER NOT NULL, taught TEXT, sealed BLOB NOT NULL,"
    " header INTEGER NOT NULL DEFAULT 0, body INTEGER NOT NULL DEFAULT 0,"
    " counts INTEGER NOT NULL DEFAULT 0, heard INTEGER NOT NULL DEFAULT 0,"
    " site_header INTEGER NOT NULL DEFAULT 0, site_body INTEGER NOT NULL DEFAULT 0,"
    " site_counts INTEGER NOT NULL DEFAULT 0, site_heard INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE journal(id INTEGER PRIMARY KEY AUTOINCREMENT, day TEXT NOT NULL, kind TEXT NOT NULL,"
    " signature TEXT, spam INTEGER NOT NULL, header INTEGER NOT NULL, body INTEGER NOT NULL,"
    " counts INTEGER NOT NULL, heard INTEGER NOT NULL, places BLOB);"
    "INSERT INTO owner VALUES ('a@x.example');"
    "INSERT INTO record(signature, day, class, score, state, sealed)"
    " VALUES ('s1', '2026-11-01', 'spam', 2.5, 1, x'00'), ('s2', '2026-11-02', 'ham', -1, 0, x'01');"
    "INSERT INTO journal(day, kind, spam, header, body, counts, heard, places)"
    " VALUES ('2026-11-03', 'move', 1, 0, 0, 0, 7, x'');";
static const char greylist_0[] =
    "CREATE TABLE triplet(id INTEGER PRIMARY KEY, came INTEGER NOT NULL, passes INTEGER NOT NULL,"
    " forget INTEGER NOT NULL);"
    "CREATE TABLE client(id INTEGER PRIMARY KEY, came INTEGER NOT NULL, passes INTEGER NOT NULL,"
    " forget INTEGER NOT NULL);"
    "INSERT INTO triplet VALUES (1, 2, 3, 1900000000);";
static const char delivered_0[] =
    "CREATE TABLE copy(digest BLOB PRIMARY KEY, forget INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO copy VALUES (CAST('" DIGEST "' AS BLOB), 1900000000);";

/* It came with a version. */
static const char spent_0[] =
    "CREATE TABLE proof(id INTEGER PRIMARY KEY, taker INTEGER NOT NULL, forget INTEGER NOT NULL);"
    "INSERT INTO proof VALUES (0, 1, 1900000000);";

static char *path_of(const char *name)
{
    return strcmp(name, "model") ? g_build_filename(settings.state_dir, name, NULL)
                                 : users_store_path(settings.state_dir, USER);
}

static gint64 ask_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *st;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    const gint64 n = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

static gint64 version_of(const char *path)
{
    return ask_sql(path, "PRAGMA user_version");
}

static void make(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(g_chmod(path, 0640), 0);
}

/* ---- each store: open it for writing and look; false with *error_r ---- */

static bool users_have_all(struct users *u)
{
    GPtrArray *found;
    struct user_settings s = user_settings_of(&settings);
    const bool ok = users_resolve(u, "team@x.example", "", &found) == USERS_FOUND && found->len == 2 &&
                    users_settings(u, USER, &s) && !s.encrypt && s.allow;
    user_settings_clear(&s);
    g_ptr_array_unref(found);
    return ok;
}

static bool use_users(char **error_r)
{
    struct users *u = users_open(settings.state_dir, true, error_r);
    const bool ok = u && users_have_all(u);
    users_free(&u);
    return ok;
}

static bool model_has_all(struct model *m)
{
    struct model_figures f;
    return model_figures(m, &f) && f.records == 2 && f.moves == 1 && f.spam == 7 &&
           strcmp(f.last_move, "2026-11-03") == 0;
}

static bool use_model(char **error_r)
{
    struct model *m = model_open(settings.state_dir, USER, true, error_r);
    struct record *r = m ? record_get(m, "s1") : NULL;
    const bool ok = m && model_has_all(m) && r && r->score == 2.5 && r->rules == 0 && !r->known_sender &&
                    !known_sender_is_known(m, "0") && record_update(m, r);
    record_free(&r);
    model_free(&m);
    return ok;
}

static bool use_greylist(char **error_r)
{
    const struct greylist_triplet t = {.address = "192.0.2.1", .sender = "s", .recipient = "r"};
    int wait = 0;
    struct greylist *g = greylist_open(settings.state_dir, &key, error_r);
    const bool ok = g && greylist_ask(g, &t, now, &wait) == GREYLIST_WAIT;
    greylist_free(&g);
    return ok;
}

static bool use_retries(char **error_r)
{
    struct delivered *r = delivered_open(settings.state_dir, error_r);
    const bool ok = r != NULL;
    delivered_free(&r);
    return ok;
}

static bool use_spent(char **error_r)
{
    static const unsigned char digest[SPENT_BYTES];
    struct spent *s = spent_open(settings.state_dir, 10, error_r);
    const bool ok = s && spent_is_by_another(s, digest, now);
    spent_free(&s);
    return ok;
}

static const struct {
    const char *name, *made_before, *count;
    int version;
    bool (*use)(char **error_r);
} stores[] = {
    {"users.db", users_0, "SELECT count(*) FROM alias", USERS_VERSION, use_users},
    {"model", model_0, "SELECT count(*) FROM record", MODEL_VERSION, use_model},
    {"greylist.db", greylist_0, "SELECT count(*) FROM triplet WHERE id = 1", GREYLIST_VERSION, use_greylist},
    /* What version 1 held matches nothing any more: one table takes the other's place. */
    {"retries.db", delivered_0, "SELECT count(*) FROM sqlite_schema WHERE name IN ('copy', 'delivered')",
     DELIVERED_VERSION, use_retries},
    {"spent.db", spent_0, "SELECT count(*) FROM proof", SPENT_VERSION, use_spent},
};

static void test_upgraded(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        char *path = path_of(stores[i].name), *error = NULL;
        make(path, stores[i].made_before);
        const gint64 rows = ask_sql(path, stores[i].count);
        assert_true(rows > 0);
        assert_int_equal(version_of(path), 0);
        for (int again = 0; again < 2; again++) {
            if (!stores[i].use(&error))
                fail_msg("%s: %s", stores[i].name, error ? error : "something is lost");
            assert_int_equal(version_of(path), stores[i].version);
            assert_int_equal(ask_sql(path, stores[i].count), rows);
        }
        g_free(path);
    }
}

static void test_new_ones_have_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        char *path = path_of(stores[i].name), *error = NULL;
        stores[i].use(&error);
        assert_null(error);
        assert_int_equal(version_of(path), stores[i].version);
        g_free(path);
    }
}

static void assert_refused(const char *path, const char *error)
{
    if (!error || !g_str_has_prefix(error, path) || !strstr(error, "later filterd") ||
        !strstr(error, "version 99") || strchr(error, '\n'))
        fail_msg("%s: %s", path, error ? error : "opened");
}

/* A later version: not opened, not changed, and not replaced by a new file. */
static void test_later_ones(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        char *path = path_of(stores[i].name), *error = NULL, *before, *after;
        gsize before_len, after_len;
        make(path, stores[i].made_before);
        make(path, "PRAGMA user_version = 99");
        assert_true(g_file_get_contents(path, &before, &before_len, NULL));
        assert_false(stores[i].use(&error));
        assert_refused(path, error);
        assert_true(g_file_get_contents(path, &after, &after_len, NULL));
        assert_int_equal(before_len, after_len);
        assert_memory_equal(before, after, before_len);
        g_clear_pointer(&error, g_free);
        make(path, "PRAGMA user_version = 0");
        assert_true(stores[i].use(&error));
        g_free(before);
        g_free(after);
        g_free(path);
    }
}

/* An upgrade that fails leaves the file as it was. */
static void test_all_or_nothing(void **state)
{
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < G_N_ELEMENTS(stores); i++) {
        char *path = path_of(stores[i].name), *error = NULL;
        struct rlimit limit, before;
        make(path, stores[i].made_before);
        const gint64 rows = ask_sql(path, stores[i].count);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
        limit = before;
        limit.rlim_cur = 0; /* as a full disk */
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_false(stores[i].use(&error));
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_non_null(error);
        g_clear_pointer(&error, g_free);
        assert_int_equal(version_of(path), 0);
        assert_int_equal(ask_sql(path, stores[i].count), rows);
        assert_true(stores[i].use(&error));
        g_free(path);
    }
}

/* A step that fails takes those before it back. */
static void test_half_an_upgrade(void **state)
{
    g_autofree char *path = path_of("model"), *error = NULL;
    (void)state;
    make(path, model_0);
    make(path, "ALTER TABLE record ADD COLUMN correspondent TEXT");
    assert_false(use_model(&error));
    assert_non_null(strstr(error, "duplicate column"));
    assert_int_equal(version_of(path), 0);
    assert_int_equal(ask_sql(path, "SELECT count(*) FROM pragma_table_info('record') WHERE name = 'rules'"), 0);
    assert_int_equal(ask_sql(path, "SELECT count(*) FROM sqlite_schema WHERE name = 'correspondent'"), 0);
}

/* ---- who may not write ---- */

static void test_readers(void **state)
{
    char *path = path_of("users.db"), *error = NULL;
    GPtrArray *found;
    (void)state;
    make(path, users_0);
    struct users *u = users_watch(settings.state_dir);
    assert_true(users_have_all(u));
    users_free(&u);
    assert_int_equal(version_of(path), 0); /* that is the keeper's to change */
    u = users_watch(settings.state_dir);
    assert_true(use_users(&error));
    assert_true(users_have_all(u)); /* which it did meanwhile */
    users_free(&u);
    make(path, "PRAGMA user_version = 99");
    u = users_watch(settings.state_dir);
    assert_int_equal(users_resolve(u, "team@x.example", "", &found), USERS_TEMP);
    g_ptr_array_unref(found);
    assert_refused(path, users_error(u));
    make(path, "PRAGMA user_version = 2");
    assert_true(users_have_all(u));
    users_free(&u);
    g_free(path);
}

static void test_readers_of_models(void **state)
{
    g_autofree char *path = path_of("model"), *error = NULL;
    (void)state;
    make(path, model_0);
    struct model *m = model_open(settings.state_dir, USER, false, &error);
    assert_true(m && model_has_all(m));
    assert_false(known_sender_is_known(m, "0"));
    model_free(&m);
    assert_int_equal(version_of(path), 0);
    make(path, "PRAGMA user_version = 99");
    assert_null(model_open(settings.state_dir, USER, false, &error));
    assert_refused(path, error);
    /* It is not as if this user had learnt nothing. */
    struct classifier *c = classifier_new(&settings, &key);
    struct tokens *t = tokens_of("hello");
    struct judgement j;
    assert_false(classifier_judge(c, USER, t, &j));
    judgement_clear(&j);
    tokens_free(&t);
    classifier_free(&c);
}

/* ---- the model store ---- */

static int set_up_closed(void **state)
{
    const int failed = set_up(state);
    model_store_free(&model_store);
    g_autofree char *path = path_of("users.db");
    g_unlink(path);
    return failed;
}

static void test_ledger(void **state)
{
    g_autofree char *path = path_of("users.db"), *error = NULL;
    (void)state;
    make(path, users_0);
    make(path, "PRAGMA user_version = 99");
    assert_null(model_store_open(&settings, &key, 0, &error));
    assert_refused(path, error);
}

static void see_note(const char *user, void *arg)
{
    g_string_append_printf(arg, "%s ", user);
}

/* Keys from before there were notes: the upgrade notes them, once, also those of a shortened folder name. */
static void test_notes_of_keys(void **state)
{
    g_autofree char *path = path_of("users.db"), *error = NULL;
    g_autofree char *local = g_strnfill(250, 'l'), *far = g_strconcat(local, "@x.example", NULL);
    g_autofree char *keys = users_key_dir(settings.state_dir, USER), *long_keys = users_key_dir(settings.state_dir, far);
    g_autofree char *current = g_build_filename(long_keys, "current", NULL);
    g_autofree char *whose = g_build_filename(current, "address", NULL), *line = g_strconcat(far, "\n", NULL);
    GString *noted = g_string_new(NULL);
    (void)state;
    make(path, users_0);
    make(path, "PRAGMA user_version = 1; INSERT INTO setting VALUES ('b@x.example', 'protect_headers', 'yes')");
    assert_int_equal(g_mkdir_with_parents(keys, 0700), 0);
    assert_int_equal(g_mkdir_with_parents(current, 0700), 0);
    assert_true(g_file_set_contents(whose, line, -1, NULL));
    struct users *reader = users_watch(settings.state_dir);
    assert_int_equal(users_key_noted(reader, USER), USERS_UNKNOWN); /* that is the keeper's to change */
    assert_true(use_users(&error));
    assert_int_equal(users_key_noted(reader, USER), USERS_FOUND);
    assert_true(users_key_each(reader, see_note, noted));
    g_autofree char *want = g_strconcat(USER " ", far, " ", NULL);
    assert_string_equal(noted->str, want);
    assert_int_equal(ask_sql(path, "SELECT count(*) FROM setting WHERE name = 'protect_headers'"), 0);
    assert_int_equal(ask_sql(path, "DELETE FROM key"), -1);
    assert_true(use_users(&error)); /* not again */
    assert_int_equal(users_key_noted(reader, USER), USERS_UNKNOWN);
    users_free(&reader);
    g_string_free(noted, TRUE);
}

static int quiet(void **state)
{
    (void)state;
    log_to_fd(1023); /* closed: nothing is logged */
    return 0;
}

#define CLOSED(fn) cmocka_unit_test_setup_teardown(fn, set_up_closed, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(test_upgraded), CLOSED(test_new_ones_have_it),  CLOSED(test_later_ones),
        CLOSED(test_all_or_nothing), CLOSED(test_half_an_upgrade), CLOSED(test_readers), CLOSED(test_readers_of_models),
        CLOSED(test_ledger), CLOSED(test_notes_of_keys),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
