/* endpoint: the address of a socket (ours, or a next hop's), and the protocol a next hop speaks. */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

enum next_hop_kind { HOP_NONE, HOP_LMTP, HOP_SMTP, HOP_MAILDIR, HOP_SENDMAIL };

/* unix:/path sets path; inet:host:port and inet:[v6]:port set host and port; maildir and sendmail set path
 * alone. */
struct endpoint {
    char *path;
    char *host, *port;
};

struct next_hop_address {
    enum next_hop_kind kind;
    struct endpoint at;
};

#endif
