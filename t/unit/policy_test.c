/* Walks every combination of what can be known about a recipient and a message, and compares policy.c with
 * the promises of README.md, stated here in another way than there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/result.h"
#include "filterd/pipeline/policy.h"

static char *domains[] = {"example.com", NULL};

static bool is_temporary(enum outcome_reason reason)
{
    return outcome_of(reason).result == RES_TEMP;
}

static bool is_rejection(enum outcome_reason reason)
{
    return outcome_of(reason).result == RES_REJECT;
}

/* ---- for an address ---- */

static void check_users(const struct settings *s, const struct policy_keys *k, struct policy_disposition d)
{
    const bool only_none = !k->good && !k->bad && !k->unreadable && k->none;
    const bool only_good = k->good && !k->none && !k->bad && !k->unreadable;
    assert_int_not_equal(d.handling, POLICY_HANDLE_FOREIGN);
    assert_int_equal(d.handling == POLICY_HANDLE_SEAL, only_good);
    assert_int_equal(d.handling == POLICY_HANDLE_PASS, only_none && s->no_key == POLICY_PASS);
    assert_int_equal(d.exempt, d.handling == POLICY_HANDLE_PASS && k->exempt);
    if (d.handling != POLICY_HANDLE_REFUSE)
        return;
    if (k->unreadable || (!k->good && !k->none && !k->bad))
        assert_int_equal(d.reason, REASON_UNFORESEEN);
    else if (only_none)
        assert_int_equal(is_rejection(d.reason), s->no_key == POLICY_REJECT);
    else
        assert_int_equal(is_rejection(d.reason), s->bad_key == POLICY_REJECT);
}

static void check_nobody(const struct settings *s, const struct policy_address *a,
                         struct policy_disposition d)
{
    const bool ours = (s->domains ? a->local_domain : !a->submitted) && !a->postmaster;
    assert_int_equal(d.handling == POLICY_HANDLE_FOREIGN, !ours);
    assert_int_not_equal(d.handling, POLICY_HANDLE_SEAL);
    assert_false(d.exempt);
    if (!ours)
        return;
    assert_int_equal(d.handling == POLICY_HANDLE_PASS, s->unknown_recipient == POLICY_PASS);
    assert_int_equal(is_rejection(d.reason), s->unknown_recipient == POLICY_REJECT);
}

static void check_address(const struct settings *s, const struct policy_address *a)
{
    const struct policy_disposition d = policy_disposition(s, a);
    assert_int_equal(d.reason == REASON_OK, d.handling != POLICY_HANDLE_REFUSE);
    assert_true(d.reason == REASON_OK || is_temporary(d.reason) || is_rejection(d.reason));
    if (a->who == POLICY_WHO_USERS)
        check_users(s, &a->keys, d);
    else if (a->who == POLICY_WHO_NOBODY)
        check_nobody(s, a, d);
    else if (a->who == POLICY_WHO_ELSEWHERE)
        assert_true(d.handling == POLICY_HANDLE_PASS && !d.exempt);
    else
        assert_int_equal(d.handling == POLICY_HANDLE_REFUSE && d.reason == REASON_UNFORESEEN, 1);
}

/* ---- the combinations ---- */

struct each {
    struct settings settings;
    struct policy_address address;
    void (*fn)(const struct settings *s, const struct policy_address *a, void *arg);
    void *arg;
    size_t count;
};

static void each_keys(struct each *e)
{
    struct policy_keys *k = &e->address.keys;
    for (guint n = 0; n < 3 * 3 * 3 * 3; n++) {
        *k = (struct policy_keys){n % 3, n / 3 % 3, n / 9 % 3, n / 27, 0};
        for (k->exempt = 0; k->exempt <= k->none; k->exempt++, e->count++)
            e->fn(&e->settings, &e->address, e->arg);
    }
}

static void each_address(struct each *e)
{
    for (int n = 0; n < 4 * 2 * 2 * 2; n++) {
        e->address = (struct policy_address){.who = (enum policy_who)(n % 4), .local_domain = n / 4 % 2,
                                             .submitted = n / 8 % 2, .postmaster = n / 16};
        each_keys(e);
    }
}

static size_t walk(void (*fn)(const struct settings *, const struct policy_address *, void *), void *arg)
{
    struct each e = {.fn = fn, .arg = arg};
    for (int n = 0; n < 3 * 3 * 2 * 2; n++) {
        e.settings = (struct settings){.no_key = (enum policy)(n % 3),
                                       .unknown_recipient = (enum policy)(n / 3 % 3),
                                       .bad_key = n / 9 % 2 ? POLICY_REJECT : POLICY_DEFER,
                                       .domains = n / 18 ? domains : NULL};
        each_address(&e);
    }
    return e.count;
}

static void on_address(const struct settings *s, const struct policy_address *a, void *arg)
{
    (void)arg;
    check_address(s, a);
}

static void addresses(void **state)
{
    (void)state;
    assert_true(walk(on_address, NULL) > 10000);
}

/* ---- for a copy ---- */

/* All dispositions there are. */
struct all {
    struct policy_disposition of[64];
    size_t count;
};

static void keep(const struct settings *s, const struct policy_address *a, void *arg)
{
    struct all *all = arg;
    const struct policy_disposition d = policy_disposition(s, a);
    for (size_t i = 0; i < all->count; i++)
        if (all->of[i].handling == d.handling && all->of[i].reason == d.reason &&
            all->of[i].exempt == d.exempt)
            return;
    assert_true(all->count < G_N_ELEMENTS(all->of));
    all->of[all->count++] = d;
}

static bool is_clear(enum policy_form form)
{
    return form == POLICY_FORM_NO_KEY || form == POLICY_FORM_EXEMPT || form == POLICY_FORM_FOREIGN;
}

/* A copy that must be sealed is sealed, or not delivered, or was encrypted before: for its recipient's keys, or for
 * others' and the site lets that pass. */
static void check_sealed(const struct policy_copy *c, struct policy_plan p)
{
    if (c->own.handling == POLICY_HANDLE_SEAL)
        assert_false(is_clear(p.form));
    const struct policy_disposition *to = p.to_quarantine ? &c->quarantine : &c->own;
    const enum policy_encrypted encrypted = p.to_quarantine ? c->encrypted_there : c->encrypted;
    const bool sealed = to->handling == POLICY_HANDLE_SEAL && p.reason == REASON_OK;
    const bool others = sealed && encrypted == POLICY_ENCRYPTED_OTHERS;
    assert_int_equal(p.form == POLICY_FORM_SEALED, (sealed && encrypted == POLICY_ENCRYPTED_NOT) ||
                                                       (others && c->already == ALREADY_SEAL));
    assert_int_equal(p.form == POLICY_FORM_OTHERS, others && c->already == ALREADY_PASS);
    assert_int_equal(p.form == POLICY_FORM_ENCRYPTED,
                     p.reason == REASON_OK && encrypted != POLICY_ENCRYPTED_NOT && !others);
    if (p.form == POLICY_FORM_ENCRYPTED && encrypted == POLICY_ENCRYPTED_OTHERS)
        assert_int_not_equal(to->handling, POLICY_HANDLE_SEAL); /* no key to compare with */
    if (p.form == POLICY_FORM_NO_KEY || p.form == POLICY_FORM_EXEMPT) {
        assert_int_equal(to->handling, POLICY_HANDLE_PASS);
        assert_int_equal(p.form == POLICY_FORM_EXEMPT, to->exempt);
    }
    if (p.form == POLICY_FORM_FOREIGN)
        assert_int_equal(to->handling, POLICY_HANDLE_FOREIGN);
}

/* Only action=discard drops mail, and behind the queue spam is never refused. */
static void check_end(const struct policy_copy *c, struct policy_plan p)
{
    assert_int_equal(p.form == POLICY_FORM_NONE, p.reason != REASON_OK);
    assert_int_equal(p.reason == REASON_DISCARDED,
                     c->own.handling != POLICY_HANDLE_REFUSE && c->spam && c->action == SPAM_DISCARD);
    if (p.reason == REASON_SPAM)
        assert_true(c->client_waits && c->spam && c->over_reject && c->action == SPAM_REJECT);
    if (c->own.handling == POLICY_HANDLE_REFUSE) {
        assert_int_equal(p.reason, c->own.reason);
    } else if (!c->spam || c->action == SPAM_TAG) {
        assert_int_equal(p.reason, REASON_OK);
        assert_false(p.to_quarantine);
    }
}

static void check_quarantine(const struct policy_copy *c, struct policy_plan p)
{
    const enum policy_handling own = c->own.handling, there = c->quarantine.handling;
    const bool wanted = c->spam && c->action == SPAM_QUARANTINE && own != POLICY_HANDLE_REFUSE;
    const bool safe = there == POLICY_HANDLE_SEAL ||
                      (there != POLICY_HANDLE_REFUSE && own != POLICY_HANDLE_SEAL);
    assert_int_equal(policy_is_moved(c), wanted);
    assert_int_equal(p.to_quarantine, wanted && safe);
}

/* What leaves unsealed goes to somebody without a key, or by a policy that the log names. */
static void check_unsealed(const struct policy_copy *c, struct policy_plan p)
{
    const struct policy_disposition *to = p.to_quarantine ? &c->quarantine : &c->own;
    if (p.form == POLICY_FORM_NONE || p.form == POLICY_FORM_SEALED)
        return;
    const bool keyless = to->handling == POLICY_HANDLE_FOREIGN || (to->handling == POLICY_HANDLE_PASS && !to->exempt);
    const bool named = !strcmp(policy_form_name(p.form), "encrypted") || !strcmp(policy_form_name(p.form), "others") ||
                       !strcmp(policy_form_name(p.form), "exempt");
    assert_true(keyless || named);
}

static void check_copy(const struct policy_copy *c)
{
    const struct policy_plan p = policy_plan(c);
    check_sealed(c, p);
    check_unsealed(c, p);
    check_end(c, p);
    check_quarantine(c, p);
    assert_string_not_equal(policy_form_name(p.form), p.form ? "-" : "sealed");
}

static void copies(void **state)
{
    (void)state;
    struct all all = {.count = 0};
    size_t count = 0;
    walk(keep, &all);
    assert_int_equal(all.count, 11); /* 7 refusals, sealed, passed, passed for an exempt user, foreign */
    for (size_t own = 0; own < all.count; own++)
        for (size_t there = 0; there < all.count; there++)
            for (int n = 0; n < 4 * 8 * 3 * 3 * 2; n++, count++)
                check_copy(&(struct policy_copy){.own = all.of[own],
                                                 .quarantine = all.of[there],
                                                 .spam = n & 1,
                                                 .over_reject = n & 2,
                                                 .client_waits = n & 4,
                                                 .action = (enum spam_action)(n / 8 % 4),
                                                 .encrypted = (enum policy_encrypted)(n / 32 % 3),
                                                 .encrypted_there = (enum policy_encrypted)(n / 96 % 3),
                                                 .already = (enum already)(n / 288)});
    assert_int_equal(count, 11 * 11 * 576);
}

/* ---- for two addresses ---- */

static void joined(void **state)
{
    (void)state;
    struct all all = {.count = 0};
    walk(keep, &all);
    for (size_t i = 0; i < all.count * all.count; i++) {
        const struct policy_disposition a = all.of[i / all.count], b = all.of[i % all.count];
        const struct policy_disposition d = policy_join(a, b);
        const bool refused = !a.handling || !b.handling;
        const bool sealed = a.handling == POLICY_HANDLE_SEAL, other = b.handling == POLICY_HANDLE_SEAL;
        assert_int_equal(d.handling == POLICY_HANDLE_REFUSE, refused || sealed != other);
        assert_int_equal(d.handling == POLICY_HANDLE_SEAL, sealed && other);
        if (!refused && sealed != other)
            assert_int_equal(d.reason, REASON_MIXED);
        if (d.handling == POLICY_HANDLE_FOREIGN)
            assert_true(a.handling == d.handling && b.handling == d.handling);
        if (d.handling != POLICY_HANDLE_REFUSE)
            assert_int_equal(d.exempt, a.exempt || b.exempt);
        if (refused)
            assert_int_equal(d.reason, a.handling ? b.reason : a.reason);
    }
}

static void names(void **state)
{
    (void)state;
    const char *const wanted[] = {"-", "sealed", "encrypted", "others", "no_key", "exempt", "foreign", "-"};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        assert_string_equal(policy_form_name((enum policy_form)i), wanted[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses),
        cmocka_unit_test(copies),
        cmocka_unit_test(joined),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
