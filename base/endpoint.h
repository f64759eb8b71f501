/* endpoint: where somebody listens, and what is spoken to a next hop there. */
#ifndef BASE_ENDPOINT_H
#define BASE_ENDPOINT_H

enum next_hop_kind { HOP_NONE, HOP_LMTP, HOP_SMTP, HOP_MAILDIR, HOP_SENDMAIL };

/* unix:/path or inet:host:port ([v6]:port); for maildir and sendmail path alone is set. */
struct endpoint {
    char *path;
    char *host, *port;
};

struct next_hop_address {
    enum next_hop_kind kind;
    struct endpoint at;
};

#endif
