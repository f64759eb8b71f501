/* milter_connection: one connection of an MTA, in a thread of libmilter's: what it says is
 * collected, and said again to a worker. */
#ifndef FILTERD_SESSION_MILTER_CONNECTION_H
#define FILTERD_SESSION_MILTER_CONNECTION_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

#include "base/config/settings.h"

/* Once, before smfi_main; both are lent. Returns what smfi_register wants. */
struct smfiDesc milter_connection_filter(const struct settings *s, const struct listener *l);
/* Waits until no connection is in the middle of a message; false when seconds are over before. */
bool milter_connection_drain(int seconds);

#endif
