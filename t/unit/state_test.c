/* The state and its id: what is found, what is refused, and what is made or adopted. */
#include "base/config/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config/users.h"
#include "base/log.h"
#include "t/unit/test_folder.h"

static const struct state_user self;
static struct settings settings;
static struct sitekey key;

static char *in_folder(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void must(bool ok, char *error)
{
    if (!ok)
        fail_msg("%s", error ? error : "?");
    g_free(error);
}

static int set_up(void **state)
{
    char *error = NULL;
    (void)state;
    if (folder_make("unused"))
        return -1;
    log_to_fd(1023); /* closed: nothing is logged */
    settings = (struct settings){.state_dir = in_folder("state"), .site_key = in_folder("site.key"),
                                 .state_id = in_folder("state.id")};
    must(sitekey_load(settings.site_key, true, &key, &error), error);
    return 0;
}

static int tear_down(void **state)
{
    g_free(settings.state_dir);
    g_free(settings.site_key);
    g_free(settings.state_id);
    return folder_remove(state);
}

/* What is found, and that the reason is one line which holds this. */
static void assert_found(enum state_found want, const char *why)
{
    struct state s;
    char *error = NULL;
    const enum state_found found = state_open(&settings, &self, &s, &error);
    if (found != want || (found == STATE_FOUND) != !error)
        fail_msg("found %d: %s", found, error ? error : "-");
    if (error && (!strstr(error, why) || strchr(error, '\n')))
        fail_msg("said: %s", error);
    assert_int_equal(s.fd >= 0, want >= STATE_OLD);
    g_free(error);
    state_close(&s);
}

static void assert_claimed(bool want, const char *why)
{
    struct state s = STATE_CLOSED;
    struct sitekey got;
    char *error = NULL;
    const bool ok = state_claim(&settings, &self, &got, &s, &error);
    if (ok != want || ok != !error || (error && (!strstr(error, why) || strchr(error, '\n'))))
        fail_msg("claimed %d: %s", ok, error ? error : "-");
    if (ok)
        assert_memory_equal(&got, &key, sizeof key);
    assert_int_equal(s.fd >= 0, ok);
    g_free(error);
    state_close(&s);
}

static void make_state(void)
{
    char *error = NULL;
    g_mkdir(settings.state_dir, 0700);
    must(state_make(&settings, &self, &key, &error), error);
}

static void copy(const char *from, const char *to)
{
    char *text;
    gsize len;
    assert_true(g_file_get_contents(from, &text, &len, NULL));
    assert_true(g_file_set_contents(to, text, (gssize)len, NULL));
    g_free(text);
}

static void put(const char *below, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(below, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void test_none(void **state)
{
    (void)state;
    assert_found(STATE_NONE, "state: is not there: mount it");
    assert_int_equal(g_mkdir(settings.state_dir, 0700), 0);
    assert_found(STATE_NONE, "there is no state in it: mount it");
    put(settings.state_dir, "control.sock", "");
    put(settings.state_dir, "lost+found", "");
    assert_claimed(false, "there is no state in it");
    assert_int_equal(g_access(settings.state_id, F_OK), -1); /* nothing was made */
}

static void test_made(void **state)
{
    (void)state;
    make_state();
    assert_found(STATE_FOUND, "");
    assert_claimed(true, "");
}

/* The store is not mounted, or another is. */
static void test_not_mounted(void **state)
{
    g_autofree char *away = in_folder("away"), *other_id = in_folder("other.id");
    (void)state;
    make_state();
    assert_int_equal(g_rename(settings.state_dir, away), 0);
    assert_found(STATE_WRONG, "is not there");
    assert_int_equal(g_mkdir(settings.state_dir, 0700), 0);
    assert_found(STATE_WRONG, "state.id names is not in it: mount it");
    put(settings.state_dir, "users.db", "");
    assert_found(STATE_WRONG, "one of an older version");
    folder_empty(settings.state_dir);
    assert_int_equal(g_rename(settings.state_id, other_id), 0);
    make_state(); /* another, with the same key */
    copy(other_id, settings.state_id);
    assert_claimed(false, "a foreign state");
    folder_empty(settings.state_dir);
    g_rmdir(settings.state_dir);
    assert_int_equal(g_rename(away, settings.state_dir), 0);
    assert_claimed(true, "");
}

static void test_the_key(void **state)
{
    char *error = NULL;
    struct sitekey other;
    g_autofree char *away = in_folder("away");
    (void)state;
    make_state();
    assert_int_equal(g_rename(settings.site_key, away), 0);
    assert_claimed(false, "site.key: No such file");
    assert_int_equal(g_access(settings.site_key, F_OK), -1); /* and none is made */
    must(sitekey_load(settings.site_key, true, &other, &error), error);
    assert_claimed(false, "site.key: not the site key that the state in");
    assert_int_equal(g_rename(away, settings.site_key), 0);
    assert_claimed(true, "");
}

static void test_what_is_incomplete(void **state)
{
    g_autofree char *users = g_build_filename(settings.state_dir, "users.db", NULL);
    (void)state;
    make_state();
    assert_int_equal(g_unlink(settings.state_id), 0);
    assert_found(STATE_UNNAMED, "state.id: is not there, so the state in");
    assert_claimed(false, "is not there, so the state in");
    put(folder, "state.id", "filterd-state 1 0123\n");
    assert_found(STATE_WRONG, "damaged");
    put(folder, "state.id", "");
    assert_found(STATE_WRONG, "damaged");
    g_autofree char *inside = g_build_filename(settings.state_dir, "state.id", NULL);
    copy(inside, settings.state_id);
    assert_found(STATE_FOUND, "");
    assert_int_equal(g_unlink(users), 0); /* it was made: without it aliases would lead nowhere */
    assert_found(STATE_WRONG, "users.db: No such file");
}

/* By the id alone: the key is not looked at, which may lie in the state itself. */
static void test_unnamed_again(void **state)
{
    struct state s;
    char *error = NULL, *why = NULL;
    (void)state;
    make_state();
    assert_int_equal(g_unlink(settings.state_id), 0);
    assert_int_equal(state_open(&settings, &self, &s, &why), STATE_UNNAMED);
    struct sitekey other = {{1}};
    assert_false(state_write(&settings, &self, &other, &s, &error));
    assert_non_null(strstr(error, "not the site key"));
    g_clear_pointer(&error, g_free);
    must(state_write(&settings, &self, &key, &s, &error), error);
    g_free(why);
    state_close(&s);
    assert_found(STATE_FOUND, "");
}

/* Of before there were ids: adopted with its keys, and only if there is something of it. */
static void test_adopted(void **state)
{
    static const char *const signs[] = {"users.db", "keys"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(signs); i++) {
        g_autofree char *ann = users_key_dir(settings.state_dir, "ann@x.example"), *error = NULL;
        g_autofree char *away = in_folder("away");
        g_mkdir(settings.state_dir, 0700);
        assert_found(STATE_NONE, "no state");
        if (i == 0)
            put(settings.state_dir, signs[i], "");
        else
            assert_int_equal(g_mkdir_with_parents(ann, 0700), 0);
        assert_found(STATE_OLD, "older version");
        assert_int_equal(g_rename(settings.site_key, away), 0);
        assert_claimed(false, "site.key: No such file"); /* not with a new one */
        assert_found(STATE_OLD, "older version");
        assert_int_equal(g_rename(away, settings.site_key), 0);
        assert_claimed(true, "");
        assert_found(STATE_FOUND, "");
        struct users *u = users_open(settings.state_dir, false, &error);
        assert_int_equal(users_key_noted(u, "ann@x.example"), i ? USERS_FOUND : USERS_UNKNOWN);
        users_free(&u);
        folder_empty(settings.state_dir);
        assert_int_equal(g_unlink(settings.state_id), 0);
    }
}

/* Two programs at once: the first one's id stays, both use it. */
static void test_two_at_once(void **state)
{
    struct state one, two;
    char *error = NULL, *first = NULL, *second = NULL;
    (void)state;
    g_mkdir(settings.state_dir, 0700);
    put(settings.state_dir, "users.db", "");
    assert_int_equal(state_open(&settings, &self, &one, &first), STATE_OLD);
    assert_int_equal(state_open(&settings, &self, &two, &second), STATE_OLD);
    must(state_write(&settings, &self, &key, &one, &error), error);
    must(state_write(&settings, &self, &key, &two, &error), error);
    assert_string_equal(one.mark, two.mark);
    g_free(first);
    g_free(second);
    state_close(&one);
    state_close(&two);
    assert_claimed(true, "");
}

static void test_not_readable(void **state)
{
    const struct state_user nobody = {true, 65534, 65534};
    struct state s;
    char *error = NULL;
    (void)state;
    if (geteuid() != 0)
        skip();
    make_state();
    assert_int_equal(g_chmod(folder, 0755), 0);
    assert_int_equal(g_chmod(settings.state_dir, 0700), 0);
    assert_int_equal(state_open(&settings, &nobody, &s, &error), STATE_WRONG);
    assert_non_null(strstr(error, "state: uid 65534 cannot read it: Permission denied"));
    assert_int_equal(geteuid(), 0);
    g_free(error);
}

static void test_holds(void **state)
{
    struct state s;
    char *error = NULL;
    g_autofree char *away = in_folder("away");
    (void)state;
    make_state();
    assert_int_equal(state_open(&settings, &self, &s, &error), STATE_FOUND);
    assert_true(state_holds(&s));
    assert_int_equal(g_rename(settings.state_dir, away), 0);
    assert_false(state_holds(&s));
    assert_int_equal(g_mkdir(settings.state_dir, 0700), 0);
    assert_false(state_holds(&s));
    g_rmdir(settings.state_dir);
    assert_int_equal(g_rename(away, settings.state_dir), 0);
    assert_true(state_holds(&s));
    state_close(&s);
    assert_false(state_holds(&s));
}

#define T(fn) cmocka_unit_test_setup_teardown(test_##fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(none),    T(made),        T(not_mounted),  T(the_key), T(what_is_incomplete), T(unnamed_again),
        T(adopted), T(two_at_once), T(not_readable), T(holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
