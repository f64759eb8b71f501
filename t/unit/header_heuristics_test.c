/* Signs of mass mail in a message's header and form: for each a message that has it and one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/mail/message.h"
#include "rules/header_heuristics.h"
#include "rules/hits.h"

#define PLAIN "From: Ann <ann@example.net>\r\nTo: bob@example.com\r\nMessage-ID: <1.a@example.net>\r\n"

/* The names found, joined by blanks. */
static char *found(const char *header, const char *body)
{
    g_autofree char *raw = g_strconcat(header, "\r\n", body, NULL);
    struct message *m = message_new(raw, strlen(raw));
    GPtrArray *hits = hits_new();
    GString *names = g_string_new(NULL);
    header_heuristics_message(hits, m);
    for (guint i = 0; i < hits->len; i++)
        g_string_append_printf(names, "%s%s", i ? " " : "",
                               ((const struct hit *)hits->pdata[i])->name);
    g_ptr_array_unref(hits);
    message_free(&m);
    return g_string_free(names, FALSE);
}

static void check(const char *header, const char *body, const char *expected)
{
    g_autofree char *names = found(header, body);
    assert_string_equal(names, expected);
}

static void subjects(void **state)
{
    (void)state;
    check(PLAIN "Subject: Lunch on Friday?\r\n", "", "");
    check(PLAIN "Subject: RE: NASA\r\n", "", "");
    check(PLAIN "Subject: BUY NOW TODAY\r\n", "", "form:subject-capitals");
    check(PLAIN "Subject: =?utf-8?Q?BUY_NOW_TODAY?=\r\n", "", "form:subject-capitals");
    check(PLAIN "Subject: BUY NOW and tomorrow\r\n", "", "");
    check(PLAIN "Subject: save $100\r\n", "", "form:subject-shouts");
    check(PLAIN "Subject: really?! no\r\n", "", "form:subject-shouts");
    check(PLAIN "Subject: look!\r\n", "", "form:subject-shouts");
    check(PLAIN "Subject: $HOME and a $ b\r\n", "", "");
    check(PLAIN "Subject: hello          xqpvz \r\n", "", "form:subject-gap");
    check(PLAIN "Subject: hello\r\n          xqpvz\r\n", "", "form:subject-gap");
    check(PLAIN "Subject: hello    xqpvz\r\n", "", "");
    check(PLAIN "Subject:            xqpvz\r\n", "", "");
    check(PLAIN "Subject:\r\n", "", "");
}

static void addresses(void **state)
{
    (void)state;
#define ID "Message-ID: <1.a@example.net>\r\n"
    check(ID "From: someone\r\n", "", "form:from-no-address");
    check(ID "From: a@\r\n", "", "form:from-no-address");
    check(ID "From: x <a123@b.net>\r\n", "", "form:from-number");
    check(ID "From: x <a12@b345.net>\r\n", "", "");
    check(ID "From: a@b.net\r\nTo: \"a\" <A@B.net>\r\n", "", "form:from-is-to");
    check(ID "From: a@b.net\r\nTo: undisclosed-recipients:;\r\n", "", "form:to-nobody");
}

static void traces(void **state)
{
    (void)state;
    check("From: a@b.net\r\n", "", "");
    check("Message-ID: <a@b>\r\n", "", "");
    check("Message-ID: a@b\r\n", "", "form:message-id-odd");
    check("Message-ID: <ab>\r\n", "", "form:message-id-odd");
    check("Message-ID: <a@>\r\n", "", "form:message-id-odd");
    check("Message-ID: <@b.c>\r\n", "", "form:message-id-odd");
    check("Message-ID: <a@b> <c@d>\r\n", "", "form:message-id-odd");
    check("Message-ID:\r\n", "", "form:message-id-odd");
    check(PLAIN "X-Priority: 1 (Highest)\r\n", "", "form:urgent");
    check(PLAIN "X-Priority: 3\r\n", "", "");
    check(PLAIN "References: <a@b>\r\n", "", "form:reply");
}

static void bodies(void **state)
{
    (void)state;
#define HTML PLAIN "Content-Type: text/html\r\n"
    check(HTML, "<img src=x>", "form:html-alone form:picture-alone");
    check(HTML, "<p>hello</p>", "form:html-alone");
    check(HTML, "<im", "form:html-alone");
    check(PLAIN "Content-Type: text/plain\r\n", "<img src=x>", "");
    char words[400];
    memset(words, 'x', sizeof words - 1);
    words[sizeof words - 1] = 0;
    g_autofree char *much = g_strconcat("<img src=x>", words, NULL);
    check(HTML, much, "form:html-alone");
}

/* Such findings are no tokens, and do not lead to greylisting. */
static void is_neither_fact_nor_doubt(void **state)
{
    (void)state;
    GPtrArray *hits = hits_new();
    hits_add(hits, "form:urgent", 0.5, "");
    hits_add(hits, "no-date", 0.25, "");
    char **facts = hits_facts(hits);
    assert_string_equal(facts[0], "no-date");
    assert_null(facts[1]);
    assert_true(hits_doubt(hits) == 0.25);
    assert_true(hits_weight(hits) == 0.75);
    g_strfreev(facts);
    g_ptr_array_unref(hits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subjects), cmocka_unit_test(addresses), cmocka_unit_test(traces),
        cmocka_unit_test(bodies), cmocka_unit_test(is_neither_fact_nor_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
