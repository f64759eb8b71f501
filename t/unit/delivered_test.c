/* The memory of delivered copies: what a copy's digest covers, and the store of digests. */
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
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/keeper/keeper_request.h"
#include "filterd/keeper/delivered.h"
#include "filterd/pipeline/delivered_digest.h"
#include "t/unit/test_folder.h"

#define DIGEST DELIVERED_DIGEST_BYTES

static const long start = 1800000000;
static const unsigned char *const one = (const unsigned char *)"the first digest",
                           *const two = (const unsigned char *)"the second diges";

static const char plain[] = "From: Alice <alice@example.net>\r\nTo: bob@example.com\r\n"
                            "Date: Sat, 21 Nov 2026 19:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n"
                            "Subject: a letter\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n";

struct copy {
    const char *header, *body, *sender, *recipient;
    unsigned char site;
    const char *leg;
};

static void digest_of(const struct copy *c, unsigned char out[DIGEST])
{
    const struct sitekey site = {{c->site}};
    const struct delivered_digest_key key = delivered_digest_key_of(&site);
    g_autofree char *raw = g_strconcat(c->header, "\r\n", c->body, NULL);
    struct message *m = message_new(raw, strlen(raw));
    const struct delivered_digest_content content = delivered_digest_content_of(&key, c->leg ? c->leg : "smtp", m);
    delivered_digest_copy(&key, &content, c->sender, c->recipient, out);
    message_free(&m);
}

static bool same(const struct copy *a, const struct copy *b)
{
    unsigned char x[DIGEST], y[DIGEST];
    digest_of(a, x);
    digest_of(b, y);
    return memcmp(x, y, DIGEST) == 0;
}

static const struct copy base = {plain, "text\r\n", "a@example.net", "bob@example.com", 1, NULL};

static void every_part_counts(void **state)
{
    struct copy c[] = {base, base, base, base, base, base, base, base};
    (void)state;
    assert_true(same(&base, &c[0]));
    c[1].sender = "";
    c[2].recipient = "bob@example.org";
    c[3].body = "text \r\n";
    c[4].site = 2;
    /* Fields are separated in the digest: text moved from one to the next gives another digest. */
    c[5].sender = "a@example.netb";
    c[5].recipient = "ob@example.com";
    c[6].body = "";
    c[7].leg = "lmtp"; /* behind it, where the copy is yet to be delivered */
    for (size_t i = 1; i < G_N_ELEMENTS(c); i++)
        for (size_t j = 0; j < i; j++)
            if (same(&c[i], &c[j]))
                fail_msg("%zu is %zu", i, j);
}

/* Replaces the line with the same beginning by this one, or puts it on top. */
static char *with(const char *line)
{
    char **lines = g_strsplit(plain, "\r\n", -1);
    const size_t name = strcspn(line, ":") + 1;
    bool found = false;
    for (size_t i = 0; lines[i]; i++) {
        if (strncmp(lines[i], line, name))
            continue;
        g_free(lines[i]);
        lines[i] = g_strdup(line);
        found = true;
    }
    g_autofree char *text = g_strjoinv("\r\n", lines);
    char *all = found ? g_strdup(text) : g_strconcat(line, "\r\n", text, NULL);
    g_strfreev(lines);
    return all;
}

static bool same_with(const char *line)
{
    struct copy c = base;
    g_autofree char *header = with(line);
    c.header = header;
    const bool is = same(&base, &c);
    return is;
}

static void authors_fields_count(void **state)
{
    static const char *const lines[] = {
        "From: Alice <alice@example.org>", "To: carol@example.com", "Cc: carol@example.com",
        "Date: Sat, 21 Nov 2026 19:00:01 +0000", "Message-ID: <2@example.net>",
        "Subject: another letter", "Content-Type: text/html", "Reply-To: c@example.net",
        "Content-Transfer-Encoding: base64", "References: <0@example.net>"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (same_with(lines[i]))
            fail_msg("no difference: %s", lines[i]);
}

static void trace_fields_do_not(void **state)
{
    static const char *const lines[] = {
        "Received: from a by b with ESMTP id 4711;\r\n\tSat, 21 Nov 2026 19:00:02 +0000",
        "Return-Path: <a@example.net>", "Delivered-To: bob@example.com",
        "DKIM-Signature: v=1; t=1800000000; b=abc", "Authentication-Results: mx; spf=pass",
        "X-Spam-Status: no", "ARC-Seal: i=1"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
        if (!same_with(lines[i]))
            fail_msg("a difference: %s", lines[i]);
}

static void odd_messages(void **state)
{
    const struct copy none = {"", "", "", "", 1, NULL}, only_body = {"", "x\r\n", "", "", 1, NULL};
    const struct copy twice = {"Subject: a\r\nSubject: b\r\n", "", "", "", 1, NULL};
    const struct copy swapped = {"Subject: b\r\nSubject: a\r\n", "", "", "", 1, NULL};
    (void)state;
    assert_false(same(&none, &only_body));
    assert_false(same(&twice, &swapped));
}

static bool dated(const char *raw)
{
    const struct delivered_digest_key key = {{1}};
    struct message *m = message_new(raw, strlen(raw));
    const struct delivered_digest_content content = delivered_digest_content_of(&key, "leg", m);
    message_free(&m);
    return content.dated;
}

static void without_date(void **state)
{
    (void)state;
    assert_false(dated("From: disk@example.net\r\nSubject: full\r\n\r\nfull\r\n"));
    assert_true(dated("Date: today\r\n\r\nfull\r\n"));
    assert_true(dated("Message-Id: <1@example.net>\r\n\r\nfull\r\n"));
}

static struct delivered *open_store(void)
{
    char *error = NULL;
    struct delivered *r = delivered_open(folder, &error);
    if (!r)
        fail_msg("%s", error);
    return r;
}

static void known_and_forgotten(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    assert_false(delivered_is_known(r, one, start));
    assert_true(delivered_add(r, one, start));
    assert_true(delivered_add(r, one, start));
    assert_true(delivered_is_known(r, one, start));
    assert_false(delivered_is_known(r, two, start));
    delivered_free(&r);
    r = open_store();
    assert_true(delivered_is_known(r, one, start));
    assert_true(delivered_forget(r, one));
    assert_false(delivered_is_known(r, one, start));
    assert_true(delivered_forget(r, one));
    delivered_free(&r);
    assert_null(r);
}

static void time_passes(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    assert_true(delivered_add(r, one, start));
    assert_true(delivered_is_known(r, one, start + DELIVERED_KEPT_SECONDS - 1));
    assert_false(delivered_is_known(r, one, start + DELIVERED_KEPT_SECONDS));
    assert_true(delivered_add(r, two, start + 7200));
    delivered_tick(r, start + DELIVERED_KEPT_SECONDS);
    assert_false(delivered_is_known(r, one, start));
    assert_true(delivered_is_known(r, two, start));
    /* The clock was set back: no row is kept for years because of it. */
    delivered_tick(r, start - 86400);
    assert_false(delivered_is_known(r, two, start));
    delivered_free(&r);
}

/* An acknowledged digest is in the store although its writer was killed. */
static void killed(void **state)
{
    (void)state;
    for (int round = 0; round < 3; round++) {
        int ends[2], status;
        unsigned char n, digest[DIGEST] = {0};
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct delivered *r = open_store();
            for (n = 0; n < 200; n++) {
                digest[0] = n;
                digest[1] = (unsigned char)round;
                if (!delivered_add(r, digest, start) || write(ends[1], &n, 1) != 1)
                    _exit(1);
            }
            pause();
        }
        do
            assert_int_equal(read(ends[0], &n, 1), 1);
        while (n < 150);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(ends[0]);
        close(ends[1]);
        struct delivered *r = open_store();
        for (int i = 0; i < (round + 1) * 151; i++) {
            digest[0] = (unsigned char)(i % 151);
            digest[1] = (unsigned char)(i / 151);
            assert_true(delivered_is_known(r, digest, start));
        }
        delivered_free(&r);
    }
}

static void corrupt(void **state)
{
    struct delivered *r = open_store();
    (void)state;
    assert_true(delivered_add(r, one, start));
    delivered_free(&r);
    assert_true(g_file_set_contents(file, "no database at all, whatever it is called", -1, NULL));
    r = open_store();
    assert_false(delivered_is_known(r, one, start));
    assert_true(delivered_add(r, one, start));
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
    assert_false(delivered_is_known(r, one, start));
    assert_true(delivered_add(r, two, start) && delivered_is_known(r, two, start));
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
    assert_true(delivered_add(r, one, start));
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
    assert_true(delivered_is_known(r, one, start));
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
    run_sql("CREATE TABLE copy(digest BLOB PRIMARY KEY, until TEXT, leg TEXT)");
    struct delivered *r = open_store();
    assert_true(delivered_add(r, one, start) && delivered_is_known(r, one, start));
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
    run_sql("INSERT INTO copy WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
            " WHERE i < 200000) SELECT randomblob(16), 1900000000 FROM n"); /* more than is cached */
    r = open_store();
    overwrite_pages();
    const rlim_t before = limit_now(RLIMIT_NOFILE, 3);
    unsigned char any[DIGEST] = {0};
    for (int i = 0; i < 256; i++) {
        any[0] = (unsigned char)i;
        assert_false(delivered_is_known(r, any, start));
    }
    assert_false(delivered_add(r, one, start));
    delivered_tick(r, start);
    assert_false(delivered_add(r, one, start));
    limit_now(RLIMIT_NOFILE, before);
    delivered_tick(r, start);
    assert_true(delivered_add(r, one, start) && delivered_is_known(r, one, start));
    delivered_free(&r);
}

/* Requests as the keeper gets them; the answer as 0s and 1s. */
static int ask(struct delivered *r, enum delivered_deed deed, const void *digests, gsize len, char *known_r)
{
    const struct keeper_digests wanted = {g_bytes_new(digests, len)};
    GBytes *known = NULL;
    g_autofree char *text = NULL;
    gsize n = 0;
    const int code = delivered_handle(r, deed, &wanted, known_r ? &known : NULL, &text);
    const unsigned char *data = known ? g_bytes_get_data(known, &n) : NULL;
    for (gsize i = 0; known_r && i < n; i++)
        known_r[i] = (char)('0' + data[i]);
    if (known_r)
        known_r[n] = 0;
    if (known)
        g_bytes_unref(known);
    assert_true(code != EX_DATAERR || text);
    g_bytes_unref(wanted.digests);
    return code;
}

static void verbs(void **state)
{
    struct delivered *r = open_store();
    unsigned char both[2 * DIGEST];
    char known[8];
    (void)state;
    memcpy(both, one, DIGEST);
    memcpy(both + DIGEST, two, DIGEST);
    assert_int_equal(ask(r, DELIVERED_KNOWN, both, sizeof both, known), EX_OK);
    assert_string_equal(known, "00");
    assert_int_equal(ask(r, DELIVERED_SERVED, two, DIGEST, NULL), EX_OK);
    assert_int_equal(ask(r, DELIVERED_KNOWN, both, sizeof both, known), EX_OK);
    assert_string_equal(known, "01");
    assert_int_equal(ask(r, DELIVERED_FORGET, both, sizeof both, NULL), EX_OK);
    assert_int_equal(ask(r, DELIVERED_KNOWN, both, sizeof both, known), EX_OK);
    assert_string_equal(known, "00");
    assert_int_equal(ask(r, DELIVERED_KNOWN, "", 0, known), EX_DATAERR);
    assert_int_equal(ask(r, DELIVERED_KNOWN, both, DIGEST + 1, known), EX_DATAERR);
    assert_int_equal(ask(NULL, DELIVERED_SERVED, both, DIGEST, NULL), EX_UNAVAILABLE);
    assert_int_equal(ask(NULL, DELIVERED_KNOWN, both, sizeof both, known), EX_UNAVAILABLE);
    assert_string_equal(known, "00");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_counts),
        cmocka_unit_test(authors_fields_count),
        cmocka_unit_test(trace_fields_do_not),
        cmocka_unit_test(odd_messages),
        cmocka_unit_test(without_date),
        cmocka_unit_test_setup(known_and_forgotten, fresh),
        cmocka_unit_test_setup(time_passes, fresh),
        cmocka_unit_test_setup(killed, fresh),
        cmocka_unit_test_setup(corrupt, fresh),
        cmocka_unit_test_setup(trouble_that_passes, fresh),
        cmocka_unit_test_setup(another_versions, fresh),
        cmocka_unit_test_setup(bad_in_use, fresh),
        cmocka_unit_test_setup(verbs, fresh),
    };
    return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
