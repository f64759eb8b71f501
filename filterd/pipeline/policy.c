/* Policy as functions of values. Called by recipient_state.c at RCPT and again when the message is complete,
 * and by pipeline.c for each copy. */
#include "filterd/pipeline/policy.h"

static struct policy_disposition refused(enum outcome_reason reason)
{
    return (struct policy_disposition){POLICY_HANDLE_REFUSE, reason, false};
}

/* For an address without a key: no_key or unknown_recipient decides. */
static struct policy_disposition unsealed(enum policy policy, enum outcome_reason defer,
                                          enum outcome_reason reject)
{
    switch (policy) {
    case POLICY_PASS:
        return (struct policy_disposition){POLICY_HANDLE_PASS, REASON_OK, false};
    case POLICY_REJECT:
        return refused(reject);
    default:
        return refused(defer);
    }
}

static struct policy_disposition for_users(const struct settings *s, const struct policy_keys *n)
{
    if (n->unreadable)
        return refused(REASON_UNFORESEEN);
    if (n->bad || (n->good && n->none))
        return refused(s->bad_key == POLICY_REJECT ? REASON_BAD_KEY_REJECT : REASON_BAD_KEY_DEFER);
    if (n->good)
        return (struct policy_disposition){POLICY_HANDLE_SEAL, REASON_OK, false};
    if (!n->none)
        return refused(REASON_UNFORESEEN);
    struct policy_disposition d = unsealed(s->no_key, REASON_NO_KEY_DEFER, REASON_NO_KEY_REJECT);
    d.exempt = d.handling == POLICY_HANDLE_PASS && n->exempt;
    return d;
}

/* If nothing says which domains are ours, every recipient of inbound mail is local, and none of submitted mail. */
static bool is_local(const struct settings *s, const struct policy_address *a)
{
    return settings_has_domains(s) ? a->local_domain : !a->submitted;
}

struct policy_disposition policy_disposition(const struct settings *s, const struct policy_address *a)
{
    switch (a->who) {
    case POLICY_WHO_USERS:
        return for_users(s, &a->keys);
    case POLICY_WHO_NOBODY:
        if (is_local(s, a) && !a->postmaster)
            return unsealed(s->unknown_recipient, REASON_UNKNOWN_DEFER, REASON_UNKNOWN_REJECT);
        return (struct policy_disposition){POLICY_HANDLE_FOREIGN, REASON_OK, false};
    case POLICY_WHO_ELSEWHERE: /* nobody here has a key, or needs one */
        return (struct policy_disposition){POLICY_HANDLE_PASS, REASON_OK, false};
    default:
        return refused(REASON_UNFORESEEN);
    }
}

struct policy_disposition policy_join(struct policy_disposition a, struct policy_disposition b)
{
    if (a.handling == POLICY_HANDLE_REFUSE)
        return a;
    if (b.handling == POLICY_HANDLE_REFUSE)
        return b;
    if ((a.handling == POLICY_HANDLE_SEAL) != (b.handling == POLICY_HANDLE_SEAL))
        return refused(REASON_MIXED);
    if (b.handling == POLICY_HANDLE_PASS)
        a.handling = POLICY_HANDLE_PASS;
    a.exempt = a.exempt || b.exempt;
    return a;
}

bool policy_is_moved(const struct policy_copy *c)
{
    return c->spam && c->action == SPAM_QUARANTINE && c->own.handling != POLICY_HANDLE_REFUSE;
}

/* A copy that would be sealed for its recipient never goes to a quarantine without a key: the recipient gets
 * it. */
static bool quarantine_takes(const struct policy_copy *c)
{
    if (c->quarantine.handling == POLICY_HANDLE_REFUSE)
        return false;
    return c->own.handling != POLICY_HANDLE_SEAL || c->quarantine.handling == POLICY_HANDLE_SEAL;
}

static enum policy_form form_of(struct policy_disposition d, enum policy_encrypted encrypted, enum already already)
{
    if (d.handling == POLICY_HANDLE_REFUSE)
        return POLICY_FORM_NONE;
    /* Who has no key cannot be told from the others. */
    const bool others = encrypted == POLICY_ENCRYPTED_OTHERS && d.handling == POLICY_HANDLE_SEAL;
    if (encrypted != POLICY_ENCRYPTED_NOT && !others)
        return POLICY_FORM_ENCRYPTED;
    if (others && already == ALREADY_PASS)
        return POLICY_FORM_OTHERS;
    switch (d.handling) {
    case POLICY_HANDLE_SEAL:
        return POLICY_FORM_SEALED;
    case POLICY_HANDLE_PASS:
        return d.exempt ? POLICY_FORM_EXEMPT : POLICY_FORM_NO_KEY;
    case POLICY_HANDLE_FOREIGN:
        return POLICY_FORM_FOREIGN;
    default:
        return POLICY_FORM_NONE;
    }
}

static struct policy_plan answered(enum outcome_reason reason)
{
    return (struct policy_plan){POLICY_FORM_NONE, reason, false};
}

struct policy_plan policy_plan(const struct policy_copy *c)
{
    if (c->own.handling == POLICY_HANDLE_REFUSE)
        return answered(c->own.reason);
    if (c->spam && c->action == SPAM_DISCARD)
        return answered(REASON_DISCARDED);
    if (c->spam && c->action == SPAM_REJECT && c->over_reject && c->client_waits)
        return answered(REASON_SPAM);
    const bool moved = policy_is_moved(c) && quarantine_takes(c);
    const enum policy_form form = moved ? form_of(c->quarantine, c->encrypted_there, c->already)
                                        : form_of(c->own, c->encrypted, c->already);
    return (struct policy_plan){form, REASON_OK, moved};
}

const char *policy_form_name(enum policy_form form)
{
    static const char *const names[] = {"-", "sealed", "encrypted", "others", "no_key", "exempt", "foreign"};
    return (size_t)form < G_N_ELEMENTS(names) ? names[form] : "-";
}
