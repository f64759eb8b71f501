/* dns_answer: the records of one name and type, or why there are none. */
#ifndef BASE_DNS_DNS_ANSWER_H
#define BASE_DNS_DNS_ANSWER_H

#include <glib.h>
#include <stdbool.h>

/* Type codes of RFC 1035, section 3.2.2, and RFC 3596, section 2.1. */
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_status {
    DNS_OK,
    DNS_NONE, /* no such name, or nothing of that type */
    DNS_TEMP, /* no answer in time, SERVFAIL, or a malformed answer */
};

struct dns_record {
    guint8 address[16]; /* A: the first 4 */
    int preference;     /* MX */
    char *text;         /* TXT: its strings joined; MX, PTR, CNAME: the name, "." is the root */
    size_t len;         /* of text; TXT may hold NUL */
};

/* Reference counted by g_rc_box: g_rc_box_acquire it to keep it. */
struct dns_answer {
    enum dns_status status;
    bool no_such_name; /* NXDOMAIN, with DNS_NONE */
    guint32 ttl;       /* seconds */
    GPtrArray *records; /* of struct dns_record*, of the type asked for; never NULL */
};

/* An answer without records, TTL 0. Never NULL; dns_answer_free it. */
struct dns_answer *dns_answer_new(enum dns_status status);
/* Releases one reference and sets *a to NULL. */
void dns_answer_free(struct dns_answer **a);

#endif
