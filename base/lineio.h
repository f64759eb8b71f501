/* lineio: CRLF lines over a socket, each wait bounded by a deadline.
 *
 * Used on both sides of the proxy: sessions read commands, smtp_client reads a next hop's replies. Only CRLF
 * ends a line, and only CRLF.CRLF ends DATA (RFC 5321, sections 2.3.8 and 4.1.1.4). */
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
    LINEIO_TOO_LONG, /* the whole line was read and discarded */
    LINEIO_BARE,     /* a bare CR or LF or a NUL in a command line */
    LINEIO_WOKEN     /* the wake flag was set, and no byte of the next command had arrived */
};

struct lineio;

/* rfd and wfd may be the same; the caller keeps and closes them. */
struct lineio *lineio_new(int rfd, int wfd);
/* Wipes the buffers and frees; sets *io to NULL. */
void lineio_free(struct lineio **io);
/* Limits every single wait from now on, in milliseconds. */
void lineio_set_timeout(struct lineio *io, int ms);
/* Limits the time from a line's first byte to its end, however slowly the bytes trickle in; 0 removes the
 * limit. */
void lineio_set_line_timeout(struct lineio *io, int ms);
/* Limits all further reads and writes together, in milliseconds from now; 0 removes the limit. */
void lineio_set_deadline(struct lineio *io, int ms);
/* A signal handler sets *flag; the wait for a command's first byte then ends with LINEIO_WOKEN, as soon as it has
 * lasted quiet_ms[*flag] without one. NULL: at once. Lent until the next call. */
void lineio_set_wake(struct lineio *io, const volatile int *flag, const int *quiet_ms);

/* wait is called instead of poll(2) when input is awaited, so that DNS answers can be taken meanwhile. It
 * returns true if fd is readable, false after timeout_ms at the latest. NULL removes it. */
void lineio_set_waiter(struct lineio *io, bool (*wait)(int fd, int timeout_ms, void *arg),
                       void *arg);

/* Reads one line; its CRLF is removed and a NUL appended, for which size must have room. */
enum lineio_status lineio_get(struct lineio *io, char *line, size_t size);
/* The same for protocols whose lines end with LF, such as Postfix's policy protocol; BARE means a NUL in it. */
enum lineio_status lineio_get_lf(struct lineio *io, char *line, size_t size);
/* True if input is buffered already, at least part of a line (pipelining, RFC 2920). */
bool lineio_pending(const struct lineio *io);

/* hold is called before more than so many bytes of DATA are kept; false means that there is no room for them
 * (limits.bytes_in_flight). It is called with 0 when all of them are given up. NULL removes it. */
void lineio_set_meter(struct lineio *io, bool (*hold)(size_t bytes, void *arg), void *arg);

/* Limits the time for all of one DATA, however it trickles in: ms, and one second more for each so many bytes that
 * have come. Without this call each wait has the timeout, and there is no such limit. */
void lineio_set_data_time(struct lineio *io, int ms, int bytes_per_second);

struct lineio_data {
    bool too_big; /* more than limit bytes: the rest was read and discarded */
    bool no_room; /* the meter refused more: the rest was read and discarded */
    bool bare;    /* the text held a bare CR or LF (kept as received) */
};
/* Reads DATA up to CRLF.CRLF, removes dot stuffing (RFC 5321, section 4.5.2) and appends the text to out. On
 * any status but LINEIO_OK the caller must discard out. */
enum lineio_status lineio_get_data(struct lineio *io, struct bytes *out, size_t limit,
                                   struct lineio_data *facts_r);

/* Adds to the output buffer, which lineio_flush sends. */
void lineio_put(struct lineio *io, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a message with dots stuffed (RFC 5321, section 4.5.2), a CRLF if its last line has none, and the final
 * dot; sends whenever 64 KB have gathered. False if the connection has failed. */
bool lineio_put_data(struct lineio *io, const void *data, size_t len);
bool lineio_flush(struct lineio *io);
/* True if the peer has ended the connection, and did not read all that was sent. */
bool lineio_hung_up(const struct lineio *io);

#endif
