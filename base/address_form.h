/* address_form: how an address of MAIL or RCPT is written, and so whether an MTA can only take it one way. */
#ifndef BASE_ADDRESS_FORM_H
#define BASE_ADDRESS_FORM_H

enum address_form {
    ADDRESS_FORM_ODD = 0, /* where its domain begins or ends is a matter of taste: comments, brackets, ; and , */
    ADDRESS_FORM_LOOSE,   /* its domain is certain, the local part is more than plain: a route in front, %, !,
                             a second @, dots at an end or side by side, a quoted string with other characters */
    ADDRESS_FORM_PLAIN    /* a dot-string or a simple quoted string, then @ and a domain, or nothing */
};

/* address is without its angle brackets. Unless it is odd, *domain_r is its domain as written, but without the
 * root's dot, "[...]" if it is a literal, "" if it has none; *local_r is its local part without quotes, but with
 * their backslashes, and without the route. Both g_free; NULL if it is odd. */
enum address_form address_form(const char *address, char **local_r, char **domain_r);
/* The address as it goes on to another MTA where refusing it would be a bounce: itself unless it is odd; an odd one
 * as we understand it, its local part quoted if it has to be, and of its domain what a domain can have. So whoever
 * reads it next finds the same end and the same person. Never odd, nor with a line end in it. g_free. */
char *address_form_certain(const char *address);

#endif
