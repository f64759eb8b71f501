/* session: one client on one connection, LMTP or SMTP. */
#ifndef FILTERD_SESSION_SESSION_H
#define FILTERD_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config/settings.h"
#include "filterd/pipeline/context.h"

/* 0: go on. STOP: end between messages, with 421. */
enum session_wake { SESSION_GO = 0, SESSION_STOP };
/* WORKING: at a message or a command. RESTING: waits between messages. WAITING: waits for the next
 * command of a transaction that has begun. */
enum session_rest { SESSION_WORKING = 0, SESSION_RESTING, SESSION_WAITING };

struct session_place {
    struct context *context;
    const struct listener *listener;
    bool trusted;               /* the peer may say XFORWARD */
    const volatile int *wake;   /* enum session_wake, set by a signal handler */
    const volatile int *shed;   /* the same, also inside a transaction, before its DATA */
    void (*resting)(enum session_rest rest, void *arg); /* may be NULL */
    /* The session holds so many bytes of a message; false if there is no room for them. May be NULL. */
    bool (*hold)(size_t bytes, void *arg);
    void *arg;
};

/* Serves fd to its end; does not close it. Any kind of stream socket will do. */
void session_run(int fd, const struct session_place *place);

#endif
