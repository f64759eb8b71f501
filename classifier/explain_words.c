/* Puts tokens into words for people. Called by explain.c. */
#include "classifier/explain_words.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

struct phrase {
    const char *start, *says;
};

/* Tokens with a fixed meaning. */
static const struct phrase whole[] = {
    {"s:type:text/plain", "a part is plain text"},
    {"s:type:text/html", "a part is HTML"},
    {"s:type:multipart/alternative", "it comes as text and HTML alike"},
    {"s:type:message/rfc822", "a whole message is in it"},
    {"s:url:user", "a link has a user's name in front of its host"},
    {"s:url:percent", "a link's host is written in %-codes"},
    {"s:url:number", "a link's host is a number"},
    {"s:url:ip", "a link's host is an address without a name"},
    {"s:url:punycode", "a link's host has letters that are not ASCII"},
    {"s:url:port", "a link names a port"},
    {"s:url:data", "a link is its own content (data:)"},
    {"s:url:script", "a link is a script"},
    {"s:text:homoglyph", "letters of another alphabet stand in for Latin ones"},
    {"s:text:compat", "letters are disguised as wide or mathematical ones"},
    {"s:text:zero-width", "invisible characters cut words"},
    {"s:text:soft-hyphen", "soft hyphens cut words"},
    {"s:text:split", "words are spelt letter by letter"},
    {"s:text:cipher", "a part of the text is encrypted or encoded"},
    {"s:text:binary", "a text part is no text"},
    {"s:html:hidden-colour", "HTML hides text by its colour"},
    {"s:html:hidden-size", "HTML hides text by its size"},
    {"s:html:hidden-display", "HTML hides text by its style"},
    {"s:html:invisible", "HTML has text that is not shown"},
    {"s:html:comment-in-word", "HTML comments cut words"},
    {"s:html:form", "HTML has a form"},
    {"s:html:script", "HTML has a script"},
    {"s:html:iframe", "HTML has a frame"},
    {"s:html:refresh", "HTML leads on to another page by itself"},
    {"s:html:image", "HTML shows a picture from the net"},
    {"s:html:tiny-image", "HTML has a picture too small to see"},
    {"s:html:image-only", "HTML is little more than a picture"},
    {"s:html:link-mismatch", "a link shows another address than it leads to"},
    {"s:mime:no-boundary", "its parts have no boundary"},
    {"s:mime:no-parts", "it claims parts and has none"},
    {"s:mime:not-closed", "its parts end without their last boundary"},
    {"s:mime:odd-encoding", "a part has an unknown encoding"},
    {"s:mime:dirty-base64", "base64 has other characters in it"},
    {"s:mime:false-base64", "a part claims base64 and has none"},
    {"s:mime:undeclared-base64", "a part is base64 and does not say so"},
    {"s:mime:text-in-head", "a part has text among its headers"},
    {"s:mime:two-types", "a part has two types"},
    {"s:raw-8bit-header", "a header has letters that are not encoded"},
    {"s:broken-encoded-word", "a header is encoded wrongly"},
    {"s:unknown-charset-in-header", "a header names an unknown charset"},
    {"s:false-charset", "text is not in the charset it claims"},
    {"s:no-empty-line", "no empty line stands behind the headers"},
    {"s:nul", "it has NUL bytes"},
    {"s:unreadable", "its structure could not be read"},
    {"s:many-parts", "it has very many parts"},
};

/* Prefixes whose word is quoted; longer prefixes before shorter ones. */
static const struct phrase quoting[] = {
    {"h:subject:", "the subject says"},
    {"h:from:", "the sender (From) has"},
    {"h:to:", "the recipient (To) has"},
    {"h:received:", "its way here (Received) has"},
    {"m:from:", "the sender of a message inside has"},
    {"m:subject:", "the subject of a message inside says"},
    {"x:", "hidden text says"},
    {"n:", "a file's name has"},
};

/* Prefixes whose word is appended without quotes. */
static const struct phrase naming[] = {
    {"u:", "it links to "},
    {"n:.", "a file's name ends in ."},
    {"s:type:image/", "it has a picture of type "},
    {"s:type:", "a part is of type "},
    {"s:attached:", "it has an attachment of type "},
    {"s:charset:", "text is in charset "},
    {"s:twice:", "it has twice the header "},
    {"s:", "its structure: "},
};

/* Writes '?' for what is not printable: Unicode's format characters could reverse a terminal's line. */
static void add_printable(struct bytes *out, const char *text)
{
    for (const char *p = text; *p;) {
        const gunichar c = g_utf8_get_char_validated(p, -1);
        const bool valid = c < 0x110000;
        const size_t len = valid ? (size_t)(g_utf8_next_char(p) - p) : 1;
        if (valid && g_unichar_isprint(c))
            bytes_add(out, p, len);
        else
            bytes_adds(out, "?");
        p += len;
    }
}

static const struct phrase *find(const struct phrase *list, size_t count, const char *token)
{
    for (size_t i = 0; i < count; i++)
        if (g_str_has_prefix(token, list[i].start) && token[strlen(list[i].start)])
            return &list[i];
    return NULL;
}

/* Appends a header name as people write it ("X-Mailer"), up to the token's colon. */
static void add_header_name(struct bytes *out, const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char c = i == 0 || name[i - 1] == '-' ? g_ascii_toupper(name[i]) : name[i];
        bytes_add(out, g_ascii_isgraph(c) ? &c : "?", 1);
    }
}

/* Appends the phrase that introduces the token and returns the word to quote; NULL if nothing is to be quoted. */
static const char *add_quoting(struct bytes *out, const char *token)
{
    if (find(naming, G_N_ELEMENTS(naming), token))
        return NULL;
    const struct phrase *p = find(quoting, G_N_ELEMENTS(quoting), token);
    if (p) {
        bytes_adds(out, p->says);
        return token + strlen(p->start);
    }
    const char *value = g_str_has_prefix(token, "h:") ? strchr(token + 2, ':') : NULL;
    if (!value || !value[1])
        return token;
    bytes_adds(out, "the header ");
    add_header_name(out, token + 2, (size_t)(value - token - 2));
    bytes_adds(out, " has");
    return value + 1;
}

static void add_quoted(struct bytes *out, const char *text)
{
    bytes_adds(out, out->len > 0 && out->data[out->len - 1] != ' ' ? " \"" : "\"");
    add_printable(out, text);
    bytes_adds(out, "\"");
}

static void add_token(struct bytes *out, const char *token)
{
    const char *word = add_quoting(out, token);
    if (word) {
        add_quoted(out, word);
        return;
    }
    for (size_t i = 0; i < G_N_ELEMENTS(whole); i++) {
        if (strcmp(whole[i].start, token) == 0) {
            bytes_adds(out, whole[i].says);
            return;
        }
    }
    const struct phrase *p = find(naming, G_N_ELEMENTS(naming), token);
    bytes_adds(out, p->says);
    add_printable(out, token + strlen(p->start));
}

/* Puts two tokens with the same introduction into one phrase. False if they differ in it. */
static bool add_alike(struct bytes *out, const char *first, const char *second)
{
    struct bytes one = {0}, two = {0};
    const char *a = add_quoting(&one, first), *b = add_quoting(&two, second);
    const bool alike = a && b && one.len == two.len && one.len > 0 &&
                       memcmp(one.data, two.data, one.len) == 0;
    if (alike) {
        bytes_add(out, one.data, one.len);
        bytes_adds(out, " \"");
        add_printable(out, a);
        bytes_adds(out, " ");
        add_printable(out, b);
        bytes_adds(out, "\"");
    }
    bytes_free(&one);
    bytes_free(&two);
    return alike;
}

/* True if first is a host and second a domain it is in. */
static bool is_part_of(const char *first, const char *second)
{
    return g_str_has_prefix(first, "u:") && g_str_has_prefix(second, "u:") &&
           g_str_has_suffix(first + 2, second + 2);
}

void explain_words(struct bytes *out, const char *first, const char *second)
{
    if (!first || is_part_of(first, second)) {
        add_token(out, first ? first : second);
    } else if (!add_alike(out, first, second)) {
        add_token(out, first);
        const bool structure = g_str_has_prefix(first, "s:") && g_str_has_prefix(second, "s:");
        bytes_adds(out, structure ? " and " : " followed by ");
        add_token(out, second);
    }
}
