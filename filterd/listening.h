/* listening: the master's sockets. One that cannot be had costs its own listener and no other: it is
 * tried again until it can. */
#ifndef FILTERD_LISTENING_H
#define FILTERD_LISTENING_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "filterd/children.h"

/* As root: the control socket and those beside it, and the listeners. False without the former, as
 * nothing would be remembered or learnt, or if no listener could be had; both are logged. Milter
 * fronts count here, though they come up later. */
bool listening_open(struct children *c);
/* The same for new settings, which take the place of those c has: sockets at the same address are
 * kept. False, and logged, if there are none to be had: then all stays as it was. */
bool listening_reopen(struct children *c, struct settings *s);
/* Tries again what could not be had: true if one can now, of which workers who are there already do
 * not know. Once that is done: it is not tried for a while, long if it took long. */
bool listening_retry(struct children *c);
void listening_rest(struct children *c, gint64 begun);
/* That this listener cannot be had is logged once, from errno and a line about it; and that it can. */
void listening_missed(struct children *c, size_t listener, int error, const char *line);
void listening_had(struct children *c, size_t listener);
/* How many listeners somebody can connect to, but for the milters'. */
size_t listening_count(const struct children *c);
/* Nobody is let in any more, by workers neither; closes. */
void listening_shut(struct children *c);
void listening_close(struct children *c);
/* Removes the files of unix sockets. */
void listening_unlink(const struct settings *s);

#endif
