/* Finds a recipient's users, their keys and settings, and so the disposition of the copy. Called by the
 * sessions at RCPT and by the pipeline for each message. */
#include "filterd/pipeline/recipient_state.h"

#include <string.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/config/users_tables.h"
#include "base/log.h"
#include "filterd/pipeline/resolve.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/key_state.h"
#include "gpg/seal.h"

/* The log line of an alias for hundreds of users names no more of their keys. */
#define KEYS_NAMED 8

static void note_key(struct recipient_address *a, const char *fingerprint)
{
    const guint before = a->named++;
    if (before > KEYS_NAMED)
        return;
    g_autofree char *earlier = a->keys;
    a->keys = before ? g_strdup_printf("%s,%s", earlier, before < KEYS_NAMED ? fingerprint : "...")
                     : g_strdup(fingerprint);
}

/* The user has no key folder. A note says that there was one: it is lost, which is no leave to send plaintext. */
static void count_missing_key(struct context *ctx, const char *user, struct policy_keys *n)
{
    switch (users_key_noted(ctx->users, user)) {
    case USERS_UNKNOWN:
        n->none++;
        break;
    case USERS_FOUND:
        n->bad++;
        log_warn("user=<%s> key=- cannot be used: users.db notes a key, and its folder is gone", user);
        break;
    default:
        n->unreadable++;
        log_warn("user=<%s> whether there is a key cannot be read", user);
    }
}

/* The key column of the operator's tables, before the keys that are stored. True: they may be looked at; *due_r: there
 * must be one. */
static bool column_lets(struct context *ctx, const char *user, struct policy_keys *n, bool *due_r)
{
    enum users_tables_key key;
    const enum users_result result = users_tables_key(ctx->users, user, &key);
    *due_r = key == USERS_TABLES_KEY_READY;
    if (result == USERS_UNKNOWN || *due_r)
        return true;
    if (key == USERS_TABLES_KEY_EMPTIED || key == USERS_TABLES_KEY_REFUSED) {
        n->bad++;
        log_warn("user=<%s> key=- cannot be used: [users] key %s", user,
                 key == USERS_TABLES_KEY_EMPTIED ? "had one and is empty now: \"filterctl key remove\" if that is meant"
                                                 : "has none that gpg accepts");
    } else {
        n->unreadable++;
        log_warn("user=<%s> %s", user, key == USERS_TABLES_KEY_NEW ? "[users] key has a key that only the daemon imports"
                                                                   : "whether [users] key has a key cannot be known now");
    }
    return false;
}

static void count_key(struct context *ctx, const char *user, struct policy_keys *n, struct recipient_address *a)
{
    g_autofree char *why = NULL, *fpr = NULL;
    bool due;
    if (!column_lets(ctx, user, n, &due))
        return;
    switch (sealer_key(ctx->sealer, user, &fpr, &why)) {
    case KEY_GOOD:
        n->good++;
        break;
    case KEY_NONE:
        if (due)
            n->unreadable++; /* removed a moment ago: it is imported again */
        else
            count_missing_key(ctx, user, n);
        break;
    case KEY_BAD:
        n->bad++;
        log_warn("user=<%s> key=%s cannot be used: %s", user, fpr ? fpr : "-", why ? why : "bad");
        break;
    default:
        n->unreadable++;
        log_warn("user=<%s> keys cannot be read: %s", user, why ? why : "unknown");
    }
    if (fpr)
        note_key(a, fpr);
}

/* Reads each user's settings, and the state of their key unless they set encrypt=no. If settings cannot be
 * read, the user may have turned encryption off or not: the address is then tempfailed. */
static void look_at_users(struct recipient_state *st, struct context *ctx, struct recipient_address *a,
                          struct policy_keys *n)
{
    for (guint i = 0; i < a->users->len; i++) {
        const char *user = a->users->pdata[i];
        struct user_settings of = user_settings_of(ctx->settings);
        if (!users_settings(ctx->users, user, &of)) {
            n->unreadable++;
            log_warn("user=<%s> settings cannot be read", user);
        } else if (of.encrypt) {
            count_key(ctx, user, n, a);
        } else {
            n->none++;
            n->exempt++;
        }
        g_array_append_val(st->settings, of);
    }
}

static void add_missing(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++)
        if (!g_ptr_array_find_with_equal_func(to, from->pdata[i], g_str_equal, NULL))
            g_ptr_array_add(to, g_strdup(from->pdata[i]));
}

/* For one address alone; its users join those of the recipient. */
static struct policy_disposition look_up(struct recipient_state *st, struct context *ctx,
                                         const struct envelope *e, const char *text)
{
    struct policy_address a = {.who = POLICY_WHO_UNREADABLE};
    struct recipient_address *of = g_new0(struct recipient_address, 1);
    g_autofree char *address = address_looked_up(text), *meant = NULL;
    const enum users_result found = resolve_users(ctx, address, &meant, &of->users);
    if (!of->users)
        of->users = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(st->addresses, of);
    add_missing(st->recipient->users, of->users);
    if (found == USERS_FOUND && of->users->len) {
        a.who = POLICY_WHO_USERS;
        look_at_users(st, ctx, of, &a.keys);
    } else if (found == USERS_UNKNOWN) {
        const enum users_result local = resolve_local(ctx, meant);
        a.who = local == USERS_TEMP ? POLICY_WHO_UNREADABLE : POLICY_WHO_NOBODY;
        a.local_domain = local == USERS_FOUND;
        a.postmaster = resolve_is_postmaster(address);
    }
    if (found == USERS_ELSEWHERE)
        a.who = POLICY_WHO_ELSEWHERE;
    a.submitted = e->listener && e->listener->role == ROLE_SUBMISSION;
    return policy_disposition(ctx->settings, &a);
}

static void add_bare(GPtrArray *judges, const struct context *ctx, const char *text)
{
    g_autofree char *address = address_looked_up(text);
    char *bare = address_without_extension(address, ctx->settings->recipient_delimiter);
    g_ptr_array_add(judges, bare ? bare : g_steal_pointer(&address));
}

static GPtrArray *judges_of(const struct context *ctx, const struct recipient *r)
{
    GPtrArray *judges = g_ptr_array_new_with_free_func(g_free);
    add_missing(judges, r->users);
    if (judges->len)
        return judges;
    add_bare(judges, ctx, r->address);
    for (size_t i = 0; r->others && r->others[i]; i++)
        add_bare(judges, ctx, r->others[i]);
    return judges;
}

static void address_free(gpointer address)
{
    g_autofree struct recipient_address *a = address;
    g_ptr_array_unref(a->users);
    g_free(a->keys);
}

static void clear_settings(gpointer settings)
{
    user_settings_clear(settings);
}

void recipient_state_fill(struct recipient_state *st, struct context *ctx, const struct envelope *e,
                          struct recipient *r)
{
    *st = (struct recipient_state){.recipient = r};
    st->settings = g_array_new(FALSE, FALSE, sizeof(struct user_settings));
    g_array_set_clear_func(st->settings, clear_settings);
    st->addresses = g_ptr_array_new_with_free_func(address_free);
    g_clear_pointer(&r->users, g_ptr_array_unref);
    r->users = g_ptr_array_new_with_free_func(g_free);
    if (!context_has_state(ctx)) {
        st->disposition = policy_disposition(ctx->settings, &(struct policy_address){.who = POLICY_WHO_UNREADABLE});
        st->judges = judges_of(ctx, r);
        return;
    }
    users_hold(ctx->users);
    st->disposition = look_up(st, ctx, e, r->address);
    for (size_t i = 0; r->others && r->others[i]; i++)
        st->disposition = policy_join(st->disposition, look_up(st, ctx, e, r->others[i]));
    users_release(ctx->users);
    st->judges = judges_of(ctx, r);
}

enum policy_encrypted recipient_state_encrypted(struct recipient_state *st, struct context *ctx,
                                                const struct encrypted *e)
{
    bool others = false;
    for (guint i = 0; e && i < st->addresses->len; i++) {
        struct recipient_address *a = st->addresses->pdata[i];
        a->other = false;
        for (guint u = 0; u < a->users->len; u++)
            a->other = a->other || (sealer_key(ctx->sealer, a->users->pdata[u], NULL, NULL) == KEY_GOOD &&
                                    !sealer_opens(ctx->sealer, a->users->pdata[u], e));
        others = others || a->other;
    }
    return !e ? POLICY_ENCRYPTED_NOT : others ? POLICY_ENCRYPTED_OTHERS : POLICY_ENCRYPTED_THEIRS;
}

void recipient_state_clear(struct recipient_state *st)
{
    g_clear_pointer(&st->addresses, g_ptr_array_unref);
    g_clear_pointer(&st->judges, g_ptr_array_unref);
    g_clear_pointer(&st->settings, g_array_unref);
    verdict_free(&st->verdict);
    *st = (struct recipient_state){0};
}
