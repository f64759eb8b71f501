/* url: what a browser would connect to. */
#ifndef BASE_MAIL_URL_H
#define BASE_MAIL_URL_H

#include <stddef.h>

#define URL_HOST_BYTES 80

enum url_note {
    URL_NOTE_USER = 1,      /* http://bank.example@host/ */
    URL_NOTE_PERCENT = 2,   /* %65xample.com */
    URL_NOTE_NUMBER = 4,    /* an address as one number, or in hex or octal */
    URL_NOTE_IP = 8,        /* an address in figures, however written */
    URL_NOTE_PUNYCODE = 16, /* xn-- in it, or letters that are not ASCII */
    URL_NOTE_PORT = 32,
    URL_NOTE_DATA = 64,   /* data: carries its content itself */
    URL_NOTE_SCRIPT = 128, /* javascript: and vbscript: */
};

struct url {
    char host[URL_HOST_BYTES]; /* lower case, valid UTF-8; "" if there is none; cut if longer */
    const char *path;          /* behind the host, in the URL given */
    int notes;                 /* of enum url_note */
};

/* Also reads what browsers mend: backslashes, one slash or more, none at all. */
void url_parse(struct url *u, const char *text, size_t len);

#endif
