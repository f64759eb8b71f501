/* filterctl check: whether moves between folders reach filterd through the Dovecot that runs here, and whether stored mail
 * can be read. Called by check.c. */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/check/reach.h"
#include "tools/filterctl/doveconf.h"

#define SUBJECT "dovecot"
#define SNIPPET "include filterd's snippet for Dovecot (README.md)"
#define COMPILE "sievec -c /etc/dovecot/dovecot.conf -x '+vnd.dovecot.pipe +vnd.dovecot.environment +special-use' "

static bool has(const char *text, const char *pattern)
{
    return g_regex_match_simple(pattern, text, G_REGEX_MULTILINE, 0);
}

static bool is_running(const char *file)
{
    g_autofree char *base = filterctl_doveconf(file, "-h", "base_dir"), *text = NULL;
    g_autofree char *pid_file = base ? g_build_filename(base, "master.pid", NULL) : NULL;
    if (!pid_file || !g_file_get_contents(pid_file, &text, NULL, NULL))
        return false;
    const pid_t pid = (pid_t)atoi(text);
    return pid > 0 && (!kill(pid, 0) || errno == EPERM);
}

/* ---- training ---- */

/* The newest change of a settings file that tells which extensions Sieve has. */
static time_t settings_changed(const char *file)
{
    g_autofree char *main = g_strdup(file ? file : "/etc/dovecot/dovecot.conf"), *folder = g_path_get_dirname(main);
    g_autofree char *more = g_build_filename(folder, "conf.d", NULL);
    g_autoptr(GDir) dir = g_dir_open(more, 0, NULL);
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    time_t newest = 0;
    g_ptr_array_add(files, g_strdup(main));
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        g_ptr_array_add(files, g_build_filename(more, name, NULL));
    for (guint i = 0; i < files->len; i++) {
        g_autofree char *text = NULL;
        struct stat st;
        if (g_file_get_contents(files->pdata[i], &text, NULL, NULL) && strstr(text, "sieve_global_extensions") &&
            !stat(files->pdata[i], &st))
            newest = MAX(newest, st.st_mtime);
    }
    return newest;
}

/* Who trains: the first of train_users by name; g_free. NULL: none. */
static char *trainer(const struct filterctl_check *c)
{
    for (char **u = c->ctl->settings->train_users; *u; u++)
        if (!g_ascii_isdigit(**u))
            return g_strndup(*u, strcspn(*u, ":"));
    return NULL;
}

/* Whether the users' processes can use a file. */
static void check_use(struct filterctl_check *c, const char *path, int how)
{
    g_autofree char *user = trainer(c);
    const char *const paths[] = {path, NULL};
    int why;
    if (user && filterctl_reach_first(user, false, paths, how, &why) == 0 && why == EACCES)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "Dovecot's mail user %s may not %s %s, so moves between folders do not "
                             "train: chmod a+r%s it, and a+x the folders above", user, how == X_OK ? "run" : "read", path,
                             how == X_OK ? "x" : "");
}

static void check_script(struct filterctl_check *c, const char *path, time_t settings)
{
    struct stat script, binary;
    g_autofree char *stem = g_strndup(path, strlen(path) - strlen(".sieve"));
    g_autofree char *compiled = g_strconcat(stem, ".svbin", NULL);
    if (stat(path, &script))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "%s: %s", path, g_strerror(errno));
    else if (stat(compiled, &binary))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "%s is not compiled, and Dovecot's users may not: " COMPILE "%s",
                             path, path);
    else if (binary.st_mtime < script.st_mtime)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "%s was changed after it was compiled: " COMPILE "%s", path, path);
    else if (binary.st_mtime < settings)
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "%s was compiled before Dovecot's Sieve settings were changed: "
                             "reload Dovecot, then " COMPILE "%s", path, path);
    else
        check_use(c, compiled, R_OK);
}

/* Each script of ours that the settings name. */
static void check_scripts(struct filterctl_check *c, const char *text, const char *file)
{
    g_autoptr(GRegex) ours = g_regex_new("(/\\S*/(?:learn|spam-to-junk)\\.sieve)", 0, 0, NULL);
    g_autoptr(GMatchInfo) found = NULL;
    const time_t settings = settings_changed(file);
    for (g_regex_match(ours, text, 0, &found); g_match_info_matches(found); g_match_info_next(found, NULL)) {
        g_autofree char *path = g_match_info_fetch(found, 1);
        check_script(c, path, settings);
    }
}

static void check_pipe(struct filterctl_check *c, const char *text)
{
    g_autoptr(GRegex) setting = g_regex_new("^\\s*sieve_pipe_bin_dir\\s*=\\s*(\\S+)", G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) found = NULL;
    if (!g_regex_match(setting, text, 0, &found)) {
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "sieve_pipe_bin_dir is not set, so nothing trains: " SNIPPET);
        return;
    }
    g_autofree char *folder = g_match_info_fetch(found, 1), *program = g_build_filename(folder, "filterd-retrain", NULL);
    if (access(program, X_OK))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "%s, which moves between folders run (sieve_pipe_bin_dir): %s", program,
                             g_strerror(errno));
    else
        check_use(c, program, X_OK);
}

/* ---- for which folders ---- */

/* The value of a setting in doveconf's lines; g_free. NULL: it is not set. */
static char *value_of(const char *text, const char *name)
{
    g_autofree char *pattern = g_strdup_printf("^[ \\t]*%s[ \\t]*=[ \\t]*(.*?)[ \\t]*$", name);
    g_autoptr(GRegex) setting = g_regex_new(pattern, G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) found = NULL;
    return g_regex_match(setting, text, 0, &found) ? g_match_info_fetch(found, 1) : NULL;
}

struct rule {
    char *name, *from, *causes; /* NULL: any */
};

static void rule_free(gpointer data)
{
    struct rule *r = data;
    g_free(r->name);
    g_free(r->from);
    g_free(r->causes);
    g_free(r);
}

/* Dovecot 2.3's imapsieve_mailboxN_* that run our script, and 2.4's mailbox NAME { sieve_script }. */
static GPtrArray *rules_of(const char *text)
{
    GPtrArray *rules = g_ptr_array_new_with_free_func(rule_free);
    g_autoptr(GRegex) numbered = g_regex_new("imapsieve_mailbox(\\w+)_(?:before|after)\\s*=\\s*\\S*learn\\.sieve", 0, 0, NULL);
    g_autoptr(GRegex) block = g_regex_new("^\\s*mailbox \"?([^\"\\s{]+)\"? \\{\\s*sieve_script \\S+ \\{[^}]*learn\\.sieve",
                                          G_REGEX_MULTILINE, 0, NULL);
    g_autoptr(GMatchInfo) found = NULL, in = NULL;
    for (g_regex_match(numbered, text, 0, &found); g_match_info_matches(found); g_match_info_next(found, NULL)) {
        struct rule *r = g_new0(struct rule, 1);
        g_autofree char *n = g_match_info_fetch(found, 1), *name = g_strdup_printf("imapsieve_mailbox%s_name", n);
        g_autofree char *from = g_strdup_printf("imapsieve_mailbox%s_from", n);
        g_autofree char *causes = g_strdup_printf("imapsieve_mailbox%s_causes", n);
        *r = (struct rule){value_of(text, name), value_of(text, from), value_of(text, causes)};
        g_ptr_array_add(rules, r);
    }
    for (g_regex_match(block, text, 0, &in); g_match_info_matches(in); g_match_info_next(in, NULL)) {
        struct rule *r = g_new0(struct rule, 1);
        r->name = g_match_info_fetch(in, 1);
        g_ptr_array_add(rules, r);
    }
    return rules;
}

static bool is_any(const char *mailbox)
{
    return !mailbox || !strcmp(mailbox, "*");
}

/* True if users have a folder of that full name: the namespace's prefix, and a mailbox of the settings. */
static bool is_folder(const char *text, const char *name)
{
    g_autofree char *set = value_of(text, "prefix"), *prefix = g_strdup(set ? g_strdelimit(set, "\"", ' ') : "");
    g_strstrip(prefix);
    if (!g_str_has_prefix(name, prefix))
        return false;
    g_autofree char *quoted = g_regex_escape_string(name + strlen(prefix), -1);
    g_autofree char *pattern = g_strdup_printf("^\\s*mailbox \"?%s\"? \\{", quoted);
    return has(text, pattern);
}

/* One rule for all folders, as shipped, or one into a junk folder and one out of it. */
static void check_rules(struct filterctl_check *c, const char *text)
{
    g_autoptr(GPtrArray) rules = rules_of(text);
    const char *into = NULL, *out = NULL, *other = NULL;
    bool all = !rules->len, copies = !rules->len;
    for (guint i = 0; i < rules->len; i++) {
        const struct rule *r = rules->pdata[i];
        copies |= !r->causes || strcasestr(r->causes, "copy");
        all |= is_any(r->name) && is_any(r->from);
        into = !is_any(r->name) ? r->name : into;
        out = !is_any(r->from) && is_any(r->name) ? r->from : out;
        other = !is_any(r->name) && !is_folder(text, r->name) ? r->name : other;
    }
    if (!copies)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "IMAPSieve runs filterd's script, but not for what is moved: add COPY to "
                             "imapsieve_mailbox*_causes: " SNIPPET);
    else if (!all && other)
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "IMAPSieve runs filterd's script for %s, and no user has a folder of that "
                             "name (namespace prefix, mailbox): set imapsieve_mailbox*_name to *", other);
    else if (!all && (!into || !out))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "IMAPSieve runs filterd's script only %s: set imapsieve_mailbox*_name to "
                             "*, or what is moved %s does not train", into ? "for what comes into a folder" : "for what leaves one",
                             into ? "out of it" : "into it");
}

/* ---- all of training ---- */

/* What learn.sieve requires beside its programs. */
static void check_extensions(struct filterctl_check *c, const char *text)
{
    static const char *const names[] = {"vnd.dovecot.environment", "special-use"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (!strstr(text, names[i]))
            filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "Sieve has no %s (sieve_global_extensions), which filterd's script "
                                 "requires, so nothing trains: " SNIPPET, names[i]);
}

static bool delivers_by_lmtp(const struct settings *s)
{
    bool lmtp = false;
    for (size_t i = 0; i < s->listener_count; i++)
        lmtp |= s->listeners[i].protocol != PROTO_POLICY && settings_next_hop(s, &s->listeners[i])->kind == HOP_LMTP;
    return lmtp;
}

static void check_filing(struct filterctl_check *c, const char *text)
{
    if (delivers_by_lmtp(c->ctl->settings) && !has(text, "^protocol lmtp \\{[^}]*mail_plugins[^}]*\\bsieve\\b") &&
        !has(text, "^mail_plugins\\s*[={][^}]*?\\bsieve\\b"))
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "LMTP runs no Sieve (mail_plugins of protocol lmtp), so spam is not "
                             "filed: " SNIPPET);
}

static void check_training(struct filterctl_check *c, const char *text, const char *file)
{
    if (has(text, "\\bantispam\\b"))
        return; /* dovecot-antispam runs filterd-retrain itself */
    if (!has(text, "\\bimap_sieve\\b") || !has(text, "\\bsieve_imapsieve\\b") || !has(text, "learn\\.sieve")) {
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "IMAPSieve does not run filterd's script, so moves between folders do "
                             "not train: " SNIPPET);
        return;
    }
    if (!has(text, "\\bsieve_extprograms\\b") || !has(text, "vnd\\.dovecot\\.pipe"))
        filterctl_check_tell(c, FILTERCTL_CHECK_BAD, SUBJECT, "Sieve has no vnd.dovecot.pipe (sieve_extprograms, "
                             "sieve_global_extensions), so nothing trains: " SNIPPET);
    else
        check_pipe(c, text);
    check_extensions(c, text);
    check_rules(c, text);
    check_scripts(c, text, file);
    check_filing(c, text);
}

/* ---- mailboxes ---- */

static void check_mailboxes(struct filterctl_check *c, const char *text)
{
    const bool marked = has(text, "special_use\\s*=.*Junk");
    if (!marked && !has(text, "^\\s*mailbox \"?(?:INBOX[./])?(?:Junk|Spam|Junk E-mail)\\b"))
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "no mailbox is marked special_use = \\Junk and none is called Junk or "
                             "Spam: a folder of another name does not train");
    if (!marked && has(text, "^\\s*prefix = (?!\"?\"?$)(?!\"?INBOX)"))
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "the namespace has a prefix other than INBOX: mark the junk folder "
                             "special_use = \\Junk, or moves into it do not train");
    if (has(text, "\\bzlib\\b|\\bmail_compress\\b"))
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "mail is stored compressed (zlib, mail_compress): \"filterctl train\" "
                             "leaves such files out; moves between folders train as ever");
    if (has(text, "\\bmail_crypt\\b"))
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "mail is stored encrypted (mail_crypt): \"filterctl train\" leaves "
                             "such files out; moves between folders train as ever");
}

void filterctl_check_dovecot(struct filterctl_check *c)
{
    const int lines = c->lines;
    if (!c->ctl->settings->train_users[0] || !is_running(c->dovecot_file))
        return;
    g_autofree char *text = filterctl_doveconf(c->dovecot_file, "-n", NULL);
    if (!text) {
        filterctl_check_tell(c, FILTERCTL_CHECK_WARNING, SUBJECT, "doveconf -n fails, so its settings were not looked at");
        return;
    }
    check_training(c, text, c->dovecot_file);
    check_mailboxes(c, text);
    if (c->lines == lines)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, SUBJECT, "moves between folders train");
}
