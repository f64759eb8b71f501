/* filterctl_mails: mails out of files, mbox files, Maildirs and folders. */
#ifndef TOOLS_FILTERCTL_MAILS_H
#define TOOLS_FILTERCTL_MAILS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/message.h"

/* Calls fn for each message below path ("-": one on stdin) in a fixed order, until fn says false.
 * False, with the reason on stderr, if something could not be read. */
bool filterctl_mails_each(const char *path, bool (*fn)(const struct message *, void *), void *arg);

#endif
