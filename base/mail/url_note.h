/* url_note: facts about how a URL is written. */
#ifndef BASE_MAIL_URL_NOTE_H
#define BASE_MAIL_URL_NOTE_H

enum url_note {
    URL_NOTE_USER = 1,      /* http://bank.example@host/ */
    URL_NOTE_PERCENT = 2,   /* %65xample.com */
    URL_NOTE_NUMBER = 4,    /* an address as one number, or in hex or octal */
    URL_NOTE_IP = 8,        /* an IPv4 or IPv6 address, in any form */
    URL_NOTE_PUNYCODE = 16, /* xn-- in it, or letters that are not ASCII */
    URL_NOTE_PORT = 32,
    URL_NOTE_DATA = 64,    /* data:, which holds its content itself */
    URL_NOTE_SCRIPT = 128, /* javascript: and vbscript: */
    URL_NOTES = 8,         /* number of notes */
};

#endif
