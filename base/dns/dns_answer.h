/* dns_answer: what a name server said of one name and type. */
#ifndef BASE_DNS_DNS_ANSWER_H
#define BASE_DNS_DNS_ANSWER_H

#include <glib.h>
#include <stdbool.h>

/* The numbers of RFC 1035 and 3596. */
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_status {
    DNS_OK,
    DNS_NONE, /* no such name, or nothing of that type */
    DNS_TEMP, /* no answer in time, SERVFAIL, or nonsense */
};

struct dns_record {
    guint8 address[16]; /* A: the first 4 */
    int preference;     /* MX */
    char *text;         /* TXT: all strings of the record together; MX, PTR, CNAME: the name, "." is the root */
    size_t len;         /* of text; TXT may hold NUL */
};

/* Counted by g_rc_box: whoever keeps one acquires it. */
struct dns_answer {
    enum dns_status status;
    bool no_such_name; /* NXDOMAIN, with DNS_NONE */
    guint32 ttl;       /* seconds */
    GPtrArray *records; /* of struct dns_record*, of the type asked for; never NULL */
};

/* An answer without records, and without a TTL. Never NULL, dns_answer_free it. */
struct dns_answer *dns_answer_new(enum dns_status status);
/* Gives a reference back. */
void dns_answer_free(struct dns_answer **a);

#endif
