/* Follows the message of "check --prove" through Postfix's log by its queue ids. Called by prove.c. */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/filterctl/check/prove.h"
#include "tools/filterctl/postconf.h"

/* Marks a queue id as removed; compared by address, so it must be one object (equal literals may be two). */
static char gone_mark[] = "gone";
#define GONE ((gpointer)gone_mark)

static const char *const usual[] = {"/var/log/mail.log", "/var/log/maillog", "/var/log/mail"};

void filterctl_trace_begin(struct filterctl_trace *t, const struct filterctl_postconf *p, const char *id)
{
    struct stat st;
    const char *set = p ? filterctl_postconf_get(p, "maillog_file") : "";
    *t = (struct filterctl_trace){.id = id, .since = time(NULL)};
    t->queued = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (*set) /* if maillog_file is set, Postfix logs nowhere else */
        t->log = g_strdup(set);
    for (size_t i = 0; !t->log && i < G_N_ELEMENTS(usual); i++)
        if (access(usual[i], R_OK) == 0)
            t->log = g_strdup(usual[i]);
    if (t->log && stat(t->log, &st) == 0)
        t->from = st.st_size;
}

void filterctl_trace_end(struct filterctl_trace *t)
{
    if (t->queued)
        g_hash_table_unref(t->queued);
    g_free(t->log);
    g_free(t->stuck);
    *t = (struct filterctl_trace){0};
}

static char *journal_since(time_t since, gsize *len_r)
{
    g_autofree char *from = g_strdup_printf("--since=@%lld", (long long)since);
    g_autofree char *program = g_find_program_in_path("journalctl");
    char *argv[] = {program, (char *)"--quiet", (char *)"--no-pager", from, NULL};
    g_autofree char *out = NULL;
    int status = 0;
    if (!program || !g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, &status, NULL))
        return NULL;
    if (!g_spawn_check_wait_status(status, NULL))
        return NULL;
    *len_r = strlen(out);
    return g_steal_pointer(&out);
}

/* Returns the log, NULL with errno. In a container Postfix logs to /dev/stdout, which for us is our own
 * output: that is refused. */
static char *file_text(const char *path, gsize *len_r)
{
    struct stat st;
    char *text = NULL;
    if (access(path, R_OK) || stat(path, &st))
        return NULL;
    errno = ENOTSUP;
    if (!S_ISREG(st.st_mode) || !strcmp(path, "/dev/stdout"))
        return NULL;
    errno = EIO;
    return g_file_get_contents(path, &text, len_r, NULL) ? text : NULL;
}

char *filterctl_trace_text(struct filterctl_trace *t, gsize *len_r)
{
    char *text = t->log ? file_text(t->log, len_r) : journal_since(t->since, len_r);
    t->error = text ? 0 : t->log ? errno : ENODATA;
    if (!t->log || !text)
        return text;
    if ((gsize)t->from <= *len_r) { /* if it is shorter now it was rotated: take all of it */
        *len_r -= (gsize)t->from;
        memmove(text, text + t->from, *len_r + 1);
    }
    return text;
}

/* Parses a line "... postfix/smtp[123]: QUEUEID: REST". */
static bool parse(const char *line, char **id_r, char **rest_r)
{
    static GRegex *form;
    GMatchInfo *m = NULL;
    if (!form)
        form = g_regex_new("postfix[^\\[]*\\[\\d+\\]: ([0-9A-Za-z]{6,}): (.*)$", G_REGEX_OPTIMIZE, 0, NULL);
    const bool ok = g_regex_match(form, line, 0, &m);
    if (ok) {
        *id_r = g_match_info_fetch(m, 1);
        *rest_r = g_match_info_fetch(m, 2);
    }
    g_match_info_free(m);
    return ok;
}

static void take(struct filterctl_trace *t, const char *id, const char *rest)
{
    g_autofree char *ours = g_strdup_printf("message-id=<%s@", t->id);
    if (g_str_has_prefix(rest, ours)) {
        g_hash_table_replace(t->queued, g_strdup(id), NULL);
        return;
    }
    if (!g_hash_table_contains(t->queued, id))
        return;
    if (!strcmp(rest, "removed"))
        g_hash_table_replace(t->queued, g_strdup(id), GONE);
    const char *status = strstr(rest, "status=");
    if (status && !g_str_has_prefix(status, "status=sent")) {
        g_free(t->stuck);
        t->stuck = g_strdup(status + strlen("status="));
    }
}

void filterctl_trace_read(struct filterctl_trace *t)
{
    gsize len = 0;
    g_autofree char *text = filterctl_trace_text(t, &len);
    g_hash_table_remove_all(t->queued);
    g_clear_pointer(&t->stuck, g_free);
    t->finished = false;
    if (!text)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **l = lines; *l; l++) {
        g_autofree char *id = NULL, *rest = NULL;
        if (parse(*l, &id, &rest))
            take(t, id, rest);
    }
    GHashTableIter i;
    gpointer gone;
    t->finished = g_hash_table_size(t->queued) > 0;
    g_hash_table_iter_init(&i, t->queued);
    while (g_hash_table_iter_next(&i, NULL, &gone))
        t->finished &= gone == GONE;
}

guint filterctl_trace_purge(const struct filterctl_trace *t, const struct filterctl_postconf *p)
{
    GHashTableIter i;
    gpointer id, gone;
    guint purged = 0;
    g_autofree char *program = g_find_program_in_path("postsuper");
    g_hash_table_iter_init(&i, t->queued);
    while (g_hash_table_iter_next(&i, &id, &gone)) {
        const char *folder = filterctl_postconf_folder(p);
        const char *argv[] = {program ? program : "/usr/sbin/postsuper", "-d", id, folder ? "-c" : NULL, folder, NULL};
        int status = -1;
        if (gone != GONE &&
            g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_STDOUT_TO_DEV_NULL,
                         NULL, NULL, NULL, NULL, &status, NULL))
            purged += status == 0;
    }
    return purged;
}
