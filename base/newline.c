#include "base/newline.h"

#include <stdbool.h>

/* Length of the line end at p, 0 if there is none. */
static size_t line_end(const unsigned char *p, size_t left)
{
    if (*p == '\n')
        return 1;
    if (*p != '\r')
        return 0;
    if (left >= 3 && p[1] == '\r' && p[2] == '\n')
        return 3;
    return left >= 2 && p[1] == '\n' ? 2 : 1;
}

void newline_normalise(struct bytes *b)
{
    struct bytes out = {0};
    size_t start = 0, n;
    bytes_reserve(&out, b->len + b->len / 32 + 2);
    for (size_t i = 0; i < b->len;) {
        if (!(n = line_end(b->data + i, b->len - i))) {
            i++;
            continue;
        }
        bytes_add(&out, b->data + start, i - start);
        bytes_add(&out, "\r\n", 2);
        start = i += n;
    }
    if (start < b->len) {
        bytes_add(&out, b->data + start, b->len - start);
        bytes_add(&out, "\r\n", 2);
    }
    bytes_free(b);
    *b = out;
}
