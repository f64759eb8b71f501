/* What a proof covers of a message, digit by digit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "base/sitekey.h"
#include "filterd/pipeline/handoff.h"
#include "filterd/pipeline/handoff_cover.h"

static const unsigned char key[16] = "sixteen bytes!!!";

/* The same made another way: so many digits of the digest of these two texts. */
static char *expected(const char *what, const char *text, int digits)
{
    unsigned char whole[32];
    const struct sitekey_piece pieces[] = {{what, strlen(what)}, {text, strlen(text)}};
    GString *hex = g_string_new(NULL);
    sitekey_digest(key, pieces, G_N_ELEMENTS(pieces), whole);
    for (size_t i = 0; i < sizeof whole; i++)
        g_string_append_printf(hex, "%02x", whole[i]);
    return g_string_free(g_string_truncate(hex, (gsize)digits), FALSE);
}

/* Of a message with room behind its fields: what stands there, and what lies around the digits, is not touched. */
static struct header_block block_of(const char *raw)
{
    size_t count;
    const char *end;
    struct header *scanned = header_scan(raw, strlen(raw), NULL, &count, &end);
    struct header *roomy = g_new0(struct header, count + 1);
    static const char beyond[] = "Content-Beyond: x\r\n";
    memcpy(roomy, scanned, count * sizeof *roomy);
    g_free(scanned);
    roomy[count] = (struct header){.name = beyond, .name_len = 14, .value = beyond + 15, .value_len = 2, .start = beyond,
                                   .len = sizeof beyond - 1};
    end += strspn(end, "\r\n");
    return (struct header_block){roomy, count, end, strlen(end)};
}

static void is(const char *out, const char *what, const char *text, int digits)
{
    g_autofree char *wanted = expected(what, text, digits);
    assert_string_equal(out, wanted);
    assert_int_equal(strlen(out), digits);
}

static void the_structure(void **state)
{
    char out[HANDOFF_COVER_SHORT + 8];
    const struct header_block m = block_of("Content-Type: text/plain\r\nSubject: x\r\nContent-Length: 7\r\n"
                                           "MIME-Version:  1.0\r\n\r\nbody\r\n\r\n");
    const struct handoff_cover c = {key, &m, "a@x.example"};
    (void)state;
    memset(out, '#', sizeof out);
    handoff_cover_structure(&c, out);
    is(out, "structure", "content-type:text/plain\nmime-version:1.0\n", HANDOFF_COVER_SHORT - 1);
    for (size_t i = HANDOFF_COVER_SHORT; i < sizeof out; i++)
        assert_int_equal(out[i], '#');
    g_free((void *)m.headers);
}

static void fields_and_body(void **state)
{
    char out[HANDOFF_COVER_SHORT], whole[HANDOFF_COVER_LONG + 8];
    const struct header_block m = block_of("Subject: one\r\nFrom: a@x.example\r\nSubject:\r\n two  words \r\n\r\nbody\r\n\r\n");
    const struct handoff_cover c = {key, &m, NULL};
    (void)state;
    handoff_cover_subject(&c, out);
    is(out, "subject", "subject:one\nsubject:two words\n", HANDOFF_COVER_SHORT - 1);
    handoff_cover_line(key, &m.headers[1], out);
    is(out, "line", "from:a@x.example\n", HANDOFF_COVER_SHORT - 1);
    memset(whole, '#', sizeof whole);
    handoff_cover_body(&c, whole);
    is(whole, "body", "body", HANDOFF_COVER_LONG - 1);
    for (size_t i = HANDOFF_COVER_LONG; i < sizeof whole; i++)
        assert_int_equal(whole[i], '#');
    g_free((void *)m.headers);
}

/* All digits there are occur in all of both places. */
static void every_digit(void **state)
{
    char seen[2][256] = {{0}};
    (void)state;
    for (int i = 0; i < 200; i++) {
        char out[HANDOFF_COVER_SHORT];
        g_autofree char *raw = g_strdup_printf("Subject: %d\r\n\r\n", i);
        g_autofree char *text = g_strdup_printf("subject:%d\n", i);
        const struct header_block m = block_of(raw);
        handoff_cover_subject(&(const struct handoff_cover){key, &m, NULL}, out);
        is(out, "subject", text, HANDOFF_COVER_SHORT - 1);
        for (int j = 0; out[j]; j++)
            seen[j % 2][(unsigned char)out[j]] = 1;
        g_free((void *)m.headers);
    }
    for (const char *d = "0123456789abcdef"; *d; d++)
        assert_true(seen[0][(unsigned char)*d] && seen[1][(unsigned char)*d]);
}

/* Wherever it stands, and only if it is there. */
static void is_in(void **state)
{
    static const char *const with[] = {"X-Filterd-Proof: 2 x\r\n\r\n", "X-Filterd-Proof: 2 x\r\nTo: a\r\nCc: b\r\n\r\n",
                                       "To: a\r\nX-Filterd-Proof: 2 x\r\nCc: b\r\n\r\n", "To: a\r\nCc: b\r\nx-filterd-proof: 2 x\r\n\r\n"};
    static const char *const without[] = {"", "\r\n", "To: a\r\n\r\n", "To: X-Filterd-Proof: 2\r\nCc: b\r\n\r\n",
                                          "To: a\r\n\r\nX-Filterd-Proof: 2 x\r\n"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(with); i++)
        assert_true(handoff_is_in(with[i], strlen(with[i])));
    for (size_t i = 0; i < G_N_ELEMENTS(without); i++)
        assert_false(handoff_is_in(without[i], strlen(without[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_structure), cmocka_unit_test(fields_and_body),
        cmocka_unit_test(every_digit), cmocka_unit_test(is_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
