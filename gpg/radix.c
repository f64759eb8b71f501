/* Looks for words in base64. Called by encrypted.c. */
#include "gpg/radix.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#define RUN 48 /* of letters of one case, and what may stand between words: 10^-17 for each place */
#define BLOCK_CHARACTERS 256
#define SHORT_LINE 32
#define SHORT_LINES 3 /* the last one, and what a gateway may break */
#define UNLIKELY 38.0 /* 10^-16; 43 MB have 170,000 blocks */

struct sample {
    size_t len, small, large;
};

struct radix {
    struct sample block, all;
    size_t head; /* characters that do not count for all */
    size_t small_run, large_run, short_lines;
    bool words;
};

/* True if so many of 28 among 64 characters are too many for chance: Chernoff's bound. */
static bool is_unlikely(size_t len, size_t count)
{
    const double p = 28.0 / 64, a = len ? (double)count / (double)len : 0;
    if (a <= p)
        return false;
    const double rest = a < 1 ? (1 - a) * log((1 - a) / (1 - p)) : 0;
    return (double)len * (a * log(a / p) + rest) > UNLIKELY;
}

static bool has_words(const struct sample *s)
{
    return is_unlikely(s->len, s->small) || is_unlikely(s->len, s->large);
}

static void sample_add(struct sample *to, const struct sample *from)
{
    to->len += from->len;
    to->small += from->small;
    to->large += from->large;
}

static void character_add(struct radix *r, char c)
{
    const bool between = c == '/' || c == '+';
    const bool small = g_ascii_islower(c) || between, large = g_ascii_isupper(c) || between;
    r->small_run = small ? r->small_run + 1 : 0;
    r->large_run = large ? r->large_run + 1 : 0;
    r->words |= r->small_run >= RUN || r->large_run >= RUN;
    const struct sample one = {1, small, large};
    sample_add(&r->block, &one);
    if (r->head)
        r->head--;
    else
        sample_add(&r->all, &one);
    if (r->block.len == BLOCK_CHARACTERS) {
        r->words |= has_words(&r->block);
        r->block = (struct sample){0};
    }
}

/* Blanks inside of a line, and lines of a word each, are no program's. */
static void line_add(struct radix *r, struct mime_text line)
{
    r->short_lines += line.len && line.len < SHORT_LINE;
    r->words |= r->short_lines > SHORT_LINES;
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] == '=')
            return;
        r->words |= g_ascii_isspace(line.at[i]);
        character_add(r, line.at[i]);
    }
}

static struct mime_text next_line(struct mime_text *t)
{
    const char *lf = memchr(t->at, '\n', t->len);
    const size_t len = lf ? (size_t)(lf - t->at) + 1 : t->len;
    const struct mime_text line = mime_text_trimmed(t->at, len);
    *t = (struct mime_text){t->at + len, t->len - len};
    return line;
}

bool radix_has_words(struct mime_text text, size_t head)
{
    struct radix r = {.head = head / 3 * 4 + 4};
    while (text.len && !r.words) {
        const struct mime_text line = next_line(&text);
        if (line.len && (*line.at == '=' || *line.at == '-'))
            break;
        line_add(&r, line);
    }
    return r.words || has_words(&r.block) || has_words(&r.all);
}

bool radix_armor_has_words(struct mime_text text, size_t head)
{
    while (text.len && next_line(&text).len)
        continue;
    return radix_has_words(text, head);
}
