/* session: serves one client on one connection, LMTP or SMTP. */
#ifndef FILTERD_SESSION_SESSION_H
#define FILTERD_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config/settings.h"
#include "filterd/pipeline/context.h"

/* When a session ends early, between messages, with 421. A client that has just connected, or sends one message
 * after the other, is not to hear that: only one that is silent for a while is closed.
 * SESSION_GO: not at all. SESSION_LEAVE: the worker is replaced, nothing presses. SESSION_ROOM: others wait for a
 * worker. SESSION_STOP: the daemon ends. */
enum session_wake { SESSION_GO = 0, SESSION_LEAVE, SESSION_ROOM, SESSION_STOP, SESSION_WAKES };
/* WORKING: handles a message or a command. RESTING: waits between messages. WAITING: waits for the next command
 * inside a transaction. */
enum session_rest { SESSION_WORKING = 0, SESSION_RESTING, SESSION_WAITING };

struct session_env {
    struct context *context;
    const struct listener *listener;
    bool trusted;               /* the client may use XFORWARD */
    const volatile int *wake;   /* enum session_wake, set by a signal handler */
    const volatile int *shed;   /* enum session_wake: SESSION_ROOM also ends a transaction, but not after its
                                 * DATA */
    void (*resting)(enum session_rest rest, void *arg); /* reports each change to the worker; may be NULL */
    /* Reserves room for a message that is now so many bytes long; false: there is none. May be NULL. */
    bool (*hold)(size_t bytes, void *arg);
    void *arg;
};

/* For how many milliseconds of silence each of enum session_wake waits. begun: the client has sent a message, or a
 * policy request, before. Static. */
const int *session_quiet_ms(bool begun);
/* Serves fd until the connection ends; does not close it. Any kind of stream socket will do. */
void session_run(int fd, const struct session_env *env);

#endif
