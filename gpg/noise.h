/* noise: tells ciphertext, whose bytes are as if drawn by lot, from text in its place.
 *
 * Real ciphertext is taken for text less often than once in 10^9 messages, at any length up to 32 MB. */
#ifndef GPG_NOISE_H
#define GPG_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct noise_sample {
    size_t len;
    uint32_t seen[256]; /* how often each byte occurs */
};

/* Start with zeros. */
struct noise {
    bool uneven; /* set it where some values are rarer by nature, as the first bytes of large numbers */
    struct noise_sample block, blocks, all;
    size_t printable_run, utf8_run, longest_utf8_run;
    int utf8_left; /* bytes that the present character still wants */
    bool text;
};

void noise_add(struct noise *n, const unsigned char *data, size_t len);
/* True if what was added holds text: runs of it, or more bytes of some kind than chance allows, in all of it, or in
 * some KB. */
bool noise_has_text(const struct noise *n);

#endif
