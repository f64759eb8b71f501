/* lineio: CRLF lines over a socket, each wait bounded by a deadline.
 *
 * Both sides of the proxy stand on it: sessions read commands, next next hops read replies. RFC 5321:
 * only CRLF ends a line, only CRLF.CRLF ends DATA. */
#ifndef BASE_LINEIO_H
#define BASE_LINEIO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

enum lineio_status {
    LINEIO_ERROR = 0, /* broken connection */
    LINEIO_OK,
    LINEIO_EOF,
    LINEIO_TIMEOUT,
    LINEIO_TOO_LONG, /* the line was read to its end and thrown away */
    LINEIO_BARE,     /* a bare CR or LF or a NUL in a command line */
    LINEIO_WOKEN     /* the stop flag was raised while nothing had arrived */
};

struct lineio;

/* rfd and wfd may be the same; they stay the caller's. */
struct lineio *lineio_new(int rfd, int wfd);
/* Wipes what is buffered. */
void lineio_free(struct lineio **io);
/* Bound for each single wait from now on, in milliseconds. */
void lineio_set_timeout(struct lineio *io, int ms);
/* Bound from a line's first bytes to its end, however often a byte comes; 0 takes it away. */
void lineio_set_line_timeout(struct lineio *io, int ms);
/* Bound for all that follows together, in milliseconds from now; 0 takes it away. */
void lineio_set_deadline(struct lineio *io, int ms);
/* A signal handler sets *flag; a wait between messages then ends with LINEIO_WOKEN. */
void lineio_set_wake(struct lineio *io, const volatile int *flag);

/* Called instead of waiting in poll(2) for input, so that something else goes on meanwhile: returns
 * true if fd is readable, false after timeout_ms at the latest. NULL takes it away. */
void lineio_set_waiter(struct lineio *io, bool (*wait)(int fd, int timeout_ms, void *arg),
                       void *arg);

/* One line without its CRLF, terminated; size includes the terminator. */
enum lineio_status lineio_get(struct lineio *io, char *line, size_t size);
/* The same for protocols whose lines end with LF, as Postfix's policy protocol; BARE is one with NUL. */
enum lineio_status lineio_get_lf(struct lineio *io, char *line, size_t size);
/* True if a whole or half line is already here: pipelined input. */
bool lineio_pending(const struct lineio *io);

/* Asked before more than so many bytes of DATA are kept; false: there is no room for them. Told 0
 * when all are given up. NULL takes it away. */
void lineio_set_meter(struct lineio *io, bool (*hold)(size_t bytes, void *arg), void *arg);

struct lineio_data {
    bool too_big; /* more than limit bytes: the rest was read and thrown away */
    bool no_room; /* likewise, as the meter said so */
    bool bare;    /* it held a bare CR or LF (kept as it came) */
};
/* DATA to CRLF.CRLF, dots unstuffed, appended to out. Anything but LINEIO_OK: discard it all. */
enum lineio_status lineio_get_data(struct lineio *io, struct bytes *out, size_t limit,
                                   struct lineio_data *facts_r);

/* Buffered until lineio_flush. */
void lineio_put(struct lineio *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A message with dots stuffed, a CRLF added if it lacks one at its end, and the final dot. */
bool lineio_put_data(struct lineio *io, const void *data, size_t len);
bool lineio_flush(struct lineio *io);
/* The other side has closed the connection for both ways: what was sent last may not have been read. */
bool lineio_hung_up(const struct lineio *io);

#endif
