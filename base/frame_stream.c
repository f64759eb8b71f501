/* Frames of many peers, piece by piece. Called by the keeper, and by filterctl to pass it a descriptor. */
#include "base/frame_stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD_BYTES = 4, FIRST_BYTES = 1024 };

/* Bytes that are wiped when they are freed: a frame may hold features and addresses. Memory grows as bytes
 * arrive, not as a frame's head announces them. */
struct room {
    unsigned char *data;
    size_t len, size;
};

struct frame_stream {
    int fd;
    unsigned char head[HEAD_BYTES];
    size_t head_len;
    struct room in;
    size_t wanted; /* length of the frame, once its head is there */
    struct room out;
    size_t sent; /* of out */
};

static void room_clear(struct room *r)
{
    if (r->data)
        explicit_bzero(r->data, r->size);
    g_clear_pointer(&r->data, g_free);
    r->len = r->size = 0;
}

static void room_grow(struct room *r, size_t size)
{
    struct room larger = {g_malloc(size), r->len, size};
    if (r->len)
        memcpy(larger.data, r->data, r->len);
    room_clear(r);
    *r = larger;
}

struct frame_stream *frame_stream_new(int fd)
{
    struct frame_stream *s = g_new0(struct frame_stream, 1);
    s->fd = fd;
    return s;
}

void frame_stream_free(struct frame_stream **s)
{
    if (!*s)
        return;
    room_clear(&(*s)->in);
    room_clear(&(*s)->out);
    g_clear_pointer(s, g_free);
}

/* ---- reading ---- */

union passed {
    struct cmsghdr head; /* aligns the bytes */
    char bytes[CMSG_SPACE(sizeof(int))];
};

/* Keeps the first descriptor, closes all others: whoever sends many must not fill our table of them. */
static void take_passed(struct msghdr *m, int *passed_r)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (*passed_r < 0)
                *passed_r = fd;
            else
                close(fd);
        }
    }
}

/* As recv: >0, 0 at the end, -1 with errno. */
static ssize_t receive(int fd, unsigned char *data, size_t len, int *passed_r)
{
    union passed passed;
    struct iovec v = {data, len};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &passed, .msg_controllen = sizeof passed};
    const ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n >= 0)
        take_passed(&m, passed_r);
    return n;
}

static enum frame_stream_end end_of(ssize_t n)
{
    const bool later = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return later ? FRAME_STREAM_MORE : FRAME_STREAM_BROKEN;
}

static enum frame_stream_end read_head(struct frame_stream *s, size_t limit, int *passed_r)
{
    while (s->head_len < HEAD_BYTES) {
        const ssize_t n = receive(s->fd, s->head + s->head_len, HEAD_BYTES - s->head_len, passed_r);
        if (n <= 0)
            return end_of(n);
        s->head_len += (size_t)n;
    }
    uint32_t head;
    memcpy(&head, s->head, sizeof head);
    s->wanted = ntohl(head);
    return s->wanted > limit ? FRAME_STREAM_BROKEN : FRAME_STREAM_WHOLE;
}

enum frame_stream_end frame_stream_read(struct frame_stream *s, size_t limit, int *passed_r)
{
    *passed_r = -1;
    const enum frame_stream_end head = read_head(s, limit, passed_r);
    if (head != FRAME_STREAM_WHOLE)
        return head;
    while (s->in.len < s->wanted) {
        if (s->in.len == s->in.size)
            room_grow(&s->in, MIN(s->wanted, MAX(s->in.size * 2, FIRST_BYTES)));
        const ssize_t n = receive(s->fd, s->in.data + s->in.len, s->in.size - s->in.len, passed_r);
        if (n <= 0)
            return end_of(n);
        s->in.len += (size_t)n;
    }
    return FRAME_STREAM_WHOLE;
}

static void free_room(gpointer data)
{
    struct room *r = data;
    room_clear(r);
    g_free(r);
}

GVariant *frame_stream_take(struct frame_stream *s, const char *type)
{
    struct room *frame = g_new(struct room, 1);
    *frame = s->in;
    s->in = (struct room){NULL, 0, 0};
    s->head_len = 0;
    GVariant *value = g_variant_new_from_data(G_VARIANT_TYPE(type), frame->data, frame->len, FALSE, free_room, frame);
    g_variant_ref_sink(value);
    if (g_variant_is_normal_form(value))
        return value;
    g_variant_unref(value);
    return NULL;
}

bool frame_stream_is_partial(const struct frame_stream *s)
{
    return s->head_len > 0;
}

/* ---- sending ---- */

/* Puts length and value into room, at offset 4: g_variant_store wants the value itself aligned. */
static bool store(struct room *room, GVariant *value)
{
    const size_t len = g_variant_get_size(value);
    const uint32_t head = htonl((uint32_t)len);
    if (len > UINT32_MAX)
        return false;
    room_clear(room);
    room_grow(room, 2 * HEAD_BYTES + len);
    memcpy(room->data + HEAD_BYTES, &head, HEAD_BYTES);
    g_variant_store(value, room->data + 2 * HEAD_BYTES);
    room->len = room->size;
    return true;
}

bool frame_stream_flush(struct frame_stream *s)
{
    while (s->sent < s->out.len) {
        const ssize_t n = send(s->fd, s->out.data + s->sent, s->out.len - s->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return end_of(n) == FRAME_STREAM_MORE;
        s->sent += (size_t)n;
    }
    room_clear(&s->out);
    return true;
}

bool frame_stream_send(struct frame_stream *s, GVariant *value)
{
    g_variant_ref_sink(value);
    const bool ok = !frame_stream_is_sending(s) && store(&s->out, value);
    g_variant_unref(value);
    s->sent = HEAD_BYTES;
    return ok && frame_stream_flush(s);
}

bool frame_stream_is_sending(const struct frame_stream *s)
{
    return s->out.len > 0;
}

static bool pass(int fd, const struct room *frame, int passed)
{
    union passed control = {0};
    struct iovec v = {frame->data + HEAD_BYTES, frame->len - HEAD_BYTES};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof passed);
    memcpy(CMSG_DATA(c), &passed, sizeof passed);
    return sendmsg(fd, &m, MSG_NOSIGNAL) == (ssize_t)v.iov_len;
}

bool frame_stream_pass(int fd, GVariant *value, int passed)
{
    struct room frame = {NULL, 0, 0};
    g_variant_ref_sink(value);
    const bool ok = store(&frame, value) && pass(fd, &frame, passed);
    g_variant_unref(value);
    room_clear(&frame);
    return ok;
}
