/* What a worker that was taken over may ask of the keeper: a process with the keeper's uid, inside a worker's
 * sandbox, tries every verb of the table, with whole arguments, at both of the keeper's doors; and to prove that it
 * is an administrator. With arguments (control socket, state_dir) it asks the daemon that runs there: t/e2e_inside.t
 * does so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/frame_stream.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_policy.h"
#include "base/sitekey.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_process.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/keeper_verbs.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/sockets.h"
#include "t/unit/test_folder.h"

#define ALICE "alice@example.com"
#define OWN_UID 54320

enum { ANSWER_MS = 20000 };

static struct settings settings;
static struct sitekey key;
static pid_t keeper;
static int importer_line[2]; /* its end first */

/* Whole arguments for every verb: each takes of them what it knows. */
static GVariant *arguments(void)
{
    const guint32 features[] = {1, 2, 3};
    const char *const users[] = {"mallory@example.com", NULL};
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    const char *const texts[][2] = {
        {"user", ALICE}, {"login", ALICE}, {"signature", "AbC"}, {"class", "spam"}, {"name", "encrypt"},
        {"value", "no"}, {"sender", "a@x.example"}, {"recipient", ALICE}};
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        g_variant_dict_insert(&d, texts[i][0], "s", texts[i][1]);
    g_variant_dict_insert(&d, "address", "s", "192.0.2.1");
    g_variant_dict_insert_value(&d, "users", g_variant_new_strv(users, -1));
    g_variant_dict_insert_value(&d, "features", g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, features, 3, 4));
    g_variant_dict_insert_value(&d, "digests", g_variant_new_from_data(G_VARIANT_TYPE_BYTESTRING, "sixteen bytes!!!", 16,
                                                                       TRUE, NULL, NULL));
    g_variant_dict_insert_value(&d, "file", g_variant_new_bytestring("no export"));
    return g_variant_dict_end(&d);
}

/* ---- the attempts, in the sandbox: they return how many went wrong ---- */

static int complain(const char *format, const char *verb, int code)
{
    fprintf(stderr, format, verb, code);
    fputc('\n', stderr);
    return 1;
}

/* What a worker may ask, written down a second time: one more verb of the table wants a line here, and one of what it
 * bounds in man/filterd.8 (A worker that is taken over). */
static const char *const for_workers[] = {
    "ping", "record", "confirm", "learn", "greylist", "retry-known", "retry-served", "retry-forget", "retry-failed",
    "proof-known", "proof-spent", NULL};

/* may: the verbs that this door has for us. */
static int try_each_verb(const struct endpoint *at, const char *const *may)
{
    size_t count;
    int wrong = 0;
    const struct keeper_verb *verbs = keeper_verbs(&count);
    for (size_t i = 0; i < count; i++) {
        const int fd = keeper_connect(at);
        const int code = keeper_call(fd, verbs[i].request->verb, arguments(), ANSWER_MS, NULL);
        const bool allowed = g_strv_contains(may, verbs[i].request->verb);
        if (fd < 0 || (code == EX_NOPERM) == allowed)
            wrong += complain(allowed ? "%s is refused: %d" : "%s is allowed: %d", verbs[i].request->verb, code);
        close(fd);
    }
    return wrong;
}

static const struct {
    const char *what;
    int flags;
    bool opens; /* where Landlock is in force */
} ways[] = {{"reading", O_RDONLY, true}, {"writing", O_WRONLY, false}, {"both", O_RDWR, false},
            {"neither", 3, true}, {"its path", O_PATH | O_RDWR, true}, {"truncating", O_RDONLY | O_TRUNC, false}};

/* Hands the lock over, opened in each way: none of them proves anything. */
static int try_to_prove(const struct endpoint *control, const char *state_dir)
{
    g_autofree char *lock = g_build_filename(state_dir, "lock", NULL);
    int wrong = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
        const int fd = keeper_connect(control), passed = open(lock, ways[i].flags | O_CLOEXEC);
        if (passed >= 0 && sandbox_has_landlock() && !ways[i].opens)
            wrong += complain("the lock can be opened for %s: %d", ways[i].what, passed);
        if (passed >= 0 && frame_stream_pass(fd, g_variant_new("(s@a{sv})", "ping", arguments()), passed)) {
            struct keeper_answer a = keeper_hear(fd, ANSWER_MS);
            if (a.code != EX_NOPERM)
                wrong += complain("ping with the lock open for %s: %d", ways[i].what, a.code);
            keeper_answer_clear(&a);
        }
        const int code = keeper_call(fd, "user-set", arguments(), ANSWER_MS, NULL);
        if (code != EX_NOPERM)
            wrong += complain("user-set with the lock open for %s: %d", ways[i].what, code);
        close(passed);
        close(fd);
    }
    return wrong;
}

static int attempt(const char *control_path, const char *state_dir)
{
    const struct endpoint control = {.path = (char *)control_path};
    struct endpoint workers = keeper_workers_at(&control);
    const int wrong = try_each_verb(&control, (const char *const[]){NULL}) + try_each_verb(&workers, for_workers) +
                      try_to_prove(&control, state_dir);
    g_free(workers.path);
    return wrong;
}

/* Runs the attempts in a child that has become what a worker is. */
static int from_inside(const char *control_path, const char *state_dir)
{
    int status;
    const pid_t child = fork();
    if (child == 0) {
        const struct settings s = {.message_size_limit = 1000000};
        if (getuid() == 0 && setuid(OWN_UID))
            _exit(1);
        sandbox_policy_close(&s, SANDBOX_WORKER);
        _exit(attempt(control_path, state_dir) != 0);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* ---- a keeper of our own ---- */

static void start_keeper(void)
{
    char byte, *error = NULL;
    struct endpoint workers = keeper_workers_at(&settings.control);
    struct stat importer;
    int ready[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, importer_line), 0);
    assert_int_equal(fstat(importer_line[0], &importer), 0);
    const struct keeper_doors doors = {sockets_listen(&settings.control, &settings.control_rights, NULL, &error),
                                       sockets_listen(&workers, &settings.control_rights, NULL, &error), -1, &importer};
    g_free(workers.path);
    assert_true(doors.control >= 0 && doors.workers >= 0 && pipe(ready) == 0);
    peer_credentials_prepare(&settings);
    keeper = fork();
    if (keeper == 0) {
        if (getuid() == 0 && setuid(OWN_UID))
            _exit(1);
        _exit(keeper_process_run(&settings, &key, &doors, ready[1]));
    }
    close(ready[1]);
    close(doors.control);
    close(doors.workers);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static int set_up(void **state)
{
    char hex[] = "7777777777777777777777777777777777777777777777777777777777777777\n";
    char *error = NULL;
    (void)state;
    settings = (struct settings){.mode = MODE_TOE, .recipient_delimiter = (char *)"+", .settle_days = 5,
                                 .workers = 10, .signature_days = 21, .greylist = true, .greylist_wait = 300};
    settings.state_dir = g_dir_make_tmp("filterd-inside-XXXXXX", NULL);
    settings.site_key = g_build_filename(settings.state_dir, "site.key", NULL);
    settings.control.path = g_build_filename(settings.state_dir, "control.sock", NULL);
    assert_true(g_file_set_contents(settings.site_key, hex, -1, NULL));
    assert_true(sitekey_load(settings.site_key, false, &key, &error));
    if (getuid() == 0)
        assert_true(chown(settings.state_dir, OWN_UID, OWN_UID) == 0 && chown(settings.site_key, OWN_UID, OWN_UID) == 0);
    start_keeper();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    kill(keeper, SIGTERM);
    waitpid(keeper, NULL, 0);
    close(importer_line[0]);
    close(importer_line[1]);
    folder_empty(settings.state_dir);
    const int failed = rmdir(settings.state_dir);
    g_free(settings.state_dir);
    g_free(settings.site_key);
    g_free(settings.control.path);
    return failed;
}

static void test_from_inside_a_worker(void **state)
{
    (void)state;
    assert_int_equal(from_inside(settings.control.path, settings.state_dir), 0);
}

/* A note of a key, with a descriptor handed over; the answer's code. */
static int note_with(const struct endpoint *at, const char *verb, int passed)
{
    const int fd = keeper_connect(at);
    struct keeper_answer a = {.code = -1};
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "user", "s", "column@example.com");
    g_variant_dict_insert(&d, "state", "s", "keys");
    if (frame_stream_pass(fd, g_variant_new("(s@a{sv})", verb, g_variant_dict_end(&d)), passed))
        a = keeper_hear(fd, ANSWER_MS);
    const int code = a.code;
    keeper_answer_clear(&a);
    close(fd);
    return code;
}

/* By its end of its line, and at the workers' door: and then it may note keys, and nothing that a worker may. */
static void test_who_is_the_importer(void **state)
{
    struct endpoint workers = keeper_workers_at(&settings.control);
    int status, other[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, other), 0);
    const pid_t child = fork();
    if (child == 0) {
        if (getuid() == 0 && setuid(OWN_UID))
            _exit(100);
        const int got[] = {
            note_with(&workers, "key-note", importer_line[0]), note_with(&workers, "key-note", importer_line[1]),
            note_with(&workers, "key-note", other[0]), note_with(&settings.control, "key-note", importer_line[0]),
            note_with(&workers, "greylist", importer_line[0]), note_with(&workers, "user-set", importer_line[0])};
        int first = 0;
        while (first < (int)G_N_ELEMENTS(got) && got[first] == (first ? EX_NOPERM : EX_OK))
            first++;
        _exit(first);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 6);
    close(other[0]);
    close(other[1]);
    g_free(workers.path);
}

/* The keeper's own uid outside of a sandbox, as filterctl has it: an administrator by the lock. */
static void test_who_can_write_the_lock(void **state)
{
    int status;
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        if (getuid() == 0 && setuid(OWN_UID))
            _exit(1);
        const int fd = keeper_connect(&settings.control);
        const int before = keeper_call(fd, "alias-remove", arguments(), ANSWER_MS, NULL);
        const bool heard = keeper_administer(fd, settings.state_dir, ANSWER_MS);
        const int code = keeper_call(fd, "alias-remove", arguments(), ANSWER_MS, NULL);
        _exit(before != EX_NOPERM || !heard || (code == EX_OK) != sandbox_has_landlock());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The master's socket takes the connection, and no keeper will ever answer: filterctl does not wait for one. */
static void test_no_keeper(void **state)
{
    char *error = NULL, *folder = g_dir_make_tmp("filterd-inside-XXXXXX", NULL);
    g_autofree char *lock = g_build_filename(folder, "lock", NULL);
    const struct endpoint control = {.path = g_build_filename(folder, "control.sock", NULL)};
    const int door = sockets_listen(&control, &settings.control_rights, NULL, &error);
    (void)state;
    assert_true(door >= 0 && g_file_set_contents(lock, "", 0, NULL));
    const int fd = keeper_connect(&control);
    assert_true(fd >= 0);
    assert_false(keeper_administer(fd, folder, -1));
    close(fd);
    close(door);
    folder_empty(folder);
    assert_int_equal(rmdir(folder), 0);
    g_free(control.path);
    g_free(folder);
}

/* ---- one keeper follows another ---- */

static GVariant *record(const char *signature)
{
    GArray *features = g_array_new(FALSE, TRUE, sizeof(guint32));
    const struct keeper_record r = {.user = ALICE, .signature = signature, .class = "ham", .features = features};
    GVariant *packed = keeper_format_pack(&keeper_format_record, &r);
    g_array_unref(features);
    return packed;
}

/* As by a reload: what workers have said is done, though they did not wait for the answer; who asks when it is too late
 * notices, and has the next keeper's answer. */
static void test_nothing_is_lost_between_keepers(void **state)
{
    struct endpoint workers = keeper_workers_at(&settings.control);
    const char *const signatures[] = {"s1", "s2", "s3", "s4"};
    int fds[G_N_ELEMENTS(signatures)], status;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++) {
        fds[i] = keeper_connect(&workers);
        assert_int_equal(keeper_call(fds[i], "ping", NULL, ANSWER_MS, NULL), EX_OK);
    }
    kill(keeper, SIGSTOP);
    for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++)
        assert_true(keeper_tell(fds[0], "record", record(signatures[i]), ANSWER_MS));
    for (size_t i = 1; i < G_N_ELEMENTS(signatures); i++)
        assert_true(keeper_tell(fds[i], "ping", NULL, ANSWER_MS));
    kill(keeper, SIGTERM);
    kill(keeper, SIGCONT);
    assert_int_equal(waitpid(keeper, &status, 0), keeper);
    assert_int_equal(status, 0);
    for (size_t i = 1; i < G_N_ELEMENTS(signatures); i++) {
        struct keeper_answer a = keeper_hear(fds[i], ANSWER_MS);
        assert_int_equal(a.code, EX_OK);
        keeper_answer_clear(&a);
        assert_false(keeper_tell(fds[i], "ping", NULL, ANSWER_MS));
    }
    unlink(settings.control.path);
    unlink(workers.path);
    start_keeper();
    const int fd = keeper_connect(&workers);
    for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++) {
        const struct keeper_confirm c = {.user = ALICE, .signature = signatures[i]};
        assert_int_equal(keeper_call(fd, "confirm", keeper_format_pack(&keeper_format_confirm, &c), ANSWER_MS, NULL), EX_OK);
    }
    close(fd);
    for (size_t i = 0; i < G_N_ELEMENTS(signatures); i++)
        close(fds[i]);
    g_free(workers.path);
}

/* A reload starts a new keeper only for what concerns it. */
static void test_what_concerns_a_keeper(void **state)
{
    char *list[] = {(char *)"x.example", NULL}, *empty[] = {NULL};
    const struct settings a = {.workers = 10, .domains = empty};
    struct settings b = a;
    (void)state;
    b.domains = NULL;
    b.dkim = true;
    b.file = list[0];
    assert_true(keeper_process_same(&a, &b));
#define CONCERNS(change) \
    b = a; \
    b.change; \
    assert_false(keeper_process_same(&a, &b) || keeper_process_same(&b, &a))
    CONCERNS(mode = MODE_NONE);
    CONCERNS(settle_days = 1);
    CONCERNS(signature_days = 1);
    CONCERNS(greylist = true);
    CONCERNS(greylist_wait = 1);
    CONCERNS(queue_days = 1);
    CONCERNS(workers = 1);
    CONCERNS(sandbox_required = true);
    CONCERNS(alias_maps = list[0]);
    CONCERNS(mailbox_maps = list[0]);
    CONCERNS(recipient_delimiter = list[0]);
    CONCERNS(hostname = list[0]);
    CONCERNS(domains = list);
    CONCERNS(local_names = list);
    CONCERNS(train_users = list);
    CONCERNS(mailbox_maps = list[0]);
    CONCERNS(alias_maps = list[0]);
    CONCERNS(domain_maps = list[0]);
#undef CONCERNS
}

/* ---- clients that hold the keeper up ---- */

static int half_a_frame(void)
{
    const int fd = keeper_connect(&settings.control);
    if (fd >= 0)
        assert_int_equal(send(fd, "\0\0\3\0x", 5, MSG_NOSIGNAL), 5);
    return fd;
}

static int ping(void)
{
    struct endpoint workers = keeper_workers_at(&settings.control);
    const int fd = keeper_connect(&workers);
    const int code = keeper_call(fd, "ping", NULL, ANSWER_MS, NULL);
    g_free(workers.path);
    close(fd);
    return code;
}

/* More connections than a uid may have: the silent ones go, and whoever asks is answered. */
static void test_half_frames(void **state)
{
    int fds[300];
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        fds[i] = half_a_frame();
    /* If the keeper waited a second for the rest of each, no answer would come in time. */
    for (int i = 0; i < 20; i++)
        assert_int_equal(ping(), EX_OK);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
}

/* Connections that say nothing do not keep others out: the one that has been silent longest goes. */
static void test_silent_ones_go(void **state)
{
    int fds[300];
    char byte;
    const struct timeval patience = {.tv_sec = ANSWER_MS / 1000};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        assert_true((fds[i] = keeper_connect(&settings.control)) >= 0);
    setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(recv(fds[0], &byte, 1, 0), 0);
    assert_int_not_equal(keeper_call(fds[G_N_ELEMENTS(fds) - 1], "alias-remove", arguments(), ANSWER_MS, NULL),
                         EX_TEMPFAIL);
    for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
        close(fds[i]);
}

/* Who sends requests and never reads answers fills only their own socket. */
static void test_answers_that_nobody_reads(void **state)
{
    struct endpoint workers = keeper_workers_at(&settings.control);
    const int fd = keeper_connect(&workers);
    (void)state;
    bool full = false;
    for (int i = 0; i < 1000000 && !full; i++)
        full = !keeper_tell(fd, "ping", NULL, 200);
    assert_true(full);
    assert_int_equal(ping(), EX_OK);
    close(fd);
    g_free(workers.path);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_from_inside_a_worker, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_is_the_importer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_can_write_the_lock, set_up, tear_down),
        cmocka_unit_test(test_no_keeper),
        cmocka_unit_test_setup_teardown(test_nothing_is_lost_between_keepers, set_up, tear_down),
        cmocka_unit_test(test_what_concerns_a_keeper),
        cmocka_unit_test_setup_teardown(test_half_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_silent_ones_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_answers_that_nobody_reads, set_up, tear_down),
    };
    if (argc == 3)
        return from_inside(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
