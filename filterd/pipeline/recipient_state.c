/* Finds a recipient's users, their keys and settings, and so the disposition of the copy. Called by the
 * sessions at RCPT and by the pipeline for each message. */
#include "filterd/pipeline/recipient_state.h"

#include <string.h>

#include "base/address.h"
#include "base/config/settings.h"
#include "base/config/user_settings.h"
#include "base/config/users.h"
#include "base/log.h"
#include "filterd/pipeline/resolve.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/key_state.h"
#include "gpg/seal.h"

static void count_key(struct context *ctx, const char *user, struct policy_keys *n, char **fingerprint)
{
    g_autofree char *why = NULL, *fpr = NULL;
    switch (sealer_key(ctx->sealer, user, &fpr, &why)) {
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
}

/* Reads each user's settings, and the state of their key unless they set encrypt=no. If settings cannot be
 * read, the user may have turned encryption off or not: the address is then tempfailed. */
static void look_at_users(struct recipient_state *st, struct context *ctx, const GPtrArray *users,
                          struct policy_keys *n)
{
    for (guint i = 0; i < users->len; i++) {
        const char *user = users->pdata[i];
        struct user_settings of = user_settings_of(ctx->settings);
        if (!users_settings(ctx->users, user, &of)) {
            n->unreadable++;
            log_warn("user=<%s> settings cannot be read", user);
        } else if (of.encrypt) {
            count_key(ctx, user, n, &st->fingerprint);
        } else {
            n->none++;
            n->exempt++;
        }
        g_array_append_val(st->settings, of);
    }
}

/* For one address alone; sets r->users. */
static struct policy_disposition look_up(struct recipient_state *st, struct context *ctx,
                                         const struct envelope *e, struct recipient *r)
{
    struct policy_address a = {.who = POLICY_WHO_UNREADABLE};
    g_autofree char *address = address_canonical(r->address), *meant = NULL;
    g_clear_pointer(&r->users, g_ptr_array_unref);
    const enum users_result found = address ? resolve_users(ctx, address, &meant, &r->users) : USERS_TEMP;
    if (!r->users)
        r->users = g_ptr_array_new_with_free_func(g_free);
    if (found == USERS_FOUND && r->users->len) {
        a.who = POLICY_WHO_USERS;
        look_at_users(st, ctx, r->users, &a.keys);
    } else if (found == USERS_UNKNOWN) {
        a.who = POLICY_WHO_NOBODY;
        a.local_domain = resolve_is_local(ctx->settings, meant);
        a.postmaster = resolve_is_postmaster(address);
    }
    a.submitted = e->listener && e->listener->role == ROLE_SUBMISSION;
    return policy_disposition(ctx->settings, &a);
}

static void add_missing(GPtrArray *to, const GPtrArray *from)
{
    for (guint i = 0; i < from->len; i++)
        if (!g_ptr_array_find_with_equal_func(to, from->pdata[i], g_str_equal, NULL))
            g_ptr_array_add(to, g_strdup(from->pdata[i]));
}

static void add_bare(GPtrArray *judges, const struct context *ctx, const char *text)
{
    g_autofree char *address = address_canonical(text);
    g_autofree char *bare =
        address ? address_without_extension(address, ctx->settings->recipient_delimiter) : NULL;
    if (address)
        g_ptr_array_add(judges, g_strdup(bare ? bare : address));
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
    users_hold(ctx->users);
    st->disposition = look_up(st, ctx, e, r);
    for (size_t i = 0; r->others && r->others[i]; i++) {
        struct recipient other = {.address = r->others[i]};
        st->disposition = policy_join(st->disposition, look_up(st, ctx, e, &other));
        add_missing(r->users, other.users);
        g_ptr_array_unref(other.users);
    }
    users_release(ctx->users);
    st->judges = judges_of(ctx, r);
}

void recipient_state_clear(struct recipient_state *st)
{
    g_free(st->fingerprint);
    g_clear_pointer(&st->judges, g_ptr_array_unref);
    g_clear_pointer(&st->settings, g_array_unref);
    verdict_free(&st->verdict);
    *st = (struct recipient_state){0};
}
