/* Makes tokens of a message's header. Called by tokens_message.c. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/header.h"
#include "base/mail/links.h"
#include "base/mail/message.h"
#include "base/mail/rfc2047.h"
#include "base/mail/text.h"
#include "classifier/tokens.h"
#include "classifier/tokens_make.h"

enum {
    HEADER_BYTES = 4096, /* limit for one field's value */
    PREFIX_CHARS = 40,
};

/* True for fields that filterd, the mail store or a mail client adds after receipt, and for mere noise. */
static bool is_left_out(const struct header *h)
{
    static const char *const names[] = {
        "Authentication-Results", "Delivered-To", "X-Original-To", "Return-Path", "DKIM-Signature",
        "DomainKey-Signature", "Autocrypt", "Status", "Lines", "Content-Length", "Face", "X-Face"};
    static const char *const starts[] = {"X-Filterd-", "X-Spam-", "X-DSPAM-", "ARC-", "X-Status",
                                         "X-UID", "X-Keywords", "X-Mozilla-", "X-IMAP",
                                         "X-Google-", "X-Gm-", "X-Received", "X-Bogosity",
                                         "HP-Outer"};
    const char first = g_ascii_toupper(*h->name);
    if (h->dropped)
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i][0] == first && header_is(h, names[i]))
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++)
        if (starts[i][0] == first && header_starts(h, starts[i]))
            return true;
    return false;
}

/* Narrows a field's value to the part that says something. */
static void trim_value(const struct header *h, const char **text, size_t *len)
{
    if (header_is(h, "Received")) { /* after the last ';' there is only the date */
        const char *date = memrchr(*text, ';', *len);
        *len = date ? (size_t)(date - *text) : *len;
    } else if (header_is(h, "Message-ID")) { /* the part before the host is different in each message */
        const char *at = memrchr(*text, '@', *len);
        *len = at ? *len - (size_t)(at + 1 - *text) : 0;
        *text = at ? at + 1 : *text;
    }
}

static void add_defects(struct tokens *t, int defects)
{
    if (defects & RFC2047_RAW)
        tokens_adds(t, "s:", "raw-8bit-header");
    if (defects & RFC2047_BROKEN)
        tokens_adds(t, "s:", "broken-encoded-word");
    if (defects & RFC2047_CHARSET)
        tokens_adds(t, "s:", "unknown-charset-in-header");
}

static void add_header(struct tokens *t, const struct header *h)
{
    char prefix[PREFIX_CHARS] = "h:";
    size_t n = 2, len = MIN(h->value_len, HEADER_BYTES);
    for (size_t i = 0; i < h->name_len && n < sizeof prefix - 2; i++)
        prefix[n++] = g_ascii_tolower(h->name[i]);
    prefix[n++] = ':';
    const char *value = h->value;
    struct bytes utf8 = {0};
    int defects = 0;
    if (!rfc2047_is_plain(value, len)) {
        defects = rfc2047_decode(&utf8, value, len, tokens_met(t));
        value = utf8.data ? (char *)utf8.data : "";
        len = utf8.len;
    }
    tokens_gap(t);
    trim_value(h, &value, &len);
    const struct tokens_source source = {.prefix = prefix,
                                         .again = header_is(h, "Subject") ? "" : NULL,
                                         .domains = true,
                                         .trace = header_is(h, "Received")};
    struct links links = {0};
    links_scan(&links, value, len, false);
    const struct text text = {value, len, &links};
    tokens_add_source(t, &source, &text);
    add_defects(t, defects);
    links_free(&links);
    bytes_free(&utf8);
}

void tokens_head(struct tokens *t, const struct message *m)
{
    /* The header may use half of the limit; the other half is for the body. */
    for (size_t i = 0; i < m->header_count && tokens_count(t) < limits_get()->tokens / 2; i++)
        if (!is_left_out(&m->headers[i]))
            add_header(t, &m->headers[i]);
}
