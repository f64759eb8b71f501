/* listening: the master's sockets. If one cannot be opened, only its listener is affected; it is tried again
 * until it opens. */
#ifndef FILTERD_LISTENING_H
#define FILTERD_LISTENING_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "filterd/children.h"

/* Opens, as root and after peer_credentials_prepare, the control socket and those beside it, and the listeners. False, and logged: the control
 * socket failed (nothing could be recorded or learnt), or all listeners did. Milter listeners count as open
 * here, though their processes start later. */
bool listening_open(struct children *c);
/* The same for new settings, which replace those of c; a socket whose address stays is kept. False, and logged:
 * no listener could be opened; then nothing changes. */
bool listening_reopen(struct children *c, struct settings *s);
/* Lets those of train_users connect to the control socket and that for learning, where neither mode nor group of theirs
 * is set. For a reload, after peer_credentials_prepare. */
void listening_admit_trainers(const struct settings *s);
/* Tries again to open what failed: true if a socket was opened, which the workers that run do not know. After
 * that call listening_rest: it delays the next try, for long if this one took long. */
bool listening_retry(struct children *c);
void listening_rest(struct children *c, gint64 begun);
/* Logs once that this listener cannot be opened, with errno and a line about it; and, once, that it is. */
void listening_missed(struct children *c, size_t listener, int error, const char *line);
void listening_had(struct children *c, size_t listener);
/* How many listeners clients can connect to, without those of milters. */
size_t listening_count(const struct children *c);
/* Shuts the sockets down, for workers too, so that no client connects any more; the second closes them. */
void listening_shut(struct children *c);
void listening_close(struct children *c);
/* Removes the files of the unix sockets that this daemon made, and nobody else's: what another process has put at
 * the same path stays. */
void listening_unlink(struct children *c);

#endif
