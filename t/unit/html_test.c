/* HTML as text and links: what a reader sees, what is hidden from them and how, entities, URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mail/html.h"
#include "base/mail/html_entity.h"
#include "base/mail/html_entity_names.h"
#include "base/mail/html_note.h"
#include "base/mail/links.h"
#include "base/mail/url.h"
#include "base/mail/url_note.h"

/* One blank for any number of them. */
static char *squeezed(const struct bytes *b)
{
    GString *out = g_string_new(NULL);
    for (size_t i = 0; i < b->len; i++)
        if (!g_ascii_isspace(b->data[i]))
            g_string_append_c(out, (char)b->data[i]);
        else if (out->len > 0 && out->str[out->len - 1] != ' ')
            g_string_append_c(out, ' ');
    return g_strchomp(g_string_free(out, FALSE));
}

static void html_is_read(const char *html, const char *text, const char *hidden, int notes)
{
    struct html h = {0};
    html_read(&h, html, strlen(html), false);
    g_autofree char *seen = squeezed(&h.text), *unseen = squeezed(&h.hidden);
    assert_string_equal(seen, text);
    assert_string_equal(unseen, hidden);
    if (h.notes != notes)
        fail_msg("%s: notes %d, not %d", html, h.notes, notes);
    html_free(&h);
}

static void test_text(void **state)
{
    (void)state;
    html_is_read("V<b>i</b>a<p>now<br>here", "Via now here", "", 0);
    html_is_read("<style>p{x:y}</style>a<title>t</title>b", "a t b", "", 0);
    html_is_read("<script>if (a<b) c()</script >b", "b", "", HTML_NOTE_SCRIPT);
    html_is_read("&lt;a&gt; &#65;&#x42; caf&eacute; &nosuch; &amp", "<a> AB caf\xC3\xA9 &nosuch; &", "", 0);
    html_is_read("&nbsp;&yuml;&iexcl;&hellip;", "\xC3\xBF\xC2\xA1\xE2\x80\xA6", "", 0);
    html_is_read("1 < 2 and <", "1 < 2 and <", "", 0);
    html_is_read("<!-- never closed <b>word", "word", "", 0);
    html_is_read("a<!-- x -->b <!-- y --> c", "ab c", "", HTML_NOTE_COMMENT);
    html_is_read("<b title=\"a>b\">c</b> <b title=\"a>d", "c d", "", 0);
    html_is_read("", "", "", 0);
}

static void test_hidden_by_colour(void **state)
{
    (void)state;
    html_is_read("<font color=\"#FFFFFF\">salt</font> seen", "seen", "salt", HTML_NOTE_COLOUR);
    html_is_read("<font color=white>salt<font color=red>seen</font>more</font>", "seen", "salt more",
                 HTML_NOTE_COLOUR);
    html_is_read("<body bgcolor=#112233 text='#122334'>salt<p style='color:#fff'>seen", "seen", "salt",
                 HTML_NOTE_COLOUR);
    html_is_read("<td style='background:#333 none;COLOR: rgb(50, 51,52) !important'>salt</td>seen",
                 "seen", "salt", HTML_NOTE_COLOUR);
    html_is_read("<p style='color:rgb(100%,255, 255'>salt</p>seen", "seen", "salt", HTML_NOTE_COLOUR);
    /* What follows a colour's name in the same word is not part of the colour. */
    html_is_read("<p style='color:rgb(255;255,255'>seen", "seen", "", 0);
    html_is_read("<td bgcolor=black><font color=white>seen</font></td>", "seen", "", 0);
    html_is_read("<td background=x.png><font color=white>seen</font></td>", "seen", "", 0);
    html_is_read("<td style='background:url(x)'><font color=#fff>seen</font></td>", "seen", "", 0);
    html_is_read("<font color=#cccccc>seen</font>", "seen", "", 0);
}

static void test_hidden_otherwise(void **state)
{
    (void)state;
    html_is_read("<div style=\"display: none\">a<div>b</div>c</div>d", "d", "a b c", HTML_NOTE_DISPLAY);
    html_is_read("<span style='font-size:1px'>a</span>b", "b", "a", HTML_NOTE_SIZE);
    html_is_read("<span style='font-size:0'>a<span style='font-size:12pt'>b</span></span>", "b", "a",
                 HTML_NOTE_SIZE);
    html_is_read("<span style='font-size:10px'>b</span>", "b", "", 0);
    html_is_read("<p style='visibility:hidden'>a<p>b", "b", "a", HTML_NOTE_INVISIBLE);
    html_is_read("<p style='opacity:0.0'>a</p><p style='opacity:.9'>b", "b", "a", HTML_NOTE_INVISIBLE);
    html_is_read("<div hidden>a</div>b", "b", "a", HTML_NOTE_DISPLAY);
    html_is_read("<div style='max-height:0px;overflow:hidden'>a</div>b", "b", "a", HTML_NOTE_DISPLAY);
}

static void test_notes(void **state)
{
    (void)state;
    html_is_read("<form action=x><input>a</form>", "a", "", HTML_NOTE_FORM);
    html_is_read("<iframe src=x></iframe>", "", "", HTML_NOTE_IFRAME);
    html_is_read("<meta http-equiv=Refresh content='0;url=x'>", "", "", HTML_NOTE_REFRESH);
    html_is_read("<img src=x width=1 height='1' alt='words here'>", "words here", "",
                 HTML_NOTE_IMAGE | HTML_NOTE_TINY_IMAGE);
    html_is_read("<a href='http://evil.example/'>www.bank.example/x</a>", "www.bank.example/x", "",
                 HTML_NOTE_MISMATCH);
    html_is_read("<a href='http://login.bank.example/'>http://www.bank.example</a>",
                 "http://www.bank.example", "", 0);
    html_is_read("<a href='http://evil.example/'>click</a>", "click", "", 0);
}

static void test_kinds_are_told(void **state)
{
    (void)state;
    assert_true(html_is(" <!DOCTYPE HTML>", 16));
    assert_true(html_is("<html>", 6));
    assert_true(html_is("<svg >", 6));
    assert_true(html_is("<?xml version", 13));
    assert_false(html_is("html", 4));
}

static void test_svg(void **state)
{
    (void)state;
    const char *svg = "<?xml version='1.0'?><svg:svg xmlns:svg='http://www.w3.org/2000/svg'><style/><title>one</title>"
                      "<desc>two</desc><svg:a xlink:href='http://a.example/'><text>th<tspan>ree</tspan></text></svg:a>"
                      "<text><![CDATA[four]]></text></svg:svg>";
    struct html h = {0};
    html_read(&h, svg, strlen(svg), true);
    g_autofree char *seen = squeezed(&h.text);
    assert_string_equal(seen, "one two three four]]>");
    assert_int_equal(h.links.count, 1);
    assert_string_equal(links_host(&h.links, links_get(&h.links, 0)), "a.example");
    html_free(&h);
}

static void entity_is(const char *text, const char *want)
{
    html_is_read(text, want, "", 0);
}

static void test_entities(void **state)
{
    (void)state;
    entity_is("&colon;&sol;&period;&commat;&lowbar;&hyphen;", ":/.@_\xE2\x80\x90");
    entity_is("&CounterClockwiseContourIntegral;&zwnj;x", "\xE2\x88\xB3\xE2\x80\x8Cx");
    entity_is("&nGt;", "\xE2\x89\xAB\xE2\x83\x92"); /* longer than what stood for it */
    entity_is("&notit; &notin; &not &nosuch; &no", "\xC2\xACit; \xE2\x88\x89 \xC2\xAC &nosuch; &no");
    entity_is("&ampx; &AMP &Auml;&auml", "&x; & \xC3\x84\xC3\xA4");
    entity_is("&#x80;&#150;&#x9f", "\xE2\x82\xAC\xE2\x80\x93\xC5\xB8"); /* windows-1252 */
    entity_is("&#0;&#xD800;&#x110000;&#99999999999999999999;",
              "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    entity_is("&#x;&#;&#a;&;& &", "&#x;&#;&#a;&;& &");
    html_is_read("<img alt='a&copy=b&copyc&copy;d'>", "a&copy=b&copyc\xC2\xA9" "d", "", HTML_NOTE_IMAGE);
}

/* All of the table is found, with its semicolon or without where that is allowed. */
static void test_all_entities(void **state)
{
    (void)state;
    int names = 0, bare = 0;
    for (const char *p = html_entity_names; *p; p = strchr(p, ' ') + 1) {
        const size_t len = strcspn(p, "=:");
        const gunichar first = (gunichar)strtoul(p + len + 1, NULL, 16);
        char out[HTML_ENTITY_BYTES];
        g_autofree char *text = g_strdup_printf("&%.*s;", (int)len, p);
        size_t n;
        assert_int_equal(html_entity_read(text, text + len + 2, true, out, &n), len + 2);
        assert_int_equal(g_utf8_get_char(out), first);
        const size_t took = html_entity_read(text, text + len + 1, false, out, &n);
        assert_true(p[len] == ':' ? took == len + 1 : took < len + 1);
        names++;
        bare += p[len] == ':';
    }
    assert_int_equal(names, HTML_ENTITY_NAMES);
    assert_int_equal(bare, HTML_ENTITY_NAMES_BARE);
}

static void test_hostile_input_ends(void **state)
{
    (void)state;
    static const char *const pieces[] = {"<b style='color:red'>", "<!--", "<a =\"", "<font color=#fff><p>",
                                         "</b", "<style>", "&#", "<p style='a:b;c:", "<script", "<!", "<!-- --!",
                                         "<!--", "<?", "</ ", "<a href=\"", "<a href='http://\xC3\xA9@'>",
                                         "<p style='x:url('>", "<img srcset='a, '>", "<![CDATA[", "<a href='http:\n'>",
                                         "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "<base href=//a>"};
    alarm(300); /* quadratic, it would take hours */
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        GString *html = g_string_new(NULL);
        while (html->len < 1024 * 1024)
            g_string_append(html, pieces[i]);
        struct html h = {0};
        html_read(&h, html->str, html->len, i % 2);
        html_free(&h);
        g_string_free(html, TRUE);
    }
    static const char *const inside[] = {" ", "\t\n", "a ", "/", "a=\"b\" ", "\"", "'\"", "=", "a\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(inside); i++) {
        GString *html = g_string_new("<a ");
        while (html->len < 1024 * 1024)
            g_string_append(html, inside[i]);
        struct html h = {0};
        html_read(&h, html->str, html->len, false);
        html_free(&h);
        g_string_free(html, TRUE);
    }
    alarm(0);
}

static void url_is(const char *text, const char *host, int notes)
{
    struct url u;
    url_parse(&u, text, strlen(text), NULL);
    assert_string_equal(u.host, host);
    assert_int_equal(u.notes, notes);
}

static void test_hosts(void **state)
{
    (void)state;
    url_is("http://A.Example/x//y", "a.example", 0);
    url_is("https://user:pw@b.example:8080?x@y", "b.example", URL_NOTE_USER | URL_NOTE_PORT);
    url_is("www.c.example.", "www.c.example", 0);
    url_is("mailto:me@d.example", "d.example", 0);
    url_is("http:\\\\e.example\\x", "e.example", 0);
    url_is("https:/f.example", "f.example", 0);
    url_is("//g.example/x", "g.example", 0);
    url_is("cid:123", "", 0);
    url_is("data:text/html,x", "", URL_NOTE_DATA);
    url_is("javascript:x()", "", URL_NOTE_SCRIPT);
    url_is("http://%65vil.example/", "evil.example", URL_NOTE_PERCENT);
    url_is("http://xn--bcher-kva.example/", "xn--bcher-kva.example", URL_NOTE_PUNYCODE);
    url_is("http://b\xC3\xBC" "cher.example/", "xn--bcher-kva.example", URL_NOTE_PUNYCODE);
    url_is("http://%FF/", "", URL_NOTE_PERCENT);
}

static void test_addresses(void **state)
{
    (void)state;
    url_is("http://192.0.2.1/", "192.0.2.1", URL_NOTE_IP);
    url_is("http://3221225985/", "192.0.2.1", URL_NOTE_IP | URL_NOTE_NUMBER);
    url_is("http://0xC0.0x00.0x02.0x01/", "192.0.2.1", URL_NOTE_IP | URL_NOTE_NUMBER);
    url_is("http://0300.0.2.1/", "192.0.2.1", URL_NOTE_IP | URL_NOTE_NUMBER);
    url_is("http://192.0.513/", "192.0.2.1", URL_NOTE_IP | URL_NOTE_NUMBER);
    url_is("http://1.example/", "1.example", 0);
    url_is("http://1.2.3.4.5/", "", 0); /* no browser opens it */
}

static void test_long_hosts(void **state)
{
    (void)state;
    GString *url = g_string_new("http://");
    for (int i = 0; i < 1000; i++)
        g_string_append(url, "\xC2\xAD");
    g_string_append(url, "a.example");
    url_is(url->str, "a.example", 0); /* padding that no name keeps */
    g_string_assign(url, "http://user");
    while (url->len < 5000)
        g_string_append_c(url, 'x');
    g_string_append(url, "@a.example/");
    url_is(url->str, "a.example", URL_NOTE_USER);
    g_string_assign(url, "http://");
    while (url->len < 300)
        g_string_append(url, "label.");
    g_string_append(url, "example");
    url_is(url->str, "", 0); /* DNS has no such name */
    g_string_free(url, TRUE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_hidden_by_colour),
        cmocka_unit_test(test_hidden_otherwise),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_kinds_are_told),
        cmocka_unit_test(test_svg),
        cmocka_unit_test(test_entities),
        cmocka_unit_test(test_all_entities),
        cmocka_unit_test(test_hostile_input_ends),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_long_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
