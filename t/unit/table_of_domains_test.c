/* Recipients where a table says which domains are ours: what it cannot say now waits. */
#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/config/users_tables.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/resolve.h"
#include "t/unit/pipeline_world.h"

#define ALICE "alice@example.org"

static void domains_by_table(const char *maps)
{
    settings.domains = no_list;
    settings.domain_maps = (char *)maps;
    world_begin_anew();
}

static enum users_result behind(const char *address)
{
    GPtrArray *users = NULL;
    g_autofree char *meant = NULL;
    const enum users_result result = resolve_users(context, address, &meant, &users);
    if (users)
        g_ptr_array_unref(users);
    return result;
}

static struct policy_disposition disposition_of(const char *address)
{
    struct recipient_state st;
    recipient_state_fill(&st, context, envelope, to(address));
    const struct policy_disposition d = st.disposition;
    recipient_state_clear(&st);
    return d;
}

static void assert_handled(const char *address, enum policy_handling handling, enum outcome_reason reason)
{
    const struct policy_disposition d = disposition_of(address);
    if (d.handling != handling || d.reason != reason)
        fail_msg("%s: want %d %d, got %d %d", address, handling, reason, d.handling, d.reason);
}

static void spellings(void **state)
{
    (void)state;
    user(ALICE);
    domains_by_table("inline:{example.org=1 example.net=1}");
    assert_int_equal(resolve_local(context, "x@example.org"), USERS_FOUND);
    assert_int_equal(resolve_local(context, "x@elsewhere.example"), USERS_UNKNOWN);
    assert_int_equal(resolve_local(context, "x%example.org@elsewhere.example"), USERS_UNKNOWN);
    assert_int_equal(resolve_local(context, "x%elsewhere.example@example.org"), USERS_FOUND);
    assert_int_equal(behind("alice%example.org@example.net"), USERS_FOUND);
    assert_int_equal(behind("alice%example.org@elsewhere.example"), USERS_UNKNOWN);
    assert_int_equal(resolve_doubt(context, "alice%example.org@example.net", true), REASON_ODD_ADDRESS);
    assert_int_equal(resolve_doubt(context, "alice%example.org@elsewhere.example", true), REASON_ODD_ADDRESS);
    assert_int_equal(resolve_doubt(context, "a%b@elsewhere.example", false), REASON_OK);
    /* What cannot be known waits: it is neither refused for good nor anybody else's. */
    domains_by_table("texthash:/nonexistent/domains");
    assert_int_equal(behind(ALICE), USERS_FOUND);
    assert_int_equal(behind("alice%example.org@example.net"), USERS_TEMP);
    assert_int_equal(resolve_local(context, "x@example.org"), USERS_TEMP);
    assert_int_equal(resolve_doubt(context, "a%b@elsewhere.example", false), REASON_UNFORESEEN);
    settings.domain_maps = NULL;
}

/* Submitted mail, too, is local by the table alone. */
static void recipients(void **state)
{
    static const struct listener *const both[] = {&inbound, &submission};
    (void)state;
    settings.unknown_recipient = POLICY_REJECT;
    for (size_t i = 0; i < G_N_ELEMENTS(both); i++) {
        envelope->listener = both[i];
        domains_by_table("inline:{example.org=1}");
        assert_handled("nobody@example.org", POLICY_HANDLE_REFUSE, REASON_UNKNOWN_REJECT);
        assert_handled("nobody@elsewhere.example", POLICY_HANDLE_FOREIGN, REASON_OK);
        domains_by_table("texthash:/nonexistent/domains");
        assert_handled("nobody@example.org", POLICY_HANDLE_REFUSE, REASON_UNFORESEEN);
    }
    settings.domain_maps = NULL;
}

/* The table answers so many questions about domains, and then one not, or none any more. */
static int answers_left;
static bool comes_back;

static enum users_result ask_table(void *arg, enum users_tables_question question, const char *domain,
                                   struct users_tables_answer *a_r)
{
    (void)arg;
    if (question != USERS_TABLES_IS_DOMAIN)
        return USERS_UNKNOWN;
    const int left = answers_left--;
    if (left == 0 || (left < 0 && !comes_back))
        return USERS_TEMP;
    if (strcmp(domain, "example.org") && strcmp(domain, "example.net"))
        return USERS_UNKNOWN;
    a_r->mailbox = USERS_TABLES_DOMAIN;
    return USERS_FOUND;
}

/* Wherever it fails, mail for us is nobody else's, and mail for a user waits. */
static void it_fails_in_between(void **state)
{
    static const struct users_tables tables = {&settings, ask_table, NULL};
    (void)state;
    user("good@example.org");
    domains_by_table("played:");
    settings.unknown_recipient = POLICY_REJECT;
    users_use_tables(context->users, &tables);
    for (int i = 0; i < 24; i++) {
        const int n = i / 2, last = n == 11 ? 1000 : n; /* the last time it does not fail at all */
        comes_back = i % 2;
        answers_left = last;
        const struct policy_disposition unknown = disposition_of("nobody@example.org");
        answers_left = last;
        const struct policy_disposition keyed = disposition_of("good%example.org@example.net");
        if (unknown.handling != POLICY_HANDLE_REFUSE || (n == 0 && unknown.reason != REASON_UNFORESEEN))
            fail_msg("after %d answers: nobody is %d %d", last, unknown.handling, unknown.reason);
        if (keyed.handling != POLICY_HANDLE_SEAL &&
            (n == 11 || keyed.handling != POLICY_HANDLE_REFUSE || keyed.reason != REASON_UNFORESEEN))
            fail_msg("after %d answers: who has a key is %d %d", last, keyed.handling, keyed.reason);
    }
    settings.domain_maps = NULL;
}

/* Only whether a whole domain leads to us cannot be known. */
static enum users_result ask_alias(void *arg, enum users_tables_question question, const char *address,
                                   struct users_tables_answer *a_r)
{
    (void)arg;
    (void)a_r;
    return question == USERS_TABLES_ALL && !strcmp(address, "@old.example") ? USERS_TEMP : USERS_UNKNOWN;
}

static void an_alias_of_a_domain_fails(void **state)
{
    static const struct users_tables tables = {&settings, ask_alias, NULL};
    (void)state;
    user("good@example.org");
    settings.domains = world_domains;
    world_begin_anew();
    users_use_tables(context->users, &tables);
    assert_handled("good%example.org@old.example", POLICY_HANDLE_REFUSE, REASON_UNFORESEEN);
    assert_int_equal(resolve_local(context, "x%example.org@old.example"), USERS_TEMP);
    assert_handled("good%example.org@elsewhere.example", POLICY_HANDLE_FOREIGN, REASON_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(spellings), TEST(recipients), TEST(it_fails_in_between),
                                       TEST(an_alias_of_a_domain_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
