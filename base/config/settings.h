/* settings: the one INI file, read and checked once; see filterd.conf(5). */
#ifndef BASE_CONFIG_SETTINGS_H
#define BASE_CONFIG_SETTINGS_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/config/limits.h"
#include "base/endpoint.h"
#include "base/socket_rights.h"

enum protocol { PROTO_LMTP, PROTO_SMTP, PROTO_POLICY, PROTO_MILTER };
enum role { ROLE_INBOUND, ROLE_SUBMISSION };
enum policy { POLICY_PASS, POLICY_DEFER, POLICY_REJECT };
enum already { ALREADY_PASS, ALREADY_SEAL };
enum spam_action { SPAM_TAG, SPAM_QUARANTINE, SPAM_REJECT, SPAM_DISCARD };
enum train_mode { MODE_SETTLE, MODE_TOE, MODE_TEFT, MODE_NONE };
/* The words of these settings, in the order of the enums (see settings_value_index, settings_value_name). */
#define SETTINGS_SPAM_ACTIONS "tag|quarantine|reject|discard"
#define SETTINGS_TRAIN_MODES "settle|toe|teft|none"

struct listener {
    char *name;
    enum protocol protocol;
    enum role role;
    struct endpoint at;
    struct socket_rights rights;      /* of a unix socket */
    struct next_hop_address next_hop; /* HOP_NONE: use that of [deliver] */
};

struct settings {
    char *file;
    char *hostname, *user, *state_dir, *site_key, *recipient_delimiter;
    char *state_id; /* a file outside of state_dir, see state.h */
    char **domains;          /* lower case, NULL-terminated; empty, and no domain_maps: every inbound recipient is local */
    char **local_names;      /* Postfix's mydestination, myorigin first; lower case, NULL-terminated */
    char **trusted_networks; /* CIDR text */
    int workers;
    size_t message_size_limit;
    bool log_stderr, sandbox_required;
    struct listener *listeners;
    size_t listener_count;
    struct next_hop_address deliver;
    int proxy_seconds; /* before-queue proxy: seconds from the end of DATA to our reply */
    int queue_days;    /* a proof between the legs is good for so long: as the MTA may keep mail queued */
    struct endpoint control;
    struct socket_rights control_rights; /* of the socket for learn sessions, too */
    char *mailbox_maps, *alias_maps, *domain_maps, *key_maps; /* chains of Postfix maps; NULL: none */
    char **train_users; /* login names or uids, each maybe with :DOMAIN */
    enum train_mode mode;
    double spam_threshold, unsure_threshold; /* probabilities, 0 to 1; default SETTINGS_*_THRESHOLD */
#define SETTINGS_SPAM_THRESHOLD 0.9
#define SETTINGS_UNSURE_THRESHOLD 0.5
    int settle_days, signature_days;
    enum policy no_key, unknown_recipient, bad_key; /* bad_key is never POLICY_PASS */
    enum already already;  /* what is encrypted, but not for its recipient */
    bool milter_separate;  /* a milter's message for at most one recipient with a key */
    enum spam_action spam_action;
    double reject_threshold; /* SPAM_REJECT: spam below it is only tagged; 0: reject all spam */
    char **allow, **deny;    /* addresses, domains, .domains; NULL-terminated */
    char *quarantine, *subject_tag, *header_prefix;
    struct endpoint dns_server; /* numeric address and port; host NULL: use resolv.conf */
    int dns_timeout_ms;         /* for all lookups of a message together */
    bool spf, dkim, dmarc, greylist;
    bool spf_received; /* also add a Received-SPF field (RFC 7208, section 9.1) */
    int greylist_wait;                             /* seconds */
    char *dnsbl_lists;                             /* a file; NULL: no list is queried */
    char *anonymize_inbound, *anonymize_submission; /* files; NULL: no header is changed */
    struct endpoint clamav;                        /* no path: no virus scanner */
    struct limits limits;
};

/* Reads and checks FILE. On any wrong, unknown or doubled setting returns NULL and *error_r is one
 * line, "FILE:LINE: ...", saying what is expected; free it with g_free. */
struct settings *settings_load(const char *file, char **error_r) G_GNUC_WARN_UNUSED_RESULT;
void settings_free(struct settings **s);
/* True if the operator's own tables are asked for users: [users] names one. */
bool settings_has_tables(const struct settings *s);
/* True if domains or domain_maps say which domains are ours; else all are that mail comes in for. */
bool settings_has_domains(const struct settings *s);
/* True if domain is listed in domains, or nothing says which are ours. Whether domain_maps has it:
 * users_tables_domain. */
bool settings_is_local_domain(const struct settings *s, const char *domain);
/* The next hop of a listener, else that of [deliver]; l may be NULL (filterd-pipe). */
const struct next_hop_address *settings_next_hop(const struct settings *s, const struct listener *l);
/* How large a message of so many bytes may be when it is sealed, 1.4 times: ciphertext is base64 of what was base64
 * before, in lines with CRLF, and some fields stand inside and outside. */
guint64 settings_sealed_size(guint64 bytes);
/* The largest message that a listener takes: message_size_limit, and as large as that may be sealed where it comes
 * from the MTA's queue (protocol lmtp; NULL: filterd-pipe). */
size_t settings_size_limit(const struct settings *s, const struct listener *l);

#endif
