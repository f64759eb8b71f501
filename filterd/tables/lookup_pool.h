/* lookup_pool: processes that ask the tables, so that who waits for a server that hangs keeps no other answer back.
 *
 * The first is asked alone, one question after the other. Only if it has waited for a second is another one asked; that
 * one does not wait for the same server (sql_waits.h). */
#ifndef FILTERD_TABLES_LOOKUP_POOL_H
#define FILTERD_TABLES_LOOKUP_POOL_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "filterd/tables/user_tables.h"

/* The answer to a question; data NULL: the process that was asked has ended. */
typedef void lookup_pool_fn(void *arg, const char *key, const char *data, size_t len);

struct lookup_pool_env {
    const struct settings *settings; /* lent, as all here */
    int importer; /* the line to the importer (key_import.h); -1: none */
    int events;   /* an epoll descriptor that watches the processes */
    lookup_pool_fn *answered;
    void *arg;
};

/* Ends with the caller's process; all its descriptors except 0, 1, 2 and the line are closed in those that ask. */
struct lookup_pool *lookup_pool_new(const struct lookup_pool_env *env);
void lookup_pool_free(struct lookup_pool **p);

/* A question, packed; key names it in the call of answered. At most one for each key at a time. */
void lookup_pool_ask(struct lookup_pool *p, const char *key, const void *question, size_t len);
/* Hands questions on. Returns in how many milliseconds it wants to be called again; -1: not before something comes. */
int lookup_pool_turn(struct lookup_pool *p);
/* Reads an answer from fd, calls answered; false if fd is none of the pool's. */
bool lookup_pool_hear(struct lookup_pool *p, int fd);

/* The answer to a question, packed; false if it is none. What such a process does. */
bool lookup_pool_answer(struct user_tables *t, const char *question, size_t len, GString *out);

#endif
