/* Databases with one overwritten page, each page in turn: a reader gets all rows, or an error. */
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/log.h"
#include "classifier/model.h"
#include "filterd/keeper/model_store.h"
#include "filterd/keeper/record.h"
#include "t/unit/model_store_world.h"

#include <fcntl.h>
#include <sys/stat.h>


enum { PAGE = 4096, ALIASES = 1500, SAID = 600, LOOKS = 12 };

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static off_t pages_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size / PAGE;
}

/* Overwrites the page in place; its old content goes into page. */
static void swap_page(const char *path, off_t number, unsigned char *page)
{
    unsigned char before[PAGE];
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(fd, before, PAGE, number * PAGE), PAGE);
    assert_int_equal(pwrite(fd, page, PAGE, number * PAGE), PAGE);
    memcpy(page, before, PAGE);
    close(fd);
}

static void count_alias(const char *address, const char *member, void *arg)
{
    assert_true(*address && *member);
    ++*(int *)arg;
}

static void count_setting(const char *user, const char *name, const char *value, void *arg)
{
    assert_true(*user && *name && *value);
    ++*(int *)arg;
}

static bool resolves(struct users *u, const char *address, const char *member)
{
    GPtrArray *found;
    const enum users_result result = users_resolve(u, address, "", &found);
    if (result == USERS_FOUND) {
        assert_int_equal(found->len, 1);
        assert_string_equal(found->pdata[0], member);
    } else {
        assert_int_equal(result, USERS_TEMP); /* and never USERS_UNKNOWN */
    }
    g_ptr_array_unref(found);
    return result == USERS_FOUND;
}

static bool all_said(struct users *u, const char *user)
{
    struct user_settings s = user_settings_of(&settings);
    const bool ok = users_settings(u, user, &s);
    if (ok && s.encrypt)
        fail_msg("%s turned encryption off, and it is on", user);
    user_settings_clear(&s);
    return ok;
}

/* True if all could be seen. */
static bool look_at_users(void)
{
    g_autofree char *error = NULL;
    int aliases = 0, said = 0;
    struct users *u = users_open(settings.state_dir, false, &error);
    if (!u)
        return false;
    bool all = users_alias_each(u, count_alias, &aliases);
    if (all)
        assert_int_equal(aliases, ALIASES);
    else
        assert_non_null(strstr(users_error(u), "users.db"));
    const bool settings_too = users_setting_each(u, NULL, count_setting, &said);
    if (settings_too)
        assert_int_equal(said, SAID);
    all = all && settings_too;
    for (int i = 0; i < LOOKS; i++) {
        g_autofree char *address = g_strdup_printf("alias%d@x.example", i * (ALIASES / LOOKS));
        g_autofree char *member = g_strdup_printf("member%d@x.example", i * (ALIASES / LOOKS));
        g_autofree char *user = g_strdup_printf("user%d@x.example", i * (SAID / LOOKS));
        all &= resolves(u, address, member);
        all &= all_said(u, user);
    }
    users_free(&u);
    return all;
}

/* How many of the pages, each filled with that byte in turn, were missed. */
static int missed_pages(const char *path, int fill, bool (*look)(void))
{
    const off_t pages = pages_of(path);
    int missed = 0;
    unsigned char page[PAGE];
    for (off_t i = 0; i < pages; i++) {
        memset(page, fill, PAGE);
        swap_page(path, i, page);
        missed += !look();
        swap_page(path, i, page);
    }
    assert_true(look());
    return missed;
}

static void test_users(void **state)
{
    g_autofree char *path = g_build_filename(settings.state_dir, "users.db", NULL);
    (void)state;
    g_autofree char *sql = g_strdup_printf(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)"
        " INSERT INTO alias SELECT 'alias' || i || '@x.example', 'member' || i || '@x.example' FROM n;"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)"
        " INSERT INTO setting SELECT 'user' || i || '@x.example', 'encrypt', 'no' FROM n;",
        ALIASES, SAID);
    run_sql(path, sql);
    assert_true(pages_of(path) > 30);
    assert_true(missed_pages(path, 0x5a, look_at_users) > 15);
    assert_true(missed_pages(path, 0, look_at_users) > 15);
}

/* ---- what a user learnt ---- */

#define USER "a@x.example"

static struct model_figures figures;
static guint unlearnt, samples;

static bool same_length(GPtrArray *list, guint wanted)
{
    if (!list)
        return false;
    assert_int_equal(list->len, wanted);
    g_ptr_array_unref(list);
    return true;
}

static bool look_at_model(void)
{
    g_autofree char *error = NULL, *user = NULL;
    struct model *m = model_open(settings.state_dir, USER, false, &error);
    struct model_figures f;
    if (!m)
        return false;
    bool all = model_figures(m, &f);
    if (all)
        assert_memory_equal(&f, &figures, sizeof f);
    if (model_user(m, &user))
        assert_string_equal(user, USER);
    else
        all = false;
    all &= same_length(record_unlearnt(m, "9999-12-31"), unlearnt);
    all &= same_length(record_samples(m, "ham"), samples);
    all &= same_length(record_get_samples(m, "ham", 0, 1000), samples);
    model_free(&m);
    return all;
}

static void test_model(void **state)
{
    char *path = users_store_path(settings.state_dir, USER), *error = NULL;
    (void)state;
    for (int i = 0; i < 20; i++) {
        g_autofree char *text = spam_text(i), *signature = g_strdup_printf("s%d", i);
        deliver(USER, signature, text);
        train(USER, "ham", text);
    }
    model_store_write(model_store);
    struct model *m = model_open(settings.state_dir, USER, false, &error);
    GPtrArray *first = record_unlearnt(m, "9999-12-31"), *second = record_samples(m, "ham");
    assert_true(model_figures(m, &figures));
    unlearnt = first->len;
    samples = second->len;
    assert_true(unlearnt == 20 && samples > 10 && figures.ham == 20);
    g_ptr_array_unref(first);
    g_ptr_array_unref(second);
    model_free(&m);
    assert_true(missed_pages(path, 0x5a, look_at_model) > 5);
    g_free(path);
}

/* ---- folders ---- */

static void test_folders(void **state)
{
    g_autofree char *users = g_build_filename(settings.state_dir, "users", NULL);
    g_autofree char *away = g_strconcat(users, ".away", NULL);
    (void)state;
    assert_true(same_length(model_files(settings.state_dir, ".db"), 0));
    assert_int_equal(g_rename(users, away), 0);
    assert_true(same_length(model_files(settings.state_dir, ".db"), 0));
    assert_true(g_file_set_contents(users, "no folder", -1, NULL));
    assert_null(model_files(settings.state_dir, ".db"));
    assert_int_equal(g_unlink(users), 0);
    assert_int_equal(g_rename(away, users), 0);
}

static int quiet(void **state)
{
    (void)state;
    log_to_fd(1023); /* closed: nothing is logged */
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_users), TEST(test_model), TEST(test_folders)};
    return cmocka_run_group_tests(tests, quiet, NULL);
}
