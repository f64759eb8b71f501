/* The list of a message's tokens. Called by tokens_head.c and tokens_body.c to fill it, by osb.c to read it. */
#include "classifier/tokens.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/links.h"
#include "base/mail/text.h"
#include "base/mail/url_note.h"
#include "classifier/tokens_make.h"

enum { TOKENS_FIRST = 1024, TEXT_FIRST = 16 * 1024 };

struct token {
    uint64_t hash;
    guint32 offset; /* of the token in text; unused if hash is 0 (a gap) */
};

struct tokens {
    struct limits_met *met; /* lent; used only while the tokens are made */
    struct bytes text;   /* all tokens, each ended by NUL */
    struct bytes list; /* of struct token; in struct bytes, which is wiped when freed: hashes betray words as
                          * well */
    size_t count;
    int text_notes, url_notes; /* bits of the notes that already have a token */
};

static void note_token(struct tokens *t, struct token token)
{
    bytes_reserve(&t->list, sizeof token);
    memcpy(t->list.data + t->list.len, &token, sizeof token);
    t->list.len += sizeof token;
    t->count++;
}

static const struct token *token_at(const struct tokens *t, size_t i)
{
    return (const struct token *)(const void *)t->list.data + i;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 29;
}

/* Not keyed, because it never leaves the process: well mixed, at a few cycles per word. */
static uint64_t hash_of(const unsigned char *p, size_t len)
{
    uint64_t h = UINT64_C(0x2545F4914F6CDD1D) + len, word;
    for (; len >= 8; p += 8, len -= 8) {
        memcpy(&word, p, 8);
        h = mix(h, GUINT64_FROM_LE(word));
    }
    word = 0;
    memcpy(&word, p, len);
    h = mix(h, GUINT64_FROM_LE(word));
    h *= UINT64_C(0xBF58476D1CE4E5B9);
    return h ^ h >> 32;
}

void tokens_gap(struct tokens *t)
{
    if (t->count > 0 && token_at(t, t->count - 1)->hash != 0)
        note_token(t, (struct token){0, 0});
}

static void append(struct tokens *t, const char *prefix, size_t prefix_len, const char *word,
                   size_t len)
{
    bytes_reserve(&t->text, prefix_len + len + 1);
    unsigned char *to = t->text.data + t->text.len;
    memcpy(to, prefix, prefix_len);
    memcpy(to + prefix_len, word, len);
    to[prefix_len + len] = 0;
    note_token(t, (struct token){hash_of(to, prefix_len + len) | 1, (guint32)t->text.len});
    t->text.len += prefix_len + len + 1;
}

static void add_token(struct tokens *t, const char *prefix, size_t prefix_len, const char *word,
                      size_t len)
{
    if (len == 0)
        return;
    if (t->count < limits_get()->tokens)
        append(t, prefix, prefix_len, word, len);
    else
        limits_note(t->met, LIMITS_TOKENS);
}

void tokens_add(struct tokens *t, const char *prefix, const char *word, size_t len)
{
    add_token(t, prefix, strlen(prefix), word, len);
}

void tokens_adds(struct tokens *t, const char *prefix, const char *word)
{
    tokens_add(t, prefix, word, strlen(word));
}

void tokens_add_ascii(struct tokens *t, const char *prefix, const char *word, size_t limit)
{
    char ascii[64];
    size_t n = 0;
    for (; n < limit && n < sizeof ascii && word[n]; n++)
        ascii[n] = g_ascii_isgraph(word[n]) ? g_ascii_tolower(word[n]) : '?';
    tokens_add(t, prefix, ascii, n);
}

static void add_url_notes(struct tokens *t, int notes)
{
    static const char *const names[URL_NOTES] = {"user", "percent", "number", "ip",
                                                 "punycode", "port", "data", "script"};
    const int fresh = notes & ~t->url_notes;
    for (size_t i = 0; fresh && i < URL_NOTES; i++)
        if (fresh & 1 << i)
            tokens_adds(t, "s:url:", names[i]);
    t->url_notes |= notes;
}

/* Adds the host and each of its parents with at least two labels, because spammers vary the first labels. For
 * an IP address it adds its networks. */
static void add_host(struct tokens *t, const char *host, int notes)
{
    tokens_adds(t, "u:", host);
    if (notes & URL_NOTE_IP) {
        size_t len = strlen(host);
        for (const char *dot; (dot = memrchr(host, '.', len)) && memchr(host, '.', len) != dot;) {
            len = (size_t)(dot - host);
            tokens_add(t, "u:", host, len);
        }
    } else {
        for (const char *p = host; (p = strchr(p, '.')) && strchr(p + 1, '.');)
            tokens_adds(t, "u:", ++p);
    }
    add_url_notes(t, notes);
}

struct taker {
    struct tokens *t;
    const struct tokens_source *source;
    const struct links *links;
    size_t prefix_len;
};

/* True for ids of queues or sessions: letters and digits mixed, and no dot. */
static bool is_id(const char *word, size_t len)
{
    int digits = 0, letters = 0;
    for (size_t i = 0; i < len; i++) {
        digits += g_ascii_isdigit(word[i]);
        letters += g_ascii_isalpha(word[i]);
        if (memchr(".@-_", word[i], 4))
            return false;
    }
    return len >= 7 && digits >= 2 && letters >= 2;
}

static void take_word(enum text_kind kind, const char *word, size_t len, void *arg)
{
    const struct taker *taker = arg;
    const struct tokens_source *s = taker->source;
    if (kind == TEXT_LINK) {
        add_host(taker->t, word, links_get(taker->links, len)->notes);
        return;
    }
    if (kind == TEXT_GAP) {
        tokens_gap(taker->t);
        return;
    }
    if (s->trace && is_id(word, len))
        return;
    add_token(taker->t, s->prefix, taker->prefix_len, word, len);
    if (s->again)
        tokens_add(taker->t, s->again, word, len);
    const char *at = s->domains ? memrchr(word, '@', len) : NULL;
    if (at && at > word)
        add_token(taker->t, s->prefix, taker->prefix_len, at, len - (size_t)(at - word));
}

void tokens_add_source(struct tokens *t, const struct tokens_source *source, const struct text *text)
{
    static const char *const names[] = {"homoglyph", "compat", "zero-width", "soft-hyphen",
                                        "split", "cipher"};
    struct taker taker = {t, source, text->links, strlen(source->prefix)};
    const int notes = text_words(text, take_word, &taker), fresh = notes & ~t->text_notes;
    for (size_t i = 0; fresh && i < G_N_ELEMENTS(names); i++)
        if (fresh & 1 << i)
            tokens_adds(t, "s:text:", names[i]);
    t->text_notes |= notes;
}

void tokens_add_text(struct tokens *t, const char *prefix, const char *text, size_t len)
{
    const struct tokens_source source = {.prefix = prefix};
    const struct text words = {.text = text, .len = len};
    tokens_add_source(t, &source, &words);
}

void tokens_add_links(struct tokens *t, const struct links *links)
{
    for (size_t i = 0; i < links->count; i++) {
        const struct link *link = links_get(links, i);
        add_host(t, links_host(links, link), link->notes);
    }
}

struct limits_met *tokens_met(const struct tokens *t)
{
    return t->met;
}

struct tokens *tokens_empty(struct limits_met *met)
{
    struct tokens *t = g_new0(struct tokens, 1);
    t->met = met;
    bytes_reserve(&t->list, TOKENS_FIRST * sizeof(struct token));
    bytes_reserve(&t->text, TEXT_FIRST);
    return t;
}

void tokens_add_facts(struct tokens *t, const char *const *facts)
{
    for (size_t i = 0; facts[i] && i < TOKENS_FACTS; i++) {
        tokens_gap(t);
        append(t, "f:", 2, facts[i], strlen(facts[i]));
    }
}

void tokens_free(struct tokens **t)
{
    if (!*t)
        return;
    bytes_free(&(*t)->text);
    bytes_free(&(*t)->list);
    g_free(*t);
    *t = NULL;
}

size_t tokens_count(const struct tokens *t)
{
    return t->count;
}

const char *tokens_text(const struct tokens *t, size_t i)
{
    const struct token *token = token_at(t, i);
    return token->hash ? (const char *)t->text.data + token->offset : NULL;
}

uint64_t tokens_hash(const struct tokens *t, size_t i)
{
    return token_at(t, i)->hash;
}

void tokens_each(const struct tokens *t, void (*fn)(const char *token, void *), void *arg)
{
    for (size_t i = 0; i < t->count; i++) {
        const char *text = tokens_text(t, i);
        if (text)
            fn(text, arg);
    }
}
