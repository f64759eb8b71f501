/* key_import: asks the importer (filterd/importer/importer_process.h) to make a column's text a user's key.
 *
 * Over a line that the master makes for the tables' process alone. One packet per request: the text's length, the user's
 * name, and a socket that the text comes by; one byte comes back by it. */
#ifndef FILTERD_TABLES_KEY_IMPORT_H
#define FILTERD_TABLES_KEY_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define KEY_IMPORT_USER_MAX 512 /* bytes with the NUL; an address has 320 at most */

/* A request, as the importer takes it. */
struct key_import_request {
    char user[KEY_IMPORT_USER_MAX]; /* NUL-terminated and canonical */
    size_t len;                     /* of the text: if less comes, who sends it has given up */
    int socket;                     /* the importer's */
};

enum key_import { KEY_IMPORT_TEMP = 0, KEY_IMPORT_DONE, KEY_IMPORT_REFUSED };

/* Hands the text over; where it is long, waits some seconds at most for the importer to take it. Returns the socket that
 * the answer comes by, the caller's; -1: the importer does not take it. */
int key_import_ask(int line, const char *user, const char *text, size_t len);
/* Reads the answer, which can be read now. KEY_IMPORT_TEMP: there is none. */
enum key_import key_import_hear(int socket);
/* Whoever hands out questions waits for the answer: it goes to them with the socket. NULL, 0: none. */
bool key_import_pass(int to, const void *data, size_t len, int socket);
/* As recv, without waiting; *socket_r: what was passed, the caller's; -1: none. */
ssize_t key_import_get(int from, void *data, size_t len, int *socket_r);

/* The importer's side. Takes a request from the line. False: there is none, or what came is none. */
bool key_import_take(int line, struct key_import_request *r);
void key_import_answer(int socket, enum key_import result);

#endif
