/* filterctl_mails: each message in files, mbox files, Maildirs and folders of them. */
#ifndef TOOLS_FILTERCTL_MAILS_H
#define TOOLS_FILTERCTL_MAILS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mail/message.h"

/* One message. bytes: how much of its file it takes up. False: stop. */
typedef bool filterctl_mails_fn(const struct message *m, size_t bytes, void *arg);

/* Files that were left out, as they are compressed or encrypted, or no mail (base/mail/packed.h). */
struct filterctl_mails_packed {
    guint files;
    char *first;      /* the first one's path; g_free */
    const char *form; /* and how it is packed */
    guint others;     /* those that are no mail */
    char *first_other;
};

/* Calls fn for each message below path ("-": stdin) in a fixed order, until fn returns false. Adds to packed.
 * False, with the reason on stderr, if something could not be read. */
bool filterctl_mails_each(const char *path, filterctl_mails_fn *fn, void *arg,
                          struct filterctl_mails_packed *packed);
/* The bytes that filterctl_mails_each will read there, by the files' sizes. 0 for what has no known size. */
guint64 filterctl_mails_bytes(const char *path);

#endif
