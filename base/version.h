/* version: which filterd this is, as the file VERSION at the top says. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

extern const char version_number[];

/* "PROGRAM 0.9.0" on standard output; EX_OK, or EX_IOERR if that cannot be written. */
int version_print(const char *program);

#endif
