/* dnsbl_table: the file of lists (rules/dnsbl.conf, explained in its head). */
#ifndef RULES_DNSBL_TABLE_H
#define RULES_DNSBL_TABLE_H

#include <glib.h>
#include <stdbool.h>


enum { DNSBL_TABLE_IP4 = 1 << 8, DNSBL_TABLE_IP6 = 1 << 9 }; /* besides 1 << enum dnsbl_subject */

/* What an answer means. */
struct dnsbl_code {
    guint8 from[4], to[4]; /* each byte of the address lies between */
    guint8 mask;           /* not 0: instead, one of these bits is set in the last byte */
    bool error;            /* says nothing about who was asked for */
    char *name;            /* behind the zone's in the hit's */
    double weight;
    char *text; /* for people; "" if none */
};

struct dnsbl_zone {
    char *zone;             /* that is asked, lower case */
    char *name;             /* that is told: not the key that is in some */
    unsigned asks;          /* bits: DNSBL_TABLE_IP4, _IP6, 1 << enum dnsbl_subject */
    char *listed, *not_listed; /* what to ask to see whether it lives; NULL: nothing */
    GPtrArray *codes;       /* of struct dnsbl_code*, in order */
};

/* Array of struct dnsbl_zone*; NULL with one line, "FILE:LINE: ...". */
GPtrArray *dnsbl_table_load(const char *file, char **error_r);
/* True if the code is meant by an address (4 bytes). */
bool dnsbl_code_matches(const struct dnsbl_code *c, const guint8 *address);

#endif
