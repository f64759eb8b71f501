/* message: one mail, its bytes as received and GMime's view of them.
 *
 * The raw bytes (CRLF line ends) stay the caller's and must outlive it; nothing is ever written
 * back from GMime's tree. Only base/mail/message_tree.c includes GMime. */
#ifndef BASE_MAIL_MESSAGE_H
#define BASE_MAIL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mail/header.h"
#include "base/mail/message_part.h"

struct limits_met;

struct message {
    const char *raw;
    size_t len;
    struct header *headers; /* in order; an mbox From_ line in front is left out */
    size_t header_count;
    const char *body; /* after the empty line; may be the end */
    size_t body_len;
    struct limits_met *met;    /* which limits it has met (base/config/limits.h); ours, also of a const message */
    struct message_tree *tree; /* GMime's objects; NULL if they could not be made */
};

/* Never NULL: what GMime cannot read still has raw bytes, headers and body. A line that is no
 * header ends them, and the body begins with it; so does the first field beyond header_bytes or
 * header_count (base/config/limits.h). GMime sees no more than it can bear (base/mail/message_limits.h); where
 * that is nothing, tree stays NULL. raw may be NULL if len is 0; the struct's own is then "". */
struct message *message_new(const char *raw, size_t len);
void message_free(struct message **m);
/* The headers alone, before the body is there: what message_new would see. raw as there. g_free; the
 * array's pointers are lent from raw. */
struct header *message_scan_headers(const char *raw, size_t len, struct limits_met *met, size_t *count_r);

/* First header of that name, NULL if none. */
const struct header *message_header(const struct message *m, const char *name);

/* "multipart/encrypted", lower case; "text/plain" if unknown. Lent. */
const char *message_type(const struct message *m);
/* A parameter of the root's Content-Type, NULL if none. Lent. */
const char *message_type_param(const struct message *m, const char *name);
/* Calls fn for every part, parents first; what it gets lasts for the call. Decoded content is
 * wiped after it. Without a tree the raw body is one text/plain leaf. Base64 and quoted-printable
 * are decoded as lenient readers do it (base/mail/decode.h). */
void message_each_part(const struct message *m, void (*fn)(const struct message_part *, void *),
                       void *arg);

#endif
