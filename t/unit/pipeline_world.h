/* pipeline_world: a service with settings, users and aliases of a test's own, and a message on its way through
 * it. What stands around it is played (pipeline_played.h). */
#ifndef T_UNIT_PIPELINE_WORLD_H
#define T_UNIT_PIPELINE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "base/result.h"
#include "base/sitekey.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/pipeline/context.h"
#include "filterd/pipeline/pipeline.h"
#include "filterd/pipeline/received.h"
#include "rules/hits.h"
#include "t/unit/pipeline_played.h"
#include "t/unit/test_folder.h"

static struct settings settings;
static struct listener inbound = {.name = (char *)"in", .protocol = PROTO_LMTP};
static struct listener submission __attribute__((unused)) = {.name = (char *)"out", .protocol = PROTO_SMTP,
                                                             .role = ROLE_SUBMISSION};
static char *world_domains[] = {(char *)"example.org", (char *)"example.net", NULL};
static char *no_list[] = {NULL};
static const struct sitekey key = {{1, 2, 3}};
static struct context *context;
static struct users *book; /* the same users, for writing */
static struct envelope *envelope;
static struct received received;
static struct outcome outcomes[32];
static int log_file = -1;

static inline int world_open(void **state)
{
    char *error = NULL;
    (void)state;
    if (folder_make("unused"))
        return -1;
    played_begin();
    settings = (struct settings){.mode = MODE_TOE, .limits = limits_default,
                                 .hostname = (char *)"mx.example.org",
                                 .header_prefix = (char *)"X-Filterd",
                                 .recipient_delimiter = (char *)"+",
                                 .message_size_limit = 3000000,
                                 .spam_threshold = 0.9, .unsure_threshold = 0.5,
                                 .domains = world_domains, .trusted_networks = no_list,
                                 .bad_key = POLICY_DEFER, .queue_days = 10};
    settings.state_dir = folder;
    settings.control.path = (char *)"/nonexistent/control.sock";
    log_file = memfd_create("log", MFD_CLOEXEC);
    log_to_fd(log_file);
    book = users_open(folder, true, &error);
    assert_non_null(book);
    context = context_new(&settings, &key, CONTEXT_ALONE);
    envelope = envelope_new(&inbound);
    envelope->sender = g_strdup("sender@a.example");
    received = (struct received){.envelope = envelope, .evidence = &played_evidence};
    return 0;
}

static inline int world_close(void **state)
{
    envelope_free(&envelope);
    context_free(&context);
    users_free(&book);
    played_end();
    log_to_fd(STDERR_FILENO);
    close(log_file);
    return folder_remove(state);
}

/* A service for other settings, which begins without what it knew. */
static inline void world_begin_anew(void)
{
    context_free(&context);
    context = context_new(&settings, &key, CONTEXT_ALONE);
}

/* ---- who there is ---- */

/* By a folder for keys; what they are good for says the name (pipeline_played.h). */
static inline void user(const char *name)
{
    char *path = users_key_dir(folder, name);
    assert_int_equal(g_mkdir_with_parents(path, 0700), 0);
    g_free(path);
}

static inline void alias(const char *address, const char *member)
{
    char *error = NULL;
    if (!users_alias_add(book, address, member, &error))
        fail_msg("%s", error);
}

/* Who has a setting is a user. */
static inline void set(const char *name, const char *setting, const char *value)
{
    char *error = NULL;
    if (!users_set(book, name, setting, value, &error))
        fail_msg("%s", error);
}

/* A database that is none: nobody can be resolved. The service sees it when it is made anew. */
static inline void spoil_users(void)
{
    char *path = g_build_filename(folder, "users.db", NULL);
    users_free(&book);
    folder_empty(folder);
    assert_true(g_file_set_contents(path, "this is no database, but long enough to be looked at", -1, NULL));
    g_free(path);
    world_begin_anew();
}

/* ---- a message ---- */

#define FIELDS "From: friend@a.example\r\nTo: x\r\nSubject: hello\r\nMessage-ID: <1@a.example>\r\n"
#define CONTENT "Content-Type: text/plain\r\n\r\nwords of a letter\r\n"
#define MAIL FIELDS CONTENT

static inline struct recipient *to(const char *address)
{
    return envelope_add_recipient(envelope, address, NULL);
}

/* With what the rules found: 6 and more is spam to everybody, 2 is unsure. */
static inline void weighs(double weight)
{
    g_ptr_array_set_size(played_evidence.hits, 0);
    hits_add(played_evidence.hits, "played", weight, NULL);
}

static inline void run(const char *raw)
{
    struct bytes bytes = {0};
    struct next_hop *hop = next_hop_new(NULL, NULL);
    bytes_adds(&bytes, raw);
    received.raw = &bytes;
    memset(outcomes, 0, sizeof outcomes);
    pipeline_run(context, hop, &received, outcomes);
    next_hop_free(&hop);
    bytes_free(&bytes);
}

/* To these alone, with all that was remembered before forgotten. */
static inline void run_to(const char *raw, const char *const *addresses)
{
    g_ptr_array_set_size(envelope->recipients, 0);
    g_ptr_array_set_size(played_copies, 0);
    g_ptr_array_set_size(played_asked, 0);
    assert_int_equal(ftruncate(log_file, 0), 0);
    lseek(log_file, 0, SEEK_SET);
    for (; *addresses; addresses++)
        to(*addresses);
    run(raw);
}

#define TO(...) (const char *const[]){__VA_ARGS__, NULL}

/* ---- what became of it ---- */

static inline void assert_outcome(guint i, enum outcome_reason reason)
{
    if (!outcome_is(&outcomes[i], reason))
        fail_msg("recipient %u: %d %s %s", i, outcomes[i].code, outcomes[i].dsn, outcomes[i].text);
    assert_int_equal(outcomes[i].result, outcome_of(reason).result);
}

/* The n-th that came to the next hop; fails if there are fewer. */
static inline const struct played_copy *copy(guint n)
{
    if (n >= played_copies->len)
        fail_msg("there are %u copies", played_copies->len);
    return played_copies->pdata[n];
}

/* Our fields on a copy that was judged as nobody new is, by an empty model. */
#define JUDGED(mark) "X-Filterd-Result: Innocent\r\nX-Filterd-Probability: 0.4013\r\n" \
                     "X-Filterd-Confidence: 0.20\r\nX-Filterd-Signature: SIGNATURE\r\n" UNJUDGED(mark)
#define UNJUDGED(mark) "X-Filterd-Encrypted: " mark "\r\n" \
                       "Authentication-Results: mx.example.org; played=yes\r\n"

/* With SIGNATURE instead of what is never the same; g_free. */
static inline char *masked(const char *text)
{
    const char *field = strstr(text, "-Signature: ");
    if (!field)
        return g_strdup(text);
    const char *at = field + strlen("-Signature: "), *end = strstr(at, "\r\n");
    assert_int_equal(end - at, 24);
    return g_strdup_printf("%.*sSIGNATURE%s", (int)(at - text), text, end);
}

/* The copy is this, byte for byte. */
static inline void assert_passed(const struct played_copy *c, const char *want)
{
    char *text = masked(c->text);
    assert_string_equal(text, want);
    g_free(text);
}

/* It is sealed for these users (by blanks), this stands outside and this inside. */
static inline void assert_sealed(const struct played_copy *c, const char *users, const char *outside,
                                 const char *inside)
{
    char *text = masked(c->text), *opened = played_opened(c->text);
    char *want = g_strdup_printf("for %s:\n%s", users, inside), *mime = strstr(text, "MIME-Version: 1.0\r\n");
    assert_non_null(mime);
    *mime = 0;
    assert_string_equal(text, outside);
    assert_string_equal(opened, want);
    g_free(want);
    g_free(opened);
    g_free(text);
}

static inline void assert_holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static inline void assert_lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in:\n%s", part, text);
}

/* All lines so far; lent until the next call. */
static inline const char *logged(void)
{
    static char text[20000];
    const ssize_t n = pread(log_file, text, sizeof text - 1, 0);
    text[n < 0 ? 0 : n] = 0;
    return text;
}

static inline guint logged_times(const char *part)
{
    guint n = 0;
    for (const char *p = logged(); (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, world_open, world_close)

#endif
