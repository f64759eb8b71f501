/* key_import: asks the importer (filterd/importer/importer_process.h) to make a column's text a user's key.
 *
 * Over a line that the master makes for the tables' process alone. One packet per request: the user's name, and a
 * socket that the text comes by, as much as 1 MiB, until its end; one byte comes back by it. */
#ifndef FILTERD_TABLES_KEY_IMPORT_H
#define FILTERD_TABLES_KEY_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#define KEY_IMPORT_USER_MAX 512 /* bytes with the NUL; an address has 320 at most */

enum key_import { KEY_IMPORT_TEMP = 0, KEY_IMPORT_DONE, KEY_IMPORT_REFUSED };

/* Waits for the importer, some seconds at most. KEY_IMPORT_TEMP: it does not answer. */
enum key_import key_import_ask(int line, const char *user, const char *text, size_t len);

/* The importer's side. Takes a request from the line: user is NUL-terminated and canonical; the socket is the
 * caller's. False: there is none, or what came is none. */
bool key_import_take(int line, char user[KEY_IMPORT_USER_MAX], int *socket_r);
void key_import_answer(int socket, enum key_import result);

#endif
