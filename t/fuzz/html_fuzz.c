/* Any bytes as HTML, then as words and as a URL: what comes out is valid UTF-8 and no longer than
 * what went in allows. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/charset.h"
#include "base/mail/html.h"
#include "base/mail/text.h"
#include "base/mail/url.h"

static void see_word(enum text_kind kind, const char *word, size_t len, void *arg)
{
    size_t *bytes = arg;
    if (kind == TEXT_GAP)
        return;
    if (!g_utf8_validate_len(word, len, NULL) || len == 0)
        abort();
    *bytes += len;
    if (kind == TEXT_WORD)
        return;
    struct url u;
    url_parse(&u, word, len);
    if (!g_utf8_validate(u.host, -1, NULL) || u.path < word || u.path > word + len)
        abort();
}

static void see_text(const struct bytes *b, size_t limit)
{
    size_t bytes = 0;
    if (b->len == 0)
        return;
    if (b->len > limit || !g_utf8_validate_len((const char *)b->data, b->len, NULL))
        abort();
    text_words((const char *)b->data, b->len, see_word, &bytes);
    if (bytes > 4 * b->len + 16)
        abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    struct bytes utf8 = {0};
    struct html h = {0};
    charset_to_utf8(&utf8, data, len, NULL);
    const char *text = utf8.data ? (const char *)utf8.data : "";
    html_is(text, utf8.len);
    html_read(&h, text, utf8.len);
    see_text(&h.text, 2 * utf8.len + 16);
    see_text(&h.hidden, 2 * utf8.len + 16);
    if (h.urls.len > 2 * utf8.len)
        abort();
    see_text(&utf8, utf8.len);
    struct url u;
    url_parse(&u, text, utf8.len);
    html_free(&h);
    bytes_free(&utf8);
    return 0;
}
