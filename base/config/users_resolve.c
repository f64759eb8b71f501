/* Which users an address or a login belongs to. Called by the sessions for every recipient, by the keeper and by
 * filterctl. */
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/address.h"
#include "base/address_spellings.h"
#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/config/users_state.h"
#include "base/config/users_tables.h"

#define ALIAS_DEPTH_MAX 100

struct expansion {
    struct users *u;
    const char *delimiters;
    GHashTable *open; /* aliases being expanded, to detect loops */
    GHashTable *done;
    GPtrArray *found;
};

static void add_user(GPtrArray *users, const char *user)
{
    if (!g_ptr_array_find_with_equal_func(users, user, g_str_equal, NULL))
        g_ptr_array_add(users, g_strdup(user));
}

static bool expand(struct expansion *x, const char *address, unsigned depth);

/* By a key of this name or of one without its extension. */
static enum users_result has_key(struct users *u, const char *address, const char *delimiters)
{
    enum users_result result = users_keyed(u, address);
    for (char *rest = g_strdup(address), *base; rest; rest = base) {
        base = address_without_last_extension(rest, delimiters);
        if (base && result == USERS_UNKNOWN)
            result = users_keyed(u, base);
        g_free(rest);
    }
    return result;
}

/* The spelling of a member that has a key, if itself has none; NULL: no other. False on a database error. */
static bool keyed_spelling(struct users *u, const char *member, const char *delimiters, char **other_r)
{
    g_autoptr(GPtrArray) forms = address_spellings(member);
    enum users_result result = forms->len == 1 ? USERS_FOUND : has_key(u, member, delimiters);
    *other_r = NULL;
    for (guint i = 0; i < forms->len && result == USERS_UNKNOWN; i++)
        if ((result = has_key(u, forms->pdata[i], delimiters)) == USERS_FOUND)
            *other_r = g_strdup(forms->pdata[i]);
    return result != USERS_TEMP;
}

/* Adds a member that is no alias itself. "bob+lists" becomes bob, if bob exists and bob+lists does not: bob's
 * mail must not go unsealed for want of a key of bob+lists. */
static bool add_member(struct expansion *x, const char *said, unsigned depth)
{
    g_autofree char *keyed = NULL;
    if (!keyed_spelling(x->u, said, x->delimiters, &keyed))
        return false;
    const char *member = keyed ? keyed : said;
    g_autofree char *base = address_without_extension(member, x->delimiters);
    enum users_result own = base ? users_exists_itself(x->u, member) : USERS_FOUND;
    enum users_result other = USERS_UNKNOWN;
    if (own == USERS_UNKNOWN)
        other = users_has_row(x->u, "SELECT member FROM alias WHERE address = ?1 LIMIT 1", base);
    if (other == USERS_UNKNOWN && own == USERS_UNKNOWN)
        other = users_exists(x->u, base);
    bool ok = own != USERS_TEMP && other != USERS_TEMP;
    bool loop = other == USERS_FOUND && g_hash_table_contains(x->open, base);
    if (ok && loop)
        add_user(x->found, base);
    else if (ok && other == USERS_FOUND && depth < ALIAS_DEPTH_MAX)
        ok = expand(x, base, depth + 1);
    else if (ok)
        add_user(x->found, member);
    return ok;
}

/* False on a database error. An alias that leads back to itself is added as a user. */
static bool expand(struct expansion *x, const char *address, unsigned depth)
{
    GPtrArray *list = users_members(x->u, address);
    if (!list)
        return false;
    if (!list->len || depth >= ALIAS_DEPTH_MAX) {
        g_ptr_array_unref(list);
        return !depth || add_member(x, address, depth);
    }
    bool ok = true;
    char *self = g_strdup(address);
    g_hash_table_add(x->open, self);
    for (guint i = 0; i < list->len && ok; i++) {
        const char *member = list->pdata[i];
        if (g_hash_table_contains(x->open, member))
            add_user(x->found, member);
        else if (g_hash_table_add(x->done, g_strdup(member)))
            ok = expand(x, member, depth + 1);
    }
    g_hash_table_remove(x->open, self);
    g_ptr_array_unref(list);
    return ok;
}

static enum users_result resolve_exact(struct users *u, const char *address,
                                       const char *delimiters, GPtrArray *found)
{
    struct expansion x = {.u = u, .delimiters = delimiters, .found = found};
    const guint before = found->len;
    x.open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    x.done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    bool ok = expand(&x, address, 0);
    g_hash_table_unref(x.open);
    g_hash_table_unref(x.done);
    if (!ok)
        return USERS_TEMP;
    if (found->len > before)
        return USERS_FOUND;
    enum users_result result = users_exists(u, address);
    if (result == USERS_FOUND)
        add_user(found, address);
    return result;
}

/* Postfix splits an extension off at the first delimiter, Dovecot may have others set: with several delimiters in
 * the name, anna-lena+x is anna's or anna-lena's. Whoever exists of them has to be able to read it. */
static enum users_result resolve_bases(struct users *u, const char *address, const char *delimiters,
                                       GPtrArray *found)
{
    enum users_result result = USERS_UNKNOWN;
    for (char *rest = g_strdup(address), *base; rest; rest = base) {
        base = address_without_last_extension(rest, delimiters);
        const enum users_result one = base ? resolve_exact(u, base, delimiters, found) : USERS_UNKNOWN;
        result = one == USERS_UNKNOWN || result == USERS_TEMP ? result : one;
        g_free(rest);
    }
    return result;
}

static enum users_result resolve_whole(struct users *u, const char *address, const char *delimiters,
                                       GPtrArray *found)
{
    const enum users_result result = resolve_exact(u, address, delimiters, found);
    return result == USERS_UNKNOWN ? resolve_bases(u, address, delimiters, found) : result;
}

/* An alias of a whole domain: Postfix looks for it last. "@old.example" for "@example.com" keeps the local part;
 * another member gets what comes for anybody else there. */
static enum users_result resolve_domain(struct users *u, const char *address, const char *delimiters, bool rest,
                                        GPtrArray *found)
{
    const char *at = strrchr(address, '@');
    if (!at || at == address)
        return USERS_UNKNOWN;
    GPtrArray *list = users_members(u, at);
    enum users_result result = list ? USERS_UNKNOWN : USERS_TEMP;
    for (guint i = 0; list && i < list->len && result != USERS_TEMP; i++) {
        const char *member = list->pdata[i];
        g_autofree char *other = *member == '@' ? g_strdup_printf("%.*s%s", (int)(at - address), address, member)
                                                : g_strdup(member);
        const enum users_result one =
            rest || *member == '@' ? resolve_whole(u, other, delimiters, found) : USERS_UNKNOWN;
        result = one == USERS_UNKNOWN ? result : one;
    }
    if (list)
        g_ptr_array_unref(list);
    return result;
}

static enum users_result resolve(struct users *u, const char *address, const char *delimiters, bool rest,
                                 GPtrArray **users_r)
{
    *users_r = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *whole = address_canonical(address);
    if (!whole)
        return USERS_UNKNOWN;
    if (u->tables)
        return users_tables_resolve(u, whole, delimiters, rest, *users_r);
    enum users_result result = resolve_whole(u, whole, delimiters, *users_r);
    if (result == USERS_UNKNOWN)
        result = resolve_domain(u, whole, delimiters, rest, *users_r);
    if (result != USERS_FOUND)
        g_ptr_array_set_size(*users_r, 0);
    return result;
}

enum users_result users_resolve(struct users *u, const char *address, const char *delimiters,
                                GPtrArray **users_r)
{
    return resolve(u, address, delimiters, true, users_r);
}

enum users_result users_resolve_named(struct users *u, const char *address, const char *delimiters,
                                      GPtrArray **users_r)
{
    return resolve(u, address, delimiters, false, users_r);
}

/* As users.db alone has it. keyed_r: somebody of them has a key. */
static enum users_result resolve_known(struct users *u, const char *address, const char *delimiters, bool *keyed_r)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *whole = address_canonical(address);
    enum users_result result = whole ? resolve_whole(u, whole, delimiters, found) : USERS_UNKNOWN;
    if (whole && result == USERS_UNKNOWN)
        result = resolve_domain(u, whole, delimiters, false, found);
    *keyed_r = false;
    for (guint i = 0; i < found->len && result == USERS_FOUND && !*keyed_r; i++) {
        const enum users_result keyed = users_keyed(u, found->pdata[i]);
        *keyed_r = keyed == USERS_FOUND;
        result = keyed == USERS_TEMP ? USERS_TEMP : result;
    }
    return result;
}

enum users_result users_spelling(struct users *u, const char *address, const char *delimiters, char **spelling_r)
{
    g_autoptr(GPtrArray) forms = address_spellings(address);
    g_autofree char *known = NULL, *keyed = NULL;
    enum users_result result = USERS_UNKNOWN;
    g_ptr_array_insert(forms, 0, g_strdup(address));
    for (guint i = 0; i < forms->len && !keyed && result != USERS_TEMP; i++) {
        bool has_key = false;
        result = resolve_known(u, forms->pdata[i], delimiters, &has_key);
        if (result == USERS_FOUND && !known)
            known = g_strdup(forms->pdata[i]);
        if (has_key)
            keyed = g_strdup(forms->pdata[i]);
    }
    *spelling_r = result == USERS_TEMP ? NULL : keyed ? g_steal_pointer(&keyed) : g_steal_pointer(&known);
    return result == USERS_TEMP ? USERS_TEMP : *spelling_r ? USERS_FOUND : USERS_UNKNOWN;
}

enum users_result users_of_login(struct users *u, const char *login, const struct settings *s,
                                 char **user_r)
{
    GPtrArray *found;
    const bool bare = s->domains && s->domains[0] && !s->domains[1] && !strchr(login, '@');
    g_autofree char *whole = bare ? g_strdup_printf("%s@%s", login, s->domains[0]) : g_strdup(login);
    enum users_result result = users_resolve(u, login, s->recipient_delimiter, &found);
    if (bare && result == USERS_UNKNOWN) {
        g_ptr_array_unref(found);
        result = users_resolve(u, whole, s->recipient_delimiter, &found);
    }
    *user_r = result == USERS_TEMP ? NULL : address_canonical(whole);
    if (result == USERS_FOUND && !g_ptr_array_find_with_equal_func(found, *user_r, g_str_equal, NULL)) {
        g_free(*user_r);
        *user_r = found->len == 1 ? g_strdup(found->pdata[0]) : NULL;
    }
    g_ptr_array_unref(found);
    return (*user_r && result != USERS_ELSEWHERE) || result == USERS_TEMP ? result : USERS_UNKNOWN;
}
