/* Learning from a message's text: a learn session with a real keeper. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "classifier/content_signature.h"
#include "classifier/tokens.h"
#include "classifier/tokens_message.h"
#include "filterd/scoreboard.h"
#include "filterd/keeper/keeper_process.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/peer_credentials.h"
#include "filterd/pipeline/context.h"
#include "filterd/session/learn_session.h"
#include "filterd/sockets.h"
#include "gpg/seal.h"
#include "t/unit/test_folder.h"

#define USER "a@x.example"
#define HEADER "From: x@a.example\r\nSubject: cheap pills\r\n"
#define BODY "\r\nbuy now and only today\r\n"

static struct settings settings;
static struct sitekey key;
static struct context *context;
static struct scoreboard *scoreboard;
static pid_t keeper;

static void start_keeper(void)
{
    char byte, *error = NULL;
    struct endpoint workers = keeper_workers_at(&settings.control);
    int ready[2];
    const struct keeper_doors doors = {sockets_listen(&settings.control, &settings.control_rights, NULL, &error), sockets_listen(&workers, &settings.control_rights, NULL, &error), -1, NULL};
    assert_true(doors.control >= 0 && doors.workers >= 0 && pipe(ready) == 0);
    g_free(workers.path);
    keeper = fork();
    if (keeper == 0)
        _exit(keeper_process_run(&settings, &key, &doors, ready[1]));
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    close(doors.control);
    close(doors.workers);
}

/* Makes the address that of a user: a table names it. */
static void claim(const char *user)
{
    char *error = NULL;
    struct users *u = users_open(folder, true, &error);
    assert_true(u && users_alias_add(u, "everybody@all.example", user, &error));
    users_free(&u);
}

static char own_uid[16]; /* we play Dovecot's mail user */

static int set_up(void **state)
{
    const char *users[] = {own_uid, NULL};
    struct settings trains = {.train_users = (char **)users};
    char hex[] = "7777777777777777777777777777777777777777777777777777777777777777\n";
    char *error = NULL;
    (void)state;
    folder = g_dir_make_tmp("filterd-tutor-XXXXXX", NULL);
    settings = (struct settings){.mode = MODE_TOE, .limits = limits_default,
                                 .hostname = (char *)"mx.example.org",
                                 .header_prefix = (char *)"X-Filterd",
                                 .recipient_delimiter = (char *)"+",
                                 .message_size_limit = 3000000,
                                 .spam_threshold = 0.9,
                                 .unsure_threshold = 0.5,
                                 .settle_days = 5,
                                 .signature_days = 21};
    settings.state_dir = folder;
    settings.site_key = g_build_filename(folder, "site.key", NULL);
    settings.control.path = g_build_filename(folder, "control.sock", NULL);
    assert_true(g_file_set_contents(settings.site_key, hex, -1, NULL));
    assert_true(sitekey_load(settings.site_key, false, &key, &error));
    log_to_fd(STDERR_FILENO);
    claim(USER);
    g_snprintf(own_uid, sizeof own_uid, "%ld", (long)getuid());
    peer_credentials_prepare(&trains);
    start_keeper();
    scoreboard = scoreboard_new(1);
    context = context_new(&settings, &key, CONTEXT_ALONE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    context_free(&context);
    scoreboard_free(&scoreboard);
    kill(keeper, SIGTERM);
    waitpid(keeper, NULL, 0);
    folder_empty(folder);
    const int failed = rmdir(folder);
    g_free(folder);
    g_free(settings.site_key);
    g_free(settings.control.path);
    return failed;
}

static GVariant *request(const char *verb, const char *login, const char *class)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "login", "s", login);
    g_variant_dict_insert(&d, "class", "s", class);
    return g_variant_new("(s@a{sv})", verb, g_variant_dict_end(&d));
}

static bool say(int fd, const char *data, size_t len)
{
    return frame_send(fd, g_variant_new_from_data(G_VARIANT_TYPE("ay"), data, len, TRUE, NULL, NULL),
                      1000);
}

static int hear(int fd, char **text_r)
{
    gint32 code = -1;
    GVariant *answer = frame_recv(fd, FRAME_ANSWER, 65536, 1000);
    if (!answer)
        return -1;
    g_variant_get(answer, "(isa{sv})", &code, text_r, NULL);
    g_variant_unref(answer);
    return code;
}

static int64_t note_sealed(void *arg)
{
    return scoreboard_note_sealed(arg);
}

static bool note_refused(void *arg)
{
    return scoreboard_note_refused(arg);
}

/* The test's own process plays the client: what it sends fits into the socket's buffer. */
static void serve(int fds[2])
{
    const struct learn_session_env env = {context, &key, note_sealed, note_refused, scoreboard};
    shutdown(fds[1], SHUT_WR);
    learn_session_run(fds[0], &env);
    shutdown(fds[0], SHUT_RDWR);
}

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
}

static int teach(const char *login, const char *class, const char *message)
{
    g_autofree char *text = NULL;
    int fds[2];
    open_pair(fds);
    assert_true(frame_send(fds[1], request("learn", login, class), 1000));
    const size_t half = strlen(message) / 2;
    assert_true(say(fds[1], message, half) && say(fds[1], message + half, strlen(message) - half));
    assert_true(say(fds[1], "", 0));
    serve(fds);
    const int code = hear(fds[1], &text);
    if (code != EX_OK)
        assert_true(text && *text);
    close(fds[0]);
    close(fds[1]);
    return code;
}

static double score(const char *user, const char *message)
{
    struct classifier *c = classifier_new(&settings, &key);
    struct message *m = message_new(message, strlen(message));
    struct tokens *t = tokens_new(m);
    struct judgement j;
    assert_true(classifier_judge(c, user, t, &j));
    judgement_clear(&j);
    tokens_free(&t);
    message_free(&m);
    classifier_free(&c);
    return j.score;
}

static void plaintext(void **state)
{
    (void)state;
    const double before = score(USER, HEADER BODY), other = score("b@x.example", HEADER BODY);
    assert_int_equal(teach("A@x.example", "spam", HEADER BODY), EX_OK);
    const double once = score(USER, HEADER BODY);
    assert_true(once > before + 1);
    /* The same message from another folder, with other line ends. */
    assert_int_equal(teach(USER, "spam",
                           "Return-Path: <y@a.example>\r\nDelivered-To: a@x.example\r\nReceived: by x\r\n"
                           "X-Filterd-Result: Spam\r\n" HEADER BODY),
                     EX_OK);
    assert_int_equal(teach(USER, "spam",
                           "From: x@a.example\nSubject: cheap pills\n\nbuy now and only today\n"),
                     EX_OK);
    assert_true(score(USER, HEADER BODY) == once);
    assert_int_equal(teach(USER, "ham", HEADER BODY), EX_OK);
    assert_true(score(USER, HEADER BODY) == before);
    assert_true(score("b@x.example", HEADER BODY) == other);
    assert_int_equal(teach(USER, "spam", ""), EX_OK);
}

static void sealed(void **state)
{
    static const char smime[] =
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
        "MIIAwgYJKoZIhvcNAQcDoIIAszCCAK8CAQIxbDBqAgEAgBSePNp4F7VT8Y8uzGoIp0XjgR++XDAN\r\n"
        "BgkqhkiG9w0BAQEFAARAnjzaeBe1U/GPLsxqCKdF44Efvlz6mDbVcxGvTuyKKMZlA6E/3nwauFb1\r\n"
        "kzHPbQyqSOaFI8Ff/Zw62HYVs1HvjTA8BgkqhkiG9w0BBwEwHQYJYIZIAWUDBAEqBBCePNp4F7VT\r\n"
        "8Y8uzGoIp0XjgBCePNp4F7VT8Y8uzGoIp0Xj\r\n";
    (void)state;
    struct message *m = message_new(smime, strlen(smime));
    assert_true(seal_is_encrypted(m));
    message_free(&m);
    const double before = score(USER, smime);
    assert_int_equal(teach(USER, "spam", smime), EX_OK);
    assert_int_equal(teach(USER, "spam", smime), EX_OK);
    assert_true(score(USER, smime) == before);
    assert_int_equal(scoreboard->shared->sealed_left, 2);
}

static void nonsense(void **state)
{
    char *text = NULL;
    int fds[2];
    (void)state;
    assert_int_equal(teach("a\tb@x.example", "spam", HEADER BODY), EX_DATAERR);
    assert_int_equal(teach(USER, "junk", HEADER BODY), EX_DATAERR);
    open_pair(fds);
    assert_true(frame_send(fds[1], request("record", USER, "spam"), 1000));
    serve(fds);
    assert_int_equal(hear(fds[1], &text), EX_DATAERR);
    g_clear_pointer(&text, g_free);
    close(fds[0]);
    close(fds[1]);
    /* A message without its last frame is incomplete: nothing is learnt. */
    open_pair(fds);
    assert_true(frame_send(fds[1], request("learn", USER, "spam"), 1000));
    assert_true(say(fds[1], HEADER BODY, strlen(HEADER BODY)));
    serve(fds);
    assert_int_equal(hear(fds[1], &text), EX_TEMPFAIL);
    g_clear_pointer(&text, g_free);
    close(fds[0]);
    close(fds[1]);
    settings.message_size_limit = 40;
    assert_int_equal(teach(USER, "spam", HEADER BODY), EX_DATAERR);
    assert_true(score(USER, HEADER BODY) == score("b@x.example", HEADER BODY));
}

/* With a socketpair the peer's uid is our own. */
static int taught_by(uid_t uid)
{
    g_autofree char *text = NULL;
    int fds[2];
    assert_int_equal(seteuid(uid), 0);
    open_pair(fds);
    assert_int_equal(seteuid(getuid()), 0);
    frame_send(fds[1], request("learn", USER, "spam"), 1000);
    say(fds[1], HEADER BODY, strlen(HEADER BODY));
    say(fds[1], "", 0);
    serve(fds);
    const int code = hear(fds[1], &text);
    close(fds[0]);
    close(fds[1]);
    return code;
}

static void train_by(const char *item)
{
    const char *users[] = {item, NULL};
    struct settings of = {.train_users = (char **)users};
    peer_credentials_prepare(&of);
}

static void strangers(void **state)
{
    (void)state;
    train_by("12345");
    if (getuid() == 0) {
        assert_int_equal(taught_by(0), EX_OK);
        assert_int_equal(taught_by(12345), EX_OK);
        assert_int_equal(taught_by(12346), -1);
        train_by("12345:X.example");
        assert_int_equal(taught_by(12345), EX_OK);
        train_by("12345:y.example");
        assert_int_equal(taught_by(12345), EX_NOPERM);
        assert_int_equal(taught_by(0), EX_OK);
    } else {
        assert_int_equal(taught_by(getuid()), -1); /* as a worker that was taken over */
        print_message("left out: a peer that is another user (only root can be one)\n");
    }
}

/* The login must be one user's: of others no model is made. */
static void no_users(void **state)
{
    g_autofree char *long_name = g_strnfill(300, 'a');
    const char *const names[] = {"(site)", "../x", "*", long_name, "nobody@x.example", "a", "x.example"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        assert_int_equal(teach(names[i], "spam", HEADER BODY), EX_DATAERR);
    g_autofree char *stores = g_build_filename(folder, "users", NULL);
    GDir *dir = g_dir_open(stores, 0, NULL);
    for (const char *name; dir && (name = g_dir_read_name(dir));)
        assert_true(g_str_has_prefix(name, USER));
    if (dir)
        g_dir_close(dir);
}

static void without_keeper(void **state)
{
    (void)state;
    kill(keeper, SIGTERM);
    waitpid(keeper, NULL, 0);
    assert_int_equal(teach(USER, "spam", HEADER BODY), EX_TEMPFAIL);
    start_keeper();
    assert_int_equal(teach(USER, "spam", HEADER BODY), EX_OK);
}

static char *imprint(const char *user, const char *raw)
{
    struct message *m = message_new(raw, strlen(raw));
    char *signature = content_signature_new(&key, user, m);
    assert_int_equal(strlen(signature), 24);
    message_free(&m);
    return signature;
}

static void imprints(void **state)
{
    const char *const others[][2] = {{"b@x.example", HEADER BODY},
                                     {USER, HEADER BODY "x"},
                                     {USER, "Date: today\r\n" HEADER BODY},
                                     {USER, HEADER "\r\n" BODY}};
    g_autofree char *own = imprint(USER, HEADER BODY), *again = imprint(USER, "Received: x\r\n" HEADER BODY);
    (void)state;
    assert_string_equal(own, again);
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *other = imprint(others[i][0], others[i][1]);
        assert_string_not_equal(own, other);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(plaintext), TEST(sealed),         TEST(nonsense),
        TEST(strangers), TEST(without_keeper), TEST(imprints),
        TEST(no_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
