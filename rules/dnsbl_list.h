/* dnsbl_list: what DNS lists can be queried about, and their states. */
#ifndef RULES_DNSBL_LIST_H
#define RULES_DNSBL_LIST_H

enum dnsbl_subject { DNSBL_CLIENT, DNSBL_HELO, DNSBL_SENDER, DNSBL_PTR, DNSBL_URI };

/* A list is tested when it is first queried, and again every hour. Its answers count only once it has passed;
 * the test runs beside the queries, so it costs no extra time. */
enum dnsbl_state {
    DNSBL_UNTRIED,
    DNSBL_ALIVE,
    DNSBL_ASLEEP, /* it returned an error code, or it lists everything or nothing: not queried for an hour */
    DNSBL_SILENT, /* its name servers do not answer */
};

#endif
