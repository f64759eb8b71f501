/* The tables' process: an alias' value taken apart, packets, what is remembered, and what a line may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/config/users_tables.h"
#include "filterd/tables/alias_members.h"
#include "filterd/tables/key_import.h"
#include "filterd/tables/lookup_pool.h"
#include "filterd/tables/tables_cache.h"
#include "filterd/tables/tables_client.h"
#include "filterd/tables/tables_desk.h"
#include "filterd/tables/tables_packet.h"
#include "filterd/tables/user_tables.h"
#include "t/unit/test_folder.h"

static char *domains[] = {"x.org", NULL};
static struct settings settings = {.domains = domains, .recipient_delimiter = (char *)"+",
                                   .hostname = (char *)"mx.host.org"};

static void is_list(const char *what, const GPtrArray *got, const char *want)
{
    GString *all = g_string_new(got ? "" : "?");
    for (guint i = 0; got && i < got->len; i++)
        g_string_append_printf(all, "%s%s", i ? " " : "", (const char *)got->pdata[i]);
    if (strcmp(all->str, want))
        fail_msg("%s: want \"%s\", got \"%s\"", what, want, all->str);
    g_string_free(all, TRUE);
}

static void members(void **state)
{
    static const char *const cases[][3] = {
        /* value, the extension that was not looked for, members */
        {"bob@x.org", NULL, "bob@x.org"},
        {"bob@x.org, ann@x.org", NULL, "bob@x.org ann@x.org"},
        {" bob@x.org\tann@x.org ,, \n eve@x.org", NULL, "bob@x.org ann@x.org eve@x.org"},
        {"Bob@X.org bob@x.org", NULL, "bob@x.org"},
        {"bob@x.org ann", "+a", "bob+a@x.org ann+a@my.org"},
        {"\"o b\"@x.org", "+a", "\"o b+a\"@x.org"},
        {"@other.org", NULL, "kim+z@other.org"},
        {"@other.org, bob@x.org", "+z", "kim@other.org bob+z@x.org"},
        {"Bob <bob@x.org>, \"Ann, B. C.\" <ann@x.org>", NULL, "bob@x.org ann@x.org"},
        {"eve@x.org Bob Brown <bob@x.org>", NULL, "eve@x.org bob@x.org"},
        {"<bob@x.org><ann@x.org>", NULL, "bob@x.org ann@x.org"},
        {"bob@x.org (his, \\) work (sic)) ann@x.org", NULL, "bob@x.org ann@x.org"},
        {"|/bin/x y, \"|/bin/x y\", /var/mail/x, \"/a b\", :include:/x, bob@x.org", NULL, "y@my.org bob@x.org"},
        {"", NULL, ""},
        {" , ", NULL, ""},
        {"<", NULL, ""},
        {"\"", NULL, "\"@my.org"},
        {"(", NULL, ""},
        {"<>", NULL, ""},
        {"@", NULL, ""},
        {"bob@x.org\\", NULL, "bob@x.org\\"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GPtrArray *got = alias_members(cases[i][0], &(struct alias_members_of){"kim+z@x.org", cases[i][1], "my.org"});
        is_list(cases[i][0], got, cases[i][2]);
        g_ptr_array_unref(got);
    }
    g_autofree char *local = g_strnfill(320, 'a'), *more = g_strconcat("bob@x.org ", local, "@x.org", NULL);
    assert_null(alias_members(more, &(struct alias_members_of){"kim@x.org", NULL, "my.org"}));
}

/* ---- what is remembered ---- */

static const char *word(const GBytes *answer)
{
    return answer ? g_bytes_get_data((GBytes *)answer, NULL) : "-";
}

static void put(struct tables_cache *c, const char *question, enum users_result result, const char *answer, gint64 second)
{
    tables_cache_put(c, question, result, g_bytes_new(answer, strlen(answer) + 1), second * G_USEC_PER_SEC);
}

static void gives(struct tables_cache *c, const char *question, gint64 second, bool stale, const char *want)
{
    assert_string_equal(word(tables_cache_get(c, question, second * G_USEC_PER_SEC, stale)), want);
}

static void remembered(void **state)
{
    struct tables_cache *c = tables_cache_new(3);
    (void)state;
    put(c, "akim", USERS_FOUND, "one", 1000);
    put(c, "anobody", USERS_UNKNOWN, "none", 1000);
    gives(c, "akim", 1000 + TABLES_CACHE_FRESH_S - 1, false, "one");
    gives(c, "akim", 1000 + TABLES_CACHE_FRESH_S, false, "-");
    gives(c, "anobody", 1000 + TABLES_CACHE_FRESH_S - 1, false, "none");
    gives(c, "anobody", 1000 + TABLES_CACHE_FRESH_S, false, "-");
    /* The tables cannot be asked: who was known goes on, who was not may exist by now. */
    gives(c, "akim", 1000 + TABLES_CACHE_STALE_S - 1, true, "one");
    gives(c, "akim", 1000 + TABLES_CACHE_STALE_S, true, "-");
    gives(c, "anobody", 1000 + TABLES_CACHE_FRESH_S, true, "-");
    /* The last answer counts. */
    put(c, "akim", USERS_UNKNOWN, "gone", 1020);
    gives(c, "akim", 1021, true, "gone");
    gives(c, "akim", 1020 + TABLES_CACHE_FRESH_S, true, "-");
    put(c, "akim", USERS_FOUND, "two", 1040);
    gives(c, "akim", 1041, false, "two");
    put(c, "akim", USERS_TEMP, "x", 1041);
    gives(c, "akim", 1042, true, "-");
    tables_cache_free(&c);
}

static void bounded(void **state)
{
    struct tables_cache *c = tables_cache_new(3);
    (void)state;
    put(c, "akim", USERS_FOUND, "kim", 1000);
    for (int i = 0; i < 100; i++) {
        g_autofree char *invented = g_strdup_printf("a%d", i);
        put(c, invented, USERS_UNKNOWN, "none", 1000);
    }
    gives(c, "akim", 1001, false, "kim");
    gives(c, "a96", 1001, false, "-");
    gives(c, "a97", 1001, false, "none");
    put(c, "a1", USERS_FOUND, "1", 1001);
    put(c, "a2", USERS_FOUND, "2", 1001);
    put(c, "akim", USERS_FOUND, "kim", 1001); /* the youngest now */
    put(c, "a3", USERS_FOUND, "3", 1002);
    gives(c, "a1", 1002, false, "-");
    gives(c, "akim", 1002, false, "kim");
    tables_cache_free(&c);
}

/* ---- the process ---- */

static void make_tables(const char *aliases)
{
    assert_true(g_file_set_contents(file, aliases, -1, NULL));
}

static int set_up(void **state)
{
    (void)state;
    if (folder_make("aliases"))
        return -1;
    make_tables("sales@x.org kim@x.org, bob@x.org\n");
    settings.alias_maps = g_strconcat("texthash:", file, NULL);
    settings.mailbox_maps = g_strdup("inline:{kim@x.org=1 bob@x.org=1}");
    return 0;
}

static int tear_down(void **state)
{
    g_clear_pointer(&settings.alias_maps, g_free);
    g_clear_pointer(&settings.mailbox_maps, g_free);
    return folder_remove(state);
}

/* The desk, and who asks the tables, in one process. */
struct both {
    struct tables_desk *desk;
    struct user_tables *tables;
};

static struct both both_new(void)
{
    return (struct both){tables_desk_new(), user_tables_new(&settings, -1)};
}

static void both_free(struct both *b)
{
    tables_desk_free(&b->desk);
    user_tables_free(&b->tables);
}

static GBytes *both_answer(const struct both *b, const char *question, size_t len)
{
    guint32 number;
    g_autofree char *key = tables_desk_key(question, len, &number);
    const GBytes *known = key ? tables_desk_known(b->desk, key) : NULL;
    if (key && !known) {
        GString *out = g_string_new(NULL);
        const GString *packed = tables_desk_question(b->desk, key, 0);
        assert_true(lookup_pool_answer(b->tables, packed->str, packed->len, out));
        known = tables_desk_take(b->desk, key, out->str, out->len);
        g_string_free(out, TRUE);
    }
    return key ? tables_desk_numbered(known, number) : NULL;
}

/* want: members, or "mailbox", "-", "?". */
static void asks_for(const struct both *d, enum users_tables_question question, guint32 number, const char *address,
                     const char *want)
{
    GString *packet = g_string_new(NULL);
    struct users_tables_answer a;
    guint32 back;
    enum users_result result;
    gsize len;
    assert_true(tables_packet_write_question(packet, number, question, address));
    GBytes *answer = both_answer(d, packet->str, packet->len);
    assert_non_null(answer);
    const char *data = g_bytes_get_data(answer, &len);
    assert_true(tables_packet_read_answer(data, len, &back, &result, &a));
    assert_int_equal(back, number);
    if (result == USERS_FOUND && a.members)
        is_list(address, a.members, want);
    else
        assert_string_equal(result == USERS_FOUND ? "mailbox" : result == USERS_UNKNOWN ? "-" : "?", want);
    users_tables_answer_clear(&a);
    g_bytes_unref(answer);
    g_string_free(packet, TRUE);
}

static void asks(const struct both *d, guint32 number, const char *address, const char *want)
{
    asks_for(d, USERS_TABLES_ALL, number, address, want);
}

/* A domain is another question than a mailbox of that name. */
static void answers_for_domains(void **state)
{
    (void)state;
    settings.domain_maps = (char *)"inline:{x.org=1 kim@x.org=1}";
    struct both d = both_new();
    asks_for(&d, USERS_TABLES_IS_DOMAIN, 1, "x.org", "mailbox");
    asks_for(&d, USERS_TABLES_MAILBOX, 2, "x.org", "-");
    asks_for(&d, USERS_TABLES_ALL, 3, "x.org", "-");
    asks_for(&d, USERS_TABLES_IS_DOMAIN, 4, "x.org", "mailbox");
    asks_for(&d, USERS_TABLES_IS_DOMAIN, 5, "y.org", "-");
    both_free(&d);
    settings.domain_maps = (char *)"texthash:/nonexistent/domains";
    d = both_new();
    asks_for(&d, USERS_TABLES_IS_DOMAIN, 6, "x.org", "?");
    asks(&d, 7, "kim@x.org", "mailbox");
    both_free(&d);
    settings.domain_maps = NULL;
}

static void answers(void **state)
{
    struct both d = both_new();
    (void)state;
    asks(&d, 1, "sales@x.org", "kim@x.org bob@x.org");
    asks(&d, 2, "sales+y@x.org", "kim+y@x.org bob+y@x.org");
    asks(&d, 3, "kim@x.org", "mailbox");
    asks(&d, 4, "nobody@x.org", "-");
    /* Another asks within seconds. */
    make_tables("sales@x.org eve@x.org\nnobody@x.org eve@x.org\nnew@x.org eve@x.org\n");
    asks(&d, 5, "sales@x.org", "kim@x.org bob@x.org");
    asks(&d, 6, "nobody@x.org", "-");
    both_free(&d);
    d = both_new();
    asks(&d, 7, "sales@x.org", "eve@x.org");
    both_free(&d);
    assert_int_equal(unlink(file), 0);
    d = both_new();
    asks(&d, 8, "sales@x.org", "?");
    asks(&d, 9, "kim@x.org", "?");
    both_free(&d);
    make_tables("");
}

static void no_questions(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } wrong[] = {{"", 0}, {"1234", 4}, {"1234\0", 5}, {"1234\0\0", 6}, {"1234\0kim@x.org", 14}, {"1234\5kim@x.org\0", 15},
                 {"1234\0kim@x.org\0\0", 16}, {"1234\0KIM@x.org\0", 15}, {"1234\0kim\xff@x.org\0", 16}, {"1234\0kim\n@x.org\0", 16}};
    struct both d = both_new();
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
        if (both_answer(&d, wrong[i].data, wrong[i].len))
            fail_msg("packet %zu was answered", i);
    both_free(&d);
}

static void no_answers(void **state)
{
    static const struct {
        unsigned char result, alias, mailbox;
        const char *rest;
        size_t len;
        bool whole;
        unsigned char key;
    } cases[] = {
        {USERS_FOUND, 0, 0, "", 0, true, USERS_TABLES_KEY_REFUSED},
        {USERS_FOUND, 0, 0, "", 0, false, USERS_TABLES_KEY_REFUSED + 1},
        {USERS_UNKNOWN, 0, 0, "", 0, false, USERS_TABLES_KEY_READY},
        {USERS_TEMP, 0, 0, "", 0, true, 0},
        {USERS_UNKNOWN, 0, 0, "", 0, true, 0},
        {USERS_FOUND, USERS_TABLES_WHOLE, 0, "a@x\0b@x\0", 8, true, 0},
        {USERS_FOUND, USERS_TABLES_DOMAIN, 0, "", 0, true, 0},
        {USERS_FOUND, 0, USERS_TABLES_DOMAIN, "", 0, true, 0},
        {USERS_FOUND, 0, 0, "", 0, false, 0},
        {USERS_UNKNOWN, USERS_TABLES_WHOLE, 0, "a@x\0", 4, false, 0},
        {USERS_ELSEWHERE, 0, 0, "", 0, false, 0},
        {9, 0, 0, "", 0, false, 0},
        {USERS_FOUND, USERS_TABLES_DOMAIN + 1, 0, "", 0, false, 0},
        {USERS_FOUND, 0, USERS_TABLES_DOMAIN + 1, "", 0, false, 0},
        {USERS_FOUND, USERS_TABLES_WHOLE, 0, "a@x", 3, false, 0},
        {USERS_FOUND, USERS_TABLES_WHOLE, 0, "A@x\0", 4, false, 0},
        {USERS_FOUND, USERS_TABLES_WHOLE, 0, "\0", 1, false, 0},
        {USERS_FOUND, 0, USERS_TABLES_WHOLE, "a@x\0", 4, false, 0},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        unsigned char data[32] = {1, 0, 0, 0, cases[i].result, cases[i].alias, cases[i].mailbox, cases[i].key};
        struct users_tables_answer a;
        guint32 number;
        enum users_result result;
        memcpy(data + 8, cases[i].rest, cases[i].len);
        if (tables_packet_read_answer((char *)data, 8 + cases[i].len, &number, &result, &a) != cases[i].whole)
            fail_msg("answer %zu", i);
        users_tables_answer_clear(&a);
    }
}

/* More members than a packet holds: nobody knows who they all are. */
static void too_long(void **state)
{
    struct users_tables_answer a = {.alias = USERS_TABLES_WHOLE, .members = g_ptr_array_new_with_free_func(g_free)};
    GString *out = g_string_new(NULL);
    guint32 number;
    enum users_result result;
    (void)state;
    for (int i = 0; i < 10000; i++)
        g_ptr_array_add(a.members, g_strdup_printf("somebody%d@x.org", i));
    tables_packet_write_answer(out, 7, USERS_FOUND, &a);
    users_tables_answer_clear(&a);
    assert_true(tables_packet_read_answer(out->str, out->len, &number, &result, &a));
    assert_int_equal(result, USERS_TEMP);
    g_string_free(out, TRUE);
}

/* ---- by a line, as the keeper has it ---- */

/* Answers what comes, late what is asked about "late". */
static void play(int fd)
{
    char data[TABLES_PACKET_QUESTION_MAX];
    struct both d = both_new();
    for (ssize_t len; (len = recv(fd, data, sizeof data, 0)) > 0;) {
        GBytes *answer = both_answer(&d, data, (size_t)len);
        gsize size = 0;
        const void *packet = g_bytes_get_data(answer, &size);
        if (strstr(data + 5, "late"))
            g_usleep(1500000);
        if (send(fd, packet, size, MSG_NOSIGNAL) < 0)
            break;
        g_bytes_unref(answer);
    }
    both_free(&d);
    _exit(0);
}

/* A busy machine may take longer than the keeper waits: another asks then. */
static enum users_result ask_by(int fd, const char *address, struct users_tables_answer *a)
{
    enum users_result result = USERS_TEMP;
    for (int i = 0; i < 60 && result == USERS_TEMP; i++) {
        struct tables_client *c = tables_client_new_on(&settings, fd);
        const struct users_tables *t = tables_client_users(c);
        result = t->ask(t->arg, USERS_TABLES_ALL, address, a);
        tables_client_free(&c);
    }
    return result;
}

static void by_a_line(void **state)
{
    int line[2];
    struct users_tables_answer a = {0};
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        close(line[0]);
        play(line[1]);
    }
    close(line[1]);
    assert_int_equal(ask_by(line[0], "sales@x.org", &a), USERS_FOUND);
    is_list("sales@x.org", a.members, "kim@x.org bob@x.org");
    users_tables_answer_clear(&a);
    /* No answer in time: not now; nor at once, for a while. */
    struct tables_client *c = tables_client_new_on(&settings, line[0]);
    const struct users_tables *t = tables_client_users(c);
    assert_int_equal(t->ask(t->arg, USERS_TABLES_ALL, "late@x.org", &a), USERS_TEMP);
    assert_int_equal(t->ask(t->arg, USERS_TABLES_ALL, "kim@x.org", &a), USERS_TEMP);
    tables_client_free(&c);
    /* What comes late is of another question: kim has a mailbox, late has not. */
    assert_int_equal(ask_by(line[0], "kim@x.org", &a), USERS_FOUND);
    users_tables_answer_clear(&a);
    close(line[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* ---- those who ask the tables ---- */

static GString *told;

static void tell(void *arg, const char *key, const char *data, size_t len)
{
    guint32 number;
    enum users_result result = USERS_TEMP;
    struct users_tables_answer a = {0};
    (void)arg;
    if (data)
        assert_true(tables_packet_read_answer(data, len, &number, &result, &a));
    g_string_append_printf(told, "%s%s ", result == USERS_FOUND ? "+" : result == USERS_TEMP ? "?" : "-", key);
    users_tables_answer_clear(&a);
}

static void ask_pool(struct lookup_pool *p, struct tables_desk *d, const char *key)
{
    const GString *packed = tables_desk_question(d, key, 0);
    lookup_pool_ask(p, key, packed->str, packed->len);
}

static void await(struct lookup_pool *p, int events, const char *what)
{
    struct epoll_event event;
    while (!strstr(told->str, what)) {
        const int ms = lookup_pool_turn(p);
        if (epoll_wait(events, &event, 1, ms < 0 ? 1000 : ms) > 0)
            assert_true(lookup_pool_hear(p, event.data.fd));
    }
}

/* A server that takes connections and never answers. */
static int hanging_server(guint *port_r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at) | listen(fd, 50), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port_r = ntohs(at.sin_port);
    return fd;
}

/* One waits for the server: others who need it are told at once that it cannot be asked, and who is in another table
 * is found. */
static void hanging(void **state)
{
    guint port;
    const int server = hanging_server(&port), events = epoll_create1(EPOLL_CLOEXEC);
    g_autofree char *text = g_strdup_printf("hosts = 127.0.0.1:%u\ndbname = x\nquery = SELECT '%%s'\n", port);
    (void)state;
    make_tables(text);
    g_free(settings.alias_maps);
    settings.alias_maps = g_strconcat("inline:{sales@x.org=kim@x.org} pgsql:", file, NULL);
    told = g_string_new(NULL);
    struct tables_desk *d = tables_desk_new();
    struct lookup_pool *p = lookup_pool_new(&(struct lookup_pool_env){&settings, -1, events, tell, NULL});
    ask_pool(p, d, "afirst@x.org");
    ask_pool(p, d, "asecond@x.org");
    ask_pool(p, d, "asales@x.org");
    await(p, events, "asales");
    await(p, events, "afirst");
    assert_string_equal(told->str, "?asecond@x.org +asales@x.org ?afirst@x.org ");
    lookup_pool_free(&p);
    tables_desk_free(&d);
    g_string_free(told, TRUE);
    close(server);
    close(events);
    signal(SIGCHLD, SIG_DFL);
}

/* ---- keys, which the importer answers for ---- */

static bool is_answered(const char *key)
{
    g_autofree char *word = g_strdup_printf("%s ", key);
    return strstr(told->str, word) != NULL;
}

/* One request; the text is read as far as it came. */
static void take(int line, struct key_import_request *r, GString *text)
{
    char piece[65536];
    struct pollfd p = {line, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 60000), 1);
    assert_true(key_import_take(line, r));
    g_string_truncate(text, 0);
    for (ssize_t n; (n = recv(r->socket, piece, sizeof piece, 0)) > 0;)
        g_string_append_len(text, piece, n);
}

static void answer(struct lookup_pool *p, int events, const struct key_import_request *r, enum key_import result)
{
    g_autofree char *key = g_strconcat("k", r->user, NULL);
    if (result != KEY_IMPORT_TEMP)
        key_import_answer(r->socket, result);
    close(r->socket);
    await(p, events, key);
}

/* The importer is busy: who waits for it holds up nobody else, and it may ask the tables itself. */
static void importing(void **state)
{
    int line[2];
    struct key_import_request r;
    const int events = epoll_create1(EPOLL_CLOEXEC);
    GString *text = g_string_new(NULL);
    (void)state;
    told = g_string_new(NULL);
    settings.state_dir = folder;
    settings.key_maps = (char *)"inline:{a@x.org=key-a b@x.org=key-b c@x.org=key-c d@x.org=key-d e@x.org=key-e}";
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line), 0);
    struct tables_desk *d = tables_desk_new();
    struct lookup_pool *p = lookup_pool_new(&(struct lookup_pool_env){&settings, line[1], events, tell, NULL});
    for (const char *c = "abcde"; *c; c++) {
        g_autofree char *key = g_strdup_printf("k%c@x.org", *c);
        ask_pool(p, d, key);
    }
    ask_pool(p, d, "kbob@x.org");
    ask_pool(p, d, "asales@x.org");
    await(p, events, "+asales");
    await(p, events, "-kbob");
    for (const char *c = "abcde"; *c; c++) {
        g_autofree char *key = g_strdup_printf("k%c@x.org", *c);
        assert_false(is_answered(key));
    }
    static const enum key_import results[] = {KEY_IMPORT_DONE, KEY_IMPORT_REFUSED, KEY_IMPORT_TEMP};
    static const char *const wanted[] = {"+ka@x.org ", "+kb@x.org ", "?kc@x.org "};
    for (size_t i = 0; i < G_N_ELEMENTS(results); i++) {
        take(line[0], &r, text);
        assert_int_equal(text->len, r.len);
        assert_true(g_str_has_prefix(text->str, "key-") && text->str[4] == r.user[0]);
        answer(p, events, &r, results[i]);
        assert_true(g_str_has_suffix(told->str, wanted[i]));
    }
    assert_false(is_answered("kd@x.org"));
    ask_pool(p, d, "abob@x.org");
    await(p, events, "abob");
    lookup_pool_free(&p);
    tables_desk_free(&d);
    g_string_free(told, TRUE);
    g_string_free(text, TRUE);
    close(line[0]);
    close(line[1]);
    close(events);
    settings.key_maps = NULL;
    signal(SIGCHLD, SIG_DFL);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members), cmocka_unit_test(remembered), cmocka_unit_test(bounded), TEST(answers),
        TEST(answers_for_domains), TEST(no_questions), cmocka_unit_test(no_answers), cmocka_unit_test(too_long),
        TEST(by_a_line), TEST(hanging), TEST(importing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
