/* The table of users' settings: each name with all its values: read, printed and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/config/settings_value.h"
#include "base/config/user_settings.h"

static const struct settings site = {
    .mode = MODE_TOE, .spam_action = SPAM_REJECT, .spam_threshold = 0.8, .unsure_threshold = 0.5};

/* Value as said, and as it is printed. */
static const struct {
    enum user_setting which;
    const char *name, *said, *printed; /* NULL: it is no value */
} values[] = {
    {USER_ENCRYPT, "encrypt", "yes", "yes"},
    {USER_ENCRYPT, "encrypt", "no", "no"},
    {USER_ENCRYPT, "encrypt", "", NULL},
    {USER_ENCRYPT, "encrypt", "Yes", NULL},
    {USER_ENCRYPT, "encrypt", "yes|no", NULL},
    {USER_PROTECT_HEADERS, "protect_headers", "yes", "yes"},
    {USER_PROTECT_HEADERS, "protect_headers", "no", "no"},
    {USER_PROTECT_HEADERS, "protect_headers", "copy", NULL},
    {USER_SPAM_THRESHOLD, "spam_threshold", "0.70", "0.7"},
    {USER_SPAM_THRESHOLD, "spam_threshold", "0", "0"},
    {USER_SPAM_THRESHOLD, "spam_threshold", "1", "1"},
    {USER_SPAM_THRESHOLD, "spam_threshold", "0.33333333333333330", "0.3333333333333333"},
    {USER_SPAM_THRESHOLD, "spam_threshold", "1.1", NULL},
    {USER_SPAM_THRESHOLD, "spam_threshold", "-1", NULL},
    {USER_SPAM_THRESHOLD, "spam_threshold", "nan", NULL},
    {USER_SPAM_THRESHOLD, "spam_threshold", "0,7", NULL},
    {USER_SPAM_THRESHOLD, "spam_threshold", "", NULL},
    {USER_SPAM_ACTION, "spam_action", "tag", "tag"},
    {USER_SPAM_ACTION, "spam_action", "quarantine", "quarantine"},
    {USER_SPAM_ACTION, "spam_action", "reject", "reject"},
    {USER_SPAM_ACTION, "spam_action", "discard", "discard"},
    {USER_SPAM_ACTION, "spam_action", "drop", NULL},
    {USER_MODE, "mode", "settle", "settle"},
    {USER_MODE, "mode", "toe", "toe"},
    {USER_MODE, "mode", "teft", "teft"},
    {USER_MODE, "mode", "none", "none"},
    {USER_MODE, "mode", "tum", NULL},
    {USER_SHARE, "share", "yes", "yes"},
    {USER_SHARE, "share", "no", "no"},
    {USER_SHARE, "share", "1", NULL},
    {USER_ALLOW, "allow", "a@x.org,  .y.org\tz.org", NULL}, /* a tab is a control character */
    {USER_ALLOW, "allow", "a@x.org,  .y.org z.org", "a@x.org .y.org z.org"},
    {USER_ALLOW, "allow", "", ""},
    {USER_ALLOW, "allow", "a\nb", NULL},
    {USER_ALLOW, "allow", "\xff", NULL},
    {USER_DENY, "deny", "@x.org", "@x.org"},
    {USER_DENY, "deny", "a\x7f", NULL},
};

static void test_each_value(void **state)
{
    unsigned seen = 0;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
        struct user_settings s = user_settings_of(&site);
        assert_string_equal(user_settings_name(values[i].which), values[i].name);
        const bool taken = user_settings_take(&s, values[i].name, values[i].said);
        g_autofree char *normal = user_settings_normal(values[i].name, values[i].said);
        if (taken != (values[i].printed != NULL) || g_strcmp0(normal, values[i].printed))
            fail_msg("%s=%s: %s", values[i].name, values[i].said, normal ? normal : "none");
        assert_int_equal(s.said, taken ? 1u << values[i].which : 0);
        if (taken) {
            g_autofree char *printed = user_settings_print(&s, values[i].which);
            assert_string_equal(printed, values[i].printed);
            assert_true(user_settings_take(&s, values[i].name, printed));
            seen |= 1u << values[i].which;
        }
        user_settings_clear(&s);
    }
    assert_int_equal(seen, (1u << USER_SETTINGS) - 1); /* this test knows all names */
}

static void test_what_is_meant(void **state)
{
    struct user_settings s = user_settings_of(&site);
    (void)state;
    assert_true(s.encrypt && !s.share && !s.protect_headers && s.mode == MODE_TOE);
    assert_true(s.spam_action == SPAM_REJECT && s.spam_threshold == 0.8 && !s.allow && !s.deny);
    assert_true(user_settings_take(&s, "encrypt", "no") && user_settings_take(&s, "share", "yes"));
    assert_true(user_settings_take(&s, "protect_headers", "yes"));
    assert_true(user_settings_take(&s, "mode", "none") && user_settings_take(&s, "spam_action", "tag"));
    assert_true(user_settings_take(&s, "spam_threshold", "0.5"));
    assert_true(user_settings_take(&s, "allow", "a b") && user_settings_take(&s, "deny", "c"));
    assert_true(!s.encrypt && s.share && s.protect_headers && s.mode == MODE_NONE);
    assert_true(s.spam_action == SPAM_TAG && s.spam_threshold == 0.5);
    assert_string_equal(s.allow[1], "b");
    assert_string_equal(s.deny[0], "c");
    assert_true(user_settings_take(&s, "allow", "d")); /* in place of the others */
    assert_string_equal(s.allow[0], "d");
    assert_false(user_settings_take(&s, "mode", "tum"));
    assert_int_equal(s.mode, MODE_NONE);
    user_settings_clear(&s);
}

static void test_what_is_expected(void **state)
{
    (void)state;
    for (int i = 0; i < USER_SETTINGS; i++) {
        const char *name = user_settings_name((enum user_setting)i);
        assert_true(g_str_has_prefix(user_settings_expected(name), name));
        assert_non_null(strstr(user_settings_expected("colour"), name));
    }
    assert_null(user_settings_normal("colour", "red"));
}

/* The words stand in the order of the enums. */
static void test_words(void **state)
{
    g_autofree char *mode = settings_value_name(SETTINGS_TRAIN_MODES, MODE_TEFT),
         *action = settings_value_name(SETTINGS_SPAM_ACTIONS, SPAM_DISCARD);
    (void)state;
    assert_string_equal(mode, "teft");
    assert_string_equal(action, "discard");
    assert_int_equal(settings_value_index(SETTINGS_TRAIN_MODES, "none"), MODE_NONE);
    assert_int_equal(settings_value_index(SETTINGS_SPAM_ACTIONS, "quarantine"), SPAM_QUARANTINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_value),
        cmocka_unit_test(test_what_is_meant),
        cmocka_unit_test(test_what_is_expected),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
