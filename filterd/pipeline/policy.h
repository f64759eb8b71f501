/* policy: what becomes of one recipient's copy, decided from values alone.
 *
 * Nothing here asks the store, gpg or a clock: the caller has looked everything up. So t/unit/policy_test.c
 * can walk every combination, and prove in one place that a copy leaves unsealed only for a reason that
 * enum policy_form names and the log tells. */
#ifndef FILTERD_PIPELINE_POLICY_H
#define FILTERD_PIPELINE_POLICY_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/result.h"

/* ---- for an address ---- */

/* How many of the users behind an address have keys of which state. */
struct policy_keys {
    guint good, none, bad, unreadable;
    guint exempt; /* of none: who have set encrypt=no, whatever keys they have */
};

enum policy_who {
    POLICY_WHO_UNREADABLE = 0, /* the store did not say */
    POLICY_WHO_NOBODY,         /* no user and no alias */
    POLICY_WHO_USERS           /* one user, or an alias's several */
};

struct policy_address {
    enum policy_who who;
    struct policy_keys keys;
    bool local_domain; /* its domain is one of [filterd] domains */
    bool submitted;    /* it came by a listener of role=submission */
};

enum policy_handling {
    POLICY_HANDLE_REFUSE = 0, /* reason says how */
    POLICY_HANDLE_SEAL,       /* to all its users */
    POLICY_HANDLE_PASS,       /* ours, in the clear */
    POLICY_HANDLE_FOREIGN     /* not ours: neither judged nor sealed */
};

struct policy_disposition {
    enum policy_handling handling;
    enum outcome_reason reason; /* REASON_OK unless it is refused */
    bool exempt;                /* in the clear, as a user wants it so */
};

/* One copy goes to all users behind the address: good keys and none together are refused, as bad_key says. */
struct policy_disposition policy_disposition(const struct settings *s, const struct policy_address *a);
/* For one copy that goes to two addresses (a milter has one body for all): what one of them is refused ends it
 * for both, and so does one that is to be sealed beside one that is not. */
struct policy_disposition policy_join(struct policy_disposition a, struct policy_disposition b);

/* ---- for a copy ---- */

struct policy_copy {
    struct policy_disposition own;        /* the recipient's */
    struct policy_disposition quarantine; /* of the address of [spam] quarantine: asked only if policy_is_moved */
    bool spam;                            /* judged, and spam */
    enum spam_action action;              /* that this recipient wants for spam */
    bool over_reject;                     /* it is bad enough for SPAM_REJECT */
    bool client_waits;                    /* before the queue: a refusal makes no backscatter */
    bool encrypted;                       /* it came encrypted (seal_is_encrypted) */
};

/* How a copy leaves. */
enum policy_form {
    POLICY_FORM_NONE = 0, /* not at all */
    POLICY_FORM_SEALED,
    POLICY_FORM_ENCRYPTED, /* as it came: it is encrypted already */
    POLICY_FORM_NO_KEY,    /* in the clear: nobody behind the address has a key, and no_key or unknown_recipient
                            * says pass */
    POLICY_FORM_EXEMPT,    /* in the clear: a user's encrypt=no */
    POLICY_FORM_FOREIGN    /* in the clear: the recipient is not ours */
};

struct policy_plan {
    enum policy_form form;
    enum outcome_reason reason; /* with POLICY_FORM_NONE: what is answered */
    bool to_quarantine;         /* to that address instead of the recipient's */
};

/* True if this copy is spam that is to be moved to the quarantine's address. */
bool policy_is_moved(const struct policy_copy *c);
struct policy_plan policy_plan(const struct policy_copy *c);
/* The form's name in the log: "sealed", "encrypted", "no_key", "exempt", "foreign"; "-" for none. */
const char *policy_form_name(enum policy_form form);

#endif
