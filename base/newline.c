/* Line ends of messages between files, programs and SMTP. Called by the sessions and the delivery agents. */
#include "base/newline.h"

#include <string.h>

static void add_line_end(struct bytes *out)
{
    bytes_add(out, "\r\n", 2);
}

/* Adds the line at p, given without its LF. If it ended with LF, up to two CRs before that belong to the line
 * end; every other CR ends a line of its own. */
static void add_line(struct bytes *out, const unsigned char *p, size_t len, bool ended)
{
    for (int i = 0; ended && i < 2 && len > 0 && p[len - 1] == '\r'; i++)
        len--;
    for (const unsigned char *cr; (cr = memchr(p, '\r', len));) {
        bytes_add(out, p, (size_t)(cr - p));
        add_line_end(out);
        len -= (size_t)(cr + 1 - p);
        p = cr + 1;
    }
    bytes_add(out, p, len);
}

void newline_normalise(struct bytes *b)
{
    struct bytes out = {0};
    if (b->len == 0)
        return;
    const unsigned char *p = b->data, *end = b->data + b->len;
    bytes_reserve(&out, b->len + b->len / 32 + 2);
    while (p < end) {
        const unsigned char *eol = memchr(p, '\n', (size_t)(end - p));
        const unsigned char *stop = eol ? eol : end;
        const size_t before = out.len;
        add_line(&out, p, (size_t)(stop - p), eol != NULL);
        if (eol || out.len == before || out.data[out.len - 1] != '\n')
            add_line_end(&out);
        p = eol ? eol + 1 : end;
    }
    bytes_free(b);
    *b = out;
}

void newline_add_lf(struct bytes *out, const void *data, size_t len)
{
    const char *p = len ? data : "", *end = p + len;
    bytes_reserve(out, len);
    while (p < end) {
        const char *cr = memchr(p, '\r', (size_t)(end - p));
        const bool line_end = cr && cr + 1 < end && cr[1] == '\n';
        const size_t n = (size_t)((cr ? cr + !line_end : end) - p);
        bytes_add(out, p, n);
        p += n + line_end;
    }
}

bool newline_has_bare(const void *data, size_t len)
{
    const char *text = data;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\r' ? i + 1 == len || text[i + 1] != '\n'
                            : text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            return true;
    return false;
}
