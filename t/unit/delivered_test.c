/* The memory of delivered copies: attempts that are open, failed or done, and the file they are kept in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/delivered.h"
#include "t/unit/test_folder.h"

#define DIGEST DELIVERED_DIGEST_BYTES

/* Sixteen bytes each. */
static const char *const one = "the first digest", *const two = "the second diges";
static const char *const here = "from this place.", *const there = "from that place.";
/* Connections. */
enum { A = 100, B, C };

static struct delivered *open_store(void)
{
    char *error = NULL;
    struct delivered *r = delivered_open(folder, &error);
    if (!r)
        fail_msg("%s", error);
    return r;
}

/* A request over a connection: the attempt's name is this letter 16 times. */
struct request {
    int connection;
    char attempt;
    const char *copies, *origins;
};

static char known[8]; /* the answer: the copies that are known, as 0s and 1s */

static int say(struct delivered *r, enum delivered_deed deed, const struct request *q)
{
    g_autofree char *name = g_strnfill(DELIVERED_ATTEMPT_BYTES, q->attempt);
    const struct keeper_delivered d = {g_bytes_new(name, DELIVERED_ATTEMPT_BYTES),
                                       g_bytes_new(q->copies, q->copies ? strlen(q->copies) : 0),
                                       g_bytes_new(q->origins, q->origins ? strlen(q->origins) : 0)};
    GBytes *answer = NULL;
    g_autofree char *text = NULL;
    gsize n = 0;
    delivered_turn_to(r, q->connection);
    const int code = delivered_handle(r, deed, &d, deed == DELIVERED_KNOWN ? &answer : NULL, &text);
    const unsigned char *data = answer ? g_bytes_get_data(answer, &n) : NULL;
    for (gsize i = 0; i < n; i++)
        known[i] = (char)('0' + data[i]);
    known[n] = 0;
    if (answer)
        g_bytes_unref(answer);
    assert_true(code != EX_DATAERR || (text && !strchr(text, '\n')));
    g_bytes_unref(d.attempt);
    g_bytes_unref(d.copies);
    g_bytes_unref(d.origins);
    return code;
}

static const char *begins(struct delivered *r, int connection, char attempt, const char *copies, const char *origins)
{
    assert_int_equal(say(r, DELIVERED_KNOWN, &(struct request){connection, attempt, copies, origins}), EX_OK);
    return known;
}

static void delivers(struct delivered *r, int connection, char attempt, const char *copies, const char *origins)
{
    assert_int_equal(say(r, DELIVERED_SERVED, &(struct request){connection, attempt, copies, origins}), EX_OK);
}

static void fails(struct delivered *r, int connection, char attempt, const char *copies, const char *origins)
{
    assert_int_equal(say(r, DELIVERED_FAILED, &(struct request){connection, attempt, copies, origins}), EX_OK);
}

static void ends(struct delivered *r, int connection, char attempt)
{
    assert_int_equal(say(r, DELIVERED_FORGET, &(struct request){connection, attempt, NULL, NULL}), EX_OK);
}

static char *both(const char *a, const char *b)
{
    static char text[2 * DIGEST + 1];
    g_snprintf(text, sizeof text, "%s%s", a, b);
    return text;
}

/* Whether a new attempt from here finds the copy delivered. It leaves the memory as it was. */
static bool knows(struct delivered *r, const char *copy)
{
    const bool is = strcmp(begins(r, C, 'z', copy, here), "1") == 0;
    delivered_hang_up(r, C);
    return is;
}

/* An attempt from here delivers the copy and fails. */
static void leave(struct delivered *r, char attempt, const char *copy)
{
    delivers(r, A, attempt, copy, here);
    fails(r, A, attempt, copy, here);
}

static void a_failed_attempt_is_known(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    assert_string_equal(begins(r, A, 'a', both(one, two), here), "00");
    delivers(r, A, 'a', one, here);
    fails(r, A, 'a', one, here);
    assert_string_equal(begins(r, B, 'b', both(one, two), here), "10");
    assert_string_equal(begins(r, B, 'b', both(one, two), here), "10"); /* asked again as the answer was lost */
    delivers(r, B, 'b', two, here);
    fails(r, B, 'b', both(one, two), here);
    delivered_free(&r);
    r = open_store();
    assert_string_equal(begins(r, A, 'c', both(one, two), here), "11");
    ends(r, A, 'c');
    assert_string_equal(begins(r, A, 'd', both(one, two), here), "00");
    delivered_free(&r);
    assert_null(r);
}

/* Equal messages that sessions deliver at the same time. */
static void an_open_attempt_is_not(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    begins(r, A, 'a', one, here);
    delivers(r, A, 'a', one, here);
    assert_string_equal(begins(r, B, 'b', one, here), "0");
    delivers(r, B, 'b', one, here);
    ends(r, A, 'a');
    assert_string_equal(begins(r, A, 'c', one, here), "0");
    fails(r, B, 'b', one, here);
    assert_string_equal(begins(r, B, 'd', one, here), "1");
    assert_string_equal(begins(r, A, 'e', one, here), "0"); /* its copy belongs to the one before */
    delivered_free(&r);
}

/* As many copies are held back as were delivered by attempts that failed. */
static void each_copy_is_one_copy(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    for (char name = 'a'; name <= 'c'; name++)
        leave(r, name, one);
    for (char name = 'd'; name <= 'f'; name++) {
        assert_string_equal(begins(r, A, name, one, here), "1");
        ends(r, A, name);
    }
    assert_string_equal(begins(r, A, 'g', one, here), "0");
    /* A recipient that is named twice in one message has two copies, or none. */
    delivers(r, A, 'g', one, here);
    delivers(r, A, 'g', one, here);
    fails(r, A, 'g', both(one, one), here);
    assert_string_equal(begins(r, A, 'h', both(one, one), here), "11");
    delivered_free(&r);
}

static void the_connection_ends(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    begins(r, A, 'a', one, here);
    delivers(r, A, 'a', one, here);
    delivered_hang_up(r, B);
    assert_string_equal(begins(r, B, 'b', one, here), "0");
    delivered_hang_up(r, A);
    assert_string_equal(begins(r, B, 'c', one, here), "1");
    /* Its next message: the worker has given up this one. */
    assert_string_equal(begins(r, B, 'd', two, here), "0");
    assert_string_equal(begins(r, A, 'e', one, here), "1");
    /* It connects again in the middle of the message. */
    delivered_hang_up(r, A);
    delivers(r, B, 'e', two, here);
    assert_string_equal(begins(r, A, 'f', both(one, two), here), "00");
    ends(r, B, 'e');
    assert_string_equal(begins(r, A, 'g', both(one, two), here), "00");
    delivered_free(&r);
}

/* A keeper that was killed may not have read which copies were delivered. */
static void what_failed_is_said_whole(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    fails(r, A, 'a', both(one, two), here);
    assert_string_equal(begins(r, A, 'b', both(two, one), here), "11");
    delivered_free(&r);
}

static void strangers(void **state)
{
    struct delivered *r = open_store();
    g_autofree char *all = g_strconcat(here, there, NULL);
    (void)state;
    leave(r, 'a', one);
    assert_string_equal(begins(r, A, 'b', one, there), "0");
    delivers(r, A, 'b', one, there);
    fails(r, A, 'b', one, there);
    assert_string_equal(begins(r, A, 'c', one, here), "1");
    ends(r, A, 'c');
    assert_string_equal(begins(r, A, 'd', one, here), "0"); /* the stranger's does not count */
    assert_string_equal(begins(r, A, 'e', one, all), "1"); /* one origin of several is enough */
    delivered_free(&r);
}

/* Connects to this process, which accepts; *pid_r is the child, which lives until it is killed. */
static int connection_of_child(pid_t *pid_r)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    g_snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "delivered-test-%d", (int)getpid());
    const int door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(door, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(door, 1), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address))
            _exit(1);
        for (;;)
            pause();
    }
    const int fd = accept4(door, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    close(door);
    *pid_r = pid;
    return fd;
}

/* The keeper is killed while a worker delivers; the worker goes on, or is killed later. */
static void the_keeper_is_killed(void **state)
{
    struct delivered *r = open_store();
    pid_t pid;
    const int fd = connection_of_child(&pid);
    (void)state;
    begins(r, fd, 'a', one, here);
    delivers(r, fd, 'a', one, here);
    begins(r, B, 'b', two, here);
    delivers(r, B, 'b', two, here); /* by nobody who could be told to live */
    delivered_free(&r);
    r = open_store();
    assert_string_equal(begins(r, C, 'c', both(one, two), here), "01");
    delivered_free(&r);
    r = open_store();
    delivered_tick(r, time(NULL) + 399);
    assert_false(knows(r, one));
    /* It says how it ended. */
    ends(r, A, 'a');
    assert_false(knows(r, one));
    delivers(r, fd, 'd', one, here);
    delivered_free(&r);
    r = open_store();
    assert_false(knows(r, one));
    begins(r, fd, 'e', two, here); /* it is at its next message: nobody heard how that one ended */
    assert_true(knows(r, one));
    ends(r, fd, 'z');
    delivers(r, fd, 'f', one, here);
    delivered_free(&r);
    r = open_store();
    assert_false(knows(r, one));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(knows(r, one));
    delivered_free(&r);
    close(fd);
}

static void no_attempt_is_open_for_ever(void **state)
{
    struct delivered *r = open_store();
    pid_t pid;
    const int fd = connection_of_child(&pid);
    (void)state;
    delivers(r, fd, 'a', one, here);
    delivered_free(&r);
    r = open_store();
    assert_false(knows(r, one));
    delivered_tick(r, time(NULL) + 401);
    assert_true(knows(r, one));
    delivered_free(&r);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    close(fd);
}

static void time_passes(void **state)
{
    struct delivered *r = open_store();
    const long now = (long)time(NULL);
    (void)state;
    leave(r, 'a', one);
    delivered_tick(r, now + DELIVERED_KEPT_SECONDS - 60);
    assert_true(knows(r, one));
    delivered_tick(r, now + DELIVERED_KEPT_SECONDS + 7200);
    assert_false(knows(r, one));
    leave(r, 'b', two);
    /* The clock was set back: no row is kept for years because of it. */
    delivered_tick(r, now - 86400);
    assert_false(knows(r, two));
    delivered_free(&r);
}

/* An acknowledged digest is in the store although its writer was killed. */
static void killed(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        int ends_of[2], status;
        unsigned char n;
        char digest[DIGEST + 1];
        assert_int_equal(pipe(ends_of), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct delivered *r = open_store();
            for (n = 0; n < 200; n++) {
                g_snprintf(digest, sizeof digest, "%-8d%-8d", n, round);
                if (say(r, DELIVERED_SERVED, &(struct request){A, 'a', digest, here}) != EX_OK || write(ends_of[1], &n, 1) != 1)
                    _exit(1);
            }
            pause();
        }
        do
            assert_int_equal(read(ends_of[0], &n, 1), 1);
        while (n < 150);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(ends_of[0]);
        close(ends_of[1]);
        struct delivered *r = open_store();
        for (int i = 0; i < (round + 1) * 151; i++) {
            g_snprintf(digest, sizeof digest, "%-8d%-8d", i % 151, i / 151);
            assert_true(knows(r, digest));
        }
        delivered_free(&r);
    }
}

static void corrupt(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    leave(r, 'a', one);
    delivered_free(&r);
    assert_true(g_file_set_contents(file, "no database at all, whatever it is called", -1, NULL));
    r = open_store();
    assert_false(knows(r, one));
    leave(r, 'a', one);
    delivered_free(&r);
    /* A page that was overwritten. */
    char *data;
    gsize len;
    assert_true(g_file_get_contents(file, &data, &len, NULL));
    assert_true(len > 4096);
    memset(data + 4096, 0x5a, len - 4096);
    assert_true(g_file_set_contents(file, data, (gssize)len, NULL));
    g_free(data);
    r = open_store();
    assert_false(knows(r, one));
    leave(r, 'b', two);
    assert_true(knows(r, two));
    delivered_free(&r);
}

static rlim_t limit_now(int what, rlim_t value)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(what, &limit), 0);
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = value;
    assert_int_equal(setrlimit(what, &limit), 0);
    return before;
}

static void assert_not_opened(const char *why)
{
    g_autofree char *error = NULL;
    assert_null(delivered_open(folder, &error));
    assert_non_null(error);
    if (!strstr(error, why))
        fail_msg("%s", error);
}

/* None of these errors means that the file is damaged: it keeps all its rows for later. */
static void trouble_that_passes(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    leave(r, 'a', one);
    delivered_free(&r);
    rlim_t before = limit_now(RLIMIT_NOFILE, 3);
    assert_not_opened("open files");
    limit_now(RLIMIT_NOFILE, before);
    before = limit_now(RLIMIT_FSIZE, 0); /* as a full disk */
    signal(SIGXFSZ, SIG_IGN);
    assert_not_opened("retries.db");
    limit_now(RLIMIT_FSIZE, before);
    g_autofree char *away = g_strconcat(file, ".away", NULL);
    assert_int_equal(g_rename(file, away), 0);
    assert_int_equal(g_mkdir(file, 0700), 0);
    assert_not_opened("retries.db");
    assert_int_equal(g_rmdir(file), 0);
    assert_int_equal(g_rename(away, file), 0);
    r = open_store();
    assert_true(knows(r, one));
    delivered_free(&r);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void another_versions(void **state)
{
    (void)state;
    run_sql("CREATE TABLE copy(digest BLOB PRIMARY KEY, until TEXT, leg TEXT);"
            "CREATE TABLE delivered(attempt BLOB, digest BLOB, until TEXT, leg TEXT)");
    struct delivered *r = open_store();
    leave(r, 'a', one);
    assert_true(knows(r, one));
    delivered_free(&r);
}

static void overwrite_pages(void)
{
    g_autofree char *data = NULL;
    gsize len = 0;
    FILE *f = fopen(file, "r+");
    assert_true(f && g_file_get_contents(file, &data, &len, NULL));
    assert_true(len > 8192);
    memset(data, 0x5a, len);
    assert_int_equal(fseek(f, 4096, SEEK_SET), 0);
    assert_int_equal(fwrite(data, 1, len - 4096, f), len - 4096);
    assert_int_equal(fclose(f), 0);
}

/* The file is damaged while it is open, and a new one cannot be made at first: later it can. */
static void bad_in_use(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    delivered_free(&r);
    run_sql("INSERT INTO delivered WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
            " SELECT randomblob(16), randomblob(16), '', 0, 1900000000 FROM n"); /* more than is cached */
    r = open_store();
    overwrite_pages();
    const rlim_t before = limit_now(RLIMIT_NOFILE, 3);
    char any[DIGEST + 1];
    for (int i = 0; i < 256; i++) {
        g_snprintf(any, sizeof any, "%-16d", i);
        say(r, DELIVERED_KNOWN, &(struct request){A, 'a', any, here});
        assert_string_equal(known, "0");
    }
    assert_int_equal(say(r, DELIVERED_SERVED, &(struct request){A, 'a', one, here}), EX_UNAVAILABLE);
    delivered_tick(r, time(NULL));
    assert_int_equal(say(r, DELIVERED_FAILED, &(struct request){A, 'a', one, here}), EX_UNAVAILABLE);
    limit_now(RLIMIT_NOFILE, before);
    delivered_tick(r, time(NULL));
    leave(r, 'b', one);
    assert_true(knows(r, one));
    delivered_free(&r);
}

static void what_is_no_request(void **state)
{
    static const enum delivered_deed deeds[] = {DELIVERED_KNOWN, DELIVERED_SERVED, DELIVERED_FAILED};
    struct delivered *r = open_store();
    g_autofree char *many = g_strnfill((DELIVERED_ORIGINS + 1) * DELIVERED_ORIGIN_BYTES, 'o');
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(deeds); i++) {
        assert_int_equal(say(r, deeds[i], &(struct request){A, 'a', NULL, here}), EX_DATAERR);
        assert_int_equal(say(r, deeds[i], &(struct request){A, 'a', "not so many bytes", here}), EX_DATAERR);
        assert_int_equal(say(r, deeds[i], &(struct request){A, 'a', one, NULL}), EX_DATAERR);
        assert_int_equal(say(r, deeds[i], &(struct request){A, 'a', one, "somewhere"}), EX_DATAERR);
        assert_int_equal(say(r, deeds[i], &(struct request){A, 'a', one, many}), EX_DATAERR);
        assert_int_equal(say(NULL, deeds[i], &(struct request){A, 'a', one, here}), EX_UNAVAILABLE);
    }
    assert_int_equal(say(NULL, DELIVERED_KNOWN, &(struct request){A, 'a', both(one, two), here}), EX_UNAVAILABLE);
    assert_string_equal(known, "00");
    assert_int_equal(say(NULL, DELIVERED_FORGET, &(struct request){A, 'a', NULL, NULL}), EX_UNAVAILABLE);
    delivered_hang_up(NULL, A);
    delivered_free(&r);
}

static int fresh(void **state)
{
    (void)state;
    static const char *const ends[] = {"", "-wal", "-journal", "-shm"};
    for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *path = g_strconcat(file, ends[i], NULL);
        g_unlink(path);
    }
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    log_to_fd(1023); /* closed: nothing is logged */
    return folder_make("retries.db");
}

/* Nobody fills the disk with it: a full memory takes no more, and answers as before. */
static void bounded(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    delivers(r, A, 'a', one, here);
    fails(r, A, 'a', one, here);
    delivered_bound(r, 1);
    delivered_tick(r, (long)time(NULL));
    assert_int_equal(say(r, DELIVERED_SERVED, &(struct request){B, 'b', two, here}), EX_UNAVAILABLE);
    assert_true(knows(r, one));
    assert_false(knows(r, two));
    ends(r, B, 'b');
    delivered_bound(r, 1024 * 1024);
    delivered_tick(r, (long)time(NULL));
    delivers(r, B, 'b', two, here);
    fails(r, B, 'b', two, here);
    assert_true(knows(r, two));
    delivered_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_failed_attempt_is_known, fresh),
        cmocka_unit_test_setup(an_open_attempt_is_not, fresh),
        cmocka_unit_test_setup(each_copy_is_one_copy, fresh),
        cmocka_unit_test_setup(the_connection_ends, fresh),
        cmocka_unit_test_setup(what_failed_is_said_whole, fresh),
        cmocka_unit_test_setup(strangers, fresh),
        cmocka_unit_test_setup(the_keeper_is_killed, fresh),
        cmocka_unit_test_setup(no_attempt_is_open_for_ever, fresh),
        cmocka_unit_test_setup(time_passes, fresh),
        cmocka_unit_test_setup(killed, fresh),
        cmocka_unit_test_setup(corrupt, fresh),
        cmocka_unit_test_setup(trouble_that_passes, fresh),
        cmocka_unit_test_setup(another_versions, fresh),
        cmocka_unit_test_setup(bad_in_use, fresh),
        cmocka_unit_test_setup(what_is_no_request, fresh),
        cmocka_unit_test_setup(bounded, fresh),
    };
    return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
