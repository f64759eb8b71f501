/* Reads BER and DER. Called by cms.c and cms_recipient.c. */
#include "gpg/ber.h"

#include <string.h>

#define NESTING_MAX 16

static bool read_head(struct ber *b, int *tag_r, size_t *len_r, bool *open_r)
{
    if (b->len < 2 || (b->data[0] & 0x1f) == 0x1f)
        return false;
    *tag_r = b->data[0];
    unsigned first = b->data[1], count = first & 0x7f;
    b->data += 2;
    b->len -= 2;
    *open_r = first == 0x80;
    *len_r = first < 0x80 ? first : 0;
    if (first <= 0x80)
        return !*open_r || (*tag_r & 0x20);
    if (count > 4 || count > b->len)
        return false;
    for (; count; count--, b->data++, b->len--)
        *len_r = *len_r << 8 | *b->data;
    return true;
}

/* Finds the end of a value with indefinite length, which two zero bytes close (X.690 section 8.1.3.6). */
static bool skip_open(struct ber *b, int depth)
{
    while (depth < NESTING_MAX) {
        int tag;
        size_t len;
        bool open;
        if (!read_head(b, &tag, &len, &open))
            return false;
        if (tag == 0 && len == 0 && !open)
            return true;
        if (open ? !skip_open(b, depth + 1) : len > b->len)
            return false;
        b->data += len;
        b->len -= len;
    }
    return false;
}

bool ber_next(struct ber *b, int *tag_r, struct ber *content_r)
{
    size_t len;
    bool open;
    if (!read_head(b, tag_r, &len, &open))
        return false;
    *content_r = (struct ber){b->data, len};
    if (open) {
        const unsigned char *start = b->data;
        if (!skip_open(b, 0))
            return false;
        content_r->len = (size_t)(b->data - start) - 2;
        return true;
    }
    if (len > b->len)
        return false;
    b->data += len;
    b->len -= len;
    return true;
}

bool ber_take(struct ber *b, int tag, struct ber *content_r)
{
    struct ber after = *b;
    int is;
    if (!b->len || b->data[0] != tag || !ber_next(&after, &is, content_r))
        return false;
    *b = after;
    return true;
}

bool ber_enter(struct ber *b, int tag)
{
    struct ber content;
    if (!ber_take(b, tag, &content) || b->len)
        return false;
    *b = content;
    return true;
}

bool ber_is(const struct ber *b, const void *data, size_t len)
{
    return b->len == len && !memcmp(b->data, data, len);
}

bool ber_starts(const struct ber *b, const void *data, size_t len)
{
    return b->len >= len && !memcmp(b->data, data, len);
}
