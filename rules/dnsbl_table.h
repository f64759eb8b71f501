/* dnsbl_table: parses the table of DNS lists (rules/dnsbl.conf, whose head explains it). */
#ifndef RULES_DNSBL_TABLE_H
#define RULES_DNSBL_TABLE_H

#include <glib.h>
#include <stdbool.h>


enum { DNSBL_TABLE_IP4 = 1 << 8, DNSBL_TABLE_IP6 = 1 << 9 }; /* in asks, besides 1 << enum dnsbl_subject */

/* The meaning of an answer. */
struct dnsbl_code {
    guint8 from[4], to[4]; /* range of each byte of the answer */
    guint8 mask;           /* if not 0, it decides instead: one of these bits is set in the answer's last byte */
    bool error;            /* an error code: says nothing about the entry queried */
    char *name;            /* appended to the zone's name in the hit's name */
    double weight;
    char *text; /* for people; "" if none */
};

struct dnsbl_zone {
    char *zone;             /* the zone to query, lower case */
    char *name;             /* the zone as shown: without the customer key that some zones contain */
    unsigned asks;          /* bits: DNSBL_TABLE_IP4, _IP6, 1 << enum dnsbl_subject */
    char *listed, *not_listed; /* test entries (RFC 5782 section 5); NULL: none */
    GPtrArray *codes;       /* of struct dnsbl_code*, in order */
};

/* Array of struct dnsbl_zone*; NULL with one line, "FILE:LINE: ...". */
GPtrArray *dnsbl_table_load(const char *file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
/* True if the answer (4 bytes) has the meaning c. */
bool dnsbl_code_matches(const struct dnsbl_code *c, const guint8 *address);

#endif
