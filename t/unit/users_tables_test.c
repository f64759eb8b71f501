/* Whose mail an address is, where the operator's tables are asked beside users.db. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/config/users_tables.h"
#include "filterd/tables/tables_client.h"
#include "t/unit/test_folder.h"

static char *domains[] = {"x.org", "cat.org", "old.org", "all.org", NULL};
static char *local_names[] = {"host.org", "second.org", NULL};
static struct settings settings;
static struct users *users;
static struct tables_client *tables;

static char *write_table(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return g_strconcat("texthash:", path, NULL);
}

static const char aliases[] =
    "sales@x.org    kim@x.org, bob@x.org\n"
    "info@x.org     kim@x.org bob@x.org\n"
    "Named@x.org    \"Kim, Doe\" <kim@x.org>, Bob <bob@x.org> (at work)\n"
    "home@x.org     kim@gmail.test\n"
    "both@x.org     kim@x.org, kim@gmail.test\n"
    "pipe@x.org     |/usr/bin/vacation, /var/mail/x, :include:/etc/list\n"
    "self@x.org     self@x.org, bob@x.org\n"
    "moved@x.org    @cat.org\n"
    "a@x.org        b@x.org\n"
    "b@x.org        a@x.org\n"
    "kim+news@x.org bob@x.org\n"
    "public@x.org   login@x.org\n"
    "short@x.org    bob\n"
    "bob            bob@x.org\n"
    "root           kim@x.org\n"
    "stranger@x.org nobody@x.org\n"
    "chain1@x.org   chain2@x.org\n"
    "chain2@x.org   chain3@x.org\n"
    "chain3@x.org   kim@x.org\n"
    "@cat.org       owner@x.org\n"
    "kim@cat.org    kim@cat.org\n"
    "@old.org       @x.org\n";
static const char mailboxes[] =
    "kim@x.org 1\nbob@x.org 1\nlogin@x.org x/login/\nself@x.org 1\nowner@x.org 1\nkim@cat.org 1\n"
    "@all.org 1\n";

static void use(const char *alias_text, const char *mailbox_text)
{
    tables_client_free(&tables);
    g_clear_pointer(&settings.alias_maps, g_free);
    g_clear_pointer(&settings.mailbox_maps, g_free);
    if (alias_text)
        settings.alias_maps = write_table("aliases", alias_text);
    if (mailbox_text)
        settings.mailbox_maps = write_table("mailboxes", mailbox_text);
    tables = tables_client_new_alone(&settings);
    users_use_tables(users, tables_client_users(tables));
}

static int open_world(void **state)
{
    (void)state;
    char *error = NULL;
    if (folder_make("users.db"))
        return -1;
    settings = (struct settings){.domains = domains, .local_names = local_names, .hostname = (char *)"mx.host.org",
                                 .recipient_delimiter = (char *)"+", .state_dir = folder};
    users = users_open(folder, true, &error);
    if (users)
        use(aliases, mailboxes);
    return users ? 0 : -1;
}

static int close_world(void **state)
{
    tables_client_free(&tables);
    g_clear_pointer(&settings.alias_maps, g_free);
    g_clear_pointer(&settings.mailbox_maps, g_free);
    users_free(&users);
    return folder_remove(state);
}

static void key(const char *user)
{
    g_autofree char *dir = users_key_dir(folder, user);
    assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
}

static void alias(const char *address, const char *member)
{
    char *error = NULL;
    if (!users_alias_add(users, address, member, &error))
        fail_msg("%s", error);
}

static void set(const char *user)
{
    char *error = NULL;
    if (!users_set(users, user, "spam_threshold", "0.5", &error))
        fail_msg("%s", error);
}

/* want: users with blanks between, in any order; "-": unknown, "=": elsewhere, "?": not now. */
static void resolves(const char *address, const char *want)
{
    static const char *const words[] = {[USERS_TEMP] = "?", [USERS_UNKNOWN] = "-", [USERS_ELSEWHERE] = "="};
    GPtrArray *found;
    const enum users_result result = users_resolve(users, address, "+", &found);
    g_auto(GStrv) wanted = g_strsplit(want, " ", -1);
    GString *got = g_string_new(result == USERS_FOUND ? "" : words[result]);
    for (guint i = 0; i < found->len; i++)
        g_string_append_printf(got, "%s%s", i ? " " : "", (const char *)found->pdata[i]);
    bool same = strpbrk(want, "@") ? result == USERS_FOUND && found->len == g_strv_length(wanted) : !strcmp(got->str, want);
    for (guint i = 0; same && result == USERS_FOUND && wanted[i]; i++)
        same = g_ptr_array_find_with_equal_func(found, wanted[i], g_str_equal, NULL);
    if (!same)
        fail_msg("%s: want \"%s\", got \"%s\"", address, want, got->str);
    g_string_free(got, TRUE);
    g_ptr_array_unref(found);
}

static void as_virtual_says(void **state)
{
    static const char *const cases[][2] = {
        {"kim@x.org", "kim@x.org"},
        {"KIM@X.ORG", "kim@x.org"},
        {"nobody@x.org", "-"},
        {"kim@elsewhere.test", "-"},
        {"sales@x.org", "kim@x.org bob@x.org"},
        {"info@x.org", "kim@x.org bob@x.org"},
        {"named@x.org", "kim@x.org bob@x.org"},
        {"chain1@x.org", "kim@x.org"},
        /* extensions: the whole address comes first, and what it leads to keeps it */
        {"kim+x@x.org", "kim@x.org"},
        {"kim+news@x.org", "bob@x.org"},
        {"sales+x@x.org", "kim@x.org bob@x.org"},
        {"sales+news@x.org", "bob@x.org"},
        /* whoever is elsewhere is no user */
        {"home@x.org", "="},
        {"both@x.org", "kim@x.org"},
        {"pipe@x.org", "="},
        {"stranger@x.org", "="},
        /* loops */
        {"self@x.org", "self@x.org bob@x.org"},
        {"self+x@x.org", "self@x.org bob@x.org"},
        {"a@x.org", "="},
        /* bare names are looked for where the domain is the machine's, and get one */
        {"bob@host.org", "bob@x.org"},
        {"bob+x@second.org", "bob@x.org"},
        {"root@mx.host.org", "kim@x.org"},
        {"root@x.org", "-"},
        {"short@x.org", "bob@x.org"},
        /* whole domains: before mailboxes, after aliases */
        {"any@cat.org", "owner@x.org"},
        {"any+x@cat.org", "owner@x.org"},
        {"kim@cat.org", "kim@cat.org"},
        {"kim+x@cat.org", "kim@cat.org"},
        {"moved@x.org", "owner@x.org"},
        {"kim@old.org", "kim@x.org"},
        {"kim+news@old.org", "bob@x.org"},
        {"sales@old.org", "kim@x.org bob@x.org"},
        {"nobody@old.org", "="},
        {"one@all.org", "one@all.org"},
        {"one+x@all.org", "one@all.org"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        resolves(cases[i][0], cases[i][1]);
}

/* Where only aliases are known, whom they name in our domains is a user. */
static void without_mailboxes(void **state)
{
    (void)state;
    use(aliases, NULL);
    resolves("sales@x.org", "kim@x.org bob@x.org");
    resolves("sales+x@x.org", "kim@x.org bob@x.org");
    resolves("home@x.org", "=");
    resolves("kim@x.org", "-");
    resolves("kim@cat.org", "kim@cat.org");
    resolves("any@cat.org", "owner@x.org");
}

static void without_aliases(void **state)
{
    (void)state;
    use(NULL, mailboxes);
    resolves("kim+x@x.org", "kim@x.org");
    resolves("sales@x.org", "-");
}

static void users_db_first(void **state)
{
    (void)state;
    /* An alias there counts alone; what it names is looked for in both. */
    alias("sales@x.org", "eve@x.org");
    alias("all@x.org", "info@x.org");
    alias("all@x.org", "eve@x.org");
    resolves("sales@x.org", "eve@x.org");
    resolves("all@x.org", "kim@x.org bob@x.org eve@x.org");
    /* The tables' alias leads to one of users.db. */
    alias("chain3@x.org", "ann@x.org");
    resolves("chain1@x.org", "ann@x.org");
    /* A whole domain. */
    alias("@new.org", "@x.org");
    resolves("kim@new.org", "kim@x.org");
    resolves("info@new.org", "kim@x.org bob@x.org");
    /* Whoever exists there and is no mailbox. */
    set("eve@x.org");
    resolves("eve+x@x.org", "eve@x.org");
}

/* A key of its own: whoever has the address can read what is sealed to it. */
static void keyed(void **state)
{
    (void)state;
    key("info@x.org");
    resolves("info@x.org", "info@x.org");
    resolves("info+x@x.org", "info@x.org");
    /* But where the alias names the address among others, it does not stand for those. */
    key("self@x.org");
    resolves("self@x.org", "self@x.org bob@x.org");
    resolves("self+x@x.org", "self@x.org bob@x.org");
    /* No other trace of the address keeps its mail from whom the alias leads to. */
    set("public@x.org");
    alias("team@y.org", "public@x.org");
    resolves("public@x.org", "login@x.org");
    resolves("team@y.org", "login@x.org");
    set("any@cat.org");
    resolves("any@cat.org", "owner@x.org");
    key("any@cat.org");
    resolves("any@cat.org", "any@cat.org");
}

static void login(const char *name, const char *want)
{
    g_autofree char *user = NULL;
    users_of_login(users, name, &settings, &user);
    if (g_strcmp0(user, want))
        fail_msg("login %s: want %s, got %s", name, want, user);
}

static void logins(void **state)
{
    (void)state;
    login("kim@x.org", "kim@x.org");
    login("public@x.org", "login@x.org");
    login("login@x.org", "login@x.org");
    login("sales@x.org", NULL);
    login("home@x.org", "home@x.org");
    assert_true(users_tables_name(tables_client_users(tables), "kim@x.org"));
    assert_false(users_tables_name(tables_client_users(tables), "kim+x@x.org"));
    assert_false(users_tables_name(tables_client_users(tables), "one@all.org"));
    assert_false(users_tables_name(NULL, "kim@x.org"));
}

static void use_domains(const char *maps)
{
    settings.domain_maps = (char *)maps;
    use(aliases, "kim@x.org 1\nkim@y.org 1\nkim@b\xc3\xbc.org 1\n@other.org 1\n");
}

/* A table says which domains are ours. */
static void table_of_domains(void **state)
{
    static char *none[] = {NULL};
    (void)state;
    settings.domains = none;
    use_domains("inline:{x.org=1 b\xc3\xbc.org=1}");
    resolves("kim@x.org", "kim@x.org");
    resolves("kim@y.org", "-"); /* Postfix does not ask for mailboxes there */
    resolves("any@other.org", "-");
    key("keyed@y.org");
    resolves("keyed@y.org", "keyed@y.org");
    assert_false(settings_is_local_domain(&settings, "x.org"));
    assert_false(settings_is_local_domain(&settings, "y.org"));
    assert_int_equal(users_tables_domain(users, "X.org."), USERS_FOUND);
    assert_int_equal(users_tables_domain(users, "xn--b-yga.org"), USERS_UNKNOWN);
    assert_int_equal(users_tables_domain(users, "xn--b-eha.org"), USERS_FOUND);
    assert_int_equal(users_tables_domain(users, "sub.x.org"), USERS_UNKNOWN);
    assert_int_equal(users_tables_domain(users, ""), USERS_UNKNOWN);
    /* Both settings together. */
    settings.domains = domains;
    use_domains("inline:{y.org=1}");
    resolves("kim@x.org", "kim@x.org");
    resolves("kim@y.org", "kim@y.org");
    settings.domains = none;
    use_domains("texthash:/nonexistent/domains");
    resolves("kim@x.org", "?");
    resolves("keyed@y.org", "keyed@y.org");
    settings.domain_maps = (char *)"inline:{x.org=1}";
    use("to@y.org friend@x.org, friend@z.org\n", NULL); /* whom an alias leads to in our domains is a user */
    resolves("to@y.org", "friend@x.org");
    use_domains(NULL);
    assert_int_equal(users_tables_domain(users, "x.org"), USERS_UNKNOWN);
    settings.domain_maps = NULL;
}

/* An alias with itself and more, in every turn: Postfix gives up, too. */
static void too_many(void **state)
{
    GString *text = g_string_new("many@x.org ");
    (void)state;
    for (int i = 0; i < 1200; i++)
        g_string_append_printf(text, "u%d@x.org,", i);
    g_string_append(text, "\nfew@x.org ");
    for (int i = 0; i < 900; i++)
        g_string_append_printf(text, "u%d@x.org,", i);
    g_string_append(text, "\ndeep+0@x.org deep+1@x.org\ngrows@x.org grows+x@x.org\n");
    for (int i = 1; i < 1500; i++)
        g_string_append_printf(text, "deep+%d@x.org deep+%d@x.org\n", i, i + 1);
    use(text->str, NULL);
    g_string_free(text, TRUE);
    resolves("many@x.org", "?");
    resolves("deep+0@x.org", "?");
    resolves("deep+1400@x.org", "deep@x.org");
    resolves("grows@x.org", "?");
    GPtrArray *found;
    assert_int_equal(users_resolve(users, "few@x.org", "+", &found), USERS_FOUND);
    assert_int_equal(found->len, 900);
    g_ptr_array_unref(found);
}

/* A table that cannot be read knows nobody, and says nothing of nobody. */
static void unreadable(void **state)
{
    (void)state;
    use(aliases, mailboxes);
    g_autofree char *path = g_build_filename(folder, "mailboxes", NULL);
    assert_int_equal(unlink(path), 0);
    resolves("kim@x.org", "?");
    resolves("nobody@x.org", "?");
    resolves("sales@x.org", "?");
    key("kim@x.org");
    resolves("kim@x.org", "?");
    users_use_tables(users, NULL);
    resolves("kim@x.org", "kim@x.org");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(as_virtual_says), TEST(without_mailboxes), TEST(without_aliases),
                                       TEST(users_db_first),  TEST(keyed),             TEST(logins),
                                       TEST(too_many),        TEST(unreadable),       TEST(table_of_domains)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
