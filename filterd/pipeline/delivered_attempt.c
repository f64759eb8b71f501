/* An attempt at a message and what the keeper is told of it. Called by sessions, filterd-pipe and
 * transaction_delivered.c. */
#include "filterd/pipeline/delivered_attempt.h"

#include <stdbool.h>
#include <sys/random.h>

struct delivered_attempt *delivered_attempt_new(void)
{
    struct delivered_attempt *a = g_new0(struct delivered_attempt, 1);
    if (getrandom(a->name, sizeof a->name, 0) != sizeof a->name)
        g_error("getrandom"); /* cannot fail for so few bytes */
    a->copies = g_byte_array_new();
    return a;
}

void delivered_attempt_free(struct delivered_attempt **a)
{
    if (!*a)
        return;
    g_byte_array_unref((*a)->copies);
    g_clear_pointer(a, g_free);
}

static struct keeper_delivered about(const struct delivered_attempt *a, const unsigned char *copies, size_t bytes,
                                     size_t origins)
{
    return (struct keeper_delivered){g_bytes_new(a->name, sizeof a->name), g_bytes_new(copies, bytes),
                                     g_bytes_new(a->origins.digests, origins * DELIVERED_ORIGIN_BYTES)};
}

static void clear(struct keeper_delivered *d)
{
    g_bytes_unref(d->attempt);
    g_bytes_unref(d->copies);
    g_bytes_unref(d->origins);
}

void delivered_attempt_begin(struct delivered_attempt *a, struct keeper_client *k, const unsigned char *copies,
                             size_t count, unsigned char *known_r)
{
    struct keeper_delivered d = about(a, copies, count * DELIVERED_DIGEST_BYTES, a->origins.count);
    keeper_client_delivered_known(k, &d, known_r);
    clear(&d);
    for (size_t i = 0; i < count; i++)
        if (known_r[i])
            g_byte_array_append(a->copies, copies + i * DELIVERED_DIGEST_BYTES, DELIVERED_DIGEST_BYTES);
}

void delivered_attempt_add(struct delivered_attempt *a, struct keeper_client *k, const unsigned char *copy,
                           bool spam)
{
    const size_t origins = spam ? a->origins.sure : a->origins.count;
    if (!origins)
        return;
    struct keeper_delivered d = about(a, copy, DELIVERED_DIGEST_BYTES, origins);
    keeper_client_delivered(k, &d);
    clear(&d);
    g_byte_array_append(a->copies, copy, DELIVERED_DIGEST_BYTES);
}

void delivered_attempt_done(struct delivered_attempt *a, struct keeper_client *k)
{
    struct keeper_delivered d = about(a, NULL, 0, 0);
    if (a->copies->len)
        keeper_client_delivered_forget(k, &d);
    g_byte_array_set_size(a->copies, 0);
    clear(&d);
}

/* Names all copies once more: a keeper that was killed meanwhile may not have read of some. Any of these may be
 * spam. */
void delivered_attempt_failed(struct delivered_attempt *a, struct keeper_client *k)
{
    const size_t origins = a->origins.sure ? a->origins.sure : a->origins.count;
    struct keeper_delivered d = about(a, a->copies->data, a->copies->len, origins);
    if (a->copies->len)
        keeper_client_delivered_failed(k, &d);
    g_byte_array_set_size(a->copies, 0);
    clear(&d);
}
