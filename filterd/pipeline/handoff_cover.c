/* Digests of the parts of a message that a proof covers. Called by handoff.c at both legs. */
#include "filterd/pipeline/handoff_cover.h"

#include <glib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/sitekey.h"

/* Of a field's value, as Postfix leaves it: below any header_size_limit that works. */
#define VALUE_BYTES (16 * 1024)
/* Postfix reads longer lines in pieces (line_length_limit). */
#define PIECE_BYTES 2048

/* ---- digests ---- */

static void hex(const unsigned char *in, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = 0;
}

/* out has room for size characters and gets as many digits, less one for the NUL. */
static void digest(const unsigned char key[16], const char *what, const struct sitekey_piece *text, char *out,
                   size_t size)
{
    unsigned char whole[32];
    const struct sitekey_piece pieces[] = {{what, strlen(what)}, *text};
    sitekey_digest(key, pieces, G_N_ELEMENTS(pieces), whole);
    hex(whole, (size - 1) / 2, out);
}

static void digest_text(const unsigned char key[16], const char *what, struct bytes *text,
                        char out[HANDOFF_COVER_SHORT])
{
    const struct sitekey_piece piece = {text->len ? (const char *)text->data : "", text->len};
    digest(key, what, &piece, out, HANDOFF_COVER_SHORT);
    bytes_free(text);
}

/* ---- fields ---- */

/* Appends the value without what Postfix cuts off: in each line, or piece of a long one, what follows a NUL. */
static void add_kept(struct bytes *out, const struct header *h)
{
    size_t column = (size_t)(h->value - h->start);
    const size_t end = out->len + VALUE_BYTES;
    bool cut = false;
    for (size_t i = 0; i < h->value_len && out->len < end; i++) {
        const char c = h->value[i];
        column = c == '\n' ? 0 : column + 1;
        cut = (cut || !c) && c != '\n';
        if (!cut)
            bytes_add(out, &c, 1);
        if (column % PIECE_BYTES == 0)
            cut = false;
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Appends "name:value", the name in lower case, the value unfolded and without needless blanks. */
static void add_relaxed(struct bytes *out, const struct header *h)
{
    bool blank = false, begun = false;
    struct bytes kept = {0};
    add_kept(&kept, h);
    for (size_t i = 0; i < h->name_len; i++)
        bytes_add(out, &(char){g_ascii_tolower(h->name[i])}, 1);
    bytes_adds(out, ":");
    for (size_t i = 0; i < kept.len; i++) {
        const char c = (char)kept.data[i];
        if (is_blank(c)) {
            blank = begun;
            continue;
        }
        if (blank)
            bytes_adds(out, " ");
        bytes_add(out, &c, 1);
        blank = false;
        begun = true;
    }
    bytes_adds(out, "\n");
    bytes_free(&kept);
}

void handoff_cover_line(const unsigned char key[16], const struct header *h, char out[HANDOFF_COVER_SHORT])
{
    struct bytes text = {0};
    add_relaxed(&text, h);
    digest_text(key, "line", &text, out);
}

void handoff_cover_subject(const struct handoff_cover *c, char out[HANDOFF_COVER_SHORT])
{
    struct bytes text = {0};
    for (size_t i = 0; i < c->message->count; i++)
        if (header_is(&c->message->headers[i], "Subject"))
            add_relaxed(&text, &c->message->headers[i]);
    digest_text(c->key, "subject", &text, out);
}

/* Postfix drops Content-Length. */
void handoff_cover_structure(const struct handoff_cover *c, char out[HANDOFF_COVER_SHORT])
{
    struct bytes text = {0};
    for (size_t i = 0; i < c->message->count; i++) {
        const struct header *h = &c->message->headers[i];
        if (header_is_structural(h) && !header_is(h, "Content-Length"))
            add_relaxed(&text, h);
    }
    digest_text(c->key, "structure", &text, out);
}

void handoff_cover_body(const struct handoff_cover *c, char out[HANDOFF_COVER_LONG])
{
    const struct header_block *m = c->message;
    size_t len = m->body_len;
    while (len && (m->body[len - 1] == '\n' || m->body[len - 1] == '\r'))
        len--;
    const struct sitekey_piece body = {m->body, len};
    digest(c->key, "body", &body, out, HANDOFF_COVER_LONG);
}

/* ---- From ---- */

static bool has_from(const struct header_block *m)
{
    for (size_t i = 0; i < m->count; i++)
        if (header_is(&m->headers[i], "From"))
            return true;
    return false;
}

/* The values of all From fields, one a line; the sender's address if there is none. */
static char *from_text(const struct handoff_cover *c)
{
    struct bytes text = {0};
    for (size_t i = 0; i < c->message->count; i++) {
        if (!header_is(&c->message->headers[i], "From"))
            continue;
        add_kept(&text, &c->message->headers[i]);
        bytes_adds(&text, "\n");
    }
    if (!has_from(c->message))
        bytes_adds(&text, c->sender ? c->sender : "");
    char *copy = g_strndup(text.len ? (const char *)text.data : "", text.len);
    bytes_free(&text);
    return copy;
}

/* Appends the text without blanks and marks, which Postfix sets anew when it rewrites a field; without domains,
 * too, if they do not count. */
static void add_words(struct bytes *out, const char *text, bool domains)
{
    for (const char *p = text; *p; p++) {
        if (*p == '@' && !domains)
            while (g_ascii_isalnum(p[1]) || (p[1] && strchr(".-_:[]", p[1])))
                p++;
        else if (!is_blank(*p) && !strchr("\"<>()\\,;", *p))
            bytes_add(out, p, 1);
    }
}

void handoff_cover_from(const struct handoff_cover *c, enum handoff_cover_from how, char out[HANDOFF_COVER_SHORT])
{
    struct bytes text = {0};
    g_autofree char *words = NULL;
    switch (how) {
    case HANDOFF_COVER_FROM_EXACT:
        for (size_t i = 0; i < c->message->count; i++)
            if (header_is(&c->message->headers[i], "From"))
                add_relaxed(&text, &c->message->headers[i]);
        break;
    case HANDOFF_COVER_FROM_ADDED:
    case HANDOFF_COVER_FROM_NAMES:
        words = from_text(c);
        add_words(&text, words, how == HANDOFF_COVER_FROM_ADDED);
        break;
    case HANDOFF_COVER_FROM_FREE:
        break;
    }
    digest_text(c->key, "from", &text, out);
}

/* The text without comments (RFC 5322, section 3.2.2), and with a q for each quoted string; g_free. */
static char *without_quotes(const char *text)
{
    GString *out = g_string_new(NULL);
    int depth = 0;
    bool quoted = false;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1] && (depth || quoted)) {
            p++;
        } else if (*p == '"' && !depth) {
            quoted = !quoted;
            g_string_append(out, quoted ? "q" : "");
        } else if (*p == '(' && !quoted) {
            depth++;
        } else if (*p == ')' && depth) {
            depth--;
        } else if (!depth && !quoted) {
            g_string_append_c(out, *p);
        }
    }
    return g_string_free(out, FALSE);
}

/* True if Postfix would complete this address: it has no domain, or one without a dot (append_at_myorigin,
 * append_dot_mydomain). */
static bool is_short(const char *mailbox)
{
    const char *open = strchr(mailbox, '<');
    g_autofree char *address = g_strdup(open ? open + 1 : mailbox);
    address[strcspn(address, ">")] = 0;
    g_strstrip(address);
    const char *at = strrchr(address, '@');
    return *address && (!at || (at[1] != '[' && !strchr(at, '.')));
}

static bool has_short_address(const char *text)
{
    g_autofree char *plain = without_quotes(text);
    g_auto(GStrv) mailboxes = g_strsplit_set(plain, ",\n", -1);
    for (char **m = mailboxes; *m; m++)
        if (is_short(*m))
            return true;
    return false;
}

enum handoff_cover_from handoff_cover_from_way(const struct handoff_cover *c, bool local)
{
    const bool from = has_from(c->message);
    g_autofree char *text = from_text(c);
    if (local || (!from && !*text)) /* what Postfix writes for the null sender is its own */
        return HANDOFF_COVER_FROM_FREE;
    if (has_short_address(text))
        return HANDOFF_COVER_FROM_NAMES;
    return from ? HANDOFF_COVER_FROM_EXACT : HANDOFF_COVER_FROM_ADDED;
}
