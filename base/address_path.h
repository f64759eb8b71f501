/* address_path: the <address> of MAIL and RCPT, and the program argument that stands for one. */
#ifndef BASE_ADDRESS_PATH_H
#define BASE_ADDRESS_PATH_H

/* Reads "<a@b> REST" (RFC 5321, section 4.1.2): returns the address (g_free) and where REST begins, behind blanks.
 * NULL if it is malformed, not UTF-8 or over 320 bytes: for commands of which the client can write another. */
char *address_path_read(const char *text, const char **rest_r);
/* The same where a refusal would be a bounce: takes any address, as address_form_certain writes it, and "". NULL
 * only if no '>' ends it. */
char *address_path_read_any(const char *text, const char **rest_r);

#endif
