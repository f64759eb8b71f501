/* users_tables: the operator's own tables beside users.db, and how both give one answer.
 *
 * The tables are Postfix's, asked as virtual(5) says. For each address, in this order: an alias of users.db, a key
 * of its own (unless the tables' alias names the address among others), an alias of the tables; users.db comes first
 * where both have the same form of the address: as it is, without its extension, "@domain" alone. What leads no
 * further is a user if users.db or the tables' mailboxes know it. */
#ifndef BASE_CONFIG_USERS_TABLES_H
#define BASE_CONFIG_USERS_TABLES_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/users.h"

/* So many addresses and steps at most, as Postfix's virtual_alias_expansion_limit and virtual_alias_recursion_limit
 * have it: beyond, mail waits. */
#define USERS_TABLES_EXPANSION_MAX 1000
#define USERS_TABLES_DEPTH_MAX 1000

/* By which form of the address something was found. */
enum users_tables_form {
    USERS_TABLES_NONE = 0,
    USERS_TABLES_WHOLE,  /* user+extension@domain as asked */
    USERS_TABLES_BARE,   /* user@domain without the extension */
    USERS_TABLES_NAME,   /* the local part alone, where the domain is one of the machine's */
    USERS_TABLES_DOMAIN, /* @domain */
};

/* What the key column of a user says. */
enum users_tables_key {
    USERS_TABLES_KEY_NONE = 0, /* nothing, now and before: what "filterctl key import" stored counts */
    USERS_TABLES_KEY_READY,    /* its key is the user's in state_dir/keys; whether it can be used is seen there */
    USERS_TABLES_KEY_NEW,      /* it is not imported yet, and only the daemon does that: mail waits */
    USERS_TABLES_KEY_EMPTIED,  /* there was one: mail must not go without */
    USERS_TABLES_KEY_REFUSED   /* it is none that can be used, by what gpg says; the log has the reason */
};

struct users_tables_answer {
    enum users_tables_form alias;   /* not asked for by USERS_TABLES_MAILBOX */
    enum users_tables_form mailbox; /* not asked for where there is an alias */
    enum users_tables_key key;      /* asked for by USERS_TABLES_KEY alone */
    GPtrArray *members; /* of char*: the alias' addresses, canonical and complete; commands, files and what is no
                         * address are left out. Owned; NULL: no alias */
};
void users_tables_answer_clear(struct users_tables_answer *a);

/* USERS_TABLES_IS_DOMAIN asks for a domain, without @: it has a mailbox of form USERS_TABLES_DOMAIN if it is ours.
 * USERS_TABLES_KEY asks for a user's key column, USERS_TABLES_KEYED whether it has a text for an address: it has a mailbox
 * then, of the form under which it stands there. */
enum users_tables_question {
    USERS_TABLES_ALL, USERS_TABLES_MAILBOX, USERS_TABLES_IS_DOMAIN, USERS_TABLES_KEY, USERS_TABLES_KEYED
};
#define USERS_TABLES_LAST_QUESTION USERS_TABLES_KEYED
struct users_tables {
    const struct settings *settings;
    /* USERS_FOUND: an alias, a mailbox or a key; USERS_UNKNOWN: none; USERS_TEMP: that cannot be known now. address is
     * canonical. *a_r is empty, to be cleared in any case. */
    enum users_result (*ask)(void *arg, enum users_tables_question question, const char *address,
                             struct users_tables_answer *a_r);
    void *arg;
};

/* users_resolve with u's tables; rest false: users_resolve_named. Adds to found, which stays empty unless
 * USERS_FOUND. */
enum users_result users_tables_resolve(struct users *u, const char *address, const char *delimiters, bool rest,
                                       GPtrArray *found);
/* Is this domain one of ours by the tables? USERS_FOUND, USERS_UNKNOWN (also if the settings name no table of
 * domains), or USERS_TEMP. The second takes any spelling, asks u's tables, and does not hold u meanwhile. */
enum users_result users_tables_has_domain(const struct users_tables *t, const char *domain);
enum users_result users_tables_domain(struct users *u, const char *domain);
/* What the key column has for this user, in *key_r. USERS_FOUND, USERS_UNKNOWN (also if the settings name none), or
 * USERS_TEMP. u is not held meanwhile. */
enum users_result users_tables_key(struct users *u, const char *user, enum users_tables_key *key_r);
/* By which of its spellings (base/address_spellings.h) the key column has an address. *spelling_r (g_free) is NULL unless
 * USERS_FOUND. */
enum users_result users_tables_spelling(struct users *u, const char *address, char **spelling_r);
/* Is this user's mailbox named by the tables, by exactly this name? False, too, if that cannot be known. */
bool users_tables_name(const struct users_tables *t, const char *user);

#endif
