/* users.db: aliases, settings, and what happens when it cannot be read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "t/unit/test_folder.h"

static struct users *users;

static int open_users(void **state)
{
    (void)state;
    char *error = NULL;
    if (folder_make("users.db"))
        return -1;
    users = users_open(folder, true, &error);
    return users ? 0 : -1;
}

static int close_users(void **state)
{
    users_free(&users);
    return folder_remove(state);
}

static void add_key(const char *user)
{
    g_autofree char *dir = users_key_dir(folder, user);
    g_autofree char *link = g_build_filename(dir, "current", NULL);
    assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
    assert_int_equal(symlink("gone", link), 0);
}

static void alias(const char *address, const char *member)
{
    char *error = NULL;
    if (!users_alias_add(users, address, member, &error))
        fail_msg("%s", error);
}

/* want: users with blanks between, in any order; "" for unknown. */
static void resolves(struct users *u, const char *address, const char *want)
{
    GPtrArray *found;
    char **words = g_strsplit(want, " ", -1);
    enum users_result result = users_resolve(u, address, "+", &found);
    assert_int_equal(result, *want ? USERS_FOUND : USERS_UNKNOWN);
    assert_int_equal(found->len, g_strv_length(words));
    for (char **w = words; *w; w++)
        if (!g_ptr_array_find_with_equal_func(found, *w, g_str_equal, NULL))
            fail_msg("%s does not lead to %s", address, *w);
    g_strfreev(words);
    g_ptr_array_unref(found);
}

/* Postfix and Dovecot may split it at different places. */
static void several_delimiters(void **state)
{
    GPtrArray *found;
    (void)state;
    add_key("anna-lena@x.org");
    assert_int_equal(users_resolve(users, "anna-lena+x@x.org", "+-", &found), USERS_FOUND);
    assert_int_equal(found->len, 1);
    assert_string_equal(found->pdata[0], "anna-lena@x.org");
    g_ptr_array_unref(found);
    add_key("anna@x.org");
    assert_int_equal(users_resolve(users, "anna-lena+x-y@x.org", "+-", &found), USERS_FOUND);
    assert_int_equal(found->len, 2);
    g_ptr_array_unref(found);
    assert_int_equal(users_resolve(users, "anna-lena@x.org", "+-", &found), USERS_FOUND);
    assert_int_equal(found->len, 1);
    g_ptr_array_unref(found);
    assert_int_equal(users_resolve(users, "ann-lena+x@x.org", "+-", &found), USERS_UNKNOWN);
    assert_int_equal(found->len, 0);
    g_ptr_array_unref(found);
}

/* A whole domain that is another name of ours. */
static void domain_alias(void **state)
{
    GPtrArray *found;
    char *error = NULL;
    (void)state;
    add_key("bob@x.org");
    alias("@old.org", "@x.org");
    alias("sales@x.org", "eve@x.org");
    alias("dora@old.org", "eve@x.org");
    resolves(users, "Bob+a@Old.org", "bob@x.org");
    resolves(users, "sales@old.org", "eve@x.org");
    resolves(users, "dora@old.org", "eve@x.org"); /* its own alias goes before */
    resolves(users, "nobody@old.org", "");
    resolves(users, "bob@older.org", "");
    resolves(users, "@old.org", "@x.org");
    alias("@all.org", "bob@x.org"); /* who gets the rest */
    alias("@all.org", "team@x.org");
    alias("team@x.org", "eve@x.org");
    alias("dora@all.org", "dora@x.org");
    resolves(users, "sales+a@all.org", "bob@x.org eve@x.org");
    resolves(users, "dora@all.org", "dora@x.org");
    alias("@x.org", "bob@x.org");
    resolves(users, "nobody@x.org", "bob@x.org");
    resolves(users, "eve@x.org", "eve@x.org");
    alias("@loop.org", "a@loop.org");
    resolves(users, "b@loop.org", "a@loop.org");
    assert_int_equal(users_resolve_named(users, "nobody@x.org", "+", &found), USERS_UNKNOWN);
    g_ptr_array_unref(found);
    assert_int_equal(users_resolve_named(users, "bob@old.org", "+", &found), USERS_FOUND);
    g_ptr_array_unref(found);
    assert_true(users_alias_remove(users, "@old.org", &error));
    resolves(users, "bob@old.org", "");
}

/* Postfix looks an address up folded, and somebody may have registered it otherwise. */
static void folded(void **state)
{
    char *error = NULL;
    (void)state;
    alias("gr\xc3\xbc\xc3\x9f" "e@x.org", "bob@x.org");
    resolves(users, "gr\xc3\xbc\xc3\x9f" "e@x.org", "bob@x.org");
    resolves(users, "GR\xc3\x9cSSE+a@x.org", "bob@x.org");
    assert_true(users_set(users, "\xcf\x83\xcf\x82@x.org", "encrypt", "yes", &error));
    resolves(users, "\xce\xa3\xce\xa3@x.org", "\xcf\x83\xcf\x82@x.org");
    assert_true(users_alias_remove(users, "gr\xc3\xbc\xc3\x9f" "e@x.org", &error));
    resolves(users, "gr\xc3\xbcsse@x.org", "");
    add_key("strasse@x.org"); /* another's */
    alias("stra\xc3\x9f" "e@x.org", "bob@x.org");
    resolves(users, "strasse@x.org", "strasse@x.org");
    alias("mu\xc3\x9f@x.org", "bob@x.org");
    alias("mu\xc3\x9f@x.org", "eve@x.org");
    resolves(users, "muss@x.org", "bob@x.org eve@x.org");
}

static void by_key(void **state)
{
    (void)state;
    add_key("bob@x.org");
    resolves(users, "Bob@X.org", "bob@x.org");
    resolves(users, "bob+lists@x.org", "bob@x.org");
    resolves(users, "bob-lists@x.org", "");
    resolves(users, "eve@x.org", "");
    resolves(users, "", "");
}

static void by_alias(void **state)
{
    (void)state;
    alias("Team@x.org", "bob@x.org");
    alias("team@x.org", "ann@x.org");
    alias("all@x.org", "team@x.org");
    alias("all@x.org", "bob@x.org");
    resolves(users, "team@x.org", "bob@x.org ann@x.org");
    resolves(users, "all+now@x.org", "bob@x.org ann@x.org");
    resolves(users, "ann@x.org", "ann@x.org");
}

/* An alias wins over the address' own key, and an exact one over the address without extension. */
static void order(void **state)
{
    (void)state;
    add_key("bob@x.org");
    alias("bob+lists@x.org", "ann@x.org");
    resolves(users, "bob+lists@x.org", "ann@x.org");
    alias("bob@x.org", "new@x.org");
    resolves(users, "bob@x.org", "new@x.org");
    resolves(users, "bob+other@x.org", "new@x.org");
}

static void set_members(void **state)
{
    char *both[] = {(char *)"Ann@x.org", (char *)"bob@x.org", NULL}, *one[] = {(char *)"bob@x.org", NULL};
    char *bad[] = {(char *)"eve@x.org", (char *)"", NULL}, *error = NULL;
    (void)state;
    assert_true(users_alias_set(users, "team@x.org", both, &error));
    resolves(users, "team@x.org", "ann@x.org bob@x.org");
    assert_true(users_alias_set(users, "Team@x.org", one, &error));
    resolves(users, "team@x.org", "bob@x.org");
    assert_false(users_alias_set(users, "team@x.org", bad, &error));
    g_free(error);
    resolves(users, "team@x.org", "bob@x.org");
    assert_true(users_alias_set(users, "team@x.org", both, &error)); /* nothing is left open */
}

static void loops(void **state)
{
    (void)state;
    alias("bob@x.org", "bob@x.org");
    alias("bob@x.org", "ann@x.org");
    resolves(users, "bob@x.org", "bob@x.org ann@x.org");
    alias("a@x.org", "b@x.org");
    alias("b@x.org", "a@x.org");
    resolves(users, "a@x.org", "a@x.org");
    alias("c@x.org", "c+x@x.org");
    resolves(users, "c@x.org", "c@x.org");
    for (int i = 0; i < 300; i++) {
        g_autofree char *from = g_strdup_printf("n%d@x.org", i), *to = g_strdup_printf("n%d@x.org", i + 1);
        alias(from, to);
    }
    GPtrArray *found;
    assert_int_equal(users_resolve(users, "n0@x.org", "+", &found), USERS_FOUND);
    g_ptr_array_unref(found);
}

/* An alias's member user+extension means the user, whose key it must find. */
static void member_extension(void **state)
{
    (void)state;
    add_key("bob@x.org");
    alias("team@x.org", "bob+team@x.org");
    resolves(users, "team@x.org", "bob@x.org");
    alias("team@x.org", "eve+team@x.org");
    resolves(users, "team@x.org", "bob@x.org eve+team@x.org");
    add_key("bob+team@x.org");
    resolves(users, "team@x.org", "bob+team@x.org eve+team@x.org");
}

static void logins(void **state)
{
    (void)state;
    alias("bob", "bob@x.org");
    alias("ann@x.org", "zoe@x.org");
    alias("ann@x.org", "ann@x.org");
    alias("ann@x.org", "aaa@x.org");
    char *user, *one[] = {(char *)"x.org", NULL}, *two[] = {(char *)"x.org", (char *)"y.org", NULL};
    struct settings s = {.recipient_delimiter = (char *)"+"};
    assert_int_equal(users_of_login(users, "bob", &s, &user), USERS_FOUND);
    assert_string_equal(user, "bob@x.org");
    g_free(user);
    assert_int_equal(users_of_login(users, "Ann@x.org", &s, &user), USERS_FOUND);
    assert_string_equal(user, "ann@x.org");
    g_free(user);
    assert_int_equal(users_of_login(users, "Eve", &s, &user), USERS_UNKNOWN);
    assert_string_equal(user, "eve");
    g_free(user);
    s.domains = two;
    assert_int_equal(users_of_login(users, "Ann", &s, &user), USERS_UNKNOWN);
    assert_string_equal(user, "ann");
    g_free(user);
    s.domains = one;
    assert_int_equal(users_of_login(users, "Ann", &s, &user), USERS_FOUND);
    assert_string_equal(user, "ann@x.org");
    g_free(user);
    assert_int_equal(users_of_login(users, "Eve", &s, &user), USERS_UNKNOWN);
    assert_string_equal(user, "eve@x.org");
    g_free(user);
    alias("Eve", "zoe@x.org");
    assert_int_equal(users_of_login(users, "Eve", &s, &user), USERS_FOUND);
    assert_string_equal(user, "zoe@x.org");
    g_free(user);
}

static void count(const char *a, const char *b, void *arg)
{
    assert_true(*a && *b);
    ++*(int *)arg;
}

static void count_setting(const char *user, const char *name, const char *value, void *arg)
{
    (void)value;
    count(user, name, arg);
}

static void removal(void **state)
{
    (void)state;
    char *error = NULL;
    int rows = 0;
    alias("team@x.org", "bob@x.org");
    alias("team@x.org", "bob@x.org");
    assert_true(users_alias_each(users, count, &rows));
    assert_int_equal(rows, 1);
    assert_true(users_alias_remove(users, "TEAM@x.org", &error));
    resolves(users, "team@x.org", "");
    resolves(users, "bob@x.org", "");
}

static const struct settings site = {.mode = MODE_TEFT, .spam_threshold = 0.9};

static enum train_mode mode_of(struct users *u, const char *user)
{
    struct user_settings s = user_settings_of(&site);
    assert_true(users_settings(u, user, &s));
    return s.mode;
}

static void settings(void **state)
{
    (void)state;
    char *error = NULL;
    int rows = 0;
    assert_true(users_set(users, "Bob@x.org", "spam_threshold", "0.7", &error));
    assert_true(users_set(users, "bob@x.org", "encrypt", "no", &error));
    assert_true(users_set(users, "ann@x.org", "mode", "toe", &error));
    resolves(users, "bob+x@x.org", "bob@x.org");
    struct user_settings s = user_settings_of(&site);
    assert_true(users_settings(users, "bob@x.org", &s));
    assert_true(s.spam_threshold == 0.7 && !s.encrypt && s.mode == MODE_TEFT);
    assert_true(user_settings_has(&s, USER_ENCRYPT) && !user_settings_has(&s, USER_MODE));
    assert_true(users_setting_each(users, NULL, count_setting, &rows));
    assert_int_equal(rows, 3);
    rows = 0;
    assert_true(users_setting_each(users, "bob@x.org", count_setting, &rows));
    assert_int_equal(rows, 2);
    assert_true(users_set(users, "ann@x.org", "mode", NULL, &error));
    resolves(users, "ann@x.org", "");
}

static void wrong_settings(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {{"colour", "red"},      {"encrypt", "maybe"},
                                           {"spam_threshold", "2"}, {"spam_threshold", "nan"},
                                           {"mode", "x"},          {"allow", "a\nb"}};
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        char *error = NULL;
        assert_false(users_set(users, "bob@x.org", wrong[i][0], wrong[i][1], &error));
        assert_non_null(error);
        g_free(error);
    }
    char *error = NULL;
    assert_false(users_set(users, "", "encrypt", "no", &error));
    g_free(error);
    resolves(users, "bob@x.org", "");
}

/* A worker that started before the first alias sees it all the same, and cannot write. */
static void reader(void **state)
{
    (void)state;
    g_autofree char *error = NULL, *empty = g_dir_make_tmp("filterd-users-XXXXXX", NULL);
    struct users *r = users_open(empty, false, &error);
    assert_non_null(r);
    resolves(r, "team@x.org", "");
    struct users *w = users_open(empty, true, &error);
    assert_true(users_alias_add(w, "team@x.org", "bob@x.org", &error));
    resolves(r, "team@x.org", "bob@x.org");
    assert_false(users_alias_add(r, "team@x.org", "eve@x.org", &error));
    struct stat st;
    g_autofree char *file = g_build_filename(empty, "users.db", NULL);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0137, 0);
    users_free(&r);
    users_free(&w);
    folder_empty(empty);
    assert_int_equal(rmdir(empty), 0);
}

/* A store that cannot be read gives a tempfail, never "not ours". */
static void broken(void **state)
{
    (void)state;
    g_autofree char *error = NULL, *file = g_build_filename(folder, "users.db", NULL);
    struct users *r = users_open(folder, false, &error);
    users_free(&r);
    users_free(&users);
    assert_true(g_file_set_contents(file, "this is no database, and long enough to be read", -1, NULL));
    assert_null(users_open(folder, false, &error));
    assert_true(g_str_has_prefix(error, file));
    assert_int_equal(g_unlink(file), 0);
    GPtrArray *found;
    assert_int_equal(g_mkdir(file, 0700), 0);
    r = users_watch(folder);
    assert_int_equal(users_resolve(r, "bob@x.org", "+", &found), USERS_TEMP);
    g_ptr_array_unref(found);
    char *login;
    const struct settings s = {.recipient_delimiter = (char *)"+"};
    assert_int_equal(users_of_login(r, "bob@x.org", &s, &login), USERS_TEMP);
    assert_null(login);
    assert_int_equal(g_rmdir(file), 0);
    assert_int_equal(users_resolve(r, "bob@x.org", "+", &found), USERS_UNKNOWN);
    g_ptr_array_unref(found);
    assert_true(g_file_set_contents(file, "this is no database, and long enough to be read", -1, NULL));
    assert_int_equal(users_resolve(r, "bob@x.org", "+", &found), USERS_TEMP);
    assert_int_equal(found->len, 0);
    g_ptr_array_unref(found);
    users_free(&r);
}

static void paths(void **state)
{
    (void)state;
    g_autofree char *key = users_key_dir("/s", "a/b@x.org"), *store = users_store_path("/s", "bob@x.org");
    assert_string_equal(key, "/s/keys/a%2Fb@x.org");
    assert_string_equal(store, "/s/users/bob@x.org.db");
}

/* While it is held nothing changes under the reader, and what was held is let go. */
static void one_moment(void **state)
{
    (void)state;
    char *error = NULL;
    assert_true(users_set(users, "a@x.example", "mode", "toe", &error));
    struct users *reader = users_open(folder, false, &error);
    assert_non_null(reader);
    for (int turn = 0; turn < 3; turn++) { /* its statements serve again */
        const enum train_mode next = turn % 2 ? MODE_TOE : MODE_NONE;
        users_hold(reader);
        users_hold(reader);
        const enum train_mode held = mode_of(reader, "a@x.example");
        users_release(reader);
        assert_int_equal(mode_of(reader, "a@x.example"), held);
        users_release(reader);
        assert_true(users_set(users, "a@x.example", "mode", turn % 2 ? "toe" : "none", &error));
        assert_int_equal(mode_of(reader, "a@x.example"), next);
    }
    users_hold(NULL);
    users_release(NULL);
    users_free(&reader);
}

/* In place, as SQLite has it open. */
static void overwrite(const char *data, gsize len)
{
    FILE *f = fopen(file, "r+");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

/* Pages that come wrong once are not taken for what is in the file, nor kept when they come right. */
static void read_wrong(void **state)
{
    (void)state;
    char *right, *error = NULL;
    gsize len;
    GPtrArray *found;
    alias("team@example.org", "alice@example.org");
    assert_true(users_set(users, "alice@example.org", "spam_action", "tag", &error));
    add_key("alice@example.org");
    assert_true(g_file_get_contents(file, &right, &len, NULL));
    assert_true(len > 4096);
    g_autofree char *wrong = g_memdup2(right, len);
    memset(wrong + 4096, 0, len - 4096);
    for (int hold = 0; hold < 2; hold++) {
        struct users *reader = users_open(folder, false, &error);
        assert_non_null(reader);
        overwrite(wrong, len);
        if (hold)
            users_hold(reader);
        assert_int_equal(users_resolve(reader, "team@example.org", "+", &found), USERS_TEMP);
        g_ptr_array_unref(found);
        struct user_settings s = user_settings_of(&site);
        assert_false(users_settings(reader, "alice@example.org", &s));
        assert_int_equal(s.said, 0);
        assert_non_null(strstr(users_error(reader), "users.db"));
        if (hold)
            users_release(reader);
        overwrite(right, len);
        resolves(reader, "team@example.org", "alice@example.org");
        assert_true(users_settings(reader, "alice@example.org", &s));
        assert_true(user_settings_has(&s, USER_SPAM_ACTION));
        users_free(&reader);
    }
    g_free(right);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_users, close_users)

/* ---- notes of who has a key ---- */

static void note_key(const char *user, bool has_key)
{
    char *error = NULL;
    if (!users_key_note(users, user, has_key, &error))
        fail_msg("%s", error);
}

static void see(const char *user, void *arg)
{
    g_string_append_printf(arg, "%s ", user);
}

static void assert_noted(struct users *u, const char *want)
{
    GString *seen = g_string_new(NULL);
    assert_true(users_key_each(u, see, seen));
    assert_string_equal(seen->str, want);
    g_string_free(seen, TRUE);
}

/* Whose folder is lost is still a user with a key: not one whom nobody knows. */
static void notes_of_keys(void **state)
{
    char *error = NULL;
    (void)state;
    resolves(users, "ann@x.org", "");
    assert_int_equal(users_key_noted(users, "ann@x.org"), USERS_UNKNOWN);
    note_key("bob@x.org", true);
    note_key("ann@x.org", true);
    note_key("ann@x.org", true);
    assert_noted(users, "ann@x.org bob@x.org ");
    struct users *reader = users_open(folder, false, &error);
    resolves(reader, "ann@x.org", "ann@x.org");
    resolves(reader, "ann+lists@x.org", "ann@x.org");
    alias("team@x.org", "ann+team@x.org");
    resolves(reader, "team@x.org", "ann@x.org");
    assert_int_equal(users_key_noted(reader, "ann@x.org"), USERS_FOUND);
    assert_true(users_forget(users, "ann@x.org", &error)); /* the keys stay, and so does this */
    assert_noted(reader, "ann@x.org bob@x.org ");
    note_key("ann@x.org", false);
    assert_noted(reader, "bob@x.org ");
    assert_int_equal(users_key_noted(reader, "ann@x.org"), USERS_UNKNOWN);
    users_free(&reader);
}

/* A file that must be there and is not: nobody may be called unknown. */
static void a_file_that_is_lost(void **state)
{
    GPtrArray *found;
    (void)state;
    users_free(&users);
    assert_int_equal(g_unlink(file), 0);
    struct users *u = users_watch(folder);
    assert_int_equal(users_resolve(u, "ann@x.org", "+", &found), USERS_UNKNOWN);
    g_ptr_array_unref(found);
    users_expect_file(u);
    assert_int_equal(users_resolve(u, "ann@x.org", "+", &found), USERS_TEMP);
    g_ptr_array_unref(found);
    assert_non_null(strstr(users_error(u), "users.db: is not there"));
    users_free(&u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(one_moment),
        T(folded), T(domain_alias), T(several_delimiters), T(by_key),  T(by_alias), T(order),          T(set_members), T(loops),  T(member_extension), T(logins),
        T(removal), T(settings), T(wrong_settings), T(reader), T(broken),           T(paths),
        T(read_wrong), T(notes_of_keys), T(a_file_that_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
