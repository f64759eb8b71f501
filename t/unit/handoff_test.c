/* The first leg's proof holds for its copy and that copy's users, however an MTA folds the field, and for
 * nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/pipeline/handoff.h"
#include "gpg/outside.h"

#define LINES "X-Filterd-Result: Innocent\r\nX-Filterd-Encrypted: no\r\nSubject: [x] y\r\n"
#define REST "Received: from a\r\nFrom: A <a@example.com>\r\nTo: b\r\nMessage-ID: <1@x>\r\n" \
             "Content-Type: text/plain;\r\n\tcharset=utf-8\r\n\r\n"
#define BODY "line\r\n..\r\nend\r\n"

static const struct sitekey key = {{1, 2, 3}};

#define DAY (G_TIME_SPAN_DAY)
static gint64 now = G_GINT64_CONSTANT(1795000000000000);

/* Replaces GLib's clock. */
gint64 g_get_real_time(void)
{
    return now;
}

static GPtrArray *users_of(const char *first, const char *second)
{
    GPtrArray *users = g_ptr_array_new_with_free_func(g_free);
    if (first)
        g_ptr_array_add(users, g_strdup(first));
    if (second)
        g_ptr_array_add(users, g_strdup(second));
    return users;
}

static char *field_for(const char *lines, const char *rest, GPtrArray *users)
{
    struct bytes added = {0}, copy = {0};
    bytes_adds(&added, lines);
    bytes_addf(&copy, "%s%s", lines, rest);
    char *field = handoff_field(&key, &copy, &added, users);
    bytes_free(&added);
    bytes_free(&copy);
    return field;
}

/* A copy for ann and bob, with its proof. */
static char *proved(void)
{
    GPtrArray *users = users_of("ann@example.com", "bob@example.com");
    g_autofree char *field = field_for(LINES, REST BODY, users);
    char *mail = g_strconcat(field, LINES REST BODY, NULL);
    g_ptr_array_unref(users);
    return mail;
}

static bool holds_with(const struct sitekey *k, const char *mail, GPtrArray *users)
{
    struct message *m = message_new(mail, strlen(mail));
    struct handoff *p = handoff_new(k, m);
    const bool holds = handoff_holds(p, users);
    handoff_free(&p);
    message_free(&m);
    g_ptr_array_unref(users);
    return holds;
}

static bool holds(const char *mail)
{
    return holds_with(&key, mail, users_of("ann@example.com", NULL));
}

/* True if the proof holds after all occurrences of from, at least one, became to. */
static bool holds_if(const char *from, const char *to)
{
    g_autofree char *mail = proved();
    assert_non_null(strstr(mail, from));
    char **parts = g_strsplit(mail, from, 2);
    g_autofree char *changed = g_strjoinv(to, parts);
    const bool result = holds(changed);
    g_strfreev(parts);
    return result;
}

static void users(void **state)
{
    const struct sitekey other = {{1, 2, 4}};
    g_autofree char *mail = proved();
    (void)state;
    assert_true(handoff_is_in(mail, strlen(mail)));
    assert_false(handoff_is_in(LINES, strlen(LINES)));
    assert_true(handoff_is_in(LINES "X-Filterd-Proof: x\r\n", strlen(LINES "X-Filterd-Proof: x\r\n")));
    assert_true(holds_with(&key, mail, users_of("ann@example.com", NULL)));
    assert_true(holds_with(&key, mail, users_of("bob@example.com", "ann@example.com")));
    assert_false(holds_with(&key, mail, users_of("ann@example.com", "eve@example.com")));
    assert_false(holds_with(&key, mail, users_of("eve@example.com", NULL)));
    assert_false(holds_with(&key, mail, users_of(NULL, NULL)));
    assert_false(holds_with(&other, mail, users_of("ann@example.com", NULL)));
    assert_false(handoff_holds(NULL, NULL));
}

static void what_mtas_do(void **state)
{
    (void)state;
    assert_true(holds_if("X-Filterd-Proof", "Received: by b\r\n\tnow\r\nX-Filterd-Proof"));
    assert_true(holds_if("\r\n\tcharset", "\r\n        charset"));
    assert_true(holds_if("From: A <", "From : A\r\n <"));
    assert_true(holds_if("To: b", "To: b@example.com"));
    assert_true(holds_if("end\r\n", "end\r\n\r\n"));
    assert_true(holds_if("X-Filterd-Result", "x-filterd-result"));
    assert_true(holds_if("\r\n\r\nline", "\r\nDate: now\r\n\r\nline"));
    assert_true(holds_if(" 3 ", "\r\n 3\t"));
    assert_true(holds_if("X-Filterd-Proof", "Return-Path: <>\r\nDelivered-To: x\r\nX-Original-To: x\r\n"
                                            "Envelope-To: x\r\nX-Filterd-Proof"));
    assert_true(holds_if("\r\n\r\nline", "\r\nContent-Length: 5\r\n\r\nline"));
    assert_true(holds_if("From: A <", "From:A <"));
    assert_true(holds_if("From: A <a@example.com>", "From:\tA  <a@example.com> \t"));
    assert_true(holds_if("end\r\n", "end"));
}

static void what_mtas_do_not(void **state)
{
    static const char *const changes[][2] = {
        {"Innocent", "Whitelisted"}, {"X-Filterd-Result: Innocent\r\n", ""},
        {"Encrypted: no\r\n", "Encrypted: no\r\nX-Spam-Flag: NO\r\n"}, {"[x] y", "y"},
        {"A <a@", "B <a@"}, {"From: A", "From: c@example.com\r\nFrom: A"},
        {"X-Filterd-Proof", "From: c@example.com\r\nX-Filterd-Proof"},
        {"X-Filterd-Proof", "X-Filterd-Result: Innocent\r\nX-Filterd-Proof"},
        {"\r\n\r\nline", "\r\nReply-To: c@example.com\r\n\r\nline"},
        {"\r\n\r\nline", "\r\nSender: c@example.com\r\n\r\nline"},
        {"\r\n\r\nline", "\r\nSubject: z\r\n\r\nline"},
        {"\r\n\r\nline", "\r\nContent-Transfer-Encoding: base64\r\n\r\nline"},
        {"\r\n\r\nline", "\r\nMIME-Version: 1.0\r\n\r\nline"},
        {"text/plain", "text/html"}, {"<1@x>", "<2@x>"}, {"line\r\n", "lime\r\n"},
        {"line\r\n", "li\r\nne\r\n"}, {"Proof: 1", "Proof: 2"}, {"Proof: 1 3 ", "Proof: 1 2 "},
        {"Proof: 1 3 ", "Proof: 1 999 "}, {"Proof: 1 3 ", "Proof: 1 -3 "}, {"Proof: 1 3 ", "Proof: 3 "},
        {"Proof: 1 3 ", "Proof: 1 3 1"}, {"Proof: 1 3 ", "Proof: "}, {"Proof:", "Proof"},
        {"X-Filterd-Proof: 1", "X-Filterd-Proof: 1\r\nX-Filterd-Proof: 1"},
        {"From: A <a@", "From: A<a@"}, {"From: A", "From: \" A"}, {"line\r\n", "\r\nline\r\n"},
        {"Proof: 1 3 ", "Proof: 1 0 "}, {"Proof: 1 3 ", "Proof: 1 7 "}, {"Proof: 1 3 ", "Proof: 1 x3 "},
        {"X-Filterd-Proof", "To: x\r\nX-Filterd-Proof"}, {"X-Filterd-Result", "Y-Filterd-Result"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++)
        if (holds_if(changes[i][0], changes[i][1]))
            fail_msg("holds with \"%s\" for \"%s\"", changes[i][1], changes[i][0]);
}

/* Postfix adds a Message-ID to a message without one, and only then: the proof holds. */
static void no_message_id(void **state)
{
    static const char rest[] = "From: a@example.com\r\n\r\n" BODY;
    (void)state;
    GPtrArray *users = users_of("ann@example.com", NULL);
    g_autofree char *field = field_for(LINES, rest, users);
    g_autofree char *mail = g_strconcat(field, LINES "Message-ID: <new@host>\r\n", rest, NULL);
    assert_true(holds(mail));
    g_ptr_array_unref(users);
}

/* With these fields of ours alone, and not always an empty line behind them. */
static void nothing_but_ours(void **state)
{
    static const char *const rests[] = {"", "\r\n", "\r\nx", "no field\r\n"};
    GPtrArray *users = users_of("ann@example.com", NULL);
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
        g_autofree char *field = field_for(LINES, rests[i], users);
        g_autofree char *mail = g_strconcat(field, LINES, rests[i], NULL);
        assert_true(holds(mail));
        memcpy(strstr(mail, "1 3"), "1 4", 3);
        assert_false(holds(mail));
    }
    g_ptr_array_unref(users);
    assert_false(holds("Received: x\r\nReturn-Path: <x>\r\n"));
    assert_false(holds("Received: x\r\nX-Filterd-Proof: 1 1 1795000000 0\r\n"));
    assert_false(holds(""));
}

/* How much of everything is read, to the last one. */
static void bounds(void **state)
{
    GString *lines = g_string_new(NULL), *blanks = g_string_new(NULL);
    GPtrArray *users = users_of("ann@example.com", NULL);
    (void)state;
    for (int n = 1; n <= 51; n++) {
        g_string_append_printf(lines, "X-Filterd-%d: x\r\n", n);
        g_autofree char *field = field_for(lines->str, REST BODY, users);
        g_autofree char *mail = g_strconcat(field, lines->str, REST BODY, NULL);
        assert_int_equal(holds(mail), n <= 50);
    }
    assert_true(holds_if("Proof: 1 3 ", "Proof: 1 000000000003 "));
    assert_false(holds_if("Proof: 1 3 ", "Proof: 1 0000000000003 "));
    assert_true(holds_if("Proof: 1 3 1795000000", "Proof: 1 3 1795000000 short"));
    g_autofree char *proof = proved();
    const size_t value = (size_t)(strstr(proof, "\r\nX-Filterd-Result") - proof) - strlen("X-Filterd-Proof:");
    while (value + blanks->len < 2049)
        g_string_append_c(blanks, ' ');
    char *full = g_strdup_printf("Proof: 1%s 3 ", blanks->str);
    assert_false(holds_if("Proof: 1 3 ", full));
    g_free(full);
    g_string_truncate(blanks, blanks->len - 1);
    full = g_strdup_printf("Proof: 1%s 3 ", blanks->str);
    assert_true(holds_if("Proof: 1 3 ", full));
    g_free(full);
    g_string_free(lines, TRUE);
    g_string_free(blanks, TRUE);
    g_ptr_array_unref(users);
}

/* A proof ends by its age, and its date cannot be changed. */
static void time_passes(void **state)
{
    char *mail = proved(), *at = strstr(mail, "Proof: 1 3 ") + strlen("Proof: 1 3 ");
    const gint64 start = now;
    (void)state;
    now = start + 9 * DAY;
    assert_true(holds(mail));
    now = start + 11 * DAY;
    assert_false(holds(mail));
    at[4]++; /* 11 and a half days */
    assert_false(holds(mail));
    now = start;
    assert_false(holds(mail));
    at[4]--;
    assert_true(holds(mail));
    now = start - DAY; /* made tomorrow */
    assert_false(holds(mail));
    static const struct {
        gint64 later_s;
        bool holds;
    } cases[] = {{10 * 86400 - 1, true}, {10 * 86400, false}, {-3599, true}, {-3600, false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        now = start + cases[i].later_s * G_USEC_PER_SEC;
        assert_int_equal(holds(mail), cases[i].holds);
    }
    now = start;
    g_free(mail);
}

static void too_many(void **state)
{
    GPtrArray *users = users_of("ann@example.com", NULL);
    (void)state;
    while (users->len < HANDOFF_USERS_MAX)
        g_ptr_array_add(users, g_strdup_printf("u%u@example.com", users->len));
    g_autofree char *field = field_for(LINES, REST BODY, users);
    guint folds = 0; /* two stand in a line */
    for (const char *line = field, *end; (end = strstr(line, "\r\n\t")); line = end + 3)
        folds++;
    assert_int_equal(folds, HANDOFF_USERS_MAX / 2);
    char *mail = g_strconcat(field, LINES REST BODY, NULL);
    assert_true(holds(mail));
    g_free(mail);
    mail = g_strdup_printf("%.*s word\r\n" LINES REST BODY, (int)strlen(field) - 2, field);
    assert_false(holds(mail)); /* a word too many */
    g_free(mail);
    g_ptr_array_add(users, g_strdup("one@more"));
    assert_null(field_for(LINES, REST BODY, users));
    g_ptr_array_set_size(users, 0);
    assert_null(field_for(LINES, REST BODY, users));
    g_ptr_array_unref(users);
}

static void lines(void **state)
{
    g_autofree char *mail = proved();
    struct outside out = {0};
    struct message *m = message_new(mail, strlen(mail));
    struct handoff *p = handoff_new(&key, m);
    (void)state;
    handoff_outside(p, NULL, &out);
    assert_string_equal((char *)out.added.data, LINES);
    outside_clear(&out);
    handoff_outside(p, "yes", &out);
    assert_string_equal((char *)out.added.data,
                        "X-Filterd-Result: Innocent\r\nX-Filterd-Encrypted: yes\r\nSubject: [x] y\r\n");
    /* In the place of those the message has; what is dropped for all stays so. */
    m->headers[4].dropped = true;
    const bool wanted[] = {true, false, false, false, false, true};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        assert_int_equal(outside_has(&out, &m->headers[i]), wanted[i]);
    assert_false(m->headers[1].dropped);
    outside_clear(&out);
    handoff_free(&p);
    message_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users),         cmocka_unit_test(what_mtas_do),
        cmocka_unit_test(what_mtas_do_not), cmocka_unit_test(no_message_id),
        cmocka_unit_test(nothing_but_ours), cmocka_unit_test(bounds),
        cmocka_unit_test(time_passes),   cmocka_unit_test(too_many),
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
