/* dnsbl_list: what a DNS list can be asked about, and whether it answers. */
#ifndef RULES_DNSBL_LIST_H
#define RULES_DNSBL_LIST_H

enum dnsbl_subject { DNSBL_CLIENT, DNSBL_HELO, DNSBL_SENDER, DNSBL_PTR, DNSBL_URI };

/* Whether a list lives is found out when it is first asked, and again every hour; what it says
 * counts only once that is known, which takes no longer than the answers themselves. */
enum dnsbl_state {
    DNSBL_UNTRIED,
    DNSBL_ALIVE,
    DNSBL_ASLEEP, /* an error code, or it lists everything or nothing: not asked for an hour */
    DNSBL_SILENT, /* its name servers do not answer */
};

#endif
