/* filterctl_mails: mails out of files, mbox files, Maildirs and folders. */
#ifndef TOOLS_FILTERCTL_MAILS_H
#define TOOLS_FILTERCTL_MAILS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/mail/message.h"

/* bytes: how much of its file it takes. */
typedef bool filterctl_mails_fn(const struct message *m, size_t bytes, void *arg);

/* Calls fn for each message below path ("-": stdin) in a fixed order, until fn says false. False,
 * with the reason on stderr, if something could not be read. */
bool filterctl_mails_each(const char *path, filterctl_mails_fn *fn, void *arg);
/* How many bytes that will be; nothing of it is read. 0 for what cannot be known. */
guint64 filterctl_mails_bytes(const char *path);

#endif
