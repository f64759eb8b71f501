/* version: the version number, from the file VERSION at the top of the tree. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

extern const char version_number[];

/* Prints "PROGRAM 0.9.0" to standard output; EX_OK, or EX_IOERR if that fails. */
int version_print(const char *program);

#endif
