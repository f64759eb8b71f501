/* settings: the one INI file, read and checked once; see filterd.conf(5). */
#ifndef BASE_CONFIG_SETTINGS_H
#define BASE_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/config/limits.h"
#include "base/endpoint.h"

enum protocol { PROTO_LMTP, PROTO_SMTP, PROTO_POLICY, PROTO_MILTER };
enum role { ROLE_INBOUND, ROLE_SUBMISSION };
enum policy { POLICY_PASS, POLICY_DEFER, POLICY_REJECT };
enum spam_action { SPAM_TAG, SPAM_QUARANTINE, SPAM_REJECT, SPAM_DISCARD };
enum train_mode { MODE_SETTLE, MODE_TOE, MODE_TEFT, MODE_NONE };
/* Their words, in their order (see settings_value_index, settings_value_name). */
#define SETTINGS_SPAM_ACTIONS "tag|quarantine|reject|discard"
#define SETTINGS_TRAIN_MODES "settle|toe|teft|none"

struct listener {
    char *name;
    enum protocol protocol;
    enum role role;
    struct endpoint at;
    struct next_hop next_hop; /* HOP_NONE: the one of [deliver] */
};

struct settings {
    char *file;
    char *hostname, *user, *state_dir, *site_key, *recipient_delimiter;
    char **domains;          /* lower case, NULL-terminated; empty: every inbound recipient is local */
    char **trusted_networks; /* CIDR text */
    int workers;
    size_t message_size_limit;
    bool log_stderr, sandbox_required;
    struct listener *listeners;
    size_t listener_count;
    struct next_hop deliver;
    int proxy_seconds; /* before the queue: from the message's end to our reply */
    struct endpoint control;
    char **train_users; /* login names */
    enum train_mode mode;
    double spam_threshold, unsure_threshold; /* probabilities, 0 to 1; unset as follows */
#define SETTINGS_SPAM_THRESHOLD 0.9
#define SETTINGS_UNSURE_THRESHOLD 0.5
    int settle_days, signature_days;
    enum policy no_key, unknown_recipient, bad_key; /* bad_key is never POLICY_PASS */
    enum spam_action spam_action;
    double reject_threshold; /* with SPAM_REJECT, what lies below it is tagged; 0: none is */
    char **allow, **deny;    /* addresses, domains, .domains; NULL-terminated */
    char *quarantine, *subject_tag, *header_prefix;
    struct endpoint dns_server; /* an address and a port; no host: those of resolv.conf */
    int dns_timeout_ms;         /* for all lookups of a message together */
    bool spf, dkim, dmarc, greylist;
    bool spf_received; /* a Received-SPF field, too */
    int greylist_wait;                             /* seconds */
    char *dnsbl_lists;                             /* file, NULL: no lists are asked */
    char *anonymize_inbound, *anonymize_submission; /* files, NULL: nothing is changed */
    struct endpoint clamav;                        /* no path: no scanner */
    struct limits limits;
};

/* Reads and checks FILE. On any wrong, unknown or doubled setting returns NULL and *error_r is one
 * line, "FILE:LINE: ...", saying what is expected; free it with g_free. */
struct settings *settings_load(const char *file, char **error_r);
void settings_free(struct settings **s);
/* True if the domain is one of ours (or domains is empty). */
bool settings_is_local_domain(const struct settings *s, const char *domain);
/* Next hop of a listener; listener may be NULL (filterd-pipe). */
const struct next_hop *settings_next_hop(const struct settings *s, const struct listener *l);

#endif
