/* Whoever has a key is behind every spelling of her address, whatever aliases and tables have an answer for it. */
#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/config/users_tables.h"
#include "filterd/pipeline/resolve.h"
#include "t/unit/pipeline_world.h"

#define ALICE "alice@example.org"
#define BOB "bob@example.net"

static int set_up(void **state)
{
    if (world_open(state))
        return -1;
    user(ALICE);
    user(BOB);
    return 0;
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, world_close)

/* want: users by blanks; "-": nobody, "=": somebody elsewhere, "?": not now. */
static void assert_behind_whom(const char *spelling, const char *want)
{
    static const char *const words[] = {[USERS_TEMP] = "?", [USERS_UNKNOWN] = "-", [USERS_ELSEWHERE] = "=", [USERS_FOUND] = ""};
    GPtrArray *users = NULL;
    g_autofree char *address = address_canonical(spelling), *meant = NULL;
    const enum users_result result = resolve_users(context, address, &meant, &users);
    GString *all = g_string_new(words[result]);
    for (guint i = 0; result == USERS_FOUND && i < users->len; i++)
        g_string_append_printf(all, "%s%s", i ? " " : "", (const char *)users->pdata[i]);
    if (strcmp(all->str, want) != 0)
        fail_msg("behind %s: want \"%s\", got \"%s\"", spelling, want, all->str);
    g_string_free(all, TRUE);
    if (users)
        g_ptr_array_unref(users);
}

/* However the name is written, what is for nobody else is not for somebody who is there. */
static void the_rest_and_spellings(void **state)
{
    (void)state;
    alias("@example.org", BOB);
    user("sales@example.org");
    user("m@xn--bcher-kva.test");
    alias("@b\xc3\xbc" "cher.test", BOB);
    assert_behind_whom("\"alice\"@example.org", ALICE);
    assert_behind_whom("\"alice+x\"@example.org", ALICE);
    assert_behind_whom("(x)alice@example.org", ALICE);
    assert_behind_whom("\xc5\xbf" "ales@example.org", "sales@example.org");
    assert_behind_whom("m@b\xc3\xbc" "cher.test", "m@xn--bcher-kva.test");
    assert_behind_whom("\"nobody\"@example.org", BOB);
}

/* An alias may write its members in any way, too. */
static void spellings_of_members(void **state)
{
    (void)state;
    user("m@xn--bcher-kva.test");
    user("sales@example.org");
    alias("a@example.org", "m@b\xc3\xbc" "cher.test");
    alias("b@example.org", "\"alice\"@example.org");
    alias("c@example.org", "\xc5\xbf" "ales+x@example.org");
    assert_behind_whom("a@example.org", "m@xn--bcher-kva.test");
    assert_behind_whom("m@b\xc3\xbc" "cher.test", "m@xn--bcher-kva.test");
    assert_behind_whom("b@example.org", ALICE);
    assert_behind_whom("c@example.org", "sales@example.org");
}

/* Its own aliases may lead on to her. */
static void members_at_the_machine(void **state)
{
    (void)state;
    alias("a@example.org", "alice@mx.example.org");
    alias("b@example.org", "alice@localhost");
    alias("c@example.org", "nobody@mx.example.org");
    alias("d@example.org", "carl@mx.example.org");
    user("carl@example.org");
    user("carl@mx.example.org");
    assert_behind_whom("a@example.org", ALICE);
    assert_behind_whom("b@example.org", ALICE);
    assert_behind_whom("c@example.org", "nobody@mx.example.org");
    assert_behind_whom("d@example.org", "carl@mx.example.org");
    settings.hostname = (char *)"example.net"; /* a mail domain, too */
    alias("e@example.org", "alice@example.net");
    assert_behind_whom("e@example.org", "alice@example.net");
}

/* ---- the operator's tables ---- */

struct played_row {
    const char *address;
    enum users_tables_form alias, mailbox;
    const char *member;
    bool keyed; /* the key column has it, too */
};

/* The last row answers for all that is not among the others if it names no address. */
static enum users_result played_ask(void *arg, enum users_tables_question question, const char *address,
                                    struct users_tables_answer *a)
{
    for (const struct played_row *row = arg; row->alias || row->mailbox; row++) {
        const bool alias = question == USERS_TABLES_ALL && row->alias;
        if ((row->address && strcmp(row->address, address) != 0) || (!alias && !row->mailbox) ||
            (question == USERS_TABLES_KEYED && !row->keyed))
            continue;
        a->alias = alias ? row->alias : USERS_TABLES_NONE;
        a->mailbox = alias ? USERS_TABLES_NONE : row->mailbox;
        a->members = alias ? g_ptr_array_new_with_free_func(g_free) : NULL;
        if (alias)
            g_ptr_array_add(a->members, g_strdup(row->member));
        return USERS_FOUND;
    }
    return USERS_UNKNOWN;
}

static struct users_tables played_tables = {.settings = &settings, .ask = played_ask};

static void use_tables(const struct played_row *rows)
{
    played_tables.arg = (void *)rows;
    settings.mailbox_maps = (char *)"played";
    users_use_tables(context->users, &played_tables);
}

/* A table that has a mailbox for everybody says nothing of a spelling: who has a key is behind all of hers. */
static void tables_of_everybody(void **state)
{
    static const struct played_row rows[] = {{NULL, 0, USERS_TABLES_WHOLE, NULL, false}, {0}};
    (void)state;
    user("sales@example.org");
    use_tables(rows);
    assert_behind_whom("alice@example.org", ALICE);
    assert_behind_whom("\"alice\"@example.org", ALICE);
    assert_behind_whom("\"alice+x\"@example.org", ALICE);
    assert_behind_whom("\xc5\xbf" "ales@example.org", "sales@example.org");
    assert_behind_whom("other@example.org", "other@example.org");
}

/* Who is in the key column, and not imported yet, is not behind another spelling of the address as somebody without key,
 * nor is she the rest of her domain. */
static void keyed_by_tables(void **state)
{
    static const struct played_row rows[] = {{"kim@example.org", 0, USERS_TABLES_WHOLE, NULL, true},
                                             {"sales@example.org", 0, USERS_TABLES_WHOLE, NULL, true},
                                             {"m@xn--bcher-kva.test", 0, USERS_TABLES_WHOLE, NULL, true},
                                             {"a@example.org", USERS_TABLES_WHOLE, 0, "\"kim\"@example.org", false},
                                             {"mary+ann@example.org", 0, USERS_TABLES_WHOLE, NULL, true},
                                             {NULL, 0, USERS_TABLES_WHOLE, NULL, false}, {0}};
    char *domains[] = {(char *)"example.org", (char *)"b\xc3\xbc" "cher.test", (char *)"xn--bcher-kva.test", NULL};
    (void)state;
    use_tables(rows);
    settings.key_maps = (char *)"played";
    settings.domains = domains;
    assert_behind_whom("kim@example.org", "kim@example.org");
    assert_behind_whom("\"kim\"@example.org", "kim@example.org");
    assert_behind_whom("\xc5\xbf" "ales@example.org", "sales@example.org");
    assert_behind_whom("m@b\xc3\xbc" "cher.test", "m@xn--bcher-kva.test");
    assert_behind_whom("a@example.org", "kim@example.org");
    user("mary@example.org");
    assert_behind_whom("mary+ann@example.org", "mary+ann@example.org");
    assert_behind_whom("mary+other@example.org", "mary@example.org");
    alias("@example.org", BOB);
    assert_behind_whom("kim@example.org", "kim@example.org");
    assert_behind_whom("other@example.org", BOB);
    settings.key_maps = NULL;
    settings.domains = world_domains;
}

/* Their aliases lead to her by any spelling, and by the names of the machine. */
static void members_of_tables(void **state)
{
    static const struct played_row rows[] = {
        {"a@example.org", USERS_TABLES_WHOLE, 0, "m@b\xc3\xbc" "cher.test", false},
        {"b@example.org", USERS_TABLES_WHOLE, 0, "\"alice\"@example.org", false},
        {"c@example.org", USERS_TABLES_WHOLE, 0, "alice@mx.example.org", false},
        {"d@example.org", USERS_TABLES_WHOLE, 0, "alice+x@localhost", false},
        {"e@example.org", USERS_TABLES_WHOLE, 0, "nobody@localhost", false},
        {"alice@example.net", USERS_TABLES_WHOLE, 0, "somebody@elsewhere.example", false},
        {"bob@example.org", USERS_TABLES_WHOLE, 0, "somebody@elsewhere.example", false},
        {0}};
    (void)state;
    user("m@xn--bcher-kva.test");
    use_tables(rows);
    assert_behind_whom("a@example.org", "m@xn--bcher-kva.test");
    assert_behind_whom("b@example.org", ALICE);
    assert_behind_whom("c@example.org", ALICE);
    assert_behind_whom("d@example.org", ALICE);
    assert_behind_whom("e@example.org", "=");
    settings.mailbox_maps = NULL; /* then whom their aliases name is a user */
    assert_behind_whom("c@example.org", ALICE);
    settings.mailbox_maps = (char *)"played";
    /* one of two whose name it may be is elsewhere: the other has to be able to read it */
    assert_behind_whom("alice", ALICE);
    assert_behind_whom("bob", BOB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_rest_and_spellings),
        TEST(spellings_of_members),
        TEST(members_at_the_machine),
        TEST(tables_of_everybody),
        TEST(keyed_by_tables),
        TEST(members_of_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
