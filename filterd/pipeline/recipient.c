#include "filterd/pipeline/recipient.h"

#include <string.h>

#include "base/address.h"
#include "base/config/user_settings.h"
#include "base/log.h"

struct key_count {
    guint good, none, bad, unreadable;
};

/* A user whose settings cannot be read may have turned encryption off, or not: nobody may guess. */
static enum key_state state_of(struct service *sv, const char *user, char **fpr_r, char **why_r)
{
    struct user_settings of = user_settings_of(sv->settings);
    const bool ok = users_settings(sv->users, user, &of);
    user_settings_clear(&of);
    if (!ok)
        *why_r = g_strdup("settings cannot be read");
    if (!ok)
        return KEY_UNREADABLE;
    return of.encrypt ? sealer_key(sv->sealer, user, fpr_r, why_r) : KEY_NONE;
}

static void count_key(struct service *sv, const char *user, struct key_count *n,
                      char **fingerprint)
{
    char *why = NULL, *fpr = NULL;
    enum key_state state = state_of(sv, user, &fpr, &why);
    switch (state) {
    case KEY_GOOD:
        n->good++;
        break;
    case KEY_NONE:
        n->none++;
        break;
    case KEY_BAD:
        n->bad++;
        log_warn("user=<%s> key=%s cannot be used: %s", user, fpr ? fpr : "-", why ? why : "bad");
        break;
    default:
        n->unreadable++;
        log_warn("user=<%s> keys cannot be read: %s", user, why ? why : "unknown");
    }
    if (!*fingerprint)
        *fingerprint = g_steal_pointer(&fpr);
    g_free(fpr);
    g_free(why);
}

static void by_policy(struct treatment *t, enum policy policy, enum outcome_reason defer,
                      enum outcome_reason reject)
{
    t->handling = policy == POLICY_PASS ? HANDLE_PASS : HANDLE_REFUSE;
    t->reason = policy == POLICY_PASS     ? REASON_OK
                : policy == POLICY_REJECT ? reject
                                          : defer;
}

/* One copy for all its users: a mix of sealed and unsealed is nothing we could make. */
static void treat_users(struct service *sv, const struct recipient *r, struct treatment *t)
{
    const struct settings *s = sv->settings;
    struct key_count n = {0};
    for (guint i = 0; i < r->users->len; i++)
        count_key(sv, r->users->pdata[i], &n, &t->fingerprint);
    if (n.unreadable) {
        t->reason = REASON_UNFORESEEN;
    } else if (n.bad || (n.good && n.none)) {
        bool reject = s->bad_key == POLICY_REJECT;
        t->reason = reject ? REASON_BAD_KEY_REJECT : REASON_BAD_KEY_DEFER;
    } else if (n.good) {
        t->handling = HANDLE_SEAL;
        t->reason = REASON_OK;
    } else {
        by_policy(t, s->no_key, REASON_NO_KEY_DEFER, REASON_NO_KEY_REJECT);
    }
}

/* True if an MTA may deliver to what stands left of the domain. */
static bool is_ours(const struct settings *s, const char *domain)
{
    return !s->domains || settings_is_local_domain(s, domain) ||
           (s->hostname && !g_ascii_strcasecmp(domain, s->hostname));
}

/* A name alone gets a domain of the MTA's: any of ours. */
static enum users_result resolve_name(struct service *sv, const char *name, GPtrArray **users_r)
{
    const struct settings *s = sv->settings;
    enum users_result found = USERS_UNKNOWN;
    for (char **d = s->domains; d && *d && found == USERS_UNKNOWN; d++) {
        char *address = g_strdup_printf("%s@%s", name, *d);
        g_ptr_array_unref(*users_r);
        found = users_resolve(sv->users, address, s->recipient_delimiter, users_r);
        g_free(address);
    }
    return found;
}

/* Whoever gets it however the address is written: before the queue it comes as the client spelt it,
 * and "alice"@example.com, alice@example.com. or @a:alice@example.com are alice@example.com to the
 * MTA behind us. So is what stands in front of a domain of ours, as in alice%example.com@ours.
 * *meant_r: the form that is looked up, g_free. */
static enum users_result resolve(struct service *sv, const char *address, char **meant_r,
                                 GPtrArray **users_r)
{
    const struct settings *s = sv->settings;
    enum users_result found = users_resolve(sv->users, address, s->recipient_delimiter, users_r);
    *meant_r = address_meant(address);
    char *inner = g_strdup(*meant_r);
    while (found == USERS_UNKNOWN) {
        char *at = strrchr(inner, '@');
        g_ptr_array_unref(*users_r);
        found = users_resolve(sv->users, inner, s->recipient_delimiter, users_r);
        if (found == USERS_UNKNOWN && !at)
            found = resolve_name(sv, inner, users_r);
        if (found != USERS_UNKNOWN || !at || !is_ours(s, at + 1))
            break;
        *at = 0;
        if (!strpbrk(inner, "@%!"))
            break;
        char *next = address_meant(inner);
        g_free(inner);
        inner = next;
    }
    g_free(inner);
    return found;
}

/* What is to be done for one address alone; its users are put into r. */
static struct treatment treat_address(struct service *sv, const struct envelope *e,
                                      struct recipient *r)
{
    const struct settings *s = sv->settings;
    struct treatment t = {HANDLE_REFUSE, REASON_UNFORESEEN, NULL};
    char *address = address_canonical(r->address), *meant = NULL;
    if (r->users)
        g_ptr_array_unref(r->users);
    r->users = NULL;
    enum users_result found = address ? resolve(sv, address, &meant, &r->users) : USERS_TEMP;
    if (!r->users)
        r->users = g_ptr_array_new_with_free_func(g_free);
    bool submitted = e->listener && e->listener->role == ROLE_SUBMISSION;
    if (found == USERS_FOUND && r->users->len) {
        treat_users(sv, r, &t);
    } else if (found == USERS_UNKNOWN) {
        /* Without a list of domains everything inbound is local, and nothing submitted is. */
        bool listed = s->domains && s->domains[0];
        if (listed ? settings_is_local_domain(s, address_domain(meant)) : !submitted)
            by_policy(&t, s->unknown_recipient, REASON_UNKNOWN_DEFER, REASON_UNKNOWN_REJECT);
        else
            t = (struct treatment){HANDLE_FOREIGN, REASON_OK, NULL};
    }
    g_free(address);
    g_free(meant);
    return t;
}

static void add_missing(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++)
        if (!g_ptr_array_find_with_equal_func(to, from->pdata[i], g_str_equal, NULL))
            g_ptr_array_add(to, g_strdup(from->pdata[i]));
}

/* One copy for both: what one of them is refused ends it for all. */
static void join(struct treatment *t, struct treatment *other)
{
    if (t->handling == HANDLE_REFUSE || other->handling == HANDLE_REFUSE) {
        if (t->handling != HANDLE_REFUSE)
            t->reason = other->reason;
        t->handling = HANDLE_REFUSE;
    } else if ((t->handling == HANDLE_SEAL) != (other->handling == HANDLE_SEAL)) {
        t->handling = HANDLE_REFUSE;
        t->reason = REASON_MIXED;
    } else if (other->handling == HANDLE_PASS) {
        t->handling = HANDLE_PASS;
    }
    treatment_clear(other);
}

struct treatment recipient_treat(struct service *sv, const struct envelope *e,
                                 struct recipient *r)
{
    users_hold(sv->users);
    struct treatment t = treat_address(sv, e, r);
    for (size_t i = 0; r->others && r->others[i]; i++) {
        struct recipient one = {.address = r->others[i]};
        struct treatment other = treat_address(sv, e, &one);
        join(&t, &other);
        add_missing(r->users, one.users);
        g_ptr_array_unref(one.users);
    }
    users_release(sv->users);
    return t;
}

void treatment_clear(struct treatment *t)
{
    g_free(t->fingerprint);
    *t = (struct treatment){0};
}

static void add_bare(GPtrArray *judges, const struct service *sv, const char *text)
{
    char *address = address_canonical(text);
    char *bare = address ? address_without_extension(address, sv->settings->recipient_delimiter)
                         : NULL;
    if (address)
        g_ptr_array_add(judges, g_strdup(bare ? bare : address));
    g_free(address);
    g_free(bare);
}

GPtrArray *recipient_judges(const struct service *sv, const struct recipient *r)
{
    GPtrArray *judges = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < r->users->len; i++)
        g_ptr_array_add(judges, g_strdup(r->users->pdata[i]));
    if (judges->len)
        return judges;
    add_bare(judges, sv, r->address);
    for (size_t i = 0; r->others && r->others[i]; i++)
        add_bare(judges, sv, r->others[i]);
    return judges;
}
