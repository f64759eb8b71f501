/* milter_connection: one connection of an MTA, in a thread of libmilter: collects what the MTA says and asks a
 * worker. */
#ifndef FILTERD_SESSION_MILTER_CONNECTION_H
#define FILTERD_SESSION_MILTER_CONNECTION_H

#include <libmilter/mfapi.h>
#include <stdbool.h>

#include "base/config/settings.h"

/* Called once, before smfi_main; both are lent. Returns the argument of smfi_register. */
struct smfiDesc milter_connection_filter(const struct settings *s, const struct listener *l);
/* Waits until no connection is in the middle of a message; false: some still were after so many seconds. */
bool milter_connection_drain(int seconds);
/* True if no connection is in the middle of a message, and the MTA had time to hear the last reply. */
bool milter_connection_is_resting(void);

#endif
