/* What a copy's digest covers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/delivered_digest.h"

#define DIGEST DELIVERED_DIGEST_BYTES

static const char plain[] = "From: Alice <alice@example.net>\r\nTo: bob@example.com\r\n"
                            "Date: Sat, 21 Nov 2026 19:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n"
                            "Subject: a letter\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n";

struct copy {
    const char *header, *body, *sender, *recipient;
    unsigned char site;
    const char *leg;
};

static void digest_of(const struct copy *c, unsigned char out[DIGEST])
{
    const struct sitekey site = {{c->site}};
    const struct delivered_digest_key key = delivered_digest_key_of(&site);
    g_autofree char *raw = g_strconcat(c->header, "\r\n", c->body, NULL);
    struct message *m = message_new(raw, strlen(raw));
    const struct delivered_digest_content content = delivered_digest_content_of(&key, c->leg ? c->leg : "smtp", m);
    delivered_digest_copy(&key, &content, c->sender, c->recipient, out);
    message_free(&m);
}

static bool same(const struct copy *a, const struct copy *b)
{
    unsigned char x[DIGEST], y[DIGEST];
    digest_of(a, x);
    digest_of(b, y);
    return memcmp(x, y, DIGEST) == 0;
}

static const struct copy base = {plain, "text\r\n", "a@example.net", "bob@example.com", 1, NULL};

static void every_part_counts(void **state)
{
    struct copy c[] = {base, base, base, base, base, base, base, base};
    (void)state;
    assert_true(same(&base, &c[0]));
    c[1].sender = "";
    c[2].recipient = "bob@example.org";
    c[3].body = "text \r\n";
    c[4].site = 2;
    /* Fields are separated in the digest: text moved from one to the next gives another digest. */
    c[5].sender = "a@example.netb";
    c[5].recipient = "ob@example.com";
    c[6].body = "";
    c[7].leg = "lmtp"; /* behind it, where the copy is yet to be delivered */
    for (size_t i = 1; i < G_N_ELEMENTS(c); i++)
        for (size_t j = 0; j < i; j++)
            if (same(&c[i], &c[j]))
                fail_msg("%zu is %zu", i, j);
}

/* Replaces the line with the same beginning by this one, or puts it on top. */
static char *with(const char *line)
{
    char **lines = g_strsplit(plain, "\r\n", -1);
    const size_t name = strcspn(line, ":") + 1;
    bool found = false;
    for (size_t i = 0; lines[i]; i++) {
        if (strncmp(lines[i], line, name))
            continue;
        g_free(lines[i]);
        lines[i] = g_strdup(line);
        found = true;
    }
    g_autofree char *text = g_strjoinv("\r\n", lines);
    char *all = found ? g_strdup(text) : g_strconcat(line, "\r\n", text, NULL);
    g_strfreev(lines);
    return all;
}

static bool same_with(const char *line)
{
    struct copy c = base;
    g_autofree char *header = with(line);
    c.header = header;
    const bool is = same(&base, &c);
    return is;
}

static void authors_fields_count(void **state)
{
    static const char *const lines[] = {
        "From: Alice <alice@example.org>", "To: carol@example.com", "Cc: carol@example.com",
        "Date: Sat, 21 Nov 2026 19:00:01 +0000", "Message-ID: <2@example.net>",
        "Subject: another letter", "Content-Type: text/html", "Reply-To: c@example.net",
        "Content-Transfer-Encoding: base64", "References: <0@example.net>"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (same_with(lines[i]))
            fail_msg("no difference: %s", lines[i]);
}

static void trace_fields_do_not(void **state)
{
    static const char *const lines[] = {
        "Received: from a by b with ESMTP id 4711;\r\n\tSat, 21 Nov 2026 19:00:02 +0000",
        "Return-Path: <a@example.net>", "Delivered-To: bob@example.com",
        "DKIM-Signature: v=1; t=1800000000; b=abc", "Authentication-Results: mx; spf=pass",
        "X-Spam-Status: no", "ARC-Seal: i=1"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!same_with(lines[i]))
            fail_msg("a difference: %s", lines[i]);
}

static void odd_messages(void **state)
{
    const struct copy none = {"", "", "", "", 1, NULL}, only_body = {"", "x\r\n", "", "", 1, NULL};
    const struct copy twice = {"Subject: a\r\nSubject: b\r\n", "", "", "", 1, NULL};
    const struct copy swapped = {"Subject: b\r\nSubject: a\r\n", "", "", "", 1, NULL};
    (void)state;
    assert_false(same(&none, &only_body));
    assert_false(same(&twice, &swapped));
}

static bool dated(const char *raw)
{
    const struct delivered_digest_key key = {{1}};
    struct message *m = message_new(raw, strlen(raw));
    const struct delivered_digest_content content = delivered_digest_content_of(&key, "leg", m);
    message_free(&m);
    return content.dated;
}

static void without_date(void **state)
{
    (void)state;
    assert_false(dated("From: disk@example.net\r\nSubject: full\r\n\r\nfull\r\n"));
    assert_true(dated("Date: today\r\n\r\nfull\r\n"));
    assert_true(dated("Message-Id: <1@example.net>\r\n\r\nfull\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_counts),
        cmocka_unit_test(authors_fields_count),
        cmocka_unit_test(trace_fields_do_not),
        cmocka_unit_test(odd_messages),
        cmocka_unit_test(without_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
