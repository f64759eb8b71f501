/* Links in every spelling: a list is asked about the host that a browser would open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "base/mail/links.h"
#include "base/mail/message.h"
#include "base/mail/reading.h"

static void add_host(const char *host, void *arg)
{
    GString *out = arg;
    g_string_append_printf(out, "%s%s", out->len ? " " : "", host);
}

/* The hosts that DNS lists are asked about. */
static char *hosts_of(const char *raw, size_t len)
{
    GString *out = g_string_new(NULL);
    struct message *m = message_new(raw, len);
    struct reading *r = reading_new(m);
    reading_each_host(r, add_host, out);
    reading_free(&r);
    message_free(&m);
    return g_string_free(out, FALSE);
}

static void message_leads_to(const char *header, const char *body, const char *want)
{
    g_autofree char *raw = g_strdup_printf("MIME-Version: 1.0\r\n%s\r\n\r\n%s\r\n", header, body);
    g_autofree char *hosts = hosts_of(raw, strlen(raw));
    if (strcmp(hosts, want) != 0)
        fail_msg("%s leads to \"%s\", not \"%s\"", raw, hosts, want);
}

static void html_leads_to(const char *html, const char *want)
{
    message_leads_to("Content-Type: text/html; charset=utf-8", html, want);
}

static void text_leads_to(const char *text, const char *want)
{
    message_leads_to("Content-Type: text/plain; charset=utf-8", text, want);
}

static void href_leads_to(const char *href, const char *want)
{
    g_autofree char *html = g_strdup_printf("<a href=\"%s\">x</a>", href);
    html_leads_to(html, want);
}

/* Each is a way to write a.example. */
static void test_spellings(void **state)
{
    (void)state;
    static const char *const hrefs[] = {
        "http://a.example/", "HTTPS://A.Example", "  http://a.example", "&#1;&#32;http://a.example",
        /* slashes */
        "http:/a.example/", "http:a.example/", "https:\\a.example/", "http:\\\\a.example\\x", "http:/\\a.example",
        "http:////a.example/", "//a.example/", "\\\\a.example/", "/\\a.example/", "///a.example",
        /* what is dropped */
        "ht\ntp://a.example/", "http://a.ex\tam\r\nple/", "http:/\n/a.example/", "h&Tab;ttp://a.example",
        "http://a&NewLine;.example", "&#9;//a.example",
        /* character references */
        "http&colon;&sol;&sol;a&period;example/", "http&#x3a;//a.example/", "http&#58//a.example/",
        "http&#000000000000000000058;//a.example", "&#104;ttp://a.example", "http://&#97;&#46;example",
        /* users and ports */
        "http://user@a.example/", "http://b.example:pw@a.example/", "http://b.example@c.example@a.example/",
        "http://b.example%2f@a.example", "http://a.example:8080/", "http://a.example?x@b.example",
        "http://a.example#@b.example", "http://a.example\\@b.example/", "http://a.example/@b.example",
        /* dots and letters */
        "http://a\xE3\x80\x82" "example/", "http://a\xEF\xBC\x8E" "example/", "http://a\xEF\xBD\xA1" "example/",
        "http://%61.e%78ample/", "http://%41%2eexample/", "http://a%E3%80%82example/",
        "http://\xEF\xBD\x81.\xEF\xBD\x85xample/", "http://\xE2\x93\x90.example/", "http://\xF0\x9D\x92\xB6.example",
        "http://a\xC2\xAD.ex\xE2\x80\x8B" "ample/", "http://a.example./",
        /* schemes */
        "ftp://a.example/", "ws://a.example", "wss:a.example", "file://a.example/x", "foo://a.example/x",
        "mailto:me@a.example", "MAILTO:me@a.example?subject=x"};
    for (size_t i = 0; i < G_N_ELEMENTS(hrefs); i++)
        href_leads_to(hrefs[i], "a.example");
    href_leads_to("www.a.example/", "www.a.example");
    href_leads_to("mailto:me@a.example,you@b.example?cc=c@d.example", "a.example b.example d.example");
    href_leads_to("http://a.example:80@/b", ""); /* a user, and no host */
}

/* Browsers refuse these; a list is asked about the part that a lenient reader would open. */
static void test_broken_names(void **state)
{
    (void)state;
    static const char *const hrefs[] = {"http://b.example%40a.example/", "http://a.example%3E", "http://b.example&#20;|a.example:81",
                                        "http://x a.example/", "http://a.example&nbsp;/", "mailto:me@a.example%3E"};
    for (size_t i = 0; i < G_N_ELEMENTS(hrefs); i++)
        href_leads_to(hrefs[i], "a.example");
}

static void test_international_names(void **state)
{
    (void)state;
    static const char *const hrefs[] = {
        "http://b\xC3\xBC" "cher.example/", "http://B\xC3\x9C" "CHER.example/", "http://bu\xCC\x88" "cher.example",
        "http://b&uuml;cher&period;example/", "http://b%C3%BCcher.example/", "http://xn--BCHER-kva.example/"};
    for (size_t i = 0; i < G_N_ELEMENTS(hrefs); i++)
        href_leads_to(hrefs[i], "xn--bcher-kva.example");
    href_leads_to("http://fa\xC3\x9F.example/", "xn--fa-hia.example"); /* not fass, as IDNA 2003 has it */
    href_leads_to("http://b&uumlcher.example/", "b&uumlcher.example"); /* none in an attribute */
    href_leads_to("http://ab--\xC3\xBC.example/", "xn--ab---3ra.example"); /* browsers do not mind the hyphens */
}

static void test_addresses(void **state)
{
    (void)state;
    static const char *const hosts[] = {
        "192.0.2.7", "0xC0.0x00.0x02.0x07", "0300.0.02.07", "3221225991", "0xc0000207", "030000001007", "192.519",
        "192.0.519", "192.0.2.7.", "0xC0.0.519", "\xEF\xBC\x91\xEF\xBC\x99\xEF\xBC\x92.0.2.7", "%31%39%32.0.2.7",
        "192\xE3\x80\x82" "0\xE3\x80\x82" "2\xE3\x80\x82" "7", "user@192.0.2.7:80"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *href = g_strdup_printf("http://%s/x", hosts[i]);
        href_leads_to(href, "192.0.2.7");
    }
    href_leads_to("http://[2001:DB8::1]:80/", "[2001:db8::1]");
    /* No browser opens these. */
    static const char *const none[] = {"http://256.0.0.1/", "http://1.2.3.4.5/", "http://0x1ffffffff/", "http:///",
                                       "http://a.example%00/", "http://a b/", "http://%FF.example/"};
    for (size_t i = 0; i < G_N_ELEMENTS(none); i++)
        href_leads_to(none[i], "");
}

/* Everything of HTML, SVG and style sheets that leads somewhere. */
static void test_where_links_are(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "<a title='>' href=http://a.example/>", "<area href='http://a.example/'>", "<link href='//a.example/x.css'>",
        "<img SRC = 'http://a.example'>", "<form action=\"http://a.example/\">", "<button formaction=http://a.example>",
        "<input type=image src=http://a.example>", "<iframe src=http://a.example>", "<frame src=http://a.example>",
        "<embed src=http://a.example>", "<object data=http://a.example>", "<video poster=http://a.example>",
        "<source src=http://a.example>", "<body background=http://a.example>", "<td background='http://a.example/x y.png'>",
        "<base href='http://a.example/'><a href='x/y'><a href='/z'><a href='?q'>",
        "<base target=x><base href=//a.example><base href='z'>",
        "<base href='http://a.example/'><a href='http:x.example'><a href='http:/x.example'>",
        "<base href='http://a.example/'><a href='www.x.example'>",
        "<meta http-equiv=refresh content='0;url=http://a.example/'>",
        "<meta content='3; URL = \"http://a.example/\"' http-equiv=Refresh>",
        "<meta http-equiv=refresh content='0 http://a.example'>",
        "<meta http-equiv=refresh content='0;http&colon;//a.example'>",
        "<p style='background:url(http://a.example/x.png)'>", "<p style='background: URL( \"http://a.example/\" )'>",
        "<p style='list-style-image:url(&quot;http://a.example&quot;)'>",
        "<p style='background:url(\\68 ttp\\3a//a.example)'>", "<style>p{x:url(//a.example/)}</style>",
        "<style>@import 'http://a.example/x.css';</style>", "<style>@import url(http://a.example/x.css);</style>",
        "<img srcset='http://a.example/1.png 1x'>", "<img srcset='x.png, http://a.example/2.png 2x'>",
        "<link imagesrcset='http://a.example/1.png'>", "<a ping='x http://a.example/'>",
        "<svg><a xlink:href='http://a.example/'><text>", "<svg><image href='http://a.example'/></svg>",
        "<svg><use x:href='http://a.example'/></svg>",
        "<svg><a><set attributeName=href to='http://a.example/'/></a></svg>",
        "<svg><animate attributeName=href values='//a.example;x'/></svg>",
        /* how tags are written */
        "<a/href=//a.example/>", "<a\nhref\n=\n//a.example>", "<a href=//a.example href=//b.example>",
        "<a x=y'href=z href=//a.example>", "<!--><a href=//a.example>", "<!-- x --!><a href=//a.example><!-- -->",
        "<!x \"><a href=//a.example>\">", "<?x '><a href=//a.example>'>", "</ x=\"><a href=//a.example>\">",
        "<a href=//a.example", "<a href='http://a.example/&quot;>'>"};
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++)
        html_leads_to(pieces[i], "a.example");
    html_leads_to("<img srcset='//a.example/1, //b.example/2 2x,//c.example/3 f(,) 3x, //d.example'>",
                  "a.example b.example c.example d.example");
    html_leads_to("<a href=", "");
    html_leads_to("<a href><a href=''><img src=cid:1><a href=tel:123><a href=#x><a href=x.y>", "");
    html_leads_to("<!-- <a href=http://a.example> --><script>x='<a href=http://a.example>'</script>", "");
    html_leads_to("<a href='javascript:x()'><a href='data:text/html,x'>", "");
    html_leads_to("<p>see www.a.example and <i hidden>http://b.example</i>", "www.a.example b.example");
}

/* Links in plain text, as mail clients make them. */
static void test_plain_text(void **state)
{
    (void)state;
    text_leads_to("see http://a.example.com/x?y=z#q, and (https://b.example.net).", "a.example.com b.example.net");
    text_leads_to("http:\\\\e.example\\x http:/f.example http:///g.example http:h.example", "e.example f.example g.example h.example");
    text_leads_to("http://bank.example@h.example/ http://u:p@i.example:8080/", "h.example i.example");
    text_leads_to("mailto:me@l.example, me@m.example.", "l.example m.example");
    text_leads_to("mailto:me@l.example,me@m.example?cc=n@o.example", "l.example m.example o.example");
    text_leads_to("http://b\xC3\xBC" "cher.example http://n\xE3\x80\x82" "example", "xn--bcher-kva.example n.example");
    text_leads_to("http:// @ www :// a@b 12:30:15 a:b c://d", "");
    text_leads_to("<1@www.a.example> x.www.b.example", "www.a.example"); /* as an address alone */
    text_leads_to("xhttp://o.example foo://q.example WWW.p.example xwww.q.example", "o.example q.example www.p.example");
    text_leads_to("www.a.example! http://b.example. <http://c.example> \"http://d.example\"", "www.a.example b.example c.example d.example");
    text_leads_to("http://a.example\xC2\xA0x http://b.example\xE2\x80\x9D http://c.example\xE3\x80\x80x", "a.example b.example c.example");
    text_leads_to("http://%61.example/ http://0xC0.0.2.7/ http://3221225991", "a.example 192.0.2.7 192.0.2.7");
    /* Where the name ends is a matter of taste. */
    text_leads_to("www.a.example\xE3\x80\x82\xE6\x9B\xB4", "www.a.example.xn--nov www.a.example");
    /* No client reads HTML in it. */
    text_leads_to("http&colon;//a.example href=\"//b.example\"", "");
}

static void test_header_fields(void **state)
{
    (void)state;
    message_leads_to("From: a <b@c.example>\r\nReply-To: d@e.example\r\nList-Unsubscribe: <https://f.example/x>,\r\n"
                     " <mailto:g@h.example>\r\nSubject: =?utf-8?q?http://i=2Eexample?=\r\nTo: j@k.example",
                     "x", "c.example e.example f.example h.example i.example");
}

/* Links in every part of a message that a reader sees. */
static void test_parts(void **state)
{
    (void)state;
    message_leads_to("Content-Type: image/svg+xml\r\nContent-Disposition: attachment",
                     "<svg><a xlink:href='http://a.example/'><text>t</text></a></svg>", "a.example");
    message_leads_to("Content-Type: application/octet-stream; name=\"x.svg\"", "<svg><a href='http://a.example/'/></svg>", "a.example");
    message_leads_to("Content-Type: application/octet-stream; name=x.html\r\nContent-Transfer-Encoding: base64",
                     "PGEgaHJlZj0iaHR0cDovL2EuZXhhbXBsZS8iPng8L2E+", "a.example");
    message_leads_to("Content-Type: text/html; charset=utf-7", "<a href=http://a.example>", "a.example");
    message_leads_to("Content-Type: text/html; charset=iso-8859-1", "<a href=http://b\xFC" "cher.example>", "xn--bcher-kva.example");
    message_leads_to("Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable",
                     "<a href=3D\"http://a.ex=\r\nample/\">", "a.example");
    message_leads_to("Content-Type: multipart/mixed; boundary=b", "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n"
                     "Content-Type: text/html\r\n\r\n<a href=http://a.example>\r\n--b--", "a.example");
    message_leads_to("Content-Type: multipart/mixed", "http://a.example/", "a.example");
}

static void test_wide_charsets(void **state)
{
    (void)state;
    const char head[] = "Content-Type: text/html; charset=utf-16le\r\n\r\n", *html = "<a href='http://a.example/'>";
    GString *raw = g_string_new(head);
    for (const char *p = html; *p; p++) {
        g_string_append_c(raw, *p);
        g_string_append_c(raw, 0);
    }
    g_autofree char *hosts = hosts_of(raw->str, raw->len);
    assert_string_equal(hosts, "a.example");
    g_string_free(raw, TRUE);
}

/* A link far behind, after much that is none. */
static void test_long_ways(void **state)
{
    (void)state;
    GString *html = g_string_new("<p>");
    while (html->len < 200 * 1024)
        g_string_append(html, "word ");
    g_string_append(html, "<a href=\"");
    while (html->len < 210 * 1024)
        g_string_append_c(html, ' ');
    g_string_append(html, "http://");
    while (html->len < 220 * 1024)
        g_string_append_c(html, 'u');
    g_string_append(html, "@a.example/\">");
    html_leads_to(html->str, "a.example");
    g_string_free(html, TRUE);
}

/* Texts that take hours if any reader is quadratic. */
static void test_hostile_text_ends(void **state)
{
    (void)state;
    static const char *const pieces[] = {"x://", "x://y", "http:", "www.", "@", "a@b.", "@\xC3\xA9.\xC3\xA9", "://", "http://\xC3\xA9.",
                                         "a@\xC3\xA9.example ", "http://\xC3\xBC.example ", "mailto:", ":/", "http://a@"};
    alarm(300);
    for (size_t i = 0; i < G_N_ELEMENTS(pieces); i++) {
        struct links links = {0};
        GString *text = g_string_new(NULL);
        while (text->len < 1024 * 1024)
            g_string_append(text, pieces[i]);
        links_scan(&links, text->str, text->len, true);
        assert_true(links.count <= 2000);
        links_free(&links);
        g_string_free(text, TRUE);
    }
    alarm(0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),     cmocka_unit_test(test_international_names),
        cmocka_unit_test(test_addresses),     cmocka_unit_test(test_where_links_are),
        cmocka_unit_test(test_plain_text),    cmocka_unit_test(test_header_fields),
        cmocka_unit_test(test_parts),         cmocka_unit_test(test_wide_charsets),
        cmocka_unit_test(test_long_ways),     cmocka_unit_test(test_hostile_text_ends),
        cmocka_unit_test(test_broken_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
