/* reading: what the reader of a message sees, and where its links lead. Made once per message for rules and
 * classifier alike: no part is decoded twice, and both use the same links. */
#ifndef BASE_MAIL_READING_H
#define BASE_MAIL_READING_H

#include <glib.h>

#include "base/bytes.h"
#include "base/mail/links.h"
#include "base/mail/message.h"
#include "base/mail/message_part.h"

enum reading_text_note {
    READING_IN_HEAD = 1,       /* found among a part's header lines */
    READING_FALSE_CHARSET = 2, /* charset unknown, or it cannot be true */
    READING_HTML = 4,
};

/* One decoded text, valid UTF-8. */
struct reading_text {
    int notes;                /* bits of enum reading_text_note */
    int html_notes;           /* bits of enum html_note (base/mail/html_note.h) */
    struct bytes seen, hidden; /* visible and hidden text */
    struct links in_seen, in_hidden; /* links in those texts */
    struct links opened;      /* links of HTML attributes and styles, not in the text */
};

enum reading_part_note {
    READING_TWO_TYPES = 1,         /* two Content-Type fields */
    READING_UNDECLARED_BASE64 = 2,
    READING_FALSE_BASE64 = 4,      /* declared base64, but is not */
    READING_BINARY = 8,            /* declared text, but is binary */
    READING_READ = 16,             /* read as text */
};

struct reading_part {
    struct message_part part; /* without data; strings lent from the message, except type */
    int notes;                /* bits of enum reading_part_note */
    size_t first, count;      /* its texts: range in reading->texts */
};

struct reading {
    const struct message *message; /* lent */
    GArray *parts;                 /* of struct reading_part, parents first */
    GPtrArray *texts;              /* of struct reading_text *; those of no part come last */
    size_t loose;                  /* index of the first of those: read from the raw body if the MIME structure
                                    * is broken */
    size_t left, mapped;           /* bytes that may still be read; international names so far (struct links) */
};

/* Reads m, which is lent and must outlive the result. Never NULL. */
struct reading *reading_new(const struct message *m);
void reading_free(struct reading **r);
/* Calls fn for the host of every link: first of the fields that a reader acts on (From, Sender, Reply-To,
 * List-Unsubscribe, Subject), then of the texts. A host may be reported several times. */
void reading_each_host(const struct reading *r, void (*fn)(const char *host, void *arg), void *arg);

#endif
