/* policy: decides from values alone what becomes of one recipient's copy.
 *
 * Nothing here asks the key store, gpg or a clock: the caller has looked everything up. So t/unit/policy_test.c
 * can walk every combination, and prove in one place that a copy leaves unsealed only for a reason that enum
 * policy_form names and the log shows. */
#ifndef FILTERD_PIPELINE_POLICY_H
#define FILTERD_PIPELINE_POLICY_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/result.h"

/* ---- for an address ---- */

/* How many of the users behind an address have keys in which state. */
struct policy_keys {
    guint good, none, bad, unreadable;
    guint exempt; /* counted in none, too: users with encrypt=no, whatever keys they have */
};

enum policy_who {
    POLICY_WHO_UNREADABLE = 0, /* the address could not be looked up */
    POLICY_WHO_NOBODY,         /* neither a user nor an alias */
    POLICY_WHO_USERS,          /* a user, or the users of an alias */
    POLICY_WHO_ELSEWHERE       /* an alias of the operator's tables that leads to none of our users */
};

struct policy_address {
    enum policy_who who;
    struct policy_keys keys;
    bool local_domain; /* its domain is one of [filterd] or [users] domains or local_names, or it has none */
    bool postmaster;   /* <postmaster>: if it is nobody's, it is taken nevertheless */
    bool submitted;    /* it came through a listener with role=submission */
};

enum policy_handling {
    POLICY_HANDLE_REFUSE = 0, /* reason says with which reply */
    POLICY_HANDLE_SEAL,       /* seal to all users behind the address */
    POLICY_HANDLE_PASS,       /* local, delivered in the clear */
    POLICY_HANDLE_FOREIGN     /* not local: neither judged nor sealed */
};

struct policy_disposition {
    enum policy_handling handling;
    enum outcome_reason reason; /* REASON_OK unless handling is POLICY_HANDLE_REFUSE */
    bool exempt;                /* in the clear because a user set encrypt=no */
};

/* All users behind the address get the same copy. If some have good keys and others none, it is refused: for now
 * or for good, as the setting bad_key says. */
struct policy_disposition policy_disposition(const struct settings *s, const struct policy_address *a);
/* For one copy that goes to two addresses (a milter has one body for all). If one is refused, both are; if only
 * one is to be sealed, both are refused (REASON_MIXED). */
struct policy_disposition policy_join(struct policy_disposition a, struct policy_disposition b);

/* ---- for a copy ---- */

/* Whether a message arrives encrypted, and for whom. */
enum policy_encrypted {
    POLICY_ENCRYPTED_NOT = 0,
    POLICY_ENCRYPTED_THEIRS, /* for keys of all users behind the address, as far as it tells */
    POLICY_ENCRYPTED_OTHERS  /* a user has keys, and it is for none of them */
};

struct policy_copy {
    struct policy_disposition own;        /* the recipient's */
    struct policy_disposition quarantine; /* of [spam] quarantine's address; read only if policy_is_moved */
    bool spam;                            /* the message was judged, and is spam */
    enum spam_action action;              /* what this recipient wants done with spam */
    bool over_reject;                     /* the score is high enough for SPAM_REJECT */
    bool client_waits;                    /* before the queue: a refusal makes no backscatter */
    enum policy_encrypted encrypted;      /* how it arrived, for own's recipient */
    enum policy_encrypted encrypted_there; /* the same for the quarantine; read only if policy_is_moved */
    enum already already;                 /* [encrypt] already */
};

/* How a copy leaves. */
enum policy_form {
    POLICY_FORM_NONE = 0, /* no copy leaves */
    POLICY_FORM_SEALED,
    POLICY_FORM_ENCRYPTED, /* as received: it is encrypted already */
    POLICY_FORM_OTHERS,    /* as received: it is encrypted, for others' keys, and already says pass */
    POLICY_FORM_NO_KEY,    /* in the clear: nobody behind the address has a key, and no_key or unknown_recipient
                            * says pass */
    POLICY_FORM_EXEMPT,    /* in the clear: a user set encrypt=no */
    POLICY_FORM_FOREIGN    /* in the clear: the recipient is not local */
};

struct policy_plan {
    enum policy_form form;
    enum outcome_reason reason; /* with POLICY_FORM_NONE: the reply */
    bool to_quarantine;         /* deliver to the quarantine's address instead of the recipient's */
};

/* True if this copy is spam to be moved to the quarantine's address. */
bool policy_is_moved(const struct policy_copy *c);
struct policy_plan policy_plan(const struct policy_copy *c);
/* The form's name in the log: "sealed", "encrypted", "others", "no_key", "exempt", "foreign"; "-" for none. */
const char *policy_form_name(enum policy_form form);

#endif
