/* Buffered lines and DATA over sockets (RFC 5321). Called by the LMTP, SMTP and policy sessions, the SMTP
 * client of next hops and filterctl. */
#include "base/lineio.h"

#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_BYTES 65536
#define WRITE_BYTES 65536
#define METER_BYTES 65536

struct lineio {
    int rfd, wfd, timeout_ms, line_ms;
    int data_ms, data_rate; /* what DATA as a whole may take: see lineio_set_data_time; data_ms 0: no limit */
    gint64 deadline;  /* in microseconds of monotonic time; 0: none */
    gint64 line_ends; /* the same for the line, or the DATA, that is being read */
    const volatile int *wake;
    const int *quiet_ms; /* how long a wait lasts that *wake ends, by its value; NULL: not at all */
    bool (*waiter)(int fd, int timeout_ms, void *arg);
    void *waiter_arg;
    bool (*meter)(size_t bytes, void *arg);
    void *meter_arg;
    bool failed;
    struct bytes out;
    size_t start, end; /* the unread part of in */
    size_t most;       /* the most bytes of in ever used: more need not be wiped */
    unsigned char in[READ_BYTES];
};

struct lineio *lineio_new(int rfd, int wfd)
{
    struct lineio *io = g_new(struct lineio, 1);
    memset(io, 0, offsetof(struct lineio, in));
    io->rfd = rfd;
    io->wfd = wfd;
    io->timeout_ms = 300000;
    return io;
}

void lineio_free(struct lineio **io)
{
    if (!*io)
        return;
    bytes_free(&(*io)->out);
    explicit_bzero((*io)->in, (*io)->most);
    g_free(*io);
    *io = NULL;
}

void lineio_set_timeout(struct lineio *io, int ms)
{
    io->timeout_ms = ms;
}

void lineio_set_line_timeout(struct lineio *io, int ms)
{
    io->line_ms = ms;
}

void lineio_set_deadline(struct lineio *io, int ms)
{
    io->deadline = ms ? g_get_monotonic_time() + (gint64)ms * 1000 : 0;
}

void lineio_set_wake(struct lineio *io, const volatile int *flag, const int *quiet_ms)
{
    io->wake = flag;
    io->quiet_ms = quiet_ms;
}

void lineio_set_waiter(struct lineio *io, bool (*wait)(int fd, int timeout_ms, void *arg),
                       void *arg)
{
    io->waiter = wait;
    io->waiter_arg = arg;
}

void lineio_set_meter(struct lineio *io, bool (*hold)(size_t bytes, void *arg), void *arg)
{
    io->meter = hold;
    io->meter_arg = arg;
}

void lineio_set_data_time(struct lineio *io, int ms, int bytes_per_second)
{
    io->data_ms = ms;
    io->data_rate = bytes_per_second;
}

static int wait_ms(const struct lineio *io)
{
    const gint64 ends = io->line_ends && (!io->deadline || io->line_ends < io->deadline)
                            ? io->line_ends
                            : io->deadline;
    if (!ends)
        return io->timeout_ms;
    gint64 left = (ends - g_get_monotonic_time()) / 1000;
    return left <= 0 ? 0 : (int)MIN(left, io->timeout_ms);
}

/* Like poll(2), but input is awaited in the waiter if there is one. */
static int wait_once(const struct lineio *io, struct pollfd *p, int timeout_ms)
{
    if (io->waiter && p->events == POLLIN)
        return io->waiter(p->fd, timeout_ms, io->waiter_arg);
    return poll(p, 1, timeout_ms);
}

static bool is_woken(const struct lineio *io, gint64 begun)
{
    const int flag = io->wake ? *io->wake : 0;
    return flag && (!io->quiet_ms || g_get_monotonic_time() - begun >= (gint64)io->quiet_ms[flag] * 1000);
}

static enum lineio_status wait_for(struct lineio *io, int fd, short events)
{
    struct pollfd p = {fd, events, 0};
    const gint64 begun = g_get_monotonic_time();
    gint64 end = begun + (gint64)wait_ms(io) * 1000;
    for (;;) {
        if (is_woken(io, begun))
            return LINEIO_WOKEN;
        gint64 left = (end - g_get_monotonic_time()) / 1000;
        /* The wake flag may be set just before poll starts, which then would not notice: look at it twice a
         * second. */
        int nap = (int)MAX(left, 0);
        int n = wait_once(io, &p, io->wake ? MIN(nap, 500) : nap);
        if (n > 0)
            return LINEIO_OK;
        if (n < 0 && errno != EINTR)
            return LINEIO_ERROR;
        if (left <= 0)
            return LINEIO_TIMEOUT;
    }
}

static enum lineio_status fill(struct lineio *io)
{
    if (io->start == io->end)
        io->start = io->end = 0;
    if (io->failed) /* the write failed, so the peer will not answer: do not wait */
        return LINEIO_ERROR;
    enum lineio_status st = wait_for(io, io->rfd, POLLIN);
    if (st != LINEIO_OK)
        return st;
    ssize_t n;
    do
        n = read(io->rfd, io->in + io->end, sizeof io->in - io->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return LINEIO_ERROR;
    if (n == 0)
        return LINEIO_EOF;
    io->end += (size_t)n;
    io->most = MAX(io->most, io->end);
    return LINEIO_OK;
}

bool lineio_pending(const struct lineio *io)
{
    return io->start < io->end;
}

/* Ignores the wake flag once the first byte of a command has come: line_ms limits the rest of the line. */
static enum lineio_status next_byte(struct lineio *io, bool first, int *c_r)
{
    if (io->start == io->end) {
        const volatile int *wake = io->wake;
        if (!first)
            io->wake = NULL;
        enum lineio_status st = fill(io);
        io->wake = wake;
        if (st != LINEIO_OK)
            return st;
    }
    if (first && io->line_ms)
        io->line_ends = g_get_monotonic_time() + (gint64)io->line_ms * 1000;
    *c_r = io->in[io->start++];
    return LINEIO_OK;
}

static enum lineio_status get_crlf(struct lineio *io, char *line, size_t size)
{
    size_t len = 0;
    int c = 0, last = 0;
    bool too_long = false, bare = false, first = true;
    for (;; first = false, last = c) {
        enum lineio_status st = next_byte(io, first, &c);
        if (st != LINEIO_OK)
            return st == LINEIO_EOF && len ? LINEIO_ERROR : st;
        if (c == '\n' && last == '\r')
            break;
        if (c == '\n' || c == 0 || last == '\r')
            bare = true;
        if (len + 1 < size)
            line[len++] = (char)c;
        else if (c != '\r')
            too_long = true;
    }
    if (len && line[len - 1] == '\r')
        len--;
    line[len] = 0;
    return bare ? LINEIO_BARE : too_long ? LINEIO_TOO_LONG : LINEIO_OK;
}

static enum lineio_status get_lf(struct lineio *io, char *line, size_t size)
{
    size_t len = 0;
    int c = 0;
    bool too_long = false, bare = false;
    for (bool first = true;; first = false) {
        enum lineio_status st = next_byte(io, first, &c);
        if (st != LINEIO_OK)
            return st == LINEIO_EOF && len ? LINEIO_ERROR : st;
        if (c == '\n')
            break;
        bare |= c == 0;
        if (len + 1 < size)
            line[len++] = (char)c;
        else
            too_long = true;
    }
    line[len] = 0;
    return bare ? LINEIO_BARE : too_long ? LINEIO_TOO_LONG : LINEIO_OK;
}

enum lineio_status lineio_get(struct lineio *io, char *line, size_t size)
{
    const enum lineio_status st = get_crlf(io, line, size);
    io->line_ends = 0;
    return st;
}

enum lineio_status lineio_get_lf(struct lineio *io, char *line, size_t size)
{
    const enum lineio_status st = get_lf(io, line, size);
    io->line_ends = 0;
    return st;
}

/* What came just before the next byte of DATA. */
enum data_state { AT_START, IN_LINE, AFTER_CR, AFTER_DOT, AFTER_DOT_CR };

struct data_reader {
    const struct lineio *io;
    enum data_state state;
    struct bytes *out;
    size_t limit, total;
    size_t granted; /* bytes the meter has allowed so far */
    struct lineio_data *facts;
};

/* Asks the meter for METER_BYTES at a time, as each call updates memory that all workers share. */
static bool has_room(struct data_reader *r)
{
    if (!r->io->meter || r->total <= r->granted)
        return true;
    const size_t wanted = MIN((r->total / METER_BYTES + 1) * METER_BYTES, r->limit);
    r->granted = wanted;
    return r->io->meter(wanted, r->io->meter_arg);
}

static void give_up(struct data_reader *r)
{
    bytes_free(r->out);
    if (r->io->meter)
        r->io->meter(0, r->io->meter_arg);
}

static void keep(struct data_reader *r, const unsigned char *data, size_t len)
{
    const bool kept = !r->facts->too_big && !r->facts->no_room;
    r->total += len;
    r->facts->too_big = r->facts->too_big || r->total > r->limit;
    if (kept && !r->facts->too_big)
        r->facts->no_room = !has_room(r);
    if (!r->facts->too_big && !r->facts->no_room)
        bytes_add(r->out, data, len);
    else if (kept)
        give_up(r);
}

/* One byte through the state machine; true when CRLF.CRLF is complete. */
static bool data_byte(struct data_reader *r, unsigned char c)
{
    switch (r->state) {
    case AFTER_DOT_CR:
        if (c == '\n')
            return true;
        r->facts->bare = true;
        keep(r, (const unsigned char *)"\r", 1);
        break;
    case AFTER_DOT:
        if (c == '\r') {
            r->state = AFTER_DOT_CR;
            return false;
        }
        break; /* the dot was stuffed: drop it, the rest of the line is text */
    case AT_START:
        if (c == '.') {
            r->state = AFTER_DOT;
            return false;
        }
        break;
    case AFTER_CR:
        if (c == '\n') {
            keep(r, &c, 1);
            r->state = AT_START;
            return false;
        }
        r->facts->bare = true;
        break;
    case IN_LINE:
        break;
    }
    if (c == '\n')
        r->facts->bare = true;
    keep(r, &c, 1);
    r->state = c == '\r' ? AFTER_CR : IN_LINE;
    return false;
}

/* Copies runs of ordinary text at once: a session spends most of its time in DATA. */
static bool data_run(struct data_reader *r, const unsigned char *p, size_t len, size_t *used_r)
{
    for (size_t i = 0; i < len;) {
        if (r->state == IN_LINE) {
            size_t run = i;
            while (run < len && p[run] != '\r' && p[run] != '\n')
                run++;
            if (run > i)
                keep(r, p + i, run - i);
            i = run;
            if (i == len)
                break;
        }
        if (data_byte(r, p[i++])) {
            *used_r = i;
            return true;
        }
    }
    *used_r = len;
    return false;
}

/* When DATA that began then has to be complete, by what has come of it. */
static gint64 data_ends(const struct lineio *io, gint64 begun, size_t total)
{
    return io->data_ms ? begun + io->data_ms * 1000LL + (gint64)(total / (size_t)io->data_rate) * G_USEC_PER_SEC : 0;
}

enum lineio_status lineio_get_data(struct lineio *io, struct bytes *out, size_t limit,
                                   struct lineio_data *facts_r)
{
    const gint64 begun = g_get_monotonic_time();
    struct data_reader r = {.io = io, .out = out, .limit = limit, .facts = facts_r};
    const volatile int *wake = io->wake;
    enum lineio_status st = LINEIO_OK;
    *facts_r = (struct lineio_data){0};
    io->wake = NULL; /* do not stop in the middle of a message */
    for (;;) {
        size_t used = 0;
        io->line_ends = data_ends(io, begun, r.total);
        if (io->start == io->end && (st = fill(io)) != LINEIO_OK)
            break;
        bool done = data_run(&r, io->in + io->start, io->end - io->start, &used);
        explicit_bzero(io->in + io->start, used);
        io->start += used;
        if (done)
            break;
    }
    io->wake = wake;
    io->line_ends = 0;
    return st;
}

void lineio_put(struct lineio *io, const char *format, ...)
{
    char text[2048];
    va_list ap;
    va_start(ap, format);
    const int n = g_vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0) {
        io->failed = true; /* never send half a line */
        return;
    }
    if ((size_t)n < sizeof text) {
        bytes_add(&io->out, text, (size_t)n);
        return;
    }
    va_start(ap, format);
    g_autofree char *long_text = g_strdup_vprintf(format, ap);
    va_end(ap);
    bytes_add(&io->out, long_text, (size_t)n);
}

bool lineio_flush(struct lineio *io)
{
    size_t done = 0;
    while (!io->failed && done < io->out.len) {
        ssize_t n = send(io->wfd, io->out.data + done, io->out.len - done,
                         MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            done += (size_t)n;
        else if (n < 0 && errno != EINTR && errno != EAGAIN)
            io->failed = true;
        else if (n < 0 && wait_for(io, io->wfd, POLLOUT) == LINEIO_TIMEOUT)
            io->failed = true;
    }
    bytes_clear(&io->out);
    return !io->failed;
}

bool lineio_hung_up(const struct lineio *io)
{
    struct pollfd p = {io->wfd, 0, 0};
    /* Not POLLHUP: a unix socket says that of a peer that has read all and closed. */
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLNVAL));
}

bool lineio_put_data(struct lineio *io, const void *data, size_t len)
{
    const char *p = len ? data : "", *end = p + len;
    while (p < end && !io->failed) {
        const char *nl = memchr(p, '\n', (size_t)(end - p));
        const char *next = nl ? nl + 1 : end;
        if (*p == '.')
            bytes_add(&io->out, ".", 1);
        bytes_add(&io->out, p, (size_t)(next - p));
        p = next;
        if (io->out.len >= WRITE_BYTES)
            lineio_flush(io);
    }
    if (len && !(len >= 2 && end[-2] == '\r' && end[-1] == '\n'))
        bytes_adds(&io->out, "\r\n");
    bytes_adds(&io->out, ".\r\n");
    return !io->failed;
}
