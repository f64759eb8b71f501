/* filterctl key: imports, lists, shows, exports, removes and checks users' public keys. Called by
 * filterctl.c; the work is done by gpg/keyring.h. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/config/users.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/tables/tables_client.h"
#include "gpg/column_key.h"
#include "gpg/keyring.h"
#include "tools/filterctl/filterctl.h"

#define SOON_S (30 * 24 * 3600)

struct arguments { /* of every subcommand; the flags are import's */
    const char *words[3];
    int count;
    bool add, force;
};

static bool parse(int argc, char **argv, struct arguments *a)
{
    bool options = true;
    for (int i = 2; i < argc; i++) {
        if (options && !strcmp(argv[i], "--"))
            options = false;
        else if (options && !strcmp(argv[i], "--add"))
            a->add = true;
        else if (options && !strcmp(argv[i], "--force"))
            a->force = true;
        else if ((options && argv[i][0] == '-' && argv[i][1]) || a->count == 3)
            return false;
        else
            a->words[a->count++] = argv[i];
    }
    return true;
}

static bool has_options(const struct arguments *a)
{
    return a->add || a->force;
}

/* ---- one key as text ---- */

static int64_t now_s(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

static char *date(int64_t time)
{
    if (!time)
        return g_strdup("never");
    g_autoptr(GDateTime) t = g_date_time_new_from_unix_utc(time);
    return t ? g_date_time_format(t, "%Y-%m-%d") : g_strdup("never");
}

static const char *state_of(const struct key_info *k, int64_t now)
{
    const char *trouble = key_info_trouble(k, now);
    int64_t ends = key_info_ends(k);
    return trouble ? trouble : ends && ends - now < SOON_S ? "ends soon" : "good";
}

struct row {
    const char *user, *home;
    const struct key_info *key; /* NULL: only trouble, whose reason is to be told */
    const char *state;
};

struct report {
    struct filterctl *ctl;
    const char *only; /* one user, NULL: all */
    void (*print)(struct report *r, const struct row *row);
    int rows, worst; /* worst: the exit code of "key check", 0 to 2 */
    int64_t now;
};

static void append_member(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, ",\"%s\":", name);
    filterctl_json_string(out, value);
}

static void print_json(struct report *r, const struct row *row)
{
    GString *out = g_string_new(r->rows ? ",\n{\"user\":" : "[{\"user\":");
    filterctl_json_string(out, row->user);
    if (row->key) {
        g_autofree char *ends = date(key_info_ends(row->key)), *made = date(row->key->created);
        append_member(out, "fingerprint", row->key->fingerprint);
        append_member(out, "algorithm", row->key->algorithm);
        append_member(out, "user_id", row->key->user_id);
        append_member(out, "created", made);
        append_member(out, "expires", key_info_ends(row->key) ? ends : NULL);
        append_member(out, "from", row->home && column_key_made(row->home) ? "column" : "import");
    }
    append_member(out, "state", row->state);
    printf("%s}", out->str);
    g_string_free(out, TRUE);
}

static void print_table(struct report *r, const struct row *row)
{
    g_autofree char *ends = row->key ? date(key_info_ends(row->key)) : NULL;
    if (!r->rows)
        printf("%-30s %-40s %-16s %-10s %s\n", "USER", "FINGERPRINT", "ALGORITHM", "EXPIRES",
               "STATE");
    printf("%-30s %-40s %-16s %-10s %s\n", row->user, row->key ? row->key->fingerprint : "-",
           row->key ? row->key->algorithm : "-", ends ? ends : "-", row->state);
}

/* Replaces control characters: a user ID is foreign text and must not steer the terminal. */
static char *printable(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        g_string_append_unichar(out, g_unichar_isprint(c) ? c : '?');
    }
    return g_string_free(out, FALSE);
}

static void print_full(struct report *r, const struct row *row)
{
    printf("%suser:        %s\n", r->rows ? "\n" : "", row->user);
    if (row->key) {
        g_autofree char *ends = date(key_info_ends(row->key)), *made = date(row->key->created);
        g_autofree char *user_id = printable(row->key->user_id);
        printf("fingerprint: %s\nuser id:     %s\nalgorithm:   %s\n", row->key->fingerprint,
               user_id, row->key->algorithm);
        printf("created:     %s\nexpires:     %s\nhome:        %s\n", made, ends, row->home);
        if (column_key_made(row->home))
            puts("from:        [users] key");
    }
    printf("state:       %s\n", row->state);
}

/* Prints nothing about good keys: cron mails any output. */
static void print_trouble(struct report *r, const struct row *row)
{
    (void)r;
    g_autofree char *ends = row->key ? date(key_info_ends(row->key)) : NULL;
    if (!strcmp(row->state, "good"))
        return;
    if (!row->key)
        printf("%s: %s\n", row->user, row->state);
    else if (key_info_ends(row->key))
        printf("%s: key %s: %s (%s)\n", row->user, row->key->fingerprint, row->state, ends);
    else
        printf("%s: key %s: %s\n", row->user, row->key->fingerprint, row->state);
}

/* ---- all keys ---- */

static void tell(struct report *r, const struct row *row)
{
    int bad = !strcmp(row->state, "good") ? 0 : !strcmp(row->state, "ends soon") ? 1 : 2;
    r->worst = MAX(r->worst, bad);
    r->print(r, row);
    r->rows++;
}

static void tell_home(struct report *r, const char *user, const char *home)
{
    g_autofree char *why = NULL;
    GPtrArray *keys = keyring_keys(home, &why);
    struct row row = {.user = user, .home = home, .state = why ? why : "no key can be read"};
    if (!keys || !keys->len)
        tell(r, &row);
    for (guint i = 0; keys && i < keys->len; i++) {
        row.key = g_ptr_array_index(keys, i);
        row.state = state_of(row.key, r->now);
        tell(r, &row);
    }
    if (keys)
        g_ptr_array_unref(keys);
}

#define LOST "noted in users.db, but the key folder is gone"

/* Tells of a user without a key folder whom users.db notes: mail for them is not delivered. */
static void tell_lost(const char *user, void *arg)
{
    struct report *r = arg;
    g_autofree char *home = NULL;
    struct row row = {.user = user, .state = LOST};
    if (keyring_current(r->ctl->settings->state_dir, user, &home) == KEYRING_NONE)
        tell(r, &row);
}

static void tell_user(const char *user, void *arg)
{
    struct report *r = arg;
    g_autofree char *home = NULL;
    enum keyring_state state = keyring_current(r->ctl->settings->state_dir, user, &home);
    if (state == KEYRING_NONE)
        return;
    struct row row = {.user = user, .state = state == KEYRING_BROKEN ? "broken key folder"
                                                                     : "unreadable key folder"};
    if (state == KEYRING_FOUND)
        tell_home(r, user, home);
    else
        tell(r, &row);
}

static int report(struct report *r)
{
    bool ok = true, notes = true;
    g_autofree char *error = NULL;
    struct users *users = users_open(r->ctl->settings->state_dir, false, &error);
    r->now = now_s();
    if (r->ctl->json)
        r->print = print_json;
    if (r->only)
        tell_user(r->only, r);
    else
        ok = keyring_each_user(r->ctl->settings->state_dir, tell_user, r);
    if (users && r->only && users_key_noted(users, r->only) == USERS_FOUND)
        tell_lost(r->only, r);
    else if (users && !r->only)
        notes = users_key_each(users, tell_lost, r);
    if (r->ctl->json)
        puts(r->rows ? "]" : "[]");
    if (!ok)
        filterctl_complain("%s/keys cannot be read", r->ctl->settings->state_dir);
    if (!users || !notes)
        filterctl_complain("%s; what is shown is not all", users ? users_error(users) : error);
    ok = ok && users && notes;
    users_free(&users);
    return ok ? EX_OK : EX_NOPERM;
}

static int list(struct filterctl *ctl, const char *user, const struct arguments *a)
{
    struct report r = {.ctl = ctl, .print = print_table};
    return user || has_options(a) ? EX_USAGE : report(&r);
}

static int show(struct filterctl *ctl, const char *user, const struct arguments *a)
{
    struct report r = {.ctl = ctl, .only = user, .print = print_full};
    if (a->count != 1 || has_options(a))
        return EX_USAGE;
    int rc = report(&r);
    if (rc == EX_OK && !r.rows) {
        filterctl_complain("%s has no key", user);
        rc = EX_NOUSER;
    }
    return rc;
}

static int check(struct filterctl *ctl, const char *user, const struct arguments *a)
{
    struct report r = {.ctl = ctl, .print = print_trouble};
    if (user || has_options(a))
        return EX_USAGE;
    int rc = report(&r);
    return rc == EX_OK ? r.worst : rc;
}

/* ---- one user's ---- */

static void tell_imported(struct filterctl *ctl, const char *user, const struct key_info *key)
{
    struct report r = {.ctl = ctl, .now = now_s()};
    struct row row = {.user = user, .key = key, .state = state_of(key, r.now)};
    g_autofree char *ends = date(key_info_ends(key));
    if (ctl->json) {
        print_json(&r, &row);
        puts("]");
        return;
    }
    printf("%s: key %s (%s, expires %s) imported%s\n", user, key->fingerprint, key->algorithm,
           ends, key->revoked ? ": it is REVOKED, nothing is encrypted to it any more" : "");
}

/* Asks the keeper, the only writer of users.db, for the note; see keyring.h. */
static bool note_keys(const char *user, bool has_keys, void *arg, char **error_r)
{
    const struct keeper_key_note note = {user, has_keys ? "keys" : "none"};
    struct keeper_answer answer = filterctl_request(arg, &keeper_format_key_note, &note);
    const bool ok = answer.code == EX_OK;
    if (!ok)
        *error_r = g_strdup(answer.text && *answer.text ? answer.text : "the note in users.db could not be made");
    keeper_answer_clear(&answer);
    return ok;
}

static bool is_taken(const struct filterctl *ctl, const char *address)
{
    g_autofree char *error = NULL;
    GPtrArray *there = NULL;
    struct users *users = users_open(ctl->settings->state_dir, false, &error);
    const bool taken = !users || users_resolve(users, address, "", &there) != USERS_UNKNOWN;
    if (there)
        g_ptr_array_unref(there);
    users_free(&users);
    return taken;
}

/* Makes the user known under what their address folds to, unless somebody else is (see users_alias_add). */
static int add_folded(struct filterctl *ctl, const char *user)
{
    g_autofree char *folded = address_folded(user);
    if (!strcmp(folded, user) || is_taken(ctl, folded))
        return EX_OK;
    const struct keeper_alias_add wanted = {folded, user};
    struct keeper_answer a = filterctl_request(ctl, &keeper_format_alias_add, &wanted);
    const int rc = a.code;
    if (rc != EX_OK)
        filterctl_complain("%s: %s", folded, a.text && *a.text ? a.text : "the alias could not be made");
    keeper_answer_clear(&a);
    return rc;
}

/* Whose mailbox the operator's tables lead to from this address: the key is that user's, by whom all their addresses
 * are sealed. g_free; NULL after complaining: that cannot be known now. */
static char *user_behind(const struct filterctl *ctl, const char *address)
{
    g_autofree char *error = NULL;
    GPtrArray *found = NULL;
    if (!settings_has_tables(ctl->settings))
        return g_strdup(address);
    struct users *users = users_open(ctl->settings->state_dir, false, &error);
    struct tables_client *tables = tables_client_new_alone(ctl->settings);
    if (users)
        users_use_tables(users, tables_client_users(tables));
    const enum users_result result =
        users ? users_resolve(users, address, ctl->settings->recipient_delimiter, &found) : USERS_TEMP;
    char *user = result == USERS_TEMP ? NULL : g_strdup(result == USERS_FOUND && found->len == 1 ? found->pdata[0] : address);
    if (!user)
        filterctl_complain("%s: whose mail that is cannot be known now%s%s", address, error ? ": " : "", error ? error : "");
    if (found)
        g_ptr_array_unref(found);
    users_free(&users);
    tables_client_free(&tables);
    return user;
}

/* Whose key comes from a column has no other: the next message would put that one in its place again. */
static bool has_column(const struct filterctl *ctl, const char *user)
{
    g_autofree char *home = NULL;
    return keyring_current(ctl->settings->state_dir, user, &home) == KEYRING_FOUND && column_key_made(home);
}

static int import(struct filterctl *ctl, const char *address, const struct arguments *a)
{
    const struct keyring_notes notes = {note_keys, ctl};
    struct keyring_input input = {.add = a->add, .force = a->force, .also = address, .notes = &notes};
    struct key_info *key = NULL;
    g_autofree char *error = NULL;
    if (a->count < 1 || a->count > 2)
        return EX_USAGE;
    g_autofree char *user = user_behind(ctl, address);
    if (user && has_column(ctl, user)) {
        filterctl_complain("%s: the key comes from [users] key: change it there, or empty it and \"key remove\" first", user);
        return EX_UNAVAILABLE;
    }
    int rc = !user ? EX_TEMPFAIL : filterctl_read(a->words[1], &input.text) ? EX_OK : EX_NOINPUT;
    if (rc == EX_OK) {
        rc = keyring_import(ctl->settings->state_dir, user, &input, &key, &error);
        if (rc != EX_OK)
            filterctl_complain("%s: %s", user, error);
    }
    bytes_free(&input.text);
    if (rc == EX_OK)
        tell_imported(ctl, user, key);
    key_info_free(key);
    return rc == EX_OK ? add_folded(ctl, user) : rc;
}

/* Accepts blanks and a leading 0x, as people copy them. */
static char *fingerprint_of(const char *text)
{
    GString *out = g_string_new(NULL);
    if (text && g_ascii_strncasecmp(text, "0x", 2) == 0)
        text += 2;
    for (; text && *text; text++)
        if (*text != ' ' && *text != ':')
            g_string_append_c(out, g_ascii_toupper(*text));
    return g_string_free(out, FALSE);
}

/* Is there nothing but the note of a key folder? */
static bool is_lost(const struct filterctl *ctl, const char *user)
{
    g_autofree char *home = NULL, *error = NULL;
    struct users *users = users_open(ctl->settings->state_dir, false, &error);
    const bool lost = users && users_key_noted(users, user) == USERS_FOUND &&
                      keyring_current(ctl->settings->state_dir, user, &home) == KEYRING_NONE;
    users_free(&users);
    return lost;
}

static int remove_key(struct filterctl *ctl, const char *user, const struct arguments *a)
{
    const struct keyring_notes notes = {note_keys, ctl};
    g_autofree char *error = NULL, *fingerprint = fingerprint_of(a->words[1]);
    if (a->count < 1 || a->count > 2 || has_options(a))
        return EX_USAGE;
    const bool lost = a->count == 1 && is_lost(ctl, user), column = has_column(ctl, user);
    int rc = keyring_remove(ctl->settings->state_dir, user, a->count == 2 ? fingerprint : NULL, &notes,
                            &error);
    if (lost && rc == EX_NOUSER) {
        g_clear_pointer(&error, g_free);
        rc = EX_OK; /* only the note of a lost folder was there */
    }
    if (rc != EX_OK)
        filterctl_complain("%s", error);
    else if (ctl->json)
        puts("{\"ok\":true}");
    else
        printf("%s: %s removed%s\n", user, a->count == 2 ? fingerprint : "all keys",
               column ? "; with the next mail it comes back if [users] key still has one" : "");
    return rc;
}

static bool is_fingerprint(const char *text)
{
    size_t len = strlen(text);
    return (len == 40 || len == 64) && strspn(text, "0123456789ABCDEF") == len;
}

static int print_export(struct filterctl *ctl, const char *user, const struct bytes *key)
{
    GString *out = g_string_new("{\"user\":");
    if (ctl->json) {
        filterctl_json_string(out, user);
        append_member(out, "keys", (const char *)key->data);
        printf("%s}\n", out->str);
    } else {
        fwrite(key->data, 1, key->len, stdout);
    }
    g_string_free(out, TRUE);
    return EX_OK;
}

static int export(struct filterctl *ctl, const char *user, const struct arguments *a)
{
    struct bytes key = {0};
    g_autofree char *error = NULL, *home = NULL, *fingerprint = fingerprint_of(a->words[1]);
    if (a->count < 1 || a->count > 2 || has_options(a) ||
        (a->count == 2 && !is_fingerprint(fingerprint)))
        return EX_USAGE;
    if (keyring_current(ctl->settings->state_dir, user, &home) != KEYRING_FOUND) {
        filterctl_complain("%s has no key", user);
        return EX_NOUSER;
    }
    int rc = EX_NOUSER;
    if (keyring_export(home, a->count == 2 ? fingerprint : NULL, KEYRING_ARMORED, &key, &error))
        rc = print_export(ctl, user, &key);
    else
        filterctl_complain("%s: %s", user, error);
    bytes_free(&key);
    return rc;
}

int filterctl_key(struct filterctl *ctl, int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(struct filterctl *ctl, const char *user, const struct arguments *a);
    } subcommands[] = {{"import", import},     {"list", list},     {"show", show},
                       {"remove", remove_key}, {"export", export}, {"check", check}};
    struct arguments a = {0};
    if (argc < 2 || !parse(argc, argv, &a))
        return EX_USAGE;
    for (size_t i = 0; i < G_N_ELEMENTS(subcommands); i++) {
        if (strcmp(subcommands[i].name, argv[1]))
            continue;
        g_autofree char *user = a.count ? filterctl_address(a.words[0]) : NULL;
        if (a.count && !user)
            return EX_DATAERR;
        return subcommands[i].run(ctl, user, &a);
    }
    return EX_USAGE;
}
