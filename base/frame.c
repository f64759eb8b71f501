/* Frames of GVariants or bytes over local sockets. Called by the keeper, its clients, the delivery agents and
 * the milter processes. */
#include "base/frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

/* In microseconds of g_get_monotonic_time; -1 waits for ever. */
static gint64 deadline_of(int timeout_ms)
{
    return timeout_ms < 0 ? -1 : g_get_monotonic_time() + (gint64)timeout_ms * 1000;
}

static bool wait_for(int fd, short events, gint64 deadline)
{
    for (;;) {
        gint64 left_ms = -1;
        if (deadline >= 0)
            left_ms = MAX((deadline - g_get_monotonic_time() + 999) / 1000, 0);
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, (int)left_ms);
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

static bool again(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static bool send_all(int fd, const unsigned char *data, size_t len, gint64 deadline)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && !again())
            return false;
        if (n < 0 && !wait_for(fd, POLLOUT, deadline))
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

static bool recv_all(int fd, unsigned char *data, size_t len, gint64 deadline)
{
    while (len) {
        ssize_t n = recv(fd, data, len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && !again()))
            return false;
        if (n < 0 && !wait_for(fd, POLLIN, deadline))
            return false;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

bool frame_send(int fd, GVariant *value, int timeout_ms)
{
    g_variant_ref_sink(value);
    size_t len = g_variant_get_size(value);
    bool ok = len <= UINT32_MAX;
    if (ok) {
        /* g_variant_store needs aligned memory: put the value at offset 8 and its length in the 4 bytes before
         * it. */
        g_autofree unsigned char *room = g_malloc(8 + len);
        uint32_t head = htonl((uint32_t)len);
        memcpy(room + 4, &head, 4);
        g_variant_store(value, room + 8);
        ok = send_all(fd, room + 4, 4 + len, deadline_of(timeout_ms));
        explicit_bzero(room, 8 + len);
    }
    g_variant_unref(value);
    return ok;
}

/* A frame may carry mail: it is wiped when the last reference goes. */
struct received {
    size_t len;
    unsigned char data[] __attribute__((aligned(16)));
};

static void received_free(void *data)
{
    struct received *r = data;
    explicit_bzero(r->data, r->len);
    g_free(r);
}

static struct received *recv_frame(int fd, size_t limit, int timeout_ms)
{
    gint64 deadline = deadline_of(timeout_ms);
    uint32_t head;
    if (!recv_all(fd, (unsigned char *)&head, 4, deadline) || ntohl(head) > limit)
        return NULL;
    struct received *r = g_malloc(sizeof *r + ntohl(head));
    r->len = ntohl(head);
    if (!recv_all(fd, r->data, r->len, deadline)) {
        received_free(r);
        return NULL;
    }
    return r;
}

GVariant *frame_recv(int fd, const char *type, size_t limit, int timeout_ms)
{
    struct received *r = recv_frame(fd, limit, timeout_ms);
    if (!r)
        return NULL;
    GVariant *value = g_variant_new_from_data(G_VARIANT_TYPE(type), r->data, r->len, FALSE,
                                              received_free, r);
    g_variant_ref_sink(value);
    if (g_variant_is_normal_form(value))
        return value;
    g_variant_unref(value);
    return NULL;
}

bool frame_send_bytes(int fd, const void *data, size_t len, int timeout_ms)
{
    const gint64 deadline = deadline_of(timeout_ms);
    const uint32_t head = htonl((uint32_t)len);
    return len <= UINT32_MAX && send_all(fd, (const unsigned char *)&head, sizeof head, deadline) &&
           send_all(fd, data, len, deadline);
}

GBytes *frame_recv_bytes(int fd, size_t limit, int timeout_ms)
{
    struct received *r = recv_frame(fd, limit, timeout_ms);
    return r ? g_bytes_new_with_free_func(r->data, r->len, received_free, r) : NULL;
}
