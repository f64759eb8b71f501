/* filterctl explain's words: tokens and pairs as people read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "classifier/explain_words.h"

static void says(const char *first, const char *second, const char *words)
{
    struct bytes out = {0};
    explain_words(&out, first, second);
    assert_string_equal((char *)out.data, words);
    bytes_free(&out);
}

static void test_tokens(void **state)
{
    (void)state;
    says(NULL, "cheap", "\"cheap\"");
    says(NULL, "h:subject:viagra", "the subject says \"viagra\"");
    says(NULL, "h:from:alice", "the sender (From) has \"alice\"");
    says(NULL, "h:received:dsl", "its way here (Received) has \"dsl\"");
    says(NULL, "h:x-mailer:bat", "the header X-Mailer has \"bat\"");
    says(NULL, "u:www.example.com", "it links to www.example.com");
    says(NULL, "x:garden", "hidden text says \"garden\"");
    says(NULL, "n:invoice", "a file's name has \"invoice\"");
    says(NULL, "n:.exe", "a file's name ends in .exe");
    says(NULL, "m:subject:hello", "the subject of a message inside says \"hello\"");
    says(NULL, "s:type:text/html", "a part is HTML");
    says(NULL, "s:type:image/gif", "it has a picture of type gif");
    says(NULL, "s:type:video/x", "a part is of type video/x");
    says(NULL, "s:attached:application/zip", "it has an attachment of type application/zip");
    says(NULL, "s:charset:koi8-r", "text is in charset koi8-r");
    says(NULL, "s:twice:subject", "it has twice the header subject");
    says(NULL, "s:html:hidden-size", "HTML hides text by its size");
    says(NULL, "s:url:ip", "a link's host is an address without a name");
}

static void test_pairs(void **state)
{
    (void)state;
    says("cheap", "pills", "\"cheap\" followed by \"pills\"");
    says("h:subject:cheap", "h:subject:pills", "the subject says \"cheap pills\"");
    says("h:x-a:one", "h:x-a:two", "the header X-A has \"one two\"");
    says("h:x-a:one", "h:x-b:two", "the header X-A has \"one\" followed by the header X-B has \"two\"");
    says("x:one", "x:two", "hidden text says \"one two\"");
    says("u:www.example.com", "u:example.com", "it links to www.example.com");
    says("u:a.example", "u:b.example", "it links to a.example followed by it links to b.example");
    says("s:type:text/plain", "s:charset:utf-8", "a part is plain text and text is in charset utf-8");
    says("click", "u:a.example", "\"click\" followed by it links to a.example");
}

/* Tokens of another version's prefix; and no control character reaches the terminal. */
static void test_what_is_not_known(void **state)
{
    (void)state;
    says(NULL, "s:new:thing", "its structure: new:thing");
    says(NULL, "s:new", "its structure: new");
    says(NULL, "q:word", "\"q:word\"");
    says("q:word", "q:other", "\"q:word\" followed by \"q:other\"");
    says(NULL, "h:", "\"h:\"");
    says(NULL, "h:subject:", "\"h:subject:\"");
    says(NULL, "helo-literal", "\"helo-literal\"");
    says(NULL, "a:b:c:d", "\"a:b:c:d\"");
    says(NULL, ":", "\":\"");
    says(NULL, "u:", "\"u:\"");
    says(NULL, "n:.", "a file's name has \".\"");
    says(NULL, "", "\"\"");
    says(NULL, "u:\x1b[2Jx\xe2\x80\xae", "it links to ?[2Jx?");
    says(NULL, "\xff\xfe", "\"??\"");
    says(NULL, "sch\xc3\xb6n", "\"sch\xc3\xb6n\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
