/* tables_packet: the packets between who asks (a worker, the keeper) and the tables' process: a question, and its
 * answer.
 *
 * Both sides run the same program, so numbers are in this machine's byte order. Neither side trusts the other: a
 * message may have taken over the worker, a table server the process. */
#ifndef FILTERD_TABLES_TABLES_PACKET_H
#define FILTERD_TABLES_TABLES_PACKET_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/config/users.h"
#include "base/config/users_tables.h"

#define TABLES_PACKET_QUESTION_MAX 512   /* bytes; an address has 320 at most */
#define TABLES_PACKET_ANSWER_MAX 131072 /* bytes: some thousand members */

/* Writes number, what is asked, and the address with its NUL. False if that is too long. */
bool tables_packet_write_question(GString *out, guint32 number, enum users_tables_question question,
                                  const char *address);
/* False if data is not a question. *address_r points into data. */
bool tables_packet_read_question(const char *data, size_t len, guint32 *number_r,
                                 enum users_tables_question *question_r, const char **address_r);

/* Writes number, the result, both forms, and the members with a NUL each. What is too long becomes USERS_TEMP. */
void tables_packet_write_answer(GString *out, guint32 number, enum users_result result,
                                const struct users_tables_answer *a);
/* False if data is not an answer; then *a_r is empty. Each member is an address in its canonical form. */
bool tables_packet_read_answer(const char *data, size_t len, guint32 *number_r, enum users_result *result_r,
                               struct users_tables_answer *a_r);

/* The name of a question in a cache: letter and address; g_free. */
char *tables_packet_name(enum users_tables_question question, const char *address);

#endif
