/* The first leg's proof holds for its copy and that copy's users, however an MTA folds the field, and for
 * nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/mail/message.h"
#include "base/sitekey.h"
#include "filterd/pipeline/handoff.h"
#include "gpg/outside.h"

#define LINES "X-Filterd-Result: Innocent\r\nX-Filterd-Encrypted: no\r\n" \
              "Authentication-Results: mx; spf=pass\r\nSubject: [x] y\r\n"
#define REST "Received: from a\r\nFrom: A <a@example.com>\r\nTo: b\r\nMessage-ID: <1@x>\r\n" \
             "Content-Type: text/plain;\r\n\tcharset=utf-8\r\n\r\n"
#define BODY "line\r\n..\r\nend\r\n"

static const struct sitekey key = {{1, 2, 3}};

static gint64 now = G_GINT64_CONSTANT(1795000000000000);

/* Replaces GLib's clock. */
gint64 g_get_real_time(void)
{
    return now;
}

static GPtrArray *users_of(const char *first, const char *second)
{
    GPtrArray *users = g_ptr_array_new_with_free_func(g_free);
    if (first)
        g_ptr_array_add(users, g_strdup(first));
    if (second)
        g_ptr_array_add(users, g_strdup(second));
    return users;
}

static struct handoff_copy how; /* sealed, local and sender */

static char *field_for(const char *lines, const char *rest, GPtrArray *users)
{
    struct bytes added = {0}, copy = {0};
    bytes_adds(&added, lines);
    bytes_addf(&copy, "%s%s", lines, rest);
    how.copy = &copy;
    how.added = &added;
    how.users = users;
    char *field = handoff_field(&key, &how);
    bytes_free(&added);
    bytes_free(&copy);
    return field;
}

/* A copy for ann and bob, with its proof. */
static char *proved_of(const char *lines, const char *rest)
{
    GPtrArray *users = users_of("ann@example.com", "bob@example.com");
    g_autofree char *field = field_for(lines, rest, users);
    char *mail = g_strconcat(field, lines, rest, NULL);
    g_ptr_array_unref(users);
    return mail;
}

static char *proved(void)
{
    return proved_of(LINES, REST BODY);
}

static char fault[100]; /* why the last one did not hold; "" if it did */

static bool holds_with(const struct sitekey *k, const char *mail, size_t len, GPtrArray *users)
{
    struct handoff *p = handoff_new(k, mail, len);
    struct message *m = (handoff_is_ours(p) ? message_new_roomy : message_new)(mail, len);
    if (p)
        handoff_compare(p, m, how.sender, 10);
    const char *why = handoff_fault(p, users);
    g_strlcpy(fault, why ? why : "", sizeof fault);
    handoff_free(&p);
    message_free(&m);
    g_ptr_array_unref(users);
    return !why;
}

static bool holds(const char *mail)
{
    return holds_with(&key, mail, strlen(mail), users_of("ann@example.com", NULL));
}

/* True if the proof holds after all occurrences of from, at least one, became to. */
static bool holds_if(const char *from, const char *to)
{
    g_autofree char *mail = proved();
    assert_non_null(strstr(mail, from));
    char **parts = g_strsplit(mail, from, 2);
    g_autofree char *changed = g_strjoinv(to, parts);
    const bool result = holds(changed);
    g_strfreev(parts);
    return result;
}

static void users(void **state)
{
    const struct sitekey other = {{1, 2, 4}};
    g_autofree char *mail = proved();
    (void)state;
    assert_true(handoff_is_in(mail, strlen(mail)));
    assert_false(handoff_is_in(LINES, strlen(LINES)));
    assert_true(handoff_is_in(LINES "X-Filterd-Proof: x\r\n", strlen(LINES "X-Filterd-Proof: x\r\n")));
    assert_true(holds_with(&key, mail, strlen(mail), users_of("ann@example.com", NULL)));
    assert_true(holds_with(&key, mail, strlen(mail), users_of("bob@example.com", "ann@example.com")));
    assert_false(holds_with(&key, mail, strlen(mail), users_of("ann@example.com", "eve@example.com")));
    assert_false(holds_with(&key, mail, strlen(mail), users_of("eve@example.com", NULL)));
    assert_string_equal(fault, "it was made for others");
    assert_false(holds_with(&key, mail, strlen(mail), users_of(NULL, NULL)));
    assert_false(holds_with(&other, mail, strlen(mail), users_of("ann@example.com", NULL)));
    assert_string_equal(fault, "it was not made with this site's key, or was changed");
    assert_string_equal(handoff_fault(NULL, NULL), "there is none");
    assert_false(handoff_is_ours(NULL));
}

/* What an MTA and its milters do to a header, sealed or not. */
static const char *const harmless[][2] = {
    {"X-Filterd-Proof", "Received: by b\r\n\tnow\r\nX-Filterd-Proof"},
    {"To: b", "To: b@example.com"}, {"end\r\n", "end\r\n\r\n"}, {"end\r\n", "end"},
    {"X-Filterd-Result", "x-filterd-result"}, {"Innocent", " \r\n\tInnocent "},
    {"\r\n\r\nline", "\r\nDate: now\r\n\r\nline"}, {"\r\n\r\nline", "\r\nContent-Length: 5\r\n\r\nline"},
    {"Proof: 2 ", "Proof:\r\n 2\t"}, {"<1@x>", "<2@x>"}, {"Message-ID: <1@x>\r\n", ""},
    {"X-Filterd-Proof", "Return-Path: <>\r\nDelivered-To: x\r\nX-Original-To: x\r\nX-Filterd-Proof"},
    {"X-Filterd-Proof", "DKIM-Signature: v=1\r\nAuthentication-Results: mx; none\r\nX-Filterd-Proof"},
    {"X-Filterd-Result", "X-Milter: a\r\nX-Filterd-Result"}, {"X-Filterd-Encrypted", "X-Milter: a\r\nX-Filterd-Encrypted"},
    {"Received: from a", "X-Milter: a\r\nReceived: from a"}, {"\r\n\r\nline", "\r\nX-Milter: a\r\n\r\nline"},
    {"\r\n\r\nline", "\r\nReply-To: c@example.com\r\n\r\nline"}, {"\r\n\r\nline", "\r\nSender: c@example.com\r\n\r\nline"},
    {"Authentication-Results: mx; spf=pass\r\n", ""},
};
/* The same to the fields that an unsealed copy is bound to. */
static const char *const harmless_open[][2] = {
    {"\r\n\tcharset", "\r\n        charset"}, {"From: A <", "From : A\r\n <"}, {"From: A <", "From:A <"},
    {"From: A <a@example.com>", "From:\tA  <a@example.com> \t"},
};

static void what_mtas_do(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        how.sealed = sealed;
        for (size_t i = 0; i < G_N_ELEMENTS(harmless); i++)
            if (!holds_if(harmless[i][0], harmless[i][1]))
                fail_msg("sealed %d: \"%s\" for \"%s\": %s", sealed, harmless[i][1], harmless[i][0], fault);
        for (size_t i = 0; i < G_N_ELEMENTS(harmless_open); i++)
            if (!holds_if(harmless_open[i][0], harmless_open[i][1]))
                fail_msg("sealed %d: \"%s\" for \"%s\": %s", sealed, harmless_open[i][1], harmless_open[i][0], fault);
    }
    how.sealed = false;
}

static const struct {
    const char *from, *to, *fault;
    bool sealed; /* does not hold for a sealed copy either */
} changes[] = {
    {"Innocent", "Whitelisted", "a line of filterd's own was changed", true},
    {"X-Filterd-Result: Innocent\r\n", "", "a line of filterd's own was changed", true},
    {"[x] y", "y", "a line of filterd's own was changed", true},
    {"X-Filterd-Result", "Y-Filterd-Result", "a line of filterd's own was changed", true},
    {"A <a@", "B <a@", "its From was changed", false},
    {"From: A", "From: c@example.com\r\nFrom: A", "its From was changed", false},
    {"X-Filterd-Proof", "From: c@example.com\r\nX-Filterd-Proof", "its From was changed", false},
    {"From: A <a@", "From: A<a@", "its From was changed", false},
    {"From: A", "From: \" A", "its From was changed", false},
    {"From: A <a@example.com>\r\n", "", "its From was changed", false},
    {"\r\n\r\nline", "\r\nSubject: z\r\n\r\nline", "its Subject was changed", false},
    {"X-Filterd-Proof", "Subject: z\r\nX-Filterd-Proof", "its Subject was changed", false},
    {"\r\n\r\nline", "\r\nContent-Transfer-Encoding: base64\r\n\r\nline", "a field that describes its body was changed", false},
    {"\r\n\r\nline", "\r\nMIME-Version: 1.0\r\n\r\nline", "a field that describes its body was changed", false},
    {"text/plain", "text/html", "a field that describes its body was changed", false},
    {"line\r\n", "lime\r\n", "its body was changed", true}, {"line\r\n", "li\r\nne\r\n", "its body was changed", true},
    {"line\r\n", "\r\nline\r\n", "its body was changed", true},
    {"Proof: 2 ", "Proof: 3 ", "it is malformed, or of another version", true},
    {"Proof: 2 ", "Proof: 2x ", "it is malformed, or of another version", true},
    {"Proof: 2 ", "Proof: ", "it is malformed, or of another version", true},
    {" t=", " u=", "it is malformed, or of another version", true},
    {" t=", " t=-", "it is malformed, or of another version", true},
    {" t=", " t=x", "it is malformed, or of another version", true},
    {" t=", " t=1", "it was not made with this site's key, or was changed", true},
    {" i=", " i=1", "it was not made with this site's key, or was changed", true},
    {"b=", "b=1", "it was not made with this site's key, or was changed", true},
    {"l=", "l=,", "it was not made with this site's key, or was changed", true},
    {"l=", "l= ", "it is malformed, or of another version", true},
    {"m=", "m=1", "it was not made with this site's key, or was changed", true},
    {"m=", "m= ", "it was not made with this site's key, or was changed", true},
    {"Proof:", "Proof", "there is none", true},
    {"X-Filterd-Proof: 2", "X-Filterd-Proof: 2\r\nX-Filterd-Proof: 2", "it is malformed, or of another version", true},
};

static void what_mtas_do_not(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        if (holds_if(changes[i].from, changes[i].to))
            fail_msg("holds with \"%s\" for \"%s\"", changes[i].to, changes[i].from);
        assert_string_equal(fault, changes[i].fault);
        how.sealed = true;
        if (holds_if(changes[i].from, changes[i].to) == changes[i].sealed)
            fail_msg("sealed, with \"%s\" for \"%s\": %s", changes[i].to, changes[i].from, fault);
        how.sealed = false;
    }
    how.sealed = true;
    assert_false(holds_if("line", "lime"));
    assert_string_equal(fault, "its ciphertext was changed");
    how.sealed = false;
}

/* A proof of a sealed copy made one of an open one, or the other way round, is none. */
static void sealed_is_not_open(void **state)
{
    (void)state;
    assert_false(holds_if(" f=", " g="));
    g_autofree char *open = proved();
    char *cut = strstr(open, "f="), *end = strstr(cut, "l=");
    memmove(cut, end, strlen(end) + 1);
    assert_false(holds(open));
    assert_string_equal(fault, "it was not made with this site's key, or was changed");
}

/* The field named of a copy as it was sent, and as Postfix leaves it. */
static bool holds_cut(const char *sent, size_t sent_len, const char *left)
{
    struct bytes mail = {0}, copy = {0}, added = {0};
    GPtrArray *users = users_of("ann@example.com", NULL);
    bytes_adds(&added, "X-Filterd-Result: Innocent\r\n");
    bytes_add(&copy, added.data, added.len);
    bytes_add(&copy, sent, sent_len);
    bytes_adds(&copy, "\r\nX-End: x\r\n\r\n" BODY);
    how.copy = &copy;
    how.added = &added;
    how.users = users;
    g_autofree char *field = handoff_field(&key, &how);
    bytes_addf(&mail, "%s%s%s\r\nX-End: x\r\n\r\n" BODY, field, (char *)added.data, left);
    const bool result = holds_with(&key, (char *)mail.data, mail.len, users_of("ann@example.com", NULL));
    g_ptr_array_unref(users);
    bytes_free(&mail);
    bytes_free(&copy);
    bytes_free(&added);
    return result;
}
#define CUT(sent, left) holds_cut(sent, sizeof sent - 1, left)

static void a_nul_ends_a_field(void **state)
{
    (void)state;
    for (int sealed = 0; sealed < 2; sealed++) {
        how.sealed = sealed;
        assert_true(CUT("Subject: hello\0 there", "Subject: hello"));
        assert_true(CUT("Subject: hello\0\r\n there", "Subject: hello\r\n there"));
        assert_true(CUT("Subject: a\0b\0c\r\n d\0\r\n\te", "Subject: a\r\n d\r\n\te"));
        assert_true(CUT("From: A\0 <a@example.com>", "From: A"));
        assert_true(CUT("Content-Type: text/plain\0; x=y", "Content-Type: text/plain"));
        assert_true(CUT("Reply-To: <c@example.com>\0", "Reply-To: <c@example.com>"));
        assert_true(CUT("Subject: \0", "Subject:"));
    }
    /* Of a line that Postfix reads in pieces of 2,048 bytes the next piece stays. */
    g_autofree char *line = g_strnfill(3000, 'x'), *left = g_strdup_printf("Subject: hello%.*s", 3014 - 2048 + 1, line);
    g_autofree char *sent = g_strdup_printf("Subject: hello_%s", line);
    const size_t sent_len = strlen(sent);
    sent[14] = 0;
    how.sealed = false;
    assert_true(holds_cut(sent, sent_len, left));
    left[strlen(left) - 1] = 0;
    assert_false(holds_cut(sent, sent_len, left));
    assert_false(CUT("Subject: hello\0 there", "Subject: hell"));
    assert_false(CUT("Subject: hello there", "Subject: hello"));
}

static void a_long_field_is_cut(void **state)
{
    static const char *const names[] = {"Subject", "From", "Reply-To", "Content-Type"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *words = g_strnfill(120 * 1024, 'w');
        for (size_t at = 70; at < 120 * 1024; at += 72)
            memcpy(words + at, "\r\n\t", 3);
        g_autofree char *sent = g_strdup_printf("%s: %s", names[i], words);
        g_autofree char *left = g_strdup_printf("%s: %.102000s", names[i], words);
        assert_true(holds_cut(sent, strlen(sent), left));
        left[1000] = 'x';
        assert_int_equal(holds_cut(sent, strlen(sent), left), i == 2);
    }
}

/* ---- From, as Postfix rewrites it ---- */

static bool holds_rewritten(const char *sent, const char *left)
{
    return holds_cut(sent, strlen(sent), left);
}

static void a_from_is_added(void **state)
{
    (void)state;
    how.sender = "ann.o@example.net";
    assert_true(holds_rewritten("X-No: x", "X-No: x"));
    assert_true(holds_rewritten("X-No: x", "X-No: x\r\nFrom: ann.o@example.net"));
    assert_true(holds_rewritten("X-No: x", "X-No: x\r\nFrom: <ann.o@example.net>"));
    assert_false(holds_rewritten("X-No: x", "X-No: x\r\nFrom: boss@example.net"));
    assert_string_equal(fault, "its From was changed");
    assert_false(holds_rewritten("X-No: x", "X-No: x\r\nFrom: ann.o@example.org"));
    assert_false(holds_rewritten("X-No: x", "X-No: x\r\nFrom: ann.o@example.net\r\nFrom: ann.o@example.net"));
    assert_false(holds_rewritten("From: ann.o@example.net", "X-No: x"));
    how.sender = "root";
    assert_true(holds_rewritten("X-No: x", "X-No: x\r\nFrom: root@mail.example.com"));
    assert_false(holds_rewritten("X-No: x", "X-No: x\r\nFrom: toor@mail.example.com"));
    how.sender = "";
    assert_true(holds_rewritten("X-No: x", "X-No: x\r\nFrom: MAILER-DAEMON (Mail Delivery System)"));
    how.sender = NULL;
    assert_true(holds_rewritten("X-No: x", "X-No: x\r\nFrom: MAILER-DAEMON (Mail Delivery System)"));
}

static void a_from_is_completed(void **state)
{
    static const char *const rewritten[][2] = {
        {"From: root", "From: root@mail.example.com"},
        {"From: root@host", "From: root@host.example.com"},
        {"From: \"Root\" <root>", "From: Root <root@mail.example.com>"},
        {"From: root (Cron, Daemon)", "From: root@mail.example.com (Cron, Daemon)"},
        {"From: root, ann@example.net", "From: root@mail.example.com,\r\n    ann@example.net"},
        {"From: <\"a b\"@host>", "From: \"a b\"@host.example.com"},
        {"From: x@example.net <root>", "From: \"x@example.net\" <root@mail.example.com>"},
    };
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rewritten); i++) {
        if (!holds_rewritten(rewritten[i][0], rewritten[i][1]))
            fail_msg("%s, rewritten to %s: %s", rewritten[i][0], rewritten[i][1], fault);
        assert_true(holds_rewritten(rewritten[i][0], rewritten[i][0]));
    }
    assert_false(holds_rewritten("From: root", "From: toor@mail.example.com"));
    assert_false(holds_rewritten("From: root", "From: Boss <root@mail.example.com>"));
    /* One that has a domain is never completed. */
    assert_false(holds_rewritten("From: a@example.net", "From: a@example.org"));
    assert_false(holds_rewritten("From: \"x\" <a@example.net>", "From: x <a@example.net>"));
    assert_false(holds_rewritten("From: (x) a@example.net (y)", "From: (x) a@example.org (y)"));
    assert_false(holds_rewritten("From: (root, x) a@example.net", "From: (root, x) a@example.org"));
    assert_false(holds_rewritten("From: a@[192.0.2.1]", "From: a@[192.0.2.2]"));
    assert_false(holds_rewritten("From: \"root, x\" <a@example.net>", "From: \"root, x\" <a@example.org>"));
    assert_false(holds_rewritten("From: \"\\\", b\" <a@example.net>", "From: \"\\\", b\" <a@example.org>"));
}

/* Of a local client Postfix may replace anything: canonical_maps, masquerade_domains. */
static void a_local_from_is_free(void **state)
{
    (void)state;
    how.local = true;
    assert_true(holds_rewritten("From: login@example.net", "From: Public Name <name@example.org>"));
    assert_true(holds_rewritten("X-No: x", "X-No: x\r\nFrom: a@example.org"));
    assert_false(holds_rewritten("From: a@example.net\r\nSubject: a", "From: a@example.net\r\nSubject: b"));
    assert_string_equal(fault, "its Subject was changed");
    how.local = false;
}

/* Postfix adds a Message-ID to a message without one, and only then: the proof holds. */
static void no_message_id(void **state)
{
    static const char rest[] = "From: a@example.com\r\n\r\n" BODY;
    (void)state;
    GPtrArray *users = users_of("ann@example.com", NULL);
    g_autofree char *field = field_for(LINES, rest, users);
    g_autofree char *mail = g_strconcat(field, LINES "Message-ID: <new@host>\r\n", rest, NULL);
    assert_true(holds(mail));
    g_ptr_array_unref(users);
}

/* With these fields of ours alone, and not always an empty line behind them. */
static void nothing_but_ours(void **state)
{
    static const char *const rests[] = {"", "\r\n", "\r\nx", "no field\r\n"};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
        g_autofree char *mail = proved_of(LINES, rests[i]);
        assert_true(holds(mail));
    }
    assert_false(holds("Received: x\r\nReturn-Path: <x>\r\n"));
    assert_string_equal(fault, "there is none");
    assert_false(holds("Received: x\r\nX-Filterd-Proof: 1 1 1795000000 0\r\n"));
    assert_string_equal(fault, "it is malformed, or of another version");
    assert_false(holds("X-Filterd-Proof:"));
    assert_false(holds(""));
    assert_false(holds_with(&key, NULL, 0, users_of("ann@example.com", NULL)));
}

/* Ours are found behind many fields that a milter has added, but not behind any number. */
static void strangers(void **state)
{
    GString *many = g_string_new("X-Filterd-Result");
    (void)state;
    for (int i = 0; i < 100; i++)
        g_string_prepend(many, "X-Milter: a\r\n");
    assert_true(holds_if("X-Filterd-Result", many->str));
    for (int i = 0; i < 10; i++)
        g_string_prepend(many, "X-Milter: a\r\n");
    assert_false(holds_if("X-Filterd-Result", many->str));
    assert_string_equal(fault, "a line of filterd's own was changed");
    g_string_free(many, TRUE);
}

/* A header at its limits, to which both legs and Postfix add fields. */
static void a_header_at_its_limits(void **state)
{
    GString *rest = g_string_new("From: A <a@example.com>\r\n");
    (void)state;
    for (size_t i = 1; i < limits_default.header_count; i++)
        g_string_append(rest, "X-Many: a\r\n");
    g_string_append(rest, "\r\n" BODY);
    for (int sealed = 0; sealed < 2; sealed++) {
        how.sealed = sealed;
        g_autofree char *mail = proved_of(LINES, rest->str);
        g_autofree char *come = g_strconcat("Received: by b\r\nX-Milter: a\r\n", mail, NULL);
        assert_true(holds(come));
    }
    how.sealed = false;
    g_string_free(rest, TRUE);
}

/* A proof ends by its age. */
static void time_passes(void **state)
{
    g_autofree char *mail = proved();
    const gint64 start = now;
    static const struct {
        gint64 later_s;
        const char *fault;
    } cases[] = {{10 * 86400 - 1, ""}, {10 * 86400, "it is 10 days old, queue_days is 10"},
                 {11 * 86400 + 5, "it is 11 days old, queue_days is 10"}, {-3599, ""},
                 {-3600, "it was made in the future"}};
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        now = start + cases[i].later_s * G_USEC_PER_SEC;
        assert_int_equal(holds(mail), !*cases[i].fault);
        assert_string_equal(fault, cases[i].fault);
    }
    now = start;
}

static void too_many(void **state)
{
    GPtrArray *users = users_of("ann@example.com", NULL);
    (void)state;
    while (users->len < HANDOFF_USERS_MAX)
        g_ptr_array_add(users, g_strdup_printf("u%u@example.com", users->len));
    g_autofree char *field = field_for(LINES, REST BODY, users);
    assert_true(strlen(field) < 32 * 1024); /* Postfix leaves 100 KB of it */
    char **physical = g_strsplit(field, "\r\n", -1);
    for (char **line = physical; *line; line++)
        assert_true(strlen(*line) <= 140); /* the lines of one digest each are the longest */
    g_strfreev(physical);
    char *mail = g_strconcat(field, LINES REST BODY, NULL);
    assert_true(holds(mail));
    assert_true(holds_with(&key, mail, strlen(mail), users_of("u999@example.com", "u500@example.com")));
    g_free(mail);
    mail = g_strdup_printf("%.*s word\r\n" LINES REST BODY, (int)strlen(field) - 2, field);
    assert_false(holds(mail)); /* a word too many */
    g_free(mail);
    g_autofree char *blanks = g_strnfill(64 * 1024, ' ');
    mail = g_strdup_printf("X-Filterd-Proof:%s%s" LINES REST BODY, blanks, field + strlen("X-Filterd-Proof:"));
    assert_false(holds(mail));
    assert_string_equal(fault, "it is malformed, or of another version");
    g_free(mail);
    g_ptr_array_add(users, g_strdup("one@more"));
    assert_null(field_for(LINES, REST BODY, users));
    g_ptr_array_set_size(users, 0);
    assert_null(field_for(LINES, REST BODY, users));
    g_ptr_array_unref(users);
}

/* Each proof is spent on its own, for each user; by whom is the message's name in the queue. */
static void spending(void **state)
{
    unsigned char of[6][SPENT_BYTES];
    const unsigned char none[SPENT_BYTES / 2] = {0};
    g_autofree char *first = proved(), *second = proved();
    struct handoff *p = handoff_new(&key, first, strlen(first)), *q = handoff_new(&key, second, strlen(second));
    (void)state;
    assert_string_not_equal(first, second);
    handoff_spending(p, "ann@example.com", "Q1", of[0]);
    handoff_spending(p, "ann@example.com", "Q1", of[1]);
    handoff_spending(p, "ann@example.com", "Q2", of[2]);
    handoff_spending(p, "bob@example.com", "Q1", of[3]);
    handoff_spending(q, "ann@example.com", "Q1", of[4]);
    handoff_spending(p, "ann@example.com", NULL, of[5]);
    const size_t half = SPENT_BYTES / 2;
    assert_memory_equal(of[0], of[1], SPENT_BYTES);
    assert_memory_equal(of[0], of[2], half);
    assert_memory_not_equal(of[0] + half, of[2] + half, half);
    assert_memory_not_equal(of[0], of[3], half);
    assert_memory_not_equal(of[0], of[4], half);
    assert_memory_equal(of[0], of[5], half);
    assert_memory_equal(of[5] + half, none, half);
    handoff_free(&p);
    handoff_free(&q);
}

static void lines(void **state)
{
    g_autofree char *proof = proved(), *cut = g_strdup(strstr(proof, "X-Filterd-Encrypted"));
    *strstr(proof, "X-Filterd-Encrypted") = 0; /* a milter's field between ours */
    g_autofree char *mail = g_strconcat(proof, "X-Milter: a\r\n", cut, NULL);
    struct outside out = {0};
    struct handoff *p = handoff_new(&key, mail, strlen(mail));
    struct message *m = message_new(mail, strlen(mail));
    (void)state;
    handoff_compare(p, m, NULL, 10);
    handoff_outside(p, NULL, &out);
    assert_string_equal((char *)out.added.data, LINES);
    outside_clear(&out);
    handoff_outside(p, "yes", &out);
    assert_string_equal((char *)out.added.data,
                        "X-Filterd-Result: Innocent\r\nX-Filterd-Encrypted: yes\r\n"
                        "Authentication-Results: mx; spf=pass\r\nSubject: [x] y\r\n");
    /* In the place of those the message has; what is dropped for all stays so. */
    m->headers[6].dropped = true;
    const bool wanted[] = {true, false, true, false, false, false, false, true};
    for (size_t i = 0; i < G_N_ELEMENTS(wanted); i++)
        assert_int_equal(outside_has(&out, &m->headers[i]), wanted[i]);
    assert_false(m->headers[1].dropped);
    outside_clear(&out);
    handoff_free(&p);
    message_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users),         cmocka_unit_test(what_mtas_do),
        cmocka_unit_test(what_mtas_do_not), cmocka_unit_test(sealed_is_not_open),
        cmocka_unit_test(a_nul_ends_a_field), cmocka_unit_test(a_long_field_is_cut),
        cmocka_unit_test(a_from_is_added), cmocka_unit_test(a_from_is_completed),
        cmocka_unit_test(a_local_from_is_free), cmocka_unit_test(no_message_id),
        cmocka_unit_test(nothing_but_ours), cmocka_unit_test(strangers),
        cmocka_unit_test(a_header_at_its_limits), cmocka_unit_test(time_passes),
        cmocka_unit_test(too_many),      cmocka_unit_test(spending),
        cmocka_unit_test(lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
