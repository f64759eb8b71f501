/* limits: how much of a message is read; each limit is applied before a library (GMime, GPGME, ...) that could
 * suffer sees the data.
 *
 * What lies beyond a limit is not read, but sealed and delivered like the rest. limits_note records which
 * limits the message has met; the notes belong to the message. */
#ifndef BASE_CONFIG_LIMITS_H
#define BASE_CONFIG_LIMITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct limits {
    size_t header_bytes, header_count; /* of a message; later fields count as body */
    size_t address_bytes;              /* of one header field with addresses */
    size_t line_bytes;                 /* of one header field, or of one line in a part's header */
    size_t parts, nesting;             /* of MIME */
    size_t encoded_words;              /* of one header field (RFC 2047) */
    size_t tokens;                     /* of a message, for the classifier */
    size_t uris;                       /* of one part's text */
    size_t signatures;                 /* of DKIM, in a message */
    int recipients;                    /* of an envelope; RCPT beyond it is answered 452 4.5.3 */
    int data_seconds;                  /* of a client that sends a message, beside what its bytes grant */
    int cpu_seconds;                   /* of a worker, to read one message */
    size_t bytes_in_flight;            /* of all messages in flight, in all workers together */
};

extern const struct limits limits_default;

/* The limits of this process: set once from the settings, limits_default until then. */
void limits_set(const struct limits *l);
const struct limits *limits_get(void);

enum limits_note {
    LIMITS_HEADER_SIZE,
    LIMITS_HEADER_COUNT,
    LIMITS_ADDRESS,
    LIMITS_LINE,
    LIMITS_PARTS,
    LIMITS_NESTING,
    LIMITS_ENCODED_WORDS,
    LIMITS_TOKENS,
    LIMITS_URIS,
    LIMITS_SIGNATURES,
    LIMITS_TIME,
    LIMITS_NOTES
};

/* Which limits a message has met, and when the reading of it began. */
struct limits_met {
    unsigned notes; /* bits 1 << enum limits_note */
    int64_t began;  /* microseconds of this process's CPU time; 0: not begun */
};

/* Records that the message has met limit n. met may be NULL: nobody wants to know. */
void limits_note(struct limits_met *met, enum limits_note n);
/* Starts the clock of cpu_seconds: reading of the message begins. */
void limits_begin(struct limits_met *met);
/* True (and noted) if reading has used cpu_seconds: stop reading. Costs a system call. */
bool limits_time_is_up(struct limits_met *met);
/* The limits met, as "header-count,parts"; "" if none. Lent until the next call. */
const char *limits_noted(const struct limits_met *met);

#endif
