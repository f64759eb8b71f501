/* reading: what the reader of a message sees, and where it leads them. Made once of each message, for
 * rules and classifier alike: no part is decoded twice, and both know the same links. */
#ifndef BASE_MAIL_READING_H
#define BASE_MAIL_READING_H

#include <glib.h>

#include "base/bytes.h"
#include "base/mail/links.h"
#include "base/mail/message.h"
#include "base/mail/message_part.h"

enum reading_text_note {
    READING_IN_HEAD = 1,       /* it stood among a part's header lines */
    READING_FALSE_CHARSET = 2, /* its charset is not known, or cannot be true */
    READING_HTML = 4,
};

/* A run of text, decoded: valid UTF-8. */
struct reading_text {
    int notes;                /* of enum reading_text_note */
    int html_notes;           /* of enum html_note (base/mail/html_note.h) */
    struct bytes seen, hidden; /* what a reader sees; what is there and is not seen */
    struct links in_seen, in_hidden; /* links in these */
    struct links opened;      /* links of attributes and styles, which are not in the text */
};

enum reading_part_note {
    READING_TWO_TYPES = 1,         /* two Content-Types */
    READING_UNDECLARED_BASE64 = 2,
    READING_FALSE_BASE64 = 4,      /* it says base64 and is none */
    READING_BINARY = 8,            /* it should be text and is none */
    READING_READ = 16,             /* its content was read as text */
};

struct reading_part {
    struct message_part part; /* without data; the strings are lent from the message, but for type */
    int notes;                /* of enum reading_part_note */
    size_t first, count;      /* its texts, in reading->texts */
};

struct reading {
    const struct message *message; /* lent */
    GArray *parts;                 /* of struct reading_part, parents first */
    GPtrArray *texts;              /* of struct reading_text *; those of no part come last */
    size_t loose;                  /* the first of those: of the raw body, where its structure is broken */
    size_t left, mapped;           /* of the bytes that are read of one message; see struct links */
};

/* m is lent and must outlive it. Never NULL. */
struct reading *reading_new(const struct message *m);
void reading_free(struct reading **r);
/* Calls fn for the host of every link: of the fields that a reader acts on (From, Sender, Reply-To,
 * List-Unsubscribe, Subject), then of the texts. The same host may come again. */
void reading_each_host(const struct reading *r, void (*fn)(const char *host, void *arg), void *arg);

#endif
