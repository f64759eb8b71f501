/* The wiping buffer (contract in the header). Used wherever mail, keys or protocol lines are held. */
#include "base/bytes.h"

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void bytes_reserve(struct bytes *b, size_t len)
{
    if (b->cap - b->len > len)
        return;
    size_t cap = b->cap ? b->cap : 256;
    while (cap - b->len <= len)
        cap *= 2;
    /* Do not use realloc: it may move the block and leave an unwiped copy behind. */
    unsigned char *data = g_malloc(cap);
    if (b->len)
        memcpy(data, b->data, b->len);
    data[b->len] = 0;
    if (b->data) {
        explicit_bzero(b->data, b->len);
        g_free(b->data);
    }
    b->data = data;
    b->cap = cap;
}

void bytes_add(struct bytes *b, const void *data, size_t len)
{
    bytes_reserve(b, len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = 0;
}

void bytes_adds(struct bytes *b, const char *text)
{
    bytes_add(b, text, strlen(text));
}

void bytes_addf(struct bytes *b, const char *format, ...)
{
    va_list ap;
    bytes_reserve(b, 256);
    va_start(ap, format);
    int n = vsnprintf((char *)b->data + b->len, b->cap - b->len, format, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= b->cap - b->len) {
        bytes_reserve(b, (size_t)n);
        va_start(ap, format);
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, ap);
        va_end(ap);
    }
    b->len += (size_t)n;
}

void bytes_clear(struct bytes *b)
{
    if (b->data)
        explicit_bzero(b->data, b->len);
    b->len = 0;
}

void bytes_free(struct bytes *b)
{
    bytes_clear(b);
    g_free(b->data);
    *b = (struct bytes){0};
}

bool bytes_write(int fd, const void *data, size_t len)
{
    for (const char *p = data; len;) {
        const ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            errno = EIO;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}
