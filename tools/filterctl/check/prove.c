/* filterctl check --prove: sends a message through Postfix, watches what is written on this host
 * meanwhile, and reports where the message was readable. Called by check.c. */
#include "tools/filterctl/check/prove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "gpg/keyring.h"
#include "tools/filterctl/filterctl.h"

/* Long enough for a gpg start and a busy queue. Greylisting does not count: the message comes from this
 * host. */
#define ARRIVE_S 60
#define STEP_MS 100
/* The wait where neither the log nor the kernel can show the arrival: the message just gets time to pass
 * through the folders that are polled. */
#define BLIND_S 5
/* The last file may be written a moment after Postfix has logged the delivery. */
#define AFTER_MS 300
/* After Ctrl-C: the time to remove the message from queue and mailbox. */
#define LEAVE_MS 5000

struct prove {
    struct filterctl_check check;
    char *to, *smtp, *from, *folder; /* of options, lent from argv; to is allocated */
    bool keep;
    struct filterctl_postconf *postfix; /* NULL: postconf failed */
    struct filterctl_attachment attachment;
    struct filterctl_canary canary;
    struct filterctl_watch watch;
    struct filterctl_trace trace;
    const char *queue; /* Postfix's queue_directory; "": not known */
};

/* ---- what was asked for ---- */

static bool take_options(struct prove *p, int argc, char **argv)
{
    const struct {
        const char *name;
        char **value;
    } options[] = {{"--to", &p->to}, {"--smtp", &p->smtp}, {"--from", &p->from}, {"--postfix", &p->folder}};
    for (int i = 1; i < argc; i++) {
        size_t n = 0;
        p->keep |= !strcmp(argv[i], "--keep");
        if (!strcmp(argv[i], "--keep") || !strcmp(argv[i], "--prove"))
            continue;
        while (n < G_N_ELEMENTS(options) && strcmp(argv[i], options[n].name))
            n++;
        if (n == G_N_ELEMENTS(options) || ++i == argc)
            return false;
        *options[n].value = argv[i];
    }
    return true;
}

static void first_user(const char *user, void *arg)
{
    char **to = arg;
    if (!*to || strcmp(user, *to) < 0) {
        g_free(*to);
        *to = g_strdup(user);
    }
}

/* Makes p->to canonical; without --to it is the first user with a key. */
static bool choose_recipient(struct prove *p)
{
    if (p->to) {
        p->to = filterctl_address(p->to);
        return p->to != NULL;
    }
    if (!keyring_each_user(p->check.ctl->settings->state_dir, first_user, &p->to)) {
        filterctl_complain("%s/keys cannot be read", p->check.ctl->settings->state_dir);
        return false;
    }
    if (!p->to)
        filterctl_complain("no user has a key: import one, or name a recipient with --to");
    return p->to != NULL;
}

/* ---- the way ---- */

static void watch_folders(struct prove *p)
{
    static const char *const queues[] = {"maildrop", "incoming", "active", "deferred", "hold", "corrupt"};
    const struct settings *s = p->check.ctl->settings;
    for (size_t i = 0; *p->queue && i < G_N_ELEMENTS(queues); i++) {
        g_autofree char *path = g_build_filename(p->queue, queues[i], NULL);
        filterctl_watch_folder(&p->watch, path);
    }
    p->watch.polled = p->watch.folders->len;
    filterctl_watch_folder(&p->watch, s->state_dir);
    for (size_t i = 0; i < s->listener_count; i++) {
        g_autofree char *run = s->listeners[i].at.path ? g_path_get_dirname(s->listeners[i].at.path) : NULL;
        filterctl_watch_folder(&p->watch, run);
    }
    filterctl_watch_folder(&p->watch, getenv("TMPDIR"));
    filterctl_watch_folder(&p->watch, "/tmp");
    filterctl_watch_folder(&p->watch, "/var/tmp");
    filterctl_watch_folder(&p->watch, "/var/log");
}

static bool hand_in(struct prove *p)
{
    g_autofree char *said = NULL;
    g_autofree char *sender = g_strdup_printf("filterctl <postmaster@%s>", p->check.ctl->settings->hostname);
    GString *message = g_string_new(NULL);
    filterctl_canary_write(&p->canary, p->from ? p->from : sender, p->to, message);
    const struct filterctl_parcel parcel = {p->attachment.address, p->from ? p->from : "", p->to, message->str, &p->watch};
    const bool ok = filterctl_parcel_send(&parcel, &said);
    filterctl_check_tell(&p->check, ok ? FILTERCTL_CHECK_OK : FILTERCTL_CHECK_BAD, "smtp",
                         ok ? "%s took the message for %s" : "%s: the message for %s was not taken",
                         ok ? p->attachment.address : said, p->to);
    g_string_free(message, TRUE);
    return ok;
}

static bool below(const char *path, const char *folder)
{
    const size_t n = folder ? strlen(folder) : 0;
    return n && g_str_has_prefix(path, folder) && path[n] == '/';
}

/* True if this file holds the message itself, sealed or not, and is not in the queue: it is in a mailbox. */
static bool is_delivered(const struct prove *p, const struct filterctl_sighting *s)
{
    return s->found & CANARY_MARKED && !(*p->queue && below(s->path, p->queue));
}

static bool any_delivered(const struct prove *p)
{
    GHashTableIter i;
    gpointer s;
    g_hash_table_iter_init(&i, p->watch.sightings);
    while (g_hash_table_iter_next(&i, NULL, &s))
        if (is_delivered(p, s))
            return true;
    return false;
}

/* "Postfix's log X cannot be read (why)"; g_free. */
static char *unread_log(const struct prove *p)
{
    return p->trace.log ? g_strdup_printf("Postfix's log %s cannot be read (%s%s)", p->trace.log,
                                          g_strerror(p->trace.error), geteuid() ? "; this is not root" : "")
                        : g_strdup("Postfix's log, the journal, cannot be read");
}

/* True if nothing can show the arrival: neither Postfix's log nor the kernel. */
static bool is_blind(const struct prove *p)
{
    return p->trace.error && p->watch.fd < 0;
}

/* Reports a message that did not arrive. A user who may not read the whole log cannot tell whether Postfix
 * knows the message, so that is only a warning. */
static void tell_absent(struct prove *p, int seconds)
{
    const bool queued = g_hash_table_size(p->trace.queued) > 0;
    g_autofree char *unread = p->trace.error ? unread_log(p) : NULL;
    if (p->trace.stuck)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_BAD, "delivery", "it got stuck in Postfix: %s", p->trace.stuck);
    else if (unread)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "delivery", "%s: it is not known whether it arrived", unread);
    else if (!queued && geteuid())
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "delivery",
                             "after %d s %s, as far as it is shown to who is not root, does not know it: it is not "
                             "known whether it arrived", seconds, p->trace.log ? p->trace.log : "the journal");
    else
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_BAD, "delivery", "after %d s it is nowhere, %s", seconds,
                             queued ? "and Postfix's log shows it still queued" : "and Postfix's log does not know it");
}

static void wait_for_arrival(struct prove *p)
{
    const bool terminal = isatty(STDERR_FILENO) && !p->check.ctl->json;
    bool there = false;
    int limit_s = ARRIVE_S;
    for (int ms = 0; ms < limit_s * 1000 && !there && !p->trace.stuck && !filterctl_prove_stop_wanted(); ms += STEP_MS) {
        if (terminal)
            fprintf(stderr, "\rwaiting for it to arrive: %d of %d s\033[K", ms / 1000, limit_s);
        filterctl_watch_look(&p->watch, -1, STEP_MS);
        filterctl_trace_read(&p->trace);
        there = p->trace.finished || (any_delivered(p) && !g_hash_table_size(p->trace.queued));
        limit_s = is_blind(p) ? BLIND_S : ARRIVE_S;
    }
    filterctl_watch_look(&p->watch, -1, AFTER_MS);
    if (terminal)
        fputs("\r\033[K", stderr);
    if ((!there || p->trace.stuck) && !filterctl_prove_stop_wanted())
        tell_absent(p, limit_s);
}

/* Where no mailbox file was seen (Dovecot's own formats, or no fanotify), asks doveadm for the message. */
static void ask_dovecot(struct prove *p)
{
    g_autofree char *program = g_find_program_in_path("doveadm");
    g_autofree char *id = g_strdup_printf("<%s@filterctl.prove>", p->canary.id);
    char *argv[] = {program, (char *)"fetch", (char *)"-u", p->to, (char *)"text", (char *)"HEADER",
                    (char *)"Message-ID", id, NULL};
    g_autofree char *out = NULL;
    if (any_delivered(p) || !program)
        return;
    if (g_spawn_sync(NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, NULL, NULL) && out)
        filterctl_watch_text(&p->watch, "doveadm fetch", out, strlen(out));
}

static void look_everywhere(struct prove *p)
{
    gsize len = 0;
    g_autofree char *log = filterctl_trace_text(&p->trace, &len);
    filterctl_watch_scan(&p->watch);
    if (log)
        filterctl_watch_text(&p->watch, p->trace.log ? p->trace.log : "the journal", log, len);
    ask_dovecot(p);
}

/* Removes the message from queue and mailboxes; returns the number of files. What no file was seen of lies in
 * one of Dovecot's own formats, which only Dovecot can take it out of. */
static guint clean_up(struct prove *p)
{
    GHashTableIter i;
    gpointer data;
    guint removed = 0, delivered = 0;
    if (p->keep)
        return 0;
    if (p->postfix)
        removed += filterctl_trace_purge(&p->trace, p->postfix);
    g_hash_table_iter_init(&i, p->watch.sightings);
    while (g_hash_table_iter_next(&i, NULL, &data)) {
        if (!is_delivered(p, data))
            continue;
        removed += filterctl_prove_remove(data);
        delivered++;
    }
    if (delivered && !removed)
        removed += filterctl_prove_expunge(p->to, p->canary.id);
    return removed;
}

/* After Ctrl-C the message may be moving: not in the queue any more and in the mailbox a moment later. So
 * look again until it was found or LEAVE_MS are over. */
static void clean_up_early(struct prove *p)
{
    guint removed = 0;
    for (int ms = 0; ms < LEAVE_MS && !(removed && p->trace.finished); ms += AFTER_MS) {
        filterctl_trace_read(&p->trace);
        removed += clean_up(p);
        filterctl_watch_look(&p->watch, -1, AFTER_MS);
        filterctl_trace_read(&p->trace);
    }
    filterctl_watch_scan(&p->watch);
    removed += clean_up(p);
    if (p->keep)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_BAD, "stopped", "interrupted: nothing is proved; its message stays");
    else if (removed)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_BAD, "stopped",
                             "interrupted: nothing is proved; its message was removed (%u files)", removed);
    else
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_BAD, "stopped",
                             "interrupted: nothing is proved; its message was not seen: look for "
                             "<%s@filterctl.prove> in the mailbox of %s", p->canary.id, p->to);
}

/* ---- the report ---- */

struct finding {
    guint files;
    unsigned found;
    const char *path; /* of one of the files */
};

enum kind { IN_QUEUE, IN_STATE, IN_LOG, ELSEWHERE, KINDS };

static enum kind kind_of(const struct prove *p, const char *path)
{
    const struct settings *s = p->check.ctl->settings;
    if (*p->queue && below(path, p->queue))
        return IN_QUEUE;
    if (below(path, s->state_dir))
        return IN_STATE;
    for (size_t i = 0; i < s->listener_count; i++) {
        g_autofree char *run = s->listeners[i].at.path ? g_path_get_dirname(s->listeners[i].at.path) : NULL;
        if (below(path, run) && strchr(path + strlen(run) + 1, '/') == NULL)
            return IN_STATE;
    }
    if (below(path, "/var/log") || !strcmp(path, "the journal") || !g_strcmp0(path, p->trace.log))
        return IN_LOG;
    return ELSEWHERE;
}

/* What must not be readable there. The subject may be in the queue and in mailboxes, as it stands outside
 * the ciphertext, but not in logs or filterd's own folders. */
static unsigned hidden_in(enum kind kind)
{
    return CANARY_HIDDEN | (kind == IN_LOG || kind == IN_STATE ? 1u << CANARY_SUBJECT : 0);
}

/* Warns if a part of the folder could not be read: then nothing is proved about it. True if it warned. */
static bool tell_hidden(struct prove *p, const char *subject, const char *name, const char *folder)
{
    const struct filterctl_folder *f = *folder ? filterctl_watch_hidden(&p->watch, folder) : NULL;
    const int error = f ? f->error : access(folder, F_OK) ? errno : 0;
    if (error)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, subject,
                             "%s cannot be looked into%s, %s: %s: nothing is proved of it", name,
                             geteuid() ? ", as this is not root" : "",
                             f ? f->hidden : *folder ? folder : "its folder is not known", g_strerror(error));
    return error != 0;
}

static void tell_queue(struct prove *p, const struct finding *f)
{
    static const char *const where[] = {"on a disk that is not encrypted", "on an encrypted disk", "in memory"};
    g_autofree char *places = filterctl_canary_places(f->found & CANARY_HIDDEN);
    if (!f->files && tell_hidden(p, "queue", "Postfix's queue", p->queue))
        return;
    if (!f->files) {
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_OK, "queue", "nothing of it in plaintext in %s", p->queue);
        return;
    }
    const enum filterctl_disk disk = filterctl_disk_of(p->queue);
    const enum filterctl_check_level level = p->attachment.kind == ATTACHED_PROXY || p->attachment.kind == ATTACHED_NOT ? FILTERCTL_CHECK_BAD
                                             : disk == DISK_PLAIN ? FILTERCTL_CHECK_WARNING
                                                                  : FILTERCTL_CHECK_OK;
    filterctl_check_tell(&p->check, level, "queue", "Postfix's queue, %s, held it in plaintext (%s), as %s", where[disk], places,
                         f->path);
}

static void tell_kind(struct prove *p, enum kind kind, const struct finding *f, const char *name)
{
    g_autofree char *places = filterctl_canary_places(f->found & hidden_in(kind));
    g_autofree char *unread = kind == IN_LOG && p->trace.error ? unread_log(p) : NULL;
    if (!f->files && unread)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "log", "%s: nothing is proved of it", unread);
    else if (!f->files && kind == IN_STATE && tell_hidden(p, "filterd", name, p->check.ctl->settings->state_dir))
        return;
    else if (!f->files && kind == IN_LOG && !g_hash_table_size(p->trace.queued))
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "log",
                             "%s knows nothing of the message: nothing is proved of Postfix's log", name);
    else if (f->files)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_BAD, kind == IN_LOG ? "log" : "filterd",
                             "plaintext in %s (%s), as %s", name, places, f->path);
    else
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_OK, kind == IN_LOG ? "log" : "filterd",
                             "nothing of it in plaintext in %s", name);
}

/* True if this is the former name of a file that was renamed and is reported under its new name. */
static bool is_old_name(const struct prove *p, const struct filterctl_sighting *s)
{
    GHashTableIter i;
    gpointer data;
    if (access(s->path, F_OK) == 0)
        return false;
    g_hash_table_iter_init(&i, p->watch.sightings);
    while (g_hash_table_iter_next(&i, NULL, &data)) {
        const struct filterctl_sighting *o = data;
        if (o != s && o->inode && o->inode == s->inode && o->found == s->found && access(o->path, F_OK) == 0)
            return true;
    }
    return false;
}

/* Reports a mailbox, or any other file on the host. */
static void tell_elsewhere(struct prove *p, const struct filterctl_sighting *s)
{
    if (is_old_name(p, s))
        return;
    g_autofree char *places = filterctl_canary_places(s->found & CANARY_HIDDEN);
    if (s->found & CANARY_HIDDEN)
        filterctl_check_tell(&p->check,
                             *s->path == '/' && filterctl_disk_of(s->path) == DISK_MEMORY ? FILTERCTL_CHECK_WARNING
                                                                                          : FILTERCTL_CHECK_BAD,
                             s->found & CANARY_MARKED ? "mailbox" : "disk", "%s: holds it in plaintext (%s)", s->path,
                             places);
    else if ((s->found & CANARY_SEALED) && (s->found & CANARY_MARKED))
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_OK, "mailbox", "%s: holds it sealed", s->path);
}

static gint by_path(gconstpointer a, gconstpointer b)
{
    return strcmp(((const struct filterctl_sighting *)a)->path, ((const struct filterctl_sighting *)b)->path);
}

static void tell_sightings(struct prove *p)
{
    struct finding findings[KINDS] = {0};
    guint subjects = 0;
    GList *all = g_list_sort(g_hash_table_get_values(p->watch.sightings), by_path);
    for (GList *l = all; l; l = l->next) {
        const struct filterctl_sighting *s = l->data;
        const enum kind kind = kind_of(p, s->path);
        struct finding *f = &findings[kind];
        subjects += (s->found & 1u << CANARY_SUBJECT) && !(s->found & hidden_in(kind));
        if (!(s->found & hidden_in(kind)))
            continue;
        f->files++;
        f->found |= s->found;
        f->path = s->path;
    }
    tell_queue(p, &findings[IN_QUEUE]);
    tell_kind(p, IN_STATE, &findings[IN_STATE], "filterd's own folders");
    tell_kind(p, IN_LOG, &findings[IN_LOG], p->trace.log ? p->trace.log : "the journal");
    for (GList *l = all; l; l = l->next)
        if (kind_of(p, ((struct filterctl_sighting *)l->data)->path) == ELSEWHERE)
            tell_elsewhere(p, l->data);
    if (p->trace.finished && !p->trace.stuck && !any_delivered(p))
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "mailbox",
                             "Postfix has delivered it, but its file was not seen: look at <%s@filterctl.prove> in "
                             "the mailbox of %s", p->canary.id, p->to);
    if (subjects)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_OK, "subject",
                             "readable in %u files beside, as filterd says: it stands outside what is sealed", subjects);
    g_list_free(all);
}

static void tell_how(struct prove *p)
{
    const struct filterctl_folder *hidden = filterctl_watch_hidden(&p->watch, NULL);
    if (p->watch.fd >= 0 && p->watch.lost)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "watch",
                             "files written on this host meanwhile were read, but not all of them: %s",
                             g_strerror(p->watch.lost));
    else if (p->watch.fd >= 0)
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_OK, "watch", "every file written on this host meanwhile was read");
    else
        filterctl_check_tell(&p->check, FILTERCTL_CHECK_WARNING, "watch",
                             "%s: only the queue, filterd's folders, temporary folders and logs were looked through, "
                             "and what lived for milliseconds may be missed%s%s",
                             geteuid() ? "this is not root" : "the kernel tells nothing of writes (fanotify)",
                             hidden ? "; nor could all be looked into, as " : "", hidden ? hidden->hidden : "");
}

static void run(struct prove *p)
{
    filterctl_canary_init(&p->canary);
    p->queue = p->postfix ? filterctl_postconf_get(p->postfix, "queue_directory") : "";
    filterctl_watch_begin(&p->watch, &p->canary);
    filterctl_trace_begin(&p->trace, p->postfix, p->canary.id);
    watch_folders(p);
    filterctl_prove_stop_begin();
    const bool taken = hand_in(p);
    if (taken)
        wait_for_arrival(p);
    if (taken && filterctl_prove_stop_wanted()) {
        clean_up_early(p);
    } else if (taken) {
        look_everywhere(p);
        tell_how(p);
        tell_sightings(p);
        clean_up(p);
    }
    filterctl_trace_end(&p->trace);
    filterctl_watch_end(&p->watch);
    filterctl_canary_clear(&p->canary);
}

int filterctl_prove(struct filterctl *ctl, int argc, char **argv)
{
    struct prove p = {.check = {.ctl = ctl}};
    g_autofree char *error = NULL;
    if (!take_options(&p, argc, argv))
        return EX_USAGE;
    if (!choose_recipient(&p))
        return EX_NOUSER;
    p.postfix = filterctl_postconf_read(p.folder, &error);
    if (!p.postfix)
        filterctl_check_tell(&p.check, FILTERCTL_CHECK_BAD, "postfix", "%s", error);
    else if (filterctl_attachment_find(&p.attachment, p.postfix, p.smtp))
        filterctl_attachment_tell(&p.attachment, p.postfix, &p.check);
    else
        filterctl_check_tell(&p.check, FILTERCTL_CHECK_BAD, "postfix", "its master.cf has no smtpd for %s", p.attachment.address);
    if (!p.attachment.address)
        filterctl_attachment_find(&p.attachment, NULL, p.smtp);
    run(&p);
    if (!filterctl_prove_stop_wanted())
        filterctl_disk_tell(&p.check);
    if (ctl->json)
        puts(p.check.lines ? "]" : "[]");
    fflush(stdout);
    filterctl_prove_stop_end();
    filterctl_attachment_clear(&p.attachment);
    filterctl_postconf_free(&p.postfix);
    g_free(p.to);
    return p.check.worst;
}
