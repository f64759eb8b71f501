/* Looks an address up in the tables of [users]. Called by the tables' process (tables_process.c), and through
 * tables_client.c by programs without a daemon. */
#include "filterd/tables/user_tables.h"

#include <glib.h>
#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "filterd/tables/alias_members.h"
#include "filterd/tables/key_import.h"
#include "filterd/tables/table.h"
#include "gpg/column_key.h"

#define OPEN_AGAIN_US (10 * G_USEC_PER_SEC)
/* A table that took so long to fail is not asked for twice that time: somebody waits for each try. */
#define SLOW_US (G_USEC_PER_SEC / 2)
#define REST_MAX_US (5 * G_USEC_PER_SEC)
/* What whole domains have ("@domain") is not asked again for each new address. */
#define DOMAIN_US (10 * G_USEC_PER_SEC)
#define DOMAINS_KEPT 10000

/* One of the settings: a chain of tables. */
struct chain {
    const char *setting, *maps; /* maps NULL: not set */
    struct table *table;        /* NULL: not open */
    gint64 not_before;          /* monotonic microseconds: not opened, or asked, earlier */
    bool failed;                /* the last look-up did, and that was logged */
    char *error;                /* why it cannot be asked */
    GHashTable *domains;        /* "@domain" -> struct domain */
};

struct domain {
    gint64 until;
    char *value; /* NULL: none */
};

struct user_tables {
    const struct settings *settings;
    int importer; /* -1: none */
    int import;   /* the importer's answer to the last question comes by it; -1: it was not asked */
    struct chain aliases, mailboxes, domains, keys;
    void (*trace)(const struct user_tables_step *step, void *arg);
    void *arg;
};

/* The forms of an address, as keys. */
struct forms {
    const char *whole;
    char *bare;      /* NULL: no extension */
    char *name;      /* the local part; NULL: not the machine's domain */
    char *bare_name; /* NULL: the same */
    const char *domain; /* with the @; NULL: none */
    char *extension; /* with its delimiter; NULL: none */
};

static void free_domain(gpointer data)
{
    struct domain *d = data;
    g_free(d->value);
    g_free(d);
}

static struct chain chain_of(const char *setting, const char *maps)
{
    return (struct chain){.setting = setting, .maps = maps,
                          .domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_domain)};
}

struct user_tables *user_tables_new(const struct settings *settings, int importer)
{
    struct user_tables *t = g_new0(struct user_tables, 1);
    t->settings = settings;
    t->importer = importer;
    t->import = -1;
    t->aliases = chain_of("aliases", settings->alias_maps);
    t->mailboxes = chain_of("mailboxes", settings->mailbox_maps);
    t->domains = chain_of("domains", settings->domain_maps);
    t->keys = chain_of("key", settings->key_maps);
    return t;
}

static void chain_clear(struct chain *c)
{
    table_free(&c->table);
    g_hash_table_unref(c->domains);
    g_free(c->error);
}

void user_tables_free(struct user_tables **t)
{
    if (!*t)
        return;
    chain_clear(&(*t)->aliases);
    chain_clear(&(*t)->mailboxes);
    chain_clear(&(*t)->domains);
    chain_clear(&(*t)->keys);
    g_clear_pointer(t, g_free);
}

void user_tables_trace(struct user_tables *t, void (*fn)(const struct user_tables_step *step, void *arg), void *arg)
{
    t->trace = fn;
    t->arg = arg;
    g_hash_table_remove_all(t->aliases.domains);
    g_hash_table_remove_all(t->mailboxes.domains);
}

/* ---- one table ---- */

/* Takes error over. Logs the first failure of several, and the end of them. */
static void note(struct chain *c, char *error)
{
    if (error && !c->failed)
        log_warn("[users] %s: %s; mail for users who are not known from before must wait", c->setting, error);
    else if (!error && c->failed)
        log_info("[users] %s: answers again", c->setting);
    c->failed = error != NULL;
    g_free(c->error);
    c->error = error;
}

static bool open_chain(struct chain *c, gint64 now)
{
    char *error = NULL;
    if (c->table)
        return true;
    if (now < c->not_before)
        return false;
    c->table = table_open(c->maps, &error);
    if (!c->table) {
        note(c, error ? error : g_strdup("cannot be read"));
        c->not_before = now + OPEN_AGAIN_US;
    }
    return c->table != NULL;
}

static enum table_result get_raw(struct chain *c, const char *key, unsigned flags, GString **value_r)
{
    char *error = NULL;
    const gint64 start = g_get_monotonic_time();
    if (!open_chain(c, start) || start < c->not_before)
        return TABLE_TEMP;
    const enum table_result result = table_ask(c->table, key, flags, value_r, &error);
    const gint64 now = g_get_monotonic_time();
    note(c, result == TABLE_TEMP && !error ? g_strdup("cannot be asked") : error);
    if (result == TABLE_TEMP && now - start > SLOW_US)
        c->not_before = now + MIN(2 * (now - start), REST_MAX_US);
    return result;
}

static enum table_result get(struct chain *c, const char *key, bool partial, char **value_r)
{
    GString *value = NULL;
    const enum table_result result = get_raw(c, key, partial ? TABLE_PARTIAL : 0, &value);
    if (result == TABLE_FOUND)
        *value_r = g_string_free(value, FALSE);
    return result;
}

static enum table_result get_domain(struct chain *c, const char *key, char **value_r)
{
    const gint64 now = g_get_monotonic_time();
    struct domain *d = g_hash_table_lookup(c->domains, key);
    if (d && d->until > now) {
        *value_r = g_strdup(d->value);
        return d->value ? TABLE_FOUND : TABLE_NONE;
    }
    const enum table_result result = get(c, key, true, value_r);
    if (g_hash_table_size(c->domains) >= DOMAINS_KEPT)
        g_hash_table_remove_all(c->domains);
    if (result != TABLE_TEMP) {
        d = g_new0(struct domain, 1);
        *d = (struct domain){now + DOMAIN_US, g_strdup(*value_r)};
        g_hash_table_replace(c->domains, g_strdup(key), d);
    }
    return result;
}

static void tell(const struct user_tables *t, const struct chain *c, const char *key, enum table_result result,
                 const char *value)
{
    const char *by = c->table ? table_answered_by(c->table) : NULL;
    if (t->trace)
        t->trace(&(struct user_tables_step){c->setting, by, key, result, result == TABLE_TEMP ? c->error : value}, t->arg);
}

static enum table_result look_up(struct user_tables *t, struct chain *c, const char *key, bool partial,
                                 char **value_r)
{
    *value_r = NULL;
    const enum table_result result =
        *key == '@' && partial ? get_domain(c, key, value_r) : get(c, key, partial, value_r);
    tell(t, c, key, result, result == TABLE_FOUND ? *value_r : NULL);
    return result;
}

/* ---- one address ---- */

static bool is_of_machine(const struct settings *s, const char *domain)
{
    bool is = g_strcmp0(s->hostname, domain) == 0;
    for (char **d = s->local_names; d && *d && !is; d++)
        is = strcmp(*d, domain) == 0;
    return is;
}

static struct forms forms_of(const struct settings *s, const char *address)
{
    const char *at = strrchr(address, '@');
    struct forms f = {.whole = address, .domain = at && at != address ? at : NULL};
    f.bare = address_without_extension(address, s->recipient_delimiter);
    if (f.domain && is_of_machine(s, at + 1)) {
        f.name = g_strndup(address, (gsize)(at - address));
        f.bare_name = address_without_extension(f.name, s->recipient_delimiter);
    }
    if (f.bare) {
        const size_t local = (size_t)((f.domain ? strrchr(f.bare, '@') : f.bare + strlen(f.bare)) - f.bare);
        f.extension = g_strndup(address + local, strlen(address) - strlen(f.bare));
    }
    return f;
}

static void forms_clear(struct forms *f)
{
    g_free(f->bare);
    g_free(f->name);
    g_free(f->bare_name);
    g_free(f->extension);
}

/* The form under which the chain has it; USERS_TABLES_NONE: under none. *rest_r: the extension that was not looked
 * for, lent; NULL: none. */
static enum table_result find(struct user_tables *t, struct chain *c, const struct forms *f,
                              enum users_tables_form *form_r, char **value_r)
{
    const bool names = c == &t->aliases;
    const struct {
        const char *key;
        enum users_tables_form form;
        bool partial;
    } tries[] = {
        {f->whole, USERS_TABLES_WHOLE, false},
        {f->bare, USERS_TABLES_BARE, true},
        {names ? f->name : NULL, USERS_TABLES_NAME, true},
        {names ? f->bare_name : NULL, USERS_TABLES_NAME, true},
        {f->domain, USERS_TABLES_DOMAIN, true},
    };
    enum table_result result = TABLE_NONE;
    for (size_t i = 0; c->maps && i < G_N_ELEMENTS(tries) && result == TABLE_NONE; i++) {
        if (!tries[i].key)
            continue;
        result = look_up(t, c, tries[i].key, tries[i].partial, value_r);
        if (result != TABLE_FOUND)
            continue;
        *form_r = tries[i].form;
    }
    return result;
}

static enum table_result find_alias(struct user_tables *t, const struct forms *f, struct users_tables_answer *a)
{
    g_autofree char *value = NULL;
    const enum table_result result = find(t, &t->aliases, f, &a->alias, &value);
    if (result != TABLE_FOUND)
        return result;
    /* Under user+extension alone the extension was looked for, too. */
    const bool bare = a->alias == USERS_TABLES_BARE || (a->alias == USERS_TABLES_NAME && f->bare_name);
    const char *myorigin = t->settings->local_names && t->settings->local_names[0] ? t->settings->local_names[0]
                                                                                     : t->settings->hostname;
    a->members = alias_members(value, &(struct alias_members_of){f->whole, bare ? f->extension : NULL, myorigin});
    if (a->members)
        return result;
    log_warn("[users] aliases: of <%s>: an address is too long", f->whole);
    a->alias = USERS_TABLES_NONE;
    return TABLE_TEMP;
}

static enum users_result result_of(enum table_result result)
{
    return result == TABLE_FOUND ? USERS_FOUND : result == TABLE_NONE ? USERS_UNKNOWN : USERS_TEMP;
}

/* ---- keys ---- */

/* The text of the key column for exactly this name. An empty one is none. */
static enum table_result look_up_key(struct user_tables *t, const char *key, bool partial, GString **text_r)
{
    enum table_result result = get_raw(&t->keys, key, TABLE_RAW | (partial ? TABLE_PARTIAL : 0), text_r);
    if (result == TABLE_FOUND && column_key_is_empty((*text_r)->str, (*text_r)->len)) {
        g_string_free(g_steal_pointer(text_r), TRUE);
        result = TABLE_NONE;
    }
    g_autofree char *told = result == TABLE_FOUND ? g_strdup_printf("a text of %zu bytes", (*text_r)->len) : NULL;
    tell(t, &t->keys, key, result, told);
    return result;
}

/* Under which form of the address the column has a text. */
static enum table_result find_key(struct user_tables *t, const struct forms *f, enum users_tables_form *form_r,
                                  GString **text_r)
{
    enum table_result result = t->keys.maps ? look_up_key(t, f->whole, false, text_r) : TABLE_NONE;
    *form_r = USERS_TABLES_WHOLE;
    if (result == TABLE_NONE && t->keys.maps && f->bare) {
        result = look_up_key(t, f->bare, true, text_r);
        *form_r = USERS_TABLES_BARE;
    }
    return result;
}

/* The importer's answer follows (user_tables_take_import). */
static enum users_result import_key(struct user_tables *t, const char *user, const GString *text,
                                    enum users_tables_key *key_r)
{
    if (t->importer >= 0)
        t->import = key_import_ask(t->importer, user, text->str, text->len);
    if (t->importer >= 0 && t->import < 0)
        return USERS_TEMP;
    *key_r = USERS_TABLES_KEY_NEW;
    return USERS_FOUND;
}

int user_tables_take_import(struct user_tables *t)
{
    const int import = t->import;
    t->import = -1;
    return import;
}

static enum users_result ask_key(struct user_tables *t, const char *user, const struct forms *f,
                                 enum users_tables_key *key_r)
{
    GString *text = NULL;
    enum users_tables_form form;
    const enum table_result found = find_key(t, f, &form, &text);
    enum users_result result = USERS_TEMP;
    if (found != TABLE_TEMP) {
        switch (column_key_compare(t->settings->state_dir, user, text ? text->str : "", text ? text->len : 0)) {
        case COLUMN_KEY_NONE:
            result = USERS_UNKNOWN;
            break;
        case COLUMN_KEY_EMPTIED:
            *key_r = USERS_TABLES_KEY_EMPTIED;
            result = USERS_FOUND;
            break;
        case COLUMN_KEY_IMPORTED:
            *key_r = USERS_TABLES_KEY_READY;
            result = USERS_FOUND;
            break;
        case COLUMN_KEY_NEW:
            result = import_key(t, user, text, key_r);
            break;
        default:
            break;
        }
    }
    if (text)
        g_string_free(text, TRUE);
    return result;
}

/* Who has a key has a mailbox, whatever the table of mailboxes knows. */
static enum table_result find_by_key(struct user_tables *t, const struct forms *f, enum users_tables_form *form_r)
{
    GString *text = NULL;
    enum users_tables_form form;
    const enum table_result result = find_key(t, f, &form, &text);
    if (result == TABLE_FOUND)
        *form_r = form;
    if (text)
        g_string_free(text, TRUE);
    return result;
}

static enum table_result find_mailbox(struct user_tables *t, const struct forms *f, struct users_tables_answer *a)
{
    g_autofree char *value = NULL;
    const enum table_result result = find(t, &t->mailboxes, f, &a->mailbox, &value);
    if (result == TABLE_TEMP || (result == TABLE_FOUND && a->mailbox != USERS_TABLES_DOMAIN))
        return result;
    const enum table_result keyed = find_by_key(t, f, &a->mailbox);
    return keyed == TABLE_NONE ? result : keyed;
}

/* As in Postfix's lists of domains: for the domain alone, whatever the value. */
static enum users_result ask_domain(struct user_tables *t, const char *domain, struct users_tables_answer *a_r)
{
    g_autofree char *value = NULL;
    const enum table_result result = t->domains.maps ? look_up(t, &t->domains, domain, false, &value) : TABLE_NONE;
    if (result == TABLE_FOUND)
        a_r->mailbox = USERS_TABLES_DOMAIN;
    return result_of(result);
}

enum users_result user_tables_ask(void *arg, enum users_tables_question question, const char *address,
                                  struct users_tables_answer *a_r)
{
    struct user_tables *t = arg;
    if (question == USERS_TABLES_IS_DOMAIN)
        return ask_domain(t, address, a_r);
    struct forms f = forms_of(t->settings, address);
    enum table_result result = TABLE_NONE;
    if (question == USERS_TABLES_ALL)
        result = find_alias(t, &f, a_r);
    if (question == USERS_TABLES_KEYED)
        result = find_by_key(t, &f, &a_r->mailbox);
    else if (result == TABLE_NONE && question != USERS_TABLES_KEY)
        result = find_mailbox(t, &f, a_r);
    const enum users_result answer =
        question == USERS_TABLES_KEY ? ask_key(t, address, &f, &a_r->key) : result_of(result);
    forms_clear(&f);
    return answer;
}

bool user_tables_check(struct user_tables *t, const char **setting_r, char **error_r)
{
    struct chain *const chains[] = {&t->aliases, &t->mailboxes, &t->domains, &t->keys};
    for (size_t i = 0; i < G_N_ELEMENTS(chains); i++) {
        g_autofree char *value = NULL;
        *setting_r = chains[i]->setting;
        const char *key = chains[i] == &t->domains ? "filterd.invalid" : "nobody@filterd.invalid";
        if (chains[i]->maps && get(chains[i], key, false, &value) == TABLE_TEMP) {
            *error_r = g_strdup(chains[i]->error);
            return false;
        }
    }
    return true;
}
