/* Computes canonical body lengths (RFC 6376 section 3.4). Called by dkim.c. */
#include "rules/auth/dkim_body.h"

#include <string.h>

/* Length of one line in relaxed form, without its line end: runs of blanks count once, blanks at the end not at
 * all. */
static size_t relaxed_line(const char *p, size_t len)
{
    size_t total = 0;
    bool blank = false;
    for (size_t i = 0; i < len; i++) {
        bool now = p[i] == ' ' || p[i] == '\t';
        if (!now)
            total += blank ? 2 : 1;
        blank = now;
    }
    return total;
}

size_t dkim_body_length(const char *body, size_t len, bool relaxed)
{
    const char *end = body + len;
    size_t total = 0, counted = 0; /* counted: total up to the last line that is not empty */
    while (body < end) {
        const char *eol = memchr(body, '\n', (size_t)(end - body)), *line = body;
        size_t line_len = (size_t)((eol ? eol : end) - line);
        body = eol ? eol + 1 : end;
        if (eol && line_len && eol[-1] == '\r')
            line_len--;
        if (relaxed)
            line_len = relaxed_line(line, line_len);
        total += line_len + 2;
        if (line_len)
            counted = total;
    }
    return counted || relaxed ? counted : 2;
}
