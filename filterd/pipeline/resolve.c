/* Finds users behind any spelling of an address, as Postfix's trivial-rewrite resolves it. Called by
 * recipient_state.c for each recipient, and by the sessions before the queue. */
#include "filterd/pipeline/resolve.h"

#include <string.h>

#include "base/address.h"
#include "base/address_form.h"
#include "base/address_spellings.h"
#include "base/config/settings.h"
#include "base/config/users_tables.h"
#include "filterd/pipeline/our_names.h"

/* What Postfix takes for routing in a local part, also a quoted one. */
#define ROUTING "@%!"

/* ---- one address ---- */

/* rest: also who gets what nobody else at the domain gets. */
static enum users_result look_up(struct context *ctx, const char *address, bool rest, GPtrArray **users_r)
{
    g_clear_pointer(users_r, g_ptr_array_unref);
    return (rest ? users_resolve : users_resolve_named)(ctx->users, address, ctx->settings->recipient_delimiter, users_r);
}

/* By whatever spelling the address is known: one that leads to a key, else one that users.db knows, else one that the
 * key column has, else one that the other tables know, and only then as what is left at its domain. A table may have an
 * answer for any spelling. */
static enum users_result look_up_forms(struct context *ctx, const char *address, bool rest, GPtrArray **users_r)
{
    g_autoptr(GPtrArray) forms = address_spellings(address);
    g_autofree char *known = NULL;
    if (forms->len == 1)
        return look_up(ctx, forms->pdata[0], rest, users_r);
    enum users_result found = users_spelling(ctx->users, address, ctx->settings->recipient_delimiter, &known);
    if (found == USERS_UNKNOWN)
        found = users_tables_spelling(ctx->users, address, &known);
    if (known)
        return look_up(ctx, known, rest, users_r);
    for (guint i = 0; i < forms->len && found == USERS_UNKNOWN; i++)
        found = look_up(ctx, forms->pdata[i], false, users_r);
    for (guint i = 0; rest && i < forms->len && found == USERS_UNKNOWN; i++)
        found = look_up(ctx, forms->pdata[i], true, users_r);
    return found;
}

/* ---- a name of the machine ---- */

static enum users_result look_up_at(struct context *ctx, const char *name, const char *domain, bool rest,
                                    GPtrArray **users_r)
{
    g_autofree char *address = g_strdup_printf("%s@%s", name, domain);
    return look_up_forms(ctx, address, rest, users_r);
}

/* In any of domains: nobody says in which. All who are found get it, and no copy is made unless it can be sealed
 * for each of them. */
static enum users_result look_up_anywhere(struct context *ctx, const char *name, bool rest, GPtrArray **users_r)
{
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free), *here = NULL;
    enum users_result found = USERS_UNKNOWN;
    for (char **d = ctx->settings->domains; d && *d && found != USERS_TEMP; d++) {
        const enum users_result one = look_up_at(ctx, name, *d, rest, &here);
        for (guint i = 0; one == USERS_FOUND && i < here->len; i++)
            if (!g_ptr_array_find_with_equal_func(all, here->pdata[i], g_str_equal, NULL))
                g_ptr_array_add(all, g_strdup(here->pdata[i]));
        if (one == USERS_TEMP || found == USERS_UNKNOWN || one == USERS_FOUND) /* who is here has to be able to read it */
            found = one;
    }
    g_clear_pointer(&here, g_ptr_array_unref);
    g_clear_pointer(users_r, g_ptr_array_unref);
    *users_r = all;
    return found;
}

/* Postfix delivers a bare name, and one at any name of the machine, to the same local user; its aliases are known
 * at its own name. rest: for a bare one, which Postfix may complete to any of our domains; a name of the machine that
 * nobody has registered is a local user's, not the rest of a mail domain. */
static enum users_result look_up_name(struct context *ctx, const char *name, bool rest, GPtrArray **users_r)
{
    const char *hostname = ctx->settings->hostname;
    enum users_result found = look_up_forms(ctx, name, rest, users_r);
    if (found == USERS_UNKNOWN && hostname)
        found = look_up_at(ctx, name, hostname, rest, users_r);
    for (char **d = ctx->settings->local_names; d && *d && found == USERS_UNKNOWN; d++)
        found = look_up_at(ctx, name, *d, rest, users_r);
    return found == USERS_UNKNOWN ? look_up_anywhere(ctx, name, rest, users_r) : found;
}

/* ---- any spelling ---- */

/* Does an alias lead a whole domain to us, though no setting names it? Never USERS_ELSEWHERE. */
static enum users_result is_alias_domain(struct context *ctx, const char *domain)
{
    g_autofree char *address = g_strconcat("@", domain, NULL);
    GPtrArray *users = NULL;
    const enum users_result found = *domain ? look_up_forms(ctx, address, false, &users) : USERS_UNKNOWN;
    g_clear_pointer(&users, g_ptr_array_unref);
    return found == USERS_ELSEWHERE ? USERS_UNKNOWN : found;
}

/* Never USERS_ELSEWHERE. */
static enum users_result is_ours(struct context *ctx, const char *domain)
{
    if (our_names_has(ctx->settings, domain))
        return USERS_FOUND;
    const enum users_result alias = is_alias_domain(ctx, domain);
    return alias == USERS_UNKNOWN ? users_tables_domain(ctx->users, domain) : alias;
}

/* The address at the end of what its routing leads to, one step: USERS_UNKNOWN and NULL if it ends here. */
static enum users_result next_hop_of(struct context *ctx, const char *address, char **next_r)
{
    const char *at = strrchr(address, '@');
    g_autofree char *local = at ? g_strndup(address, (gsize)(at - address)) : NULL;
    *next_r = NULL;
    if (!local || !strpbrk(local, ROUTING))
        return USERS_UNKNOWN;
    const enum users_result ours = is_ours(ctx, at + 1);
    if (ours == USERS_FOUND)
        *next_r = address_meant(local);
    return ours;
}

/* Leaves what is in front of an extension that has routing, as the MTA's alias tables are asked for that first;
 * nothing of a name that has routing itself. */
static void cut_routing(char *name, const char *delimiters)
{
    const size_t routing = strcspn(name, ROUTING), extension = strcspn(name, delimiters ? delimiters : "");
    if (name[routing])
        name[extension < routing ? extension : 0] = 0;
}

static enum users_result look_up_step(struct context *ctx, const char *address, GPtrArray **users_r)
{
    const char *at = strrchr(address, '@');
    enum users_result found = look_up_forms(ctx, address, true, users_r);
    if (found != USERS_UNKNOWN || (at && !our_names_has_machine(ctx->settings, at + 1)))
        return found;
    g_autofree char *name = at ? g_strndup(address, (gsize)(at - address)) : g_strdup(address);
    cut_routing(name, ctx->settings->recipient_delimiter);
    return *name ? look_up_name(ctx, name, !at, users_r) : found;
}

/* Does nothing but an alias name this user, at a name of the machine that is no mail domain? */
static enum users_result is_local_name(struct context *ctx, const char *user)
{
    const char *at = strrchr(user, '@');
    if (!at || !our_names_has_machine(ctx->settings, at + 1) || settings_is_local_domain(ctx->settings, at + 1))
        return USERS_UNKNOWN;
    const enum users_result itself = users_exists_itself(ctx->users, user);
    return itself == USERS_UNKNOWN ? USERS_FOUND : itself == USERS_FOUND ? USERS_UNKNOWN : USERS_TEMP;
}

/* Those who have a key of the users that a local name may be in our domains. */
static enum users_result look_up_keyed(struct context *ctx, const char *user, GPtrArray *keyed)
{
    g_autofree char *name = g_strndup(user, strcspn(user, "@"));
    GPtrArray *here = NULL;
    enum users_result found = look_up_anywhere(ctx, name, false, &here);
    for (guint i = 0; found == USERS_FOUND && i < here->len; i++) {
        const enum users_result one = users_keyed(ctx->users, here->pdata[i]);
        if (one == USERS_FOUND)
            g_ptr_array_add(keyed, g_strdup(here->pdata[i]));
        found = one == USERS_TEMP ? one : found;
    }
    g_clear_pointer(&here, g_ptr_array_unref);
    return found;
}

/* An alias may lead to a name of the machine, and the machine's own aliases on to a user with a key: the copy must be
 * one that she can read, and nobody else. */
static enum users_result follow_local_names(struct context *ctx, GPtrArray *users)
{
    for (guint i = 0; i < users->len;) {
        g_autoptr(GPtrArray) keyed = g_ptr_array_new_with_free_func(g_free);
        const enum users_result local = is_local_name(ctx, users->pdata[i]);
        if (local == USERS_TEMP || (local == USERS_FOUND && look_up_keyed(ctx, users->pdata[i], keyed) == USERS_TEMP))
            return USERS_TEMP;
        if (keyed->len)
            g_ptr_array_remove_index(users, i);
        else
            i++;
        for (guint k = 0; k < keyed->len; k++)
            if (!g_ptr_array_find_with_equal_func(users, keyed->pdata[k], g_str_equal, NULL))
                g_ptr_array_add(users, g_strdup(keyed->pdata[k]));
    }
    return USERS_FOUND;
}

enum users_result resolve_users(struct context *ctx, const char *address, char **meant_r,
                                GPtrArray **users_r)
{
    enum users_result found = look_up_forms(ctx, address, true, users_r);
    *meant_r = address_meant(address);
    g_autofree char *now = g_strdup(*meant_r);
    while (now && found == USERS_UNKNOWN) {
        found = look_up_step(ctx, now, users_r);
        char *next = NULL;
        if (found == USERS_UNKNOWN && next_hop_of(ctx, now, &next) == USERS_TEMP)
            found = USERS_TEMP;
        g_free(now);
        now = next;
    }
    return found == USERS_FOUND ? follow_local_names(ctx, *users_r) : found;
}

enum users_result resolve_local(struct context *ctx, const char *meant)
{
    char *now = g_strdup(meant);
    enum users_result local = USERS_UNKNOWN;
    while (now && local == USERS_UNKNOWN) {
        const char *at = strrchr(now, '@');
        char *next = NULL;
        if (!at || our_names_is_listed(ctx->settings, at + 1))
            local = USERS_FOUND;
        else
            local = users_tables_domain(ctx->users, at + 1);
        if (local == USERS_UNKNOWN && next_hop_of(ctx, now, &next) == USERS_TEMP)
            local = USERS_TEMP;
        g_free(now);
        now = next;
    }
    return local;
}

/* ---- before the queue ---- */

static bool is_name_char(char c)
{
    return g_ascii_isalnum(c) || ((unsigned char)c & 0x80) || strchr("-_.", c);
}

/* Between two names stands whatever cannot be in one: routing, quotes, the colon of a route. */
static void split_names(char *text)
{
    for (; *text; text++)
        if (!is_name_char(*text))
            *text = ' ';
}

/* Without domains all that comes in is ours, but nothing that is submitted. */
static enum users_result may_be_ours(struct context *ctx, const char *domain, bool all)
{
    const struct settings *s = ctx->settings;
    if (settings_has_domains(s) || all)
        return is_ours(ctx, domain);
    return our_names_has_machine(s, domain) ? USERS_FOUND : is_alias_domain(ctx, domain);
}

/* USERS_FOUND if one of ours stands in a local part that has routing. The domain behind it may be an alias of ours that
 * nobody told us: then the MTA goes on with what stands here. */
static enum users_result leads_to_us(struct context *ctx, const char *local)
{
    if (!strpbrk(local, ROUTING))
        return USERS_UNKNOWN;
    g_autofree char *text = g_strdup(local);
    split_names(text);
    g_auto(GStrv) names = g_strsplit(text, " ", -1);
    enum users_result ours = USERS_UNKNOWN;
    for (char **name = names; *name && ours == USERS_UNKNOWN; name++)
        if (**name)
            ours = may_be_ours(ctx, *name, false);
    return ours;
}

enum outcome_reason resolve_doubt(struct context *ctx, const char *address, bool submitted)
{
    g_autofree char *local = NULL, *domain = NULL;
    switch (address_form(address, &local, &domain)) {
    case ADDRESS_FORM_PLAIN:
        return REASON_OK;
    case ADDRESS_FORM_LOOSE:
        break;
    default:
        return REASON_ODD_ADDRESS;
    }
    enum users_result ours = *domain ? leads_to_us(ctx, local) : USERS_FOUND;
    if (ours == USERS_UNKNOWN)
        ours = may_be_ours(ctx, domain, !submitted);
    return ours == USERS_UNKNOWN ? REASON_OK : ours == USERS_TEMP ? REASON_UNFORESEEN : REASON_ODD_ADDRESS;
}

bool resolve_is_certain_sender(const char *address)
{
    g_autofree char *local = NULL, *domain = NULL;
    return !*address || address_form(address, &local, &domain) != ADDRESS_FORM_ODD;
}

bool resolve_is_postmaster(const char *address)
{
    return !g_ascii_strcasecmp(address, "postmaster");
}
