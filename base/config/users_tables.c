/* Finds the users behind an address in users.db and the operator's tables together. Called by users_resolve.c where
 * the settings name tables. */
#include "base/config/users_tables.h"

#include <string.h>

#include "base/address.h"
#include "base/address_spellings.h"
#include "base/config/users_state.h"
#include "base/log.h"

/* Where an address comes from that leads no further. */
enum origin {
    ORIGIN_MAIL,  /* it is the recipient's: nobody vouches for it */
    ORIGIN_USERS, /* users.db has it as an alias' member: so it is a user */
    ORIGIN_TABLES /* an alias of the tables: a user, or somebody elsewhere */
};

struct resolution {
    struct users *u;
    const char *delimiters;
    GHashTable *open; /* aliases being expanded, to cut loops */
    GHashTable *done;
    GPtrArray *found;
    bool rest; /* also who gets what nobody else at a domain gets */
    guint expanded;
};

static enum users_result look_up(struct resolution *x, const char *address, enum origin origin, guint depth);

void users_tables_answer_clear(struct users_tables_answer *a)
{
    g_clear_pointer(&a->members, g_ptr_array_unref);
    *a = (struct users_tables_answer){0};
}

static bool has(const GPtrArray *list, const char *text)
{
    return list && g_ptr_array_find_with_equal_func((GPtrArray *)list, text, g_str_equal, NULL);
}

static enum users_result add_user(struct resolution *x, const char *user)
{
    if (!has(x->found, user))
        g_ptr_array_add(x->found, g_strdup(user));
    return USERS_FOUND;
}

/* A table server may take seconds: nobody could write users.db meanwhile. */
static enum users_result ask_for(struct users *u, enum users_tables_question question, const char *address,
                                 struct users_tables_answer *a)
{
    users_pause(u);
    const enum users_result result = u->tables->ask(u->tables->arg, question, address, a);
    users_go_on(u);
    return result;
}

static enum users_result ask(struct resolution *x, enum users_tables_question question, const char *address,
                             struct users_tables_answer *a)
{
    return ask_for(x->u, question, address, a);
}

static enum users_result is_keyed(struct users *u, const char *address, enum users_tables_form *form_r)
{
    struct users_tables_answer a = {0};
    *form_r = USERS_TABLES_NONE;
    if (!u->tables || !u->tables->settings->key_maps)
        return USERS_UNKNOWN;
    const enum users_result result = ask_for(u, USERS_TABLES_KEYED, address, &a);
    *form_r = a.mailbox;
    users_tables_answer_clear(&a);
    return result;
}

enum users_result users_tables_spelling(struct users *u, const char *address, char **spelling_r)
{
    g_autoptr(GPtrArray) forms = address_spellings(address);
    enum users_tables_form form;
    enum users_result result = USERS_UNKNOWN;
    *spelling_r = NULL;
    for (guint i = 0; i < forms->len && result == USERS_UNKNOWN; i++) {
        result = is_keyed(u, forms->pdata[i], &form);
        if (result == USERS_FOUND)
            *spelling_r = g_strdup(forms->pdata[i]);
    }
    return result;
}

/* Of two parts of one address' users: temporary if one is, found if one is. */
static enum users_result join(enum users_result a, enum users_result b)
{
    if (a == USERS_TEMP || b == USERS_TEMP)
        return USERS_TEMP;
    return a == USERS_FOUND || b == USERS_FOUND ? USERS_FOUND : a == USERS_UNKNOWN ? b : a;
}

/* ---- what leads no further ---- */

enum users_result users_tables_has_domain(const struct users_tables *t, const char *domain)
{
    struct users_tables_answer a = {0};
    if (!t || !t->settings->domain_maps || !*domain)
        return USERS_UNKNOWN;
    const enum users_result result = t->ask(t->arg, USERS_TABLES_IS_DOMAIN, domain, &a);
    users_tables_answer_clear(&a);
    return result;
}

static enum users_result ask_domain(struct users *u, const char *domain)
{
    if (!u->tables || !u->tables->settings->domain_maps)
        return USERS_UNKNOWN;
    users_pause(u);
    const enum users_result result = users_tables_has_domain(u->tables, domain);
    users_go_on(u);
    return result;
}

/* As Postfix looks it up, and with the other kind of label (RFC 5890): the table may have either. */
enum users_result users_tables_domain(struct users *u, const char *domain)
{
    g_autofree char *canonical = address_canonical(domain);
    if (!canonical || !u->tables || !u->tables->settings->domain_maps)
        return USERS_UNKNOWN;
    g_autofree char *name = address_folded(canonical);
    for (size_t len = strlen(name); len && name[len - 1] == '.'; len--)
        name[len - 1] = 0;
    const enum users_result result = ask_domain(u, name);
    if (result != USERS_UNKNOWN || (g_str_is_ascii(name) && !strstr(name, "xn--")))
        return result;
    g_autofree char *other = strstr(name, "xn--") ? g_hostname_to_unicode(name) : g_hostname_to_ascii(name);
    return other && strcmp(other, name) ? ask_domain(u, other) : result;
}

static enum users_result is_ours(const struct resolution *x, const char *domain)
{
    const struct settings *s = x->u->tables->settings;
    bool ours = settings_is_local_domain(s, domain) || g_strcmp0(s->hostname, domain) == 0;
    for (char **d = s->local_names; d && *d && !ours; d++)
        ours = strcmp(*d, domain) == 0;
    return ours ? USERS_FOUND : ask_domain(x->u, domain);
}

/* Known to users.db, as it is or without its extension: whoever exists has to be able to read it. */
static enum users_result take_known(struct resolution *x, const char *address)
{
    enum users_result result = users_exists(x->u, address);
    if (result != USERS_UNKNOWN)
        return result == USERS_FOUND ? add_user(x, address) : result;
    for (char *rest = g_strdup(address), *base; rest; rest = base) {
        base = address_without_last_extension(rest, x->delimiters);
        const enum users_result one = base ? users_exists(x->u, base) : USERS_UNKNOWN;
        if (one == USERS_FOUND)
            add_user(x, base);
        result = join(result, one);
        g_free(rest);
    }
    return result;
}

static enum users_result take_mailbox(struct resolution *x, const char *address, enum users_tables_form form)
{
    g_autofree char *bare = address_without_extension(address, x->delimiters);
    if (form == USERS_TABLES_NONE)
        return USERS_UNKNOWN;
    return add_user(x, form == USERS_TABLES_WHOLE || !bare ? address : bare);
}

/* A name of the machine, and no mail domain as well. */
static bool is_machine(const struct settings *s, const char *domain)
{
    bool machine = *domain == '[' || !strcmp(domain, "localhost") || g_strcmp0(s->hostname, domain) == 0;
    for (char **d = s->local_names; d && *d && !machine; d++)
        machine = strcmp(*d, domain) == 0;
    return machine && !settings_is_local_domain(s, domain);
}

/* Who a name at a name of the machine may be in our domains, if users.db knows them: their local aliases may lead
 * there. All of them have to be able to read it. */
static enum users_result take_local(struct resolution *x, const char *address)
{
    const struct settings *s = x->u->tables->settings;
    const char *at = strrchr(address, '@');
    enum users_result result = USERS_UNKNOWN;
    for (char **d = s->domains; at && is_machine(s, at + 1) && d && *d; d++) {
        g_autofree char *there = g_strdup_printf("%.*s@%s", (int)(at - address), address, *d);
        result = join(result, take_known(x, there));
    }
    return result;
}

/* mailbox: what the tables said of it already; NULL: they have to be asked. */
static enum users_result take_final(struct resolution *x, const char *address, enum origin origin,
                                    const enum users_tables_form *mailbox)
{
    enum users_result result = take_known(x, address);
    /* Postfix asks for mailboxes in our domains alone: a table may have an answer for everybody. */
    const enum users_result ours =
        result == USERS_UNKNOWN && origin == ORIGIN_MAIL ? is_ours(x, address_domain(address)) : USERS_FOUND;
    if (ours != USERS_FOUND)
        return ours;
    if (result == USERS_UNKNOWN && mailbox) {
        result = take_mailbox(x, address, *mailbox);
    } else if (result == USERS_UNKNOWN) {
        struct users_tables_answer a = {0};
        result = ask(x, USERS_TABLES_MAILBOX, address, &a);
        if (result == USERS_FOUND)
            result = take_mailbox(x, address, a.mailbox);
        users_tables_answer_clear(&a);
    }
    if (result == USERS_UNKNOWN && origin == ORIGIN_TABLES)
        result = take_local(x, address);
    if (result != USERS_UNKNOWN || origin == ORIGIN_MAIL)
        return result;
    /* Without a table of mailboxes, whom an alias of ours names in our domains has one. */
    const struct settings *s = x->u->tables->settings;
    if (origin == ORIGIN_USERS)
        return take_mailbox(x, address, USERS_TABLES_WHOLE);
    result = s->mailbox_maps ? USERS_UNKNOWN : is_ours(x, address_domain(address));
    if (result == USERS_FOUND)
        return take_mailbox(x, address, USERS_TABLES_BARE);
    return result == USERS_TEMP ? result : USERS_ELSEWHERE;
}

/* ---- aliases ---- */

static enum users_result expand(struct resolution *x, const char *address, const GPtrArray *members,
                                enum origin origin, guint depth)
{
    enum users_result result = USERS_ELSEWHERE;
    char *self = g_strdup(address);
    const bool again = !g_hash_table_add(x->open, self);
    for (guint i = 0; i < members->len && result != USERS_TEMP; i++) {
        const char *member = members->pdata[i];
        /* It may come to itself by an alias of its domain alone: then it stands for itself. */
        if (g_hash_table_contains(x->open, member))
            result = join(result, take_final(x, member, origin, NULL));
        else if (g_hash_table_add(x->done, g_strdup(member)))
            result = join(result, look_up(x, member, origin, depth + 1));
    }
    if (!again)
        g_hash_table_remove(x->open, address);
    return result;
}

/* users.db's alias of exactly this name, or its key. *keyed_r: the latter; then nobody is added yet. */
static enum users_result look_up_exact(struct resolution *x, const char *address, guint depth, bool *keyed_r)
{
    GPtrArray *rows = users_members(x->u, address);
    if (!rows)
        return USERS_TEMP;
    enum users_result result = USERS_UNKNOWN;
    if (rows->len)
        result = expand(x, address, rows, ORIGIN_USERS, depth);
    else
        result = users_keyed(x->u, address);
    *keyed_r = result == USERS_FOUND && !rows->len;
    g_ptr_array_unref(rows);
    return result;
}

/* The same for the address without its extension, split wherever a delimiter stands. */
static enum users_result look_up_bases(struct resolution *x, const char *address, enum origin origin,
                                       const struct users_tables_answer *t, guint depth)
{
    enum users_result result = USERS_UNKNOWN;
    for (char *rest = g_strdup(address), *base; rest; rest = base) {
        bool keyed = false;
        enum users_result one = USERS_UNKNOWN;
        base = address_without_last_extension(rest, x->delimiters);
        if (base && g_hash_table_contains(x->open, base))
            one = origin == ORIGIN_USERS ? add_user(x, base) : USERS_UNKNOWN; /* an alias that leads back to itself */
        else if (base)
            one = look_up_exact(x, base, depth, &keyed);
        /* The tables' alias names the address itself, with its extension, and others. */
        if (keyed && !has(t->members, address))
            add_user(x, base);
        if (!keyed || !has(t->members, address))
            result = join(result, one);
        g_free(rest);
    }
    return result;
}

/* The members of the tables' alias of a whole domain that keep the local part; all, if the rest counts, too. */
static GPtrArray *of_domain(const struct resolution *x, const char *address, const GPtrArray *members)
{
    GPtrArray *kept = g_ptr_array_new();
    const size_t local = strcspn(address, "@") + 1;
    for (guint i = 0; i < members->len; i++)
        if (x->rest || !strncmp(members->pdata[i], address, local))
            g_ptr_array_add(kept, members->pdata[i]);
    return kept;
}

/* users.db's alias of the whole domain. Who has a key in the column is not the rest of it. */
static enum users_result look_up_domain(struct resolution *x, const char *address, guint depth)
{
    const char *at = strrchr(address, '@');
    if (!at || at == address)
        return USERS_UNKNOWN;
    GPtrArray *rows = users_members(x->u, at);
    enum users_tables_form form;
    const enum users_result keyed = rows && rows->len && x->rest ? is_keyed(x->u, address, &form) : USERS_UNKNOWN;
    enum users_result result = rows && keyed != USERS_TEMP ? USERS_UNKNOWN : USERS_TEMP;
    for (guint i = 0; rows && i < rows->len && result != USERS_TEMP; i++) {
        const char *member = rows->pdata[i];
        const bool whole = *member == '@';
        g_autofree char *other = whole ? g_strdup_printf("%.*s%s", (int)(at - address), address, member) : g_strdup(member);
        if ((whole || (x->rest && keyed == USERS_UNKNOWN)) && g_hash_table_add(x->done, g_strdup(other)))
            result = join(result, look_up(x, other, whole ? ORIGIN_MAIL : ORIGIN_USERS, depth + 1));
    }
    if (rows)
        g_ptr_array_unref(rows);
    return result;
}

/* Who has a key of their own in the column is not somebody else with an extension: mary-ann beside mary, where - is the
 * delimiter. */
static enum users_result take_keyed(struct resolution *x, const char *address, enum origin origin)
{
    enum users_tables_form form;
    g_autofree char *base = address_without_last_extension(address, x->delimiters);
    const enum users_result keyed = base ? is_keyed(x->u, address, &form) : USERS_UNKNOWN;
    if (keyed != USERS_FOUND || form != USERS_TABLES_WHOLE)
        return keyed == USERS_TEMP ? keyed : USERS_UNKNOWN;
    const enum users_result ours = origin == ORIGIN_MAIL ? is_ours(x, address_domain(address)) : USERS_FOUND;
    return ours == USERS_FOUND ? add_user(x, address) : ours;
}

static enum users_result look_up_all(struct resolution *x, const char *address, enum origin origin,
                                     const struct users_tables_answer *t, guint depth)
{
    bool keyed = false;
    enum users_result result = look_up_exact(x, address, depth, &keyed);
    if (keyed && !has(t->members, address))
        return add_user(x, address);
    if (keyed)
        result = USERS_UNKNOWN;
    if (result == USERS_UNKNOWN && t->alias == USERS_TABLES_WHOLE)
        return expand(x, address, t->members, ORIGIN_TABLES, depth);
    if (result == USERS_UNKNOWN)
        result = take_keyed(x, address, origin);
    if (result == USERS_UNKNOWN)
        result = look_up_bases(x, address, origin, t, depth);
    if (result == USERS_UNKNOWN && (t->alias == USERS_TABLES_BARE || t->alias == USERS_TABLES_NAME))
        return expand(x, address, t->members, ORIGIN_TABLES, depth);
    if (result == USERS_UNKNOWN)
        result = look_up_domain(x, address, depth);
    if (result == USERS_UNKNOWN && t->alias == USERS_TABLES_DOMAIN) {
        g_autoptr(GPtrArray) members = of_domain(x, address, t->members);
        if (members->len)
            return expand(x, address, members, ORIGIN_TABLES, depth);
    }
    return result == USERS_UNKNOWN ? take_final(x, address, origin, &t->mailbox) : result;
}

/* Where an alias leads may be written in another way than users.db has it. */
static enum users_result look_up(struct resolution *x, const char *said, enum origin origin, guint depth)
{
    struct users_tables_answer t = {0};
    g_autofree char *known = NULL;
    g_autoptr(GPtrArray) forms = origin == ORIGIN_MAIL ? NULL : address_spellings(said);
    if (forms && forms->len > 1 &&
        (users_spelling(x->u, said, x->delimiters, &known) == USERS_TEMP ||
         (!known && users_tables_spelling(x->u, said, &known) == USERS_TEMP)))
        return USERS_TEMP;
    const char *address = known ? known : said;
    if (depth > USERS_TABLES_DEPTH_MAX || ++x->expanded > USERS_TABLES_EXPANSION_MAX) {
        log_warn("alias that leads to <%s>: more than %d addresses or steps", address,
                 depth > USERS_TABLES_DEPTH_MAX ? USERS_TABLES_DEPTH_MAX : USERS_TABLES_EXPANSION_MAX);
        return USERS_TEMP;
    }
    enum users_result result = ask(x, USERS_TABLES_ALL, address, &t);
    if (result != USERS_TEMP)
        result = look_up_all(x, address, origin, &t, depth);
    users_tables_answer_clear(&t);
    return result;
}

enum users_result users_tables_resolve(struct users *u, const char *address, const char *delimiters, bool rest,
                                       GPtrArray *found)
{
    struct resolution x = {.u = u, .delimiters = delimiters, .found = found, .rest = rest};
    x.open = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    x.done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    enum users_result result = look_up(&x, address, ORIGIN_MAIL, 0);
    g_hash_table_unref(x.open);
    g_hash_table_unref(x.done);
    if (result != USERS_FOUND)
        g_ptr_array_set_size(found, 0);
    return result;
}

enum users_result users_tables_key(struct users *u, const char *user, enum users_tables_key *key_r)
{
    struct users_tables_answer a = {0};
    *key_r = USERS_TABLES_KEY_NONE;
    if (!u->tables || !u->tables->settings->key_maps)
        return USERS_UNKNOWN;
    const enum users_result result = ask_for(u, USERS_TABLES_KEY, user, &a);
    *key_r = a.key;
    users_tables_answer_clear(&a);
    return result;
}

bool users_tables_name(const struct users_tables *t, const char *user)
{
    struct users_tables_answer a = {0};
    const bool named = t && t->ask(t->arg, USERS_TABLES_MAILBOX, user, &a) == USERS_FOUND &&
                       a.mailbox == USERS_TABLES_WHOLE;
    users_tables_answer_clear(&a);
    return named;
}
