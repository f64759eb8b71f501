/* user_tables: the tables of [users], asked for one address as Postfix's virtual(5) says.
 *
 * An alias: user+extension@domain, user@domain, user+extension and user alone where the domain is the machine's
 * (local_names, hostname), @domain. A mailbox: the same without the bare names. The extension that was not looked for
 * is put into each address of the alias, and an address without a domain gets the first of local_names, or
 * hostname. A domain: as it is. A key: under user+extension@domain and user@domain; who has one has a mailbox. */
#ifndef FILTERD_TABLES_USER_TABLES_H
#define FILTERD_TABLES_USER_TABLES_H

#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/config/users_tables.h"
#include "filterd/tables/table_result.h"

struct user_tables;

/* settings are lent. Reads map files at the first question, and again later what could not be read. importer: the line to
 * it (key_import.h), lent; -1: keys of columns are compared with what is stored, and none is imported. */
struct user_tables *user_tables_new(const struct settings *settings, int importer);
void user_tables_free(struct user_tables **t);

/* As struct users_tables says; arg is the struct user_tables. */
enum users_result user_tables_ask(void *arg, enum users_tables_question question, const char *address,
                                  struct users_tables_answer *a_r);

/* Whether the answer to the last question follows: the socket (key_import.h) by which it comes, the caller's. -1: that
 * was the answer. */
int user_tables_take_import(struct user_tables *t);

/* One look-up in one table. */
struct user_tables_step {
    const char *setting; /* "aliases", "mailboxes", "domains", "key" */
    const char *table;   /* which of its chain answered; NULL: none did */
    const char *key;
    enum table_result result;
    const char *text;    /* the value, or why there is none; NULL */
};
/* From now on calls fn for each look-up; those that were asked lately are asked again. */
void user_tables_trace(struct user_tables *t, void (*fn)(const struct user_tables_step *step, void *arg), void *arg);
/* Asks each table something. False if one cannot be asked: *setting_r (static) and *error_r (g_free). */
bool user_tables_check(struct user_tables *t, const char **setting_r, char **error_r) G_GNUC_WARN_UNUSED_RESULT;

#endif
