/* Looks for text in what should be ciphertext. Called by ciphertext.c, session_key.c and the cms*.c. */
#include "gpg/noise.h"

#include <math.h>
#include <string.h>

#define BLOCK_BYTES 1024
#define BLOCKS_BYTES (32 * BLOCK_BYTES)

/* By chance one position in 10^16 begins 40 printable bytes, and one in 10^17 begins 72 bytes of UTF-8. */
#define PRINTABLE_RUN 40
#define UTF8_RUN 72
/* Of the shortest messages, one in 10^9 is UTF-8 from end to end. */
#define UTF8_WHOLE 38
#define TEXT_BYTES_MIN 32 /* what is shorter says little */
/* Natural logarithm of how unlikely a count has to be: 10^-15, and a message of 32 MB has 33,000 blocks. */
#define UNLIKELY 34.0

static bool is_printable(int c)
{
    return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r' || c == '\n';
}

static bool is_small_letter(int c)
{
    return (c >= 'a' && c <= 'z') || c == ' ';
}

/* True if so many of these 256 values are too many for chance: Chernoff's bound on the binomial distribution. */
static bool is_unlikely(const struct noise_sample *s, bool (*is)(int))
{
    size_t count = 0, values = 0;
    for (int c = 0; c < 256; c++) {
        count += is(c) ? s->seen[c] : 0;
        values += is(c);
    }
    const double p = (double)values / 256, a = s->len ? (double)count / (double)s->len : 0;
    if (a <= p)
        return false;
    const double rest = a < 1 ? (1 - a) * log((1 - a) / (1 - p)) : 0;
    return (double)s->len * (a * log(a / p) + rest) > UNLIKELY;
}

/* Pearson's chi-square over the 256 values, about 255 for noise. Of samples of these lengths, one in 10^14 lies above
 * the limit, of blocks and more one in 10^16 (from the convolution of 256 Poisson distributions, given their sum). */
static bool is_skewed(const struct noise_sample *s)
{
    static const struct {
        size_t len;
        double limit;
    } limits[] = {{BLOCK_BYTES, 540}, {256, 640}, {128, 720}, {64, 840}, {UTF8_WHOLE, 1060}};
    double squares = 0;
    for (int c = 0; c < 256; c++)
        squares += (double)s->seen[c] * s->seen[c];
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (s->len >= limits[i].len)
            return squares * 256 / (double)s->len - (double)s->len > limits[i].limit;
    return false;
}

static bool is_text(const struct noise_sample *s, bool uneven)
{
    if (s->len < TEXT_BYTES_MIN)
        return false;
    return is_unlikely(s, is_printable) || is_unlikely(s, is_small_letter) || (!uneven && is_skewed(s));
}

static void sample_add(struct noise_sample *to, const struct noise_sample *from)
{
    to->len += from->len;
    for (int c = 0; c < 256; c++)
        to->seen[c] += from->seen[c];
}

/* The sample is complete: judges it, and hands it on to the next larger one. */
static void sample_end(struct noise *n, struct noise_sample *s, struct noise_sample *larger)
{
    n->text |= is_text(s, n->uneven);
    sample_add(larger, s);
    *s = (struct noise_sample){0};
}

/* How many bytes follow the one that begins a character of UTF-8; -1: it begins none. */
static int bytes_behind(unsigned char c)
{
    return c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
}

static void run_add(struct noise *n, unsigned char c)
{
    n->printable_run = is_printable(c) ? n->printable_run + 1 : 0;
    if (n->utf8_left && (c & 0xc0) == 0x80) {
        n->utf8_left--;
        n->utf8_run++;
    } else {
        const int left = bytes_behind(c);
        n->utf8_run = left < 0 ? 0 : n->utf8_left ? 1 : n->utf8_run + 1;
        n->utf8_left = left < 0 ? 0 : left;
    }
    if (n->utf8_run > n->longest_utf8_run)
        n->longest_utf8_run = n->utf8_run;
    n->text |= n->printable_run >= PRINTABLE_RUN || n->utf8_run >= UTF8_RUN;
}

void noise_add(struct noise *n, const unsigned char *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        n->block.seen[data[i]]++;
        run_add(n, data[i]);
        if (++n->block.len == BLOCK_BYTES)
            sample_end(n, &n->block, &n->blocks);
        if (n->blocks.len == BLOCKS_BYTES)
            sample_end(n, &n->blocks, &n->all);
    }
}

bool noise_has_text(const struct noise *n)
{
    struct noise_sample all = n->all;
    sample_add(&all, &n->blocks);
    sample_add(&all, &n->block);
    return n->text || (all.len >= UTF8_WHOLE && n->longest_utf8_run == all.len) || is_text(&all, n->uneven);
}
