/* The input as HTML and as SVG, then as words: the text is valid UTF-8 and not longer than the input
 * allows, and its links are those that words leave out. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/charset.h"
#include "base/mail/html.h"
#include "base/mail/links.h"
#include "base/mail/text.h"
#include "base/mail/url_host.h"

static void see_word(enum text_kind kind, const char *word, size_t len, void *arg)
{
    size_t *bytes = arg;
    if (kind == TEXT_GAP || kind == TEXT_LINK)
        return;
    if (!g_utf8_validate_len(word, len, NULL) || len == 0)
        abort();
    *bytes += len;
}

static void see_text(const struct bytes *b, size_t limit)
{
    size_t bytes = 0;
    struct links links = {0};
    if (b->len == 0)
        return;
    if (b->len > limit || !g_utf8_validate_len((const char *)b->data, b->len, NULL))
        abort();
    links_scan(&links, (const char *)b->data, b->len, true);
    const struct text text = {(const char *)b->data, b->len, &links};
    text_words(&text, see_word, &bytes);
    if (bytes > 4 * b->len + 16)
        abort();
    links_free(&links);
}

static void see_html(const struct bytes *utf8, bool xml)
{
    struct html h = {0};
    html_read(&h, utf8->data ? (const char *)utf8->data : "", utf8->len, xml);
    see_text(&h.text, 2 * utf8->len + 16);
    see_text(&h.hidden, 2 * utf8->len + 16);
    if (h.links.count > limits_default.uris)
        abort();
    for (size_t i = 0; i < h.links.count; i++)
        if (strlen(links_host(&h.links, links_get(&h.links, i))) >= URL_HOST_BYTES)
            abort();
    html_free(&h);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    struct bytes utf8 = {0};
    charset_to_utf8(&utf8, data, len, NULL);
    html_is(utf8.data ? (const char *)utf8.data : "", utf8.len);
    see_html(&utf8, false);
    see_html(&utf8, true);
    see_text(&utf8, utf8.len);
    bytes_free(&utf8);
    return 0;
}
