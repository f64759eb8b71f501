/* SMTP and LMTP over a socketpair, with a session whose next hop is a maildir or is down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/log.h"
#include "base/sitekey.h"
#include "filterd/delivery/delivery_agent.h"
#include "filterd/pipeline/context.h"
#include "filterd/session/session.h"
#include "filterd/session/session_replies.h"
#include "rules/rules.h"

static char folder[] = "/tmp/filterd-session-XXXXXX";

static const char template[] = "[filterd]\nhostname=mx.example.org\nstate_dir=%s/state\n"
                               "log=stderr\nmessage_size_limit=%d\ndomains=example.org\n"
                               "trusted_networks=127.0.0.0/8\n"
                               "[listener in]\nprotocol=%s\naddress=unix:%s/in.sock\n"
                               "next_hop=%s\n[encrypt]\nunknown_recipient=%s\n"
                               "[limits]\nrecipients=100\n";

struct setup {
    const char *protocol, *next_hop, *unknown;
    int limit;
    bool distrust;
};

static struct settings *settings_for(const struct setup *how)
{
    char *file = g_build_filename(folder, "filterd.conf", NULL), *error = NULL;
    g_autofree char *text = g_strdup_printf(template, folder, how->limit ? how->limit : 100000,
                                 how->protocol, folder, how->next_hop,
                                 how->unknown ? how->unknown : "pass");
    assert_true(g_file_set_contents(file, text, -1, NULL));
    struct settings *s = settings_load(file, &error);
    if (!s)
        fail_msg("%s", error);
    g_free(file);
    return s;
}

static size_t room = SIZE_MAX; /* for messages in flight */

static volatile int told; /* enum session_wake, said to the worker before the client's first command */

static bool hold(size_t bytes, void *arg)
{
    (void)arg;
    return bytes <= room;
}

/* The session runs in a process of its own, as in the daemon. */
static void serve(int fd, const struct setup *how)
{
    struct sitekey key = {{1}};
    struct settings *s = settings_for(how);
    struct context *ctx = context_new(s, &key, &(struct context_doors){delivery_agent_start(s, &key), RULES_NO_DOOR, NULL, false});
    struct session_env env = {.context = ctx, .listener = &s->listeners[0],
                                  .trusted = !how->distrust, .wake = &told,
                                  .hold = hold};
    session_run(fd, &env);
    context_free(&ctx);
    settings_free(&s);
    _exit(0);
}

/* Sends all input at once (pipelined) and returns all replies. */
static char *converse(const struct setup *how, const char *input)
{
    int fds[2], status;
    char buffer[4096];
    ssize_t n;
    GString *answer = g_string_new(NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        serve(fds[1], how);
    }
    close(fds[1]);
    assert_int_equal(write(fds[0], input, strlen(input)), strlen(input));
    shutdown(fds[0], SHUT_WR);
    while ((n = read(fds[0], buffer, sizeof buffer)) > 0)
        g_string_append_len(answer, buffer, n);
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return g_string_free(answer, FALSE);
}

/* Compares the replies' codes (and DSN where given), line by line from the end of the greeting. */
static void expect(const struct setup *how, const char *input, const char *const *want)
{
    g_autofree char *answer = converse(how, input);
    char **lines = g_strsplit(answer, "\r\n", 0);
    size_t i = 0;
    for (; want[i]; i++)
        if (!lines[i] || !g_str_has_prefix(lines[i], want[i]))
            fail_msg("reply %zu: want \"%s\", got \"%s\" in\n%s", i, want[i],
                     lines[i] ? lines[i] : "nothing", answer);
    if (lines[i] && *lines[i])
        fail_msg("more than expected: %s", lines[i]);
    g_strfreev(lines);
}

#define REPLIES(...) (const char *const[]){__VA_ARGS__, NULL}
#define DOWN "lmtp:unix:/nowhere/there.sock"
#define MESSAGE "From: a@example.com\r\nSubject: x\r\n\r\ntext\r\n.\r\n"

static void greeting(void **state)
{
    (void)state;
    expect(&(struct setup){"lmtp", DOWN, NULL, 0, false}, "LHLO c\r\nQUIT\r\n",
           REPLIES("220 mx.example.org LMTP", "250-mx.example.org", "250-PIPELINING",
                   "250-SIZE 140000", "250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE",
                   "250-8BITMIME", "250-SMTPUTF8", "250-DSN", "250 ENHANCEDSTATUSCODES", "221"));
    expect(&(struct setup){"smtp", DOWN, NULL, 0, true},
           "LHLO c\r\nXFORWARD NAME=a\r\nHELO c\r\nNOOP\r\nVRFY x\r\nRSET\r\nBOGUS\r\nQUIT\r\n",
           REPLIES("220", "500 5.5.2", "550 5.7.0", "250 mx", "250", "252", "250", "500", "221"));
    expect(&(struct setup){"smtp", DOWN, NULL, 0, true}, "EHLO c\r\nQUIT\r\n",
           REPLIES("220", "250-mx", "250-PIPELINING", "250-SIZE 100000", "250-8BITMIME", "250-SMTPUTF8", "250-DSN", "250 ",
                   "221"));
}

/* Behind the queue a message may be as large as one of the limit's size is when it is sealed. */
static void sizes(void **state)
{
    (void)state;
    expect(&(struct setup){"lmtp", DOWN, NULL, 0, true},
           "LHLO c\r\nMAIL FROM:<a@b> SIZE=140000\r\nRSET\r\nMAIL FROM:<a@b> SIZE=140001\r\nQUIT\r\n",
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250", "250", "552 5.3.4", "221"));
    expect(&(struct setup){"smtp", DOWN, NULL, 0, true},
           "EHLO c\r\nMAIL FROM:<a@b> SIZE=100000\r\nRSET\r\nMAIL FROM:<a@b> SIZE=100001\r\nQUIT\r\n",
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250", "250", "552 5.3.4", "221"));
}

static void order(void **state)
{
    struct setup how = {"lmtp", DOWN, NULL, 0, false};
    (void)state;
    expect(&how, "MAIL FROM:<a@b>\r\nDATA\r\nRCPT TO:<x@example.org>\r\nQUIT\r\n",
           REPLIES("220", "503 5.5.1", "503 5.5.1", "503 5.5.1", "221"));
    expect(&how,
           "LHLO c\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nRSET\r\nMAIL FROM:<>\r\n"
           "XFORWARD NAME=x\r\n",
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250 2.1.0",
                   "503", "503", "250", "250 2.1.0", "503"));
}

static void envelope(void **state)
{
    struct setup how = {"smtp", DOWN, "reject", 1000, false};
    (void)state;
    expect(&how,
           "HELO c\r\nMAIL FROM:a@b\r\nMAIL FROM:<a b>\r\nMAIL FROM:<a@b> SIZE=2000\r\n"
           "MAIL FROM:<a@b> WHAT=x\r\nMAIL FROM:<a@b> BODY=WRONG\r\n"
           "MAIL FROM:<\"a>b\"@c> SIZE=10 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=q\r\n"
           "RCPT TO:<>\r\nRCPT TO:<x@elsewhere.net> ORCPT=rfc822;x NOTIFY=NEVER\r\n"
           "RCPT TO:<nobody@example.org>\r\nRCPT TO:<x@elsewhere.net> ODD=1\r\nQUIT\r\n",
           REPLIES("220", "250", "501 5.1.7", "501 5.1.7", "552 5.3.4", "555 5.5.4", "555 5.5.4",
                   "250 2.1.0", "501 5.1.3", "250 2.1.5", "550 5.1.1", "555 5.5.4", "221"));
    how.unknown = "defer";
    expect(&how, "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<nobody@example.org>\r\nDATA\r\n",
           REPLIES("220", "250", "250", "450 4.1.1", "503 5.5.1"));
}

/* Before the queue what may be ours is refused unless it can be read one way only; behind it that would be a
 * bounce. */
static void spellings(void **state)
{
    struct setup how = {"smtp", DOWN, "reject", 0, false};
    static const char said[] =
        "MAIL FROM:<a(\\\")@b.example> SIZE=1 ENVID=\"@c>\r\nMAIL FROM:<a..b@c.example>\r\n"
        "RCPT TO:<alice@example.org;>\r\nRCPT TO:<alice%example.org@[127.0.0.1]>\r\n"
        "RCPT TO:<\"alice@example.org\"@localhost>\r\nRCPT TO:<alice(\\\")@example.org> ORCPT=rfc822;x\"@foreign.test>\r\n"
        "RCPT TO:<al\\ice@example.org>\r\nRCPT TO:<@r.example:alice@example.org>\r\nRCPT TO:<b!a@elsewhere.net>\r\n"
        "RCPT TO:<a..b@elsewhere.net>\r\nRCPT TO:<postmaster>\r\nRCPT TO:<nobody>\r\n"
        "RCPT TO:<nobody@example.org\\>\r\nRCPT TO:<nobody@\\\x01.org>\r\n";
    (void)state;
    g_autofree char *smtp = g_strdup_printf("HELO c\r\n%s", said), *lmtp = g_strdup_printf("LHLO c\r\n%s", said);
    expect(&how, smtp,
           REPLIES("220", "250", "553 5.1.7", "250 2.1.0", "553 5.1.3", "553 5.1.3", "553 5.1.3", "553 5.1.3", "553 5.1.3",
                   "553 5.1.3", "250 2.1.5", "250 2.1.5", "250 2.1.5", "550 5.1.1", "501 5.1.3", "501 5.1.3"));
    how = (struct setup){"lmtp", DOWN, NULL, 0, false};
    expect(&how, lmtp,
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250 2.1.0", "503", "250 2.1.5",
                   "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5", "250 2.1.5",
                   "250 2.1.5", "250 2.1.5", "250 2.1.5"));
}

/* Behind the queue no address is refused for how it is written, nor for what a report is to say: only a command that
 * none can be found in. */
static void spellings_behind(void **state)
{
    struct setup how = {"lmtp", DOWN, NULL, 0, false};
    static const char *const cases[][3] = { /* behind, before */
        {"<\"a\tb\"@example.org>", "250", "501"},
        {"<a\x01@example.org>", "250", "501"},
        {"<a b@example.org>", "250", "501"},
        {"< alice@example.org >", "250", "501"},
        {"<>", "250", "501"},
        {"<\xe4@example.org>", "250", "501"},
        {"<a\"b@example.org> ORCPT=rfc822;a@b", "250", "501"},
        {"<a>b@example.org>", "250", "501"},
        {"<a<b@example.org>", "250", "501"},
        {"<a@exa\"mple.org> NOTIFY=NEVER", "250", "501"},
        {"<a@example.org> ORCPT=", "250", "555"},
        {"<a@example.org> ORCPT=a;\x01", "250", "250"},
        {"<a@example.org> ODD=1", "555", "555"},
        {"a@example.org", "501", "501"},
        {"<a@example.org", "501", "501"},
        {"<a@example.org>x", "501", "501"},
        {"", "501", "501"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *smtp = g_strdup_printf("HELO c\r\nMAIL FROM:<>\r\nRCPT TO:%s\r\n", cases[i][0]);
        g_autofree char *lmtp = g_strdup_printf("LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:%s\r\n", cases[i][0]);
        how.protocol = "smtp";
        expect(&how, smtp, REPLIES("220", "250", "250", cases[i][2]));
        how.protocol = "lmtp";
        expect(&how, lmtp, REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250", cases[i][1]));
    }
    g_autofree char *tail = g_strnfill(5000, 'x');
    g_autofree char *said = g_strdup_printf("LHLO c\r\nMAIL FROM:<a\x01\"b@c d.example> ENVID=%.101s\r\n"
                                            "RCPT TO:<a+%s@example.org> ORCPT=rfc822;%s\r\n", tail, tail, tail);
    expect(&how, said, REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250", "250"));
}

static void next_hop_down(void **state)
{
    (void)state;
    expect(&(struct setup){"smtp", DOWN, NULL, 0, false},
           "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\nDATA\r\n" MESSAGE "QUIT\r\n",
           REPLIES("220", "250", "250", "250", "354", "451 4.4.1", "221"));
    /* Where one reply stands for all recipients, an SMTP next hop is asked about each of them. */
    expect(&(struct setup){"smtp", "smtp:unix:/nowhere/there.sock", NULL, 0, false},
           "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\nDATA\r\nQUIT\r\n",
           REPLIES("220", "250", "250", "451 4.4.1", "503 5.5.1", "221"));
}

static void refused_data(void **state)
{
    (void)state;
    expect(&(struct setup){"smtp", DOWN, NULL, 40, false},
           "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\nDATA\r\n" MESSAGE "NOOP\r\n",
           REPLIES("220", "250", "250", "250", "354", "552 5.3.4", "250"));
    expect(&(struct setup){"smtp", DOWN, NULL, 0, false},
           "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\nDATA\r\na: b\r\n\r\nx\n.\ny\r\n"
           ".\r\n",
           REPLIES("220", "250", "250", "250", "354", "550 5.6.0", "421"));
    /* The client vanished inside DATA: no reply, nothing delivered. */
    expect(&(struct setup){"smtp", DOWN, NULL, 0, false},
           "HELO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\nDATA\r\na: b\r\n\r\nx\r\n",
           REPLIES("220", "250", "250", "250", "354"));
    expect(&(struct setup){"smtp", DOWN, NULL, 0, false}, "HELO c\nMAIL FROM:<a@b>\r\nQUIT\r\n",
           REPLIES("220", "500 5.5.2"));
}

static guint count_files(const char *name)
{
    g_autofree char *path = g_build_filename(folder, "mail", name, "new", NULL);
    GDir *dir = g_dir_open(path, 0, NULL);
    guint n = 0;
    while (dir && g_dir_read_name(dir))
        n++;
    if (dir)
        g_dir_close(dir);
    return n;
}

static void delivered(void **state)
{
    g_autofree char *hop = g_strdup_printf("maildir:%s/mail/%%n", folder);
    (void)state;
    /* LMTP: a reply for each; an address that climbs is refused by itself. */
    expect(&(struct setup){"lmtp", hop, NULL, 0, false},
           "LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<one@example.org>\r\nRCPT TO:<..@example.org>\r\n"
           "RCPT TO:<two@example.org>\r\nDATA\r\n" MESSAGE "MAIL FROM:<>\r\n"
           "RCPT TO:<one@example.org>\r\nDATA\r\nbare\rcr: x\r\n\r\nbare\nlf\r\n.\r\nQUIT\r\n",
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250",
                   "250", "250", "250", "354", "250 2.0.0", "550 5.1.1", "250 2.0.0", "250", "250",
                   "354", "250 2.0.0", "421")); /* whatever follows a bare line end is not heard */
    assert_int_equal(count_files("one"), 2);
    assert_int_equal(count_files("two"), 1);
    /* Not one byte is a message, too. */
    expect(&(struct setup){"lmtp", hop, NULL, 0, false},
           "LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<two@example.org>\r\nDATA\r\n.\r\nQUIT\r\n",
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250",
                   "250", "354", "250 2.0.0", "221"));
    assert_int_equal(count_files("two"), 2);
}

/* What is no address is delivered like any, by the name it is looked up by. */
static void no_address(void **state)
{
    g_autofree char *hop = g_strdup_printf("maildir:%s/mail/%%n", folder), *tail = g_strnfill(6000, 'x');
    g_autofree char *said = g_strdup_printf("LHLO c\r\nMAIL FROM:<\xe4@b>\r\nRCPT TO:<\"\xff\t\"@example.org>\r\n"
                                            "RCPT TO:<%s@example.org>\r\nDATA\r\n" MESSAGE "QUIT\r\n", tail);
    (void)state;
    expect(&(struct setup){"lmtp", hop, NULL, 0, false}, said,
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250",
                   "250", "250", "354", "250 2.0.0", "451", "221")); /* the second is no name of a file */
    assert_int_equal(count_files("\"\xef\xbf\xbd\xef\xbf\xbd\""), 1);
}

/* A worker may be told to end just when it accepts a connection: the client hears nothing of that. */
static void told_to_end(void **state)
{
    g_autofree char *hop = g_strdup_printf("maildir:%s/mail/%%n", folder);
    (void)state;
    for (told = SESSION_LEAVE; told < SESSION_WAKES; told++)
        expect(&(struct setup){"lmtp", hop, NULL, 0, false},
               "LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<three@example.org>\r\nDATA\r\n" MESSAGE "QUIT\r\n",
               REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250",
                       "250", "354", "250 2.0.0", "221"));
    told = SESSION_GO;
    assert_int_equal(count_files("three"), SESSION_WAKES - 1);
}

static int make_folder(void **state)
{
    char *mail, *made;
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    mail = g_build_filename(folder, "mail", NULL);
    made = g_build_filename(folder, "state", NULL);
    int rc = g_mkdir(mail, 0700) | g_mkdir(made, 0700);
    g_free(mail);
    g_free(made);
    return rc;
}

static int remove_folder(void **state)
{
    g_autofree char *command = g_strdup_printf("rm -r %s", folder);
    (void)state;
    int rc = system(command);
    return rc;
}

static void no_room(void **state)
{
    struct setup how = {"lmtp", DOWN, NULL, 0, false};
    GString *big = g_string_new("LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<x@example.org>\r\n"
                                "RCPT TO:<y@example.org>\r\nDATA\r\n");
    (void)state;
    room = 65536;
    expect(&how,
           "LHLO c\r\nMAIL FROM:<a@b> SIZE=70000\r\nRCPT TO:<x@example.org>\r\nDATA\r\n"
           "MAIL FROM:<a@b> SIZE=60000\r\nRCPT TO:<x@example.org>\r\nDATA\r\n" MESSAGE,
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250 2.1.0",
                   "250 2.1.5", "452 4.3.1", "250 2.1.0", "250 2.1.5", "354", "451 4.4.1"));
    for (int i = 0; i < 8000; i++)
        g_string_append(big, "01234567\r\n");
    g_string_append(big, ".\r\nQUIT\r\n");
    room = 60000;
    expect(&how, big->str,
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250 2.1.0",
                   "250 2.1.5", "250 2.1.5", "354", "452 4.3.1", "452 4.3.1", "221"));
    how.protocol = "smtp";
    memcpy(big->str, "EHLO", 4);
    expect(&how, big->str,
           REPLIES("220", "250-", "250-", "250-", "250-", "250-", "250-", "250-", "250 ", "250 2.1.0",
                   "250 2.1.5", "250 2.1.5", "354", "452 4.3.1", "221"));
    g_string_free(big, TRUE);
    room = SIZE_MAX;
}

static void many_recipients(void **state)
{
    struct setup how = {"lmtp", DOWN, NULL, 0, false};
    GString *input = g_string_new("LHLO c\r\nMAIL FROM:<a@b>\r\n");
    (void)state;
    for (int i = 0; i < 103; i++)
        g_string_append_printf(input, "RCPT TO:<x%d@example.org>\r\n", i);
    g_autofree char *answer = converse(&how, input->str);
    char **lines = g_strsplit(answer, "\r\n", 0);
    for (int i = 0; i < 103; i++)
        assert_true(g_str_has_prefix(lines[10 + i], i < 100 ? "250 2.1.5" : "452 4.5.3"));
    g_strfreev(lines);
    g_string_free(input, TRUE);
}

/* A reply missing in the table would have code 0. */
static void every_reply_is_whole(void **state)
{
    (void)state;
    for (int i = 0; i < SESSION_REPLIES; i++) {
        const struct session_reply_text *r = session_reply_text((enum session_reply)i);
        assert_in_range(r->code, 200, 599);
        assert_true(r->text && *r->text);
        assert_true(r->code == 354 ? !*r->dsn : r->dsn[0] == '0' + r->code / 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_reply_is_whole),
        cmocka_unit_test(no_room), cmocka_unit_test(many_recipients), cmocka_unit_test(greeting), cmocka_unit_test(sizes),
        cmocka_unit_test(order), cmocka_unit_test(envelope), cmocka_unit_test(spellings), cmocka_unit_test(spellings_behind), cmocka_unit_test(next_hop_down),
        cmocka_unit_test(refused_data),  cmocka_unit_test(delivered), cmocka_unit_test(no_address),
        cmocka_unit_test(told_to_end),
    };
    log_open(LOG_TO_STDERR, "session_test");
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
