/* Whose mail an address is, however it is spelt; and what a recipient's users and keys make of it. */
#include <sys/wait.h>
#include <unistd.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "base/store.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/resolve.h"
#include "gpg/key_state.h"
#include "t/unit/pipeline_world.h"

#define ALICE "alice@example.org"
#define BOB "bob@example.net"

static int set_up(void **state)
{
    if (world_open(state))
        return -1;
    user(ALICE);
    user(BOB);
    alias("team@example.org", ALICE);
    alias("team@example.org", BOB);
    return 0;
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, world_close)

/* ---- spellings ---- */

/* The users behind it by blanks, "-" if nobody is, "?" if it could not be found out. */
static void assert_behind(const char *address, const char *want, const char *want_meant)
{
    GPtrArray *users = NULL;
    g_autofree char *meant = NULL;
    const enum users_result result = resolve_users(context, address, &meant, &users);
    GString *all = g_string_new(result == USERS_TEMP ? "?" : result == USERS_UNKNOWN ? "-" : "");
    for (guint i = 0; result == USERS_FOUND && i < users->len; i++)
        g_string_append_printf(all, "%s%s", i ? " " : "", (const char *)users->pdata[i]);
    if (strcmp(all->str, want) != 0)
        fail_msg("behind %s: want \"%s\", got \"%s\"", address, want, all->str);
    assert_string_equal(meant, want_meant);
    g_string_free(all, TRUE);
    if (users)
        g_ptr_array_unref(users);
}

static void assert_behind_whom(const char *spelling, const char *want)
{
    g_autofree char *address = address_canonical(spelling);
    g_autofree char *meant = address_meant(address);
    assert_behind(address, want, meant);
}

static void spellings(void **state)
{
    static const char *const cases[][3] = {
        {ALICE, ALICE, ALICE},
        {"team@example.org", ALICE " " BOB, "team@example.org"},
        {"alice+lists@example.org", ALICE, "alice+lists@example.org"},
        {"\"alice\"@example.org", ALICE, ALICE},
        {"alice@example.org.", ALICE, ALICE},
        {"@a.example,@b.example:alice@example.org", ALICE, ALICE},
        {"(x)alice@example.org", ALICE, ALICE},
        {"alice%example.org", ALICE, ALICE},
        {"example.org!alice", ALICE, ALICE},
        /* in front of a domain of ours */
        {"alice%example.org@example.net", ALICE, "alice%example.org@example.net"},
        {"alice%example.org@mx.example.org", ALICE, "alice%example.org@mx.example.org"},
        {"alice%example.org@MX.example.ORG", ALICE, "alice%example.org@MX.example.ORG"},
        {"example.org!alice@example.net", ALICE, "example.org!alice@example.net"},
        {"\"alice@example.org\"@example.net", ALICE, "alice@example.org@example.net"},
        {"alice%example.org@old.test", ALICE, "alice%example.org@old.test"},
        {"team%example.org%example.net@example.org", ALICE " " BOB, "team%example.org%example.net@example.org"},
        /* not in front of another's */
        {"alice%example.org@elsewhere.example", "-", "alice%example.org@elsewhere.example"},
        {"alice%elsewhere.example@example.org", "-", "alice%elsewhere.example@example.org"},
        {"alice%example.org%elsewhere.example@example.org", "-",
         "alice%example.org%elsewhere.example@example.org"},
        {"alice@example.net", "-", "alice@example.net"},
        {"nobody@example.org", "-", "nobody@example.org"},
        /* a name alone, in any of our domains */
        {"alice", ALICE, "alice"},
        {"bob", BOB, "bob"},
        {"\"bob\"", BOB, "bob"},
        {"bob+x", BOB, "bob+x"},
        {"nobody", "-", "nobody"},
    };
    (void)state;
    alias("@old.test", "@example.net");
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_behind(cases[i][0], cases[i][1], cases[i][2]);
}

/* Postfix gives all names of the machine the same people. */
static void names_of_the_machine(void **state)
{
    static char *names[] = {(char *)"box.test", (char *)"mail.bucher.test", NULL};
    static const char *const hers[] = {"alice@localhost", "alice@localhost.elsewhere.example", "Alice+x@MX.example.org",
                                       "alice@[192.0.2.1]", "alice@192.0.2.1", "alice@[ipv6:::1]", "alice@mx",
                                       "\"alice\"@localhost.", "alice@example", "alice%localhost@[127.0.0.1]",
                                       "\"alice@example.org\"@localhost", "localhost!alice@mx.example.org",
                                       "alice@example.org@localhost", "@a:alice%mx.example.org@localhost",
                                       "alice+@x@localhost", "\"alice+x!y\"@[192.0.2.1]", "alice+%x@mx.example.org"};
    static const char *const nobodys[] = {"alice@box.test", "alice@elsewhere", "alice@box", "alice@xlocalhost",
                                          "alice@localhostx.example", "nobody@localhost",
                                          "+@alice@localhost", "x!alice+@y@localhost"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(hers); i++)
        assert_behind_whom(hers[i], ALICE);
    for (size_t i = 0; i < G_N_ELEMENTS(nobodys); i++)
        assert_behind_whom(nobodys[i], "-");
    alias("info@mx.example.org", ALICE); /* an alias of the machine's, as alias import has it */
    assert_behind_whom("info", ALICE);
    assert_behind_whom("INFO+x@localhost", ALICE);
    assert_behind_whom("\"info\"@[127.0.0.1]", ALICE);
    settings.local_names = names;
    assert_behind_whom("alice@box.test", ALICE);
    assert_behind_whom("alice@box", ALICE);
    assert_behind_whom("alice@Box.te\xc5\xbf" "t", ALICE);
    alias("alice@mail.bucher.test", BOB); /* one of the machine's names goes before the mail domains */
    assert_behind_whom("alice@box.test", BOB);
    assert_behind_whom("alice", BOB);
    alias("alice", ALICE); /* and a bare name before that */
    assert_behind_whom("alice@localhost", ALICE);
    assert_behind_whom("alice@mail.bucher.test", BOB);
    settings.local_names = NULL;
}

/* If it may be either of two users, both have to be able to read it. */
static void a_name_of_two(void **state)
{
    (void)state;
    user("alice@example.net");
    assert_behind_whom("alice@localhost", ALICE " alice@example.net");
    assert_behind_whom("alice@example.net", "alice@example.net");
    spoil_users();
    assert_behind_whom("alice@localhost", "?");
}

/* Who gets what is for nobody else at a domain; a local user of the machine is somebody else. */
static void the_rest_of_a_domain(void **state)
{
    (void)state;
    alias("@example.org", BOB);
    assert_behind_whom("nobody+x@example.org", BOB);
    assert_behind_whom("\"no body\"@Example.org.", BOB);
    assert_behind_whom(ALICE, ALICE);
    assert_behind_whom("nobody", BOB);
    assert_behind_whom("root@localhost", "-");
    assert_behind_whom("root@mx.example.org", "-");
    assert_behind_whom("alice@localhost", ALICE);
    alias("@mx.example.org", ALICE);
    assert_behind_whom("root@mx.example.org", ALICE);
}

/* As Postfix's tables find them. */
static void folded_and_encoded(void **state)
{
    (void)state;
    user("sales@example.org");
    assert_behind_whom("\xc5\xbf" "ales+x@example.org", "sales@example.org");
    assert_behind_whom("sales@e\xc5\xbf" "ample.org", "-");
    user("k@b\xc3\xbc" "cher.test");
    assert_behind_whom("\xe2\x84\xaa@B\xc3\x9c" "CHER.test", "k@b\xc3\xbc" "cher.test");
    assert_behind_whom("k@xn--bcher-kva.test", "k@b\xc3\xbc" "cher.test");
    user("m@xn--bcher-kva.test");
    assert_behind_whom("m@b\xc3\xbc" "cher.test", "m@xn--bcher-kva.test");
    assert_behind_whom("m@xn--bcher-kva.test", "m@xn--bcher-kva.test");
    assert_behind_whom("m@xn--.test", "-");
}

/* ---- before the queue ---- */

static void what_is_certain(void **state)
{
    static const char *const fine[] = {"alice@example.org", "\"alice\"@example.org", "x@elsewhere.example", "postmaster",
                                       "alice@[192.0.2.1]", "a..b@docomo.example", "a%b@elsewhere.example",
                                       "@r.example:a@elsewhere.example", "\"a@b\"@elsewhere.example"};
    static const char *const unsure[] = {
        "a..b@example.org", "alice%example.org@example.net", "example.org!alice", "alice%example.org",
        "alice%example.org@mx", "alice%example.org@mx.example.org.", "\"alice@example.org\"@localhost",
        "@r.example:alice@example.org", "alice%example.org@[192.0.2.1]", "alice%example.org@192.0.2.1",
        "alice@example.org@", "alice@example.org;", "(x)x@elsewhere.example", "\"alice@example.org\"@elsewhere.example",
        "alice@@example.org@mx.example.org@elsewhere.example", "example.org!alice@elsewhere.example", "\"a%ex\\ample\\.org%localhost\"@elsewhere.example", "alice%example.org@EXAMPLE.or\xc9\xa1x@example.org",
        "\"@r.example:alice@example.org\"@elsewhere.example", "\"@@Example.org:alice@elsewhere.example\"@elsewhere.example",
        "\"@[example.org],x\"@elsewhere.example", "\"@@b.test:alice@OLd.TESt@\"@old.test", "a..b@Old.test", "alice%old.test@elsewhere.example"};
    (void)state;
    alias("@old.test", "@example.org"); /* no setting names it */
    for (size_t i = 0; i < G_N_ELEMENTS(fine); i++)
        if (resolve_doubt(context, fine[i], false) != REASON_OK)
            fail_msg("refused: %s", fine[i]);
    for (size_t i = 0; i < G_N_ELEMENTS(unsure); i++)
        if (resolve_doubt(context, unsure[i], false) == REASON_OK)
            fail_msg("taken: %s", unsure[i]);
    settings.domains = no_list; /* all that comes in is ours, nothing that is submitted */
    assert_int_equal(resolve_doubt(context, "a..b@docomo.example", false), REASON_ODD_ADDRESS);
    assert_int_equal(resolve_doubt(context, "a..b@docomo.example", true), REASON_OK);
    assert_int_equal(resolve_doubt(context, "a%b@mx.example.org", true), REASON_ODD_ADDRESS);
    assert_true(resolve_is_certain_sender(""));
    assert_true(resolve_is_certain_sender("a..b@docomo.example"));
    assert_false(resolve_is_certain_sender("a(\\\")@b.example"));
}

/* Before it is taken apart it is looked up as it is. */
static void odd_addresses_that_exist(void **state)
{
    (void)state;
    alias("alice%example.org@example.net", BOB);
    assert_behind("alice%example.org@example.net", BOB, "alice%example.org@example.net");
    user("\"alice\"@example.org");
    assert_behind("\"alice\"@example.org", "\"alice\"@example.org", ALICE);
    user("root");
    assert_behind("root", "root", "root");
    assert_behind("\"root\"", "root", "root");
}

static void without_domains_all_are_ours(void **state)
{
    (void)state;
    settings.domains = no_list;
    assert_behind("alice%example.org@elsewhere.example", ALICE, "alice%example.org@elsewhere.example");
    assert_behind("alice", "-", "alice");
    settings.domains = NULL;
    assert_behind("alice%example.org@elsewhere.example", ALICE, "alice%example.org@elsewhere.example");
    assert_behind("alice", "-", "alice");
    settings.domains = world_domains;
    settings.hostname = NULL;
    assert_behind("alice%example.org@mx.example.org", "-", "alice%example.org@mx.example.org");
    settings.local_names = no_list;
    settings.hostname = (char *)"mx.example.org";
}

static void not_to_be_read(void **state)
{
    (void)state;
    spoil_users();
    assert_behind(ALICE, "?", ALICE);
    assert_behind("\"alice\"@example.org", "?", ALICE);
    assert_behind("alice", "?", "alice");
}

/* ---- a recipient ---- */

/* Looked up; the last one stays until the next. */
static struct recipient_state st;

static void look_up(struct recipient *r)
{
    recipient_state_clear(&st);
    recipient_state_fill(&st, context, envelope, r);
    assert_ptr_equal(st.recipient, r);
    assert_false(st.delivered_before);
    assert_null(st.verdict);
}

static struct recipient *look_up_address(const char *address)
{
    struct recipient *r = to(address);
    look_up(r);
    return r;
}

static void assert_list(const GPtrArray *list, const char *want)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < list->len; i++)
        g_string_append_printf(all, "%s%s", i ? " " : "", (const char *)list->pdata[i]);
    assert_string_equal(all->str, want);
    g_string_free(all, TRUE);
}

static void assert_handled(enum policy_handling handling, enum outcome_reason reason, const char *judges)
{
    assert_int_equal(st.disposition.handling, handling);
    assert_int_equal(st.disposition.reason, reason);
    assert_list(st.judges, judges);
}

/* Which keys the log names for this address. */
static void assert_keys(guint i, const char *want)
{
    const struct recipient_address *a = st.addresses && i < st.addresses->len ? st.addresses->pdata[i] : NULL;
    if (want && a && a->keys)
        assert_string_equal(a->keys, want);
    else
        assert_true(!want && (!a || !a->keys));
}

static void users_and_keys(void **state)
{
    (void)state;
    user("good@example.org");
    user("bad@example.org");
    alias("all@example.org", "good@example.org");
    alias("all@example.org", "goodtoo@example.org");
    alias("spoilt@example.org", "bad@example.org");
    alias("spoilt@example.org", "good@example.org");
    alias("torn@example.org", "good@example.org");
    alias("torn@example.org", "lost@example.org");
    assert_list(look_up_address("Good@Example.ORG")->users, "good@example.org");
    assert_handled(POLICY_HANDLE_SEAL, REASON_OK, "good@example.org");
    assert_keys(0, "key-of-good@example.org");
    assert_list(look_up_address("all@example.org")->users, "good@example.org goodtoo@example.org");
    assert_handled(POLICY_HANDLE_SEAL, REASON_OK, "good@example.org goodtoo@example.org");
    assert_keys(0, "key-of-good@example.org,key-of-goodtoo@example.org");
    look_up_address("spoilt@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_BAD_KEY_DEFER, "bad@example.org good@example.org");
    assert_keys(0, "key-of-bad@example.org,key-of-good@example.org");
    assert_holds(logged(), "Wuser=<bad@example.org> key=key-of-bad@example.org cannot be used: it is played so\n");
    look_up_address("torn@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNFORESEEN, "good@example.org lost@example.org");
    assert_holds(logged(), "Wuser=<lost@example.org> keys cannot be read: it is played so\n");
    assert_int_equal(logged_times("\n"), 2);
    look_up_address(ALICE);
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, ALICE);
    assert_false(st.disposition.exempt);
    assert_keys(0, NULL);
    recipient_state_clear(&st);
}

static void who_wants_no_encryption(void **state)
{
    (void)state;
    set("good@example.org", "encrypt", "no");
    set("good2@example.org", "encrypt", "yes");
    alias("two@example.org", "good@example.org");
    alias("two@example.org", "good2@example.org");
    look_up_address("good@example.org");
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, "good@example.org");
    assert_true(st.disposition.exempt);
    assert_keys(0, NULL);
    look_up_address("good2@example.org");
    assert_handled(POLICY_HANDLE_SEAL, REASON_OK, "good2@example.org");
    look_up_address("two@example.org"); /* one would see it in the clear, against the other's key */
    assert_handled(POLICY_HANDLE_REFUSE, REASON_BAD_KEY_DEFER, "good2@example.org good@example.org");
    settings.no_key = POLICY_REJECT;
    look_up_address("good@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_NO_KEY_REJECT, "good@example.org");
    recipient_state_clear(&st);
}

static void nobody(void **state)
{
    (void)state;
    settings.unknown_recipient = POLICY_REJECT;
    assert_list(look_up_address("Nobody+x@example.org")->users, "");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "nobody@example.org");
    look_up_address("\"nobody\"@EXAMPLE.org.");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "\"nobody\"@example.org.");
    look_up_address("nobody@elsewhere.example");
    assert_handled(POLICY_HANDLE_FOREIGN, REASON_OK, "nobody@elsewhere.example");
    look_up_address("nobody");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "nobody");
    look_up_address("nobody%example.org@mx.example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "nobody%example.org@mx.example.org");
    look_up_address("nobody@localhost"); /* a user of the machine, perhaps */
    assert_handled(POLICY_HANDLE_FOREIGN, REASON_OK, "nobody@localhost");
    look_up_address("PostMaster");
    assert_handled(POLICY_HANDLE_FOREIGN, REASON_OK, "postmaster");
    settings.domains = no_list;
    look_up_address("nobody@elsewhere.example");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "nobody@elsewhere.example");
    envelope->listener = &submission;
    look_up_address("nobody@elsewhere.example");
    assert_handled(POLICY_HANDLE_FOREIGN, REASON_OK, "nobody@elsewhere.example");
    envelope->listener = NULL;
    look_up_address("nobody@elsewhere.example");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "nobody@elsewhere.example");
    recipient_state_clear(&st);
}

/* What cannot be anybody's address is looked up, too: it may be one with an extension, and it is no trouble of ours. */
static void no_addresses(void **state)
{
    g_autofree char *tail = g_strnfill(2000, '+');
    const char *const hers[] = {"\"alice+\t\"@example.org", "Alice+\x01@example.org", "\"alice+\xe4\"@localhost", "ALICE+\xff"};
    (void)state;
    settings.unknown_recipient = POLICY_REJECT;
    settings.local_names = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(hers); i++) {
        look_up_address(hers[i]);
        assert_handled(POLICY_HANDLE_PASS, REASON_OK, ALICE);
    }
    g_autofree char *longer = g_strdup_printf("alice%s@example.org", tail), *quoted = g_strdup_printf("\"alice%s\"@[127.0.0.1]", tail);
    look_up_address(longer);
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, ALICE);
    look_up_address(quoted);
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, ALICE);
    look_up_address("no\nbody@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "no\xef\xbf\xbd" "body@example.org");
    look_up_address("al\x01ice@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "al\xef\xbf\xbdice@example.org");
    look_up_address("\"\"");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "\"\"");
    look_up_address("");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "\xef\xbf\xbd");
    look_up_address("al\xe4@elsewhere.example");
    assert_handled(POLICY_HANDLE_FOREIGN, REASON_OK, "al\xef\xbf\xbd@elsewhere.example");
    recipient_state_clear(&st);
}

/* A user whose settings cannot be read may have turned encryption off, or not. */
static void settings_not_to_be_read(void **state)
{
    char *path = g_build_filename(folder, "users.db", NULL), *error = NULL;
    sqlite3 *db;
    (void)state;
    user("good@example.org");
    assert_true(store_open(path, true, NULL, &db, &error));
    assert_true(store_run(db, "DROP TABLE setting", NULL, 0));
    store_close(&db);
    g_free(path);
    look_up_address("good@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNFORESEEN, "good@example.org");
    assert_holds(logged(), "Wuser=<good@example.org> settings cannot be read\n");
    recipient_state_clear(&st);
}

static void together(const char *first, const char *second, const char *third)
{
    struct recipient *r = to(first);
    r->others = g_strdupv((char *[]){(char *)second, (char *)third, NULL});
    look_up(r);
}

/* True if somebody else could write to it now; in a process of its own, as locks are a process's. */
static bool may_be_written(void)
{
    g_autofree char *path = g_build_filename(folder, "users.db", NULL);
    int status = -1;
    sqlite3 *db = NULL;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(sqlite3_open(path, &db) == SQLITE_OK &&
              sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) == SQLITE_OK);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static guint looks;

static void on_key(void)
{
    looks++;
    assert_false(may_be_written());
}

/* Alias, members and their settings are of one moment. */
static void all_is_of_one_moment(void **state)
{
    (void)state;
    user("good@example.org");
    alias("all@example.org", "good@example.org");
    alias("all@example.org", "goodtoo@example.org");
    played_on_key = on_key;
    looks = 0;
    together("all@example.org", ALICE, NULL);
    assert_int_equal(looks, 3);
    assert_true(may_be_written());
    recipient_state_clear(&st);
}

/* A line of the log has an end. */
static void keys_of_many(void **state)
{
    (void)state;
    GString *all = g_string_new(NULL);
    for (int i = 0; i < 20; i++) {
        g_autofree char *name = g_strdup_printf("good%02d@example.org", i);
        alias("crowd@example.org", name);
        if (i < 8)
            g_string_append_printf(all, "key-of-%s,", name);
    }
    g_string_append(all, "...");
    look_up_address("crowd@example.org");
    assert_keys(0, all->str);
    g_string_free(all, TRUE);
    recipient_state_clear(&st);
}

static void looked_up_again(void **state)
{
    (void)state;
    struct recipient *r = look_up_address("good@example.org");
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, "good@example.org");
    assert_list(r->users, "");
    user("good@example.org");
    look_up(r);
    assert_handled(POLICY_HANDLE_SEAL, REASON_OK, "good@example.org");
    assert_list(r->users, "good@example.org");
    played_keys[0] = (struct played_key){"good@example.org", KEY_BAD};
    look_up(r);
    assert_handled(POLICY_HANDLE_REFUSE, REASON_BAD_KEY_DEFER, "good@example.org");
    spoil_users();
    look_up(r);
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNFORESEEN, "good@example.org");
    recipient_state_clear(&st);
    assert_null(st.judges);
    assert_keys(0, NULL);
    assert_null(st.recipient);
}

static void several_addresses(void **state)
{
    (void)state;
    user("good@example.org");
    user("good2@example.org");
    set("clear@example.org", "encrypt", "no");
    alias("both@example.org", "good@example.org");
    alias("both@example.org", "good2@example.org");
    together("good@example.org", "both@example.org", NULL);
    assert_handled(POLICY_HANDLE_SEAL, REASON_OK, "good@example.org good2@example.org");
    assert_list(st.recipient->users, "good@example.org good2@example.org");
    assert_keys(0, "key-of-good@example.org");
    assert_keys(1, "key-of-good2@example.org,key-of-good@example.org");
    assert_keys(2, NULL);
    together("nobody+1@example.org", "who@elsewhere.example", "else+2@example.org");
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, "nobody@example.org who@elsewhere.example else@example.org");
    together("nobody@example.org", ALICE, "who@elsewhere.example");
    assert_handled(POLICY_HANDLE_PASS, REASON_OK, ALICE);
    together(ALICE, "clear@example.org", NULL);
    assert_true(st.disposition.exempt);
    together("good@example.org", "good2@example.org", ALICE);
    assert_handled(POLICY_HANDLE_REFUSE, REASON_MIXED, "good@example.org good2@example.org " ALICE);
    settings.unknown_recipient = POLICY_REJECT;
    together("good@example.org", "good2@example.org", "nobody@example.org");
    assert_handled(POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT, "good@example.org good2@example.org");
    recipient_state_clear(&st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spellings), TEST(names_of_the_machine), TEST(a_name_of_two), TEST(the_rest_of_a_domain), TEST(folded_and_encoded),
        TEST(what_is_certain), TEST(odd_addresses_that_exist), TEST(without_domains_all_are_ours), TEST(not_to_be_read),
        TEST(users_and_keys), TEST(who_wants_no_encryption), TEST(nobody), TEST(no_addresses),
        TEST(settings_not_to_be_read), TEST(all_is_of_one_moment), TEST(keys_of_many), TEST(looked_up_again),
        TEST(several_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
