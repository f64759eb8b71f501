/* Which clients have to come again, and what the keeper answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <string.h>
#include <sysexits.h>

#include "filterd/keeper/greylist.h"
#include "filterd/keeper/greylisting.h"
#include "filterd/session/policy_request.h"
#include "rules/auth/spf_result.h"
#include "rules/hits.h"

static void wanted(void **state)
{
    (void)state;
    GPtrArray *hits = hits_new();
    assert_false(greylisting_wanted(NULL, SPF_CODE_NONE, NAN));
    assert_false(greylisting_wanted(hits, SPF_CODE_NEUTRAL, -0.1));
    assert_true(greylisting_wanted(hits, SPF_CODE_NONE, 0));
    assert_true(greylisting_wanted(NULL, SPF_CODE_FAIL, NAN));
    assert_true(greylisting_wanted(NULL, SPF_CODE_SOFTFAIL, NAN));
    assert_false(greylisting_wanted(NULL, SPF_CODE_TEMPERROR, NAN));
    assert_false(greylisting_wanted(NULL, SPF_CODE_PERMERROR, NAN));
    hits_add(hits, "told", 0, "only told");
    assert_false(greylisting_wanted(hits, SPF_CODE_PASS, NAN));
    hits_add(hits, "list", 2, "listed");
    assert_true(greylisting_wanted(hits, SPF_CODE_PASS, NAN));
    hits_add(hits, "allow", -3, "an allow list knows it");
    assert_false(greylisting_wanted(hits, SPF_CODE_PASS, NAN));
    g_ptr_array_unref(hits);
}

static void keeper(void **state)
{
    const struct greylist_triplet t = {.address = "192.0.2.1", .sender = "", .recipient = "b"};
    gint32 wait = -1;
    (void)state;
    assert_int_equal(greylisting_handle(NULL, &t, &wait), EX_OK);
    assert_int_equal(wait, 0); /* no store: all pass */
}

static void requests(void **state)
{
    static const char *const lines[] = {"request=smtpd_access_policy", "client_address=192.0.2.1",
                                        "sender=", "sender=x=y@z", "recipient=b@c", "recipient=other",
                                        "recipients=d", "=e", "", "recipient"};
    struct policy_request r = {0};
    (void)state;
    assert_false(policy_request_asks(&r));
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        policy_request_line(&r, lines[i]);
    assert_string_equal(r.sender, "x=y@z");
    assert_string_equal(r.recipient, "b@c");
    assert_true(policy_request_asks(&r));
    policy_request_line(&r, "protocol_state=RCPT");
    assert_true(policy_request_asks(&r));
    g_autofree char *name = g_strnfill(POLICY_VALUE_BYTES, 'a'), *line = g_strconcat("helo_name=", name, NULL);
    policy_request_line(&r, line);
    assert_true(r.cut);
    assert_false(policy_request_asks(&r));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wanted),
        cmocka_unit_test(keeper),
        cmocka_unit_test(requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
