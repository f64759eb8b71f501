/* message: one mail: its bytes as received and GMime's view of them.
 *
 * The raw bytes (CRLF line ends) are the caller's and must outlive the message; GMime's tree is never written
 * back to them. Only base/mail/message_tree.c includes GMime. */
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
    struct header *headers; /* in order, without an mbox From_ line in front */
    size_t header_count;
    const char *body; /* what follows the empty line; may be empty */
    size_t body_len;
    struct limits_met *met;    /* which limits it has met (base/config/limits.h); ours, also of a const message */
    struct message_tree *tree; /* GMime's objects; NULL if GMime may not or cannot parse */
};

/* Never NULL: a message that GMime cannot parse still has raw bytes, headers and body. A line that is no field
 * ends the header and begins the body; so does the first field beyond header_bytes or header_count
 * (base/config/limits.h). GMime gets only as much of the body as prescan.h allows; if that is nothing,
 * tree is NULL. raw may be NULL if len is 0; m->raw is then "". */
struct message *message_new(const char *raw, size_t len);
/* The same with header.h's room for fields that were added to a message of filterd's own. */
struct message *message_new_roomy(const char *raw, size_t len);
void message_free(struct message **m);
/* Splits the headers before the body has arrived, as message_new would. raw may be NULL if len is 0. g_free the
 * array; its pointers are lent from raw. */
struct header *message_scan_headers(const char *raw, size_t len, struct limits_met *met, size_t *count_r);

/* The first header of that name; NULL if none. Lent. */
const struct header *message_header(const struct message *m, const char *name);

/* The type of the root, such as "multipart/encrypted", in lower case; "text/plain" if unknown. Lent. */
const char *message_type(const struct message *m);
/* A parameter of the root's Content-Type; NULL if none. Lent. */
const char *message_type_param(const struct message *m, const char *name);
/* Calls fn for every part, parents first; the part is lent for the call, and its decoded content wiped after
 * it. Without a tree the raw body is one text/plain leaf. Base64 and quoted-printable are decoded as lenient
 * mail clients do (base/mail/decode.h). */
void message_each_part(const struct message *m, void (*fn)(const struct message_part *, void *),
                       void *arg);

#endif
