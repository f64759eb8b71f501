/* filterctl lookup user ADDRESS: whose mail an address is, what users.db and each table said, and what becomes of
 * mail for it from outside. Called by lookup.c. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/address.h"
#include "base/config/users.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/pipeline/context.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/resolve.h"
#include "filterd/tables/tables_client.h"
#include "gpg/key_state.h"
#include "gpg/seal.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/lookup.h"

struct lookup {
    const char *address;
    GPtrArray *steps; /* of struct step* */
    GPtrArray *users; /* of char* */
    enum users_result result;
    struct policy_disposition mail;
};

struct step {
    const char *setting, *result; /* static */
    char *table, *key, *text;     /* table, text: NULL: none */
};

static void step_free(gpointer data)
{
    struct step *s = data;
    g_free(s->table);
    g_free(s->key);
    g_free(s->text);
    g_free(s);
}

static const char *word_of(enum users_result result)
{
    static const char *const words[] = {[USERS_TEMP] = "unreadable", [USERS_FOUND] = "found",
                                        [USERS_UNKNOWN] = "unknown", [USERS_ELSEWHERE] = "elsewhere"};
    return words[result];
}

/* ---- the questions ---- */

static bool is_noted(const struct lookup *l, const struct user_tables_step *said)
{
    for (guint i = 0; i < l->steps->len; i++) {
        const struct step *s = l->steps->pdata[i];
        if (!strcmp(s->setting, said->setting) && !strcmp(s->key, said->key))
            return true;
    }
    return false;
}

static void note_step(const struct user_tables_step *said, void *arg)
{
    static const char *const words[] = {[TABLE_TEMP] = "unreadable", [TABLE_FOUND] = "found", [TABLE_NONE] = "none"};
    struct lookup *l = arg;
    if (is_noted(l, said)) /* another spelling led to it again */
        return;
    struct step *s = g_new0(struct step, 1);
    const bool here = said->table && g_str_has_prefix(said->table, "inline:"); /* the whole table is its name */
    const char *table = said->result == TABLE_NONE ? NULL : here ? "inline:{...}" : said->table;
    *s = (struct step){said->setting, words[said->result], g_strdup(table),
                       g_strdup(said->key), g_strdup(said->text)};
    g_ptr_array_add(l->steps, s);
}

static char *joined(GPtrArray *words)
{
    GString *all = g_string_new(NULL);
    for (guint i = 0; i < words->len; i++)
        g_string_append_printf(all, "%s%s", i ? " " : "", (const char *)words->pdata[i]);
    return g_string_free(all, FALSE);
}

/* What filterctl's own commands made: without the tables. */
static void ask_users_db(struct lookup *l, struct context *ctx)
{
    g_autofree char *meant = NULL;
    GPtrArray *users = NULL;
    struct step *s = g_new0(struct step, 1);
    const enum users_result result = resolve_users(ctx, l->address, &meant, &users);
    *s = (struct step){"users.db", word_of(result), NULL, g_strdup(l->address), NULL};
    if (result == USERS_FOUND)
        s->text = joined(users);
    else if (result == USERS_TEMP)
        s->text = g_strdup(users_error(ctx->users));
    g_ptr_array_add(l->steps, s);
    if (users)
        g_ptr_array_unref(users);
}

static void ask_all(struct lookup *l, struct context *ctx)
{
    struct envelope *e = envelope_new(NULL);
    struct recipient_state st;
    g_autofree char *meant = NULL;
    ask_users_db(l, ctx);
    users_use_tables(ctx->users, tables_client_users(ctx->tables));
    tables_client_trace(ctx->tables, note_step, l);
    l->result = resolve_users(ctx, l->address, &meant, &l->users);
    recipient_state_fill(&st, ctx, e, envelope_add_recipient(e, l->address, ""));
    tables_client_trace(ctx->tables, NULL, NULL);
    l->mail = st.disposition;
    recipient_state_clear(&st);
    envelope_free(&e);
}

/* ---- the answer ---- */

static const char *mail_word(const struct lookup *l)
{
    switch (l->mail.handling) {
    case POLICY_HANDLE_SEAL:
        return "sealed";
    case POLICY_HANDLE_FOREIGN:
        return "foreign";
    case POLICY_HANDLE_PASS:
        return l->mail.exempt ? "exempt" : l->result == USERS_FOUND ? "no_key" : word_of(l->result);
    default:
        return "refused";
    }
}

/* What it means, or the reply to the client. */
static char *mail_text(const struct lookup *l)
{
    static const char *const texts[][2] = {
        {"sealed", "to the keys of all of them"},
        {"foreign", "no domain of ours: neither judged nor sealed"},
        {"exempt", "in the clear: a user set encrypt=no"},
        {"no_key", "in the clear: nobody behind it has a key, and no_key is pass"},
        {"elsewhere", "in the clear: its alias leads to no user here"},
        {"unknown", "in the clear: nobody's, and unknown_recipient is pass"},
    };
    const char *word = mail_word(l);
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (!strcmp(texts[i][0], word))
            return g_strdup(texts[i][1]);
    const struct outcome o = outcome_of(l->mail.reason);
    return g_strdup_printf("%d %s %s", o.code, o.dsn, o.text);
}

static const char *key_word(struct context *ctx, const char *user, char **text_r)
{
    static const char *const words[] = {[KEY_UNREADABLE] = "unreadable", [KEY_NONE] = "none", [KEY_GOOD] = "good",
                                        [KEY_BAD] = "bad"};
    g_autofree char *why = NULL, *fingerprint = NULL;
    enum key_state state = sealer_key(ctx->sealer, user, &fingerprint, &why);
    if (state == KEY_NONE && users_key_noted(ctx->users, user) != USERS_UNKNOWN) {
        state = KEY_BAD;
        why = g_strdup("users.db notes a key, and its folder is gone");
    }
    *text_r = g_strdup(state == KEY_GOOD || !why ? fingerprint : why);
    return words[state];
}

static void print_text(const struct lookup *l, struct context *ctx)
{
    g_autofree char *users = joined(l->users), *mail = mail_text(l);
    printf("%s\t%s\nmail\t%s\t%s\n", word_of(l->result), users, mail_word(l), mail);
    for (guint i = 0; i < l->users->len; i++) {
        g_autofree char *text = NULL;
        const char *word = key_word(ctx, l->users->pdata[i], &text);
        printf("key\t%s\t%s%s%s\n", (const char *)l->users->pdata[i], word, text ? "\t" : "", text ? text : "");
    }
    for (guint i = 0; i < l->steps->len; i++) {
        const struct step *s = l->steps->pdata[i];
        printf("%s\t%s\t%s%s%s%s%s\n", s->setting, s->key, s->result, s->table ? "\t" : "", s->table ? s->table : "",
               s->text ? "\t" : "", s->text ? s->text : "");
    }
}

static void append(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, "%s\"%s\":", out->str[out->len - 1] == '{' ? "" : ",", name);
    filterctl_json_string(out, value);
}

static void print_json(const struct lookup *l, struct context *ctx)
{
    GString *out = g_string_new("{");
    g_autofree char *mail = mail_text(l);
    append(out, "result", word_of(l->result));
    append(out, "mail", mail_word(l));
    append(out, "reason", mail);
    g_string_append(out, ",\"users\":[");
    for (guint i = 0; i < l->users->len; i++) {
        g_autofree char *text = NULL;
        const char *word = key_word(ctx, l->users->pdata[i], &text);
        g_string_append(out, i ? ",{" : "{");
        append(out, "user", l->users->pdata[i]);
        append(out, "key", word);
        append(out, "about", text);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "],\"steps\":[");
    for (guint i = 0; i < l->steps->len; i++) {
        const struct step *s = l->steps->pdata[i];
        g_string_append(out, i ? ",{" : "{");
        append(out, "asked", s->setting);
        append(out, "key", s->key);
        append(out, "result", s->result);
        append(out, "table", s->table);
        append(out, "value", s->text);
        g_string_append_c(out, '}');
    }
    printf("%s]}\n", out->str);
    g_string_free(out, TRUE);
}

int filterctl_lookup_user(struct filterctl *ctl, struct resolver *r, int argc, char **argv)
{
    (void)r;
    if (argc != 2)
        return EX_USAGE;
    g_autofree char *address = filterctl_address(argv[1]);
    if (!address || !filterctl_state(ctl))
        return address ? EX_TEMPFAIL : EX_DATAERR;
    struct context ctx = {.settings = ctl->settings, .users = users_watch(ctl->settings->state_dir),
                          .sealer = sealer_new(ctl->settings->state_dir)};
    struct lookup l = {.address = address, .steps = g_ptr_array_new_with_free_func(step_free)};
    if (settings_has_tables(ctl->settings))
        ctx.tables = tables_client_new_alone(ctl->settings);
    ask_all(&l, &ctx);
    if (!l.users)
        l.users = g_ptr_array_new_with_free_func(g_free);
    (ctl->json ? print_json : print_text)(&l, &ctx);
    g_ptr_array_unref(l.users);
    g_ptr_array_unref(l.steps);
    users_free(&ctx.users);
    tables_client_free(&ctx.tables);
    sealer_free(&ctx.sealer);
    return l.result == USERS_TEMP ? EX_TEMPFAIL : EX_OK;
}
