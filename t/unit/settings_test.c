/* The settings file: defaults, every setting, and each wrong value refused with file and line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/endpoint.h"
#include "t/unit/test_folder.h"

#define BASE "[filterd]\nhostname=mx.example.org\nstate_dir=/var/lib/filterd\n"
#define LISTENER "[listener in]\nprotocol=lmtp\naddress=inet:127.0.0.1:10025\n"

#define POLICY "[listener p]\nprotocol=policy\naddress=unix:/p\n"

static int make_folder(void **state)
{
    (void)state;
    return folder_make("filterd.conf");
}

static struct settings *load(const char *text, char **error_r)
{
    assert_true(g_file_set_contents(file, text, -1, NULL));
    return settings_load(file, error_r);
}

static struct settings *good(const char *text)
{
    char *error = NULL;
    struct settings *s = load(text, &error);
    if (!s)
        fail_msg("%s", error);
    return s;
}

/* where: ":4: " or ": " for no line; what: a piece of the rest. */
static void bad(const char *text, const char *where, const char *what)
{
    g_autofree char *error = NULL;
    struct settings *s = load(text, &error);
    if (s)
        fail_msg("accepted: %s", text);
    g_autofree char *prefix = g_strconcat(file, where, NULL);
    if (!g_str_has_prefix(error, prefix) || !strstr(error, what) || strchr(error, '\n'))
        fail_msg("got \"%s\", expected \"%s...%s\"", error, prefix, what);
}

static void defaults(void **state)
{
    (void)state;
    struct settings *s = good(BASE);
    assert_string_equal(s->hostname, "mx.example.org");
    assert_null(s->user);
    assert_string_equal(s->site_key, "/var/lib/filterd/site.key");
    assert_string_equal(s->control.path, "/var/lib/filterd/control.sock");
    assert_string_equal(s->recipient_delimiter, "");
    assert_null(s->domains[0]);
    assert_null(s->local_names[0]);
    assert_string_equal(s->trusted_networks[1], "::1/128");
    assert_null(s->train_users[0]);
    assert_int_equal(s->workers, 120);
    assert_int_equal(s->message_size_limit, 52428800);
    assert_int_equal(s->queue_days, 10);
    assert_int_equal(settings_size_limit(s, NULL), 73400320); /* as tools/postfix/reinject.cf has it */
    assert_int_equal(settings_size_limit(s, &(struct listener){.protocol = PROTO_LMTP}), 73400320);
    assert_int_equal(settings_size_limit(s, &(struct listener){.protocol = PROTO_SMTP}), 52428800);
    assert_int_equal(settings_size_limit(s, &(struct listener){.protocol = PROTO_MILTER}), 52428800);
    assert_int_equal(settings_sealed_size(10240000), 14336000);
    assert_int_equal(settings_sealed_size(0), 0);
    assert_false(s->log_stderr || s->sandbox_required);
    assert_int_equal(s->listener_count, 0);
    assert_int_equal(s->mode, MODE_SETTLE);
    assert_true(s->spam_threshold == (double)0.9 && s->unsure_threshold == (double)0.5);
    assert_int_equal(s->settle_days, 5);
    assert_int_equal(s->signature_days, 21);
    assert_int_equal(s->no_key, POLICY_PASS);
    assert_int_equal(s->unknown_recipient, POLICY_PASS);
    assert_int_equal(s->bad_key, POLICY_DEFER);
    assert_int_equal(s->already, ALREADY_PASS);
    assert_false(s->milter_separate);
    assert_int_equal(s->spam_action, SPAM_TAG);
    assert_string_equal(s->header_prefix, "X-Filterd");
    assert_null(s->subject_tag);
    assert_true(s->reject_threshold == 0 && !s->spf_received && !s->allow[0] && !s->deny[0]);
    assert_int_equal(settings_next_hop(s, NULL)->kind, HOP_NONE);
    settings_free(&s);
    assert_null(s);
}

static void everything(void **state)
{
    (void)state;
    struct settings *s = good(
        "# a comment\r\n" BASE "user = filterd \nworkers=7\nmessage_size_limit=1000\n"
        "recipient_delimiter=+-\ndomains=Example.org, example.net\ntrusted_networks=10.0.0.0/8 ::1\n"
        "log=stderr\nsandbox=required\nsite_key=/etc/filterd/site.key\n" LISTENER
        "[listener out]\nprotocol=smtp\naddress=unix:/run/out.sock\nrole=submission\n"
        "next_hop=smtp:inet:[::1]:25\n[deliver]\nnext_hop=maildir:/var/mail/%d/%n\n"
        "[control]\naddress=unix:/run/c.sock\ntrain_users=vmail 1000 mail:Example.org\n"
        "[classifier]\nmode=toe\nspam_threshold=0.8\nunsure_threshold=0.3\nsignature_days=3\n"
        "[encrypt]\nno_key=defer\nunknown_recipient=reject\nbad_key=reject\n"
        "already=seal\nmilter_bcc=separate\n"
        "protect_headers=no\nengine=gpgme\n[spam]\naction=quarantine\n"
        "quarantine=Spam@example.org\nsubject_tag=[SPAM]\\s\nheader_prefix=X-DSPAM\n"
        "reject_threshold=0.99\nallow=a@b.example, .c.example\ndeny=d.example\n"
        "[store]\nengine=sqlite\n[spf]\nenabled=no\nreceived=yes\n");
    assert_true(s->reject_threshold == (double)0.99 && s->spf_received);
    assert_string_equal(s->allow[1], ".c.example");
    assert_string_equal(s->deny[0], "d.example");
    assert_string_equal(s->user, "filterd");
    assert_int_equal(s->workers, 7);
    assert_string_equal(s->domains[0], "example.org");
    assert_string_equal(s->domains[1], "example.net");
    assert_string_equal(s->trusted_networks[1], "::1");
    assert_true(s->log_stderr && s->sandbox_required);
    assert_int_equal(s->listener_count, 2);
    assert_string_equal(s->listeners[0].at.host, "127.0.0.1");
    assert_string_equal(s->listeners[0].at.port, "10025");
    assert_string_equal(s->listeners[1].name, "out");
    assert_int_equal(s->listeners[1].role, ROLE_SUBMISSION);
    assert_string_equal(settings_next_hop(s, &s->listeners[1])->at.host, "::1");
    assert_int_equal(settings_next_hop(s, &s->listeners[0])->kind, HOP_MAILDIR);
    assert_string_equal(s->deliver.at.path, "/var/mail/%d/%n");
    assert_string_equal(s->train_users[1], "1000");
    assert_string_equal(s->train_users[2], "mail:Example.org");
    assert_int_equal(s->bad_key, POLICY_REJECT);
    assert_int_equal(s->already, ALREADY_SEAL);
    assert_true(s->milter_separate);
    assert_string_equal(s->quarantine, "spam@example.org");
    assert_string_equal(s->subject_tag, "[SPAM] ");
    assert_true(settings_is_local_domain(s, "EXAMPLE.net"));
    assert_false(settings_is_local_domain(s, "example.com"));
    settings_free(&s);
    s = good(BASE);
    assert_true(settings_is_local_domain(s, "anything.example"));
    settings_free(&s);
}

static void lines(void **state)
{
    (void)state;
    bad(BASE "nonsense\n", ":4: ", "NAME=VALUE");
    bad("hostname=a\n", ":1: ", "before any [GROUP]");
    bad(BASE "[filterd]\n", ":4: ", "line 1");
    bad(BASE "\n\nhostname=b\n", ":6: ", "line 2");
    bad(BASE "[foo]\n", ":4: ", "[listener NAME]");
    bad(BASE "[listener]\n", ":4: ", "[listener NAME]");
    bad(BASE "foo=1\n", ":4: ", "message_size_limit");
    bad(BASE "[spam]\nreject_threshold=0.5\n", ":5: ", "below spam_threshold");
    bad(BASE "[spam]\nallow=a@\n", ":5: ", "addresses, domains");
    bad(BASE "log=\xff\n", ":4: ", "UTF-8");
    bad(BASE "[spam]\nsubject_tag=\\x\n", ":5: ", "backslash");
    bad(BASE "[spam]\nsubject_tag=a\\nb\n", ":5: ", "printable");
}

static void values(void **state)
{
    (void)state;
    static const struct {
        const char *line, *what;
    } wrong[] = {
        {"[encrypt]\nno_key=maybe", "pass or defer or reject"},
        {"[encrypt]\nbad_key=pass", "defer or reject"},
        {"[encrypt]\nalready=yes", "pass or seal"},
        {"[encrypt]\nmilter_bcc=yes", "together or separate"},
        {"[control]\ntrain_users=vmail:", "with :DOMAIN"},
        {"[control]\ntrain_users=:example.org", "with :DOMAIN"},
        {"[control]\ntrain_users=vmail:a@example.org", "with :DOMAIN"},
        {"[classifier]\nspam_threshold=1.5", "from 0 to 1"},
        {"[classifier]\nspam_threshold=nan", "from 0 to 1"},
        {"[classifier]\nspam_threshold=", "from 0 to 1"},
        {"[classifier]\nsettle_days=-1", "from 1 to 365"},
        {"[deliver]\nnext_hop=lmtp:unix:relative", "unix:/PATH"},
        {"[deliver]\nnext_hop=smtp:inet:host", "HOST:PORT"},
        {"[deliver]\nnext_hop=smtp:inet:host:70000", "HOST:PORT"},
        {"[deliver]\nnext_hop=maildir:/var/mail/%u", "%d, %n"},
        {"[control]\naddress=inet:127.0.0.1:1", "unix:/PATH"},
        {"[spam]\nheader_prefix=X Y", "beginning of a header"},
        {"[spam]\nquarantine=nobody", "mail address"},
        {"[greylist]\nwait_seconds=0", "from 1 to 3600"},
        {"[greylist]\nwait_seconds=3601", "from 1 to 3600"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *text = g_strconcat(BASE, wrong[i].line, "\n", NULL);
        bad(text, ":5: ", wrong[i].what);
    }
    bad("[filterd]\nstate_dir=var\n", ":2: ", "absolute path");
    bad(BASE "workers=0\n", ":4: ", "from 1 to 10000");
    bad(BASE "trusted_networks=10.0.0.0/33\n", ":4: ", "networks");
}

static void together(void **state)
{
    (void)state;
    bad("", ": ", "state_dir");
    bad("[filterd]\nhostname=a\n", ":1: ", "state_dir is not set");
    bad("[filterd]\nstate_dir=/a\n", ":1: ", "hostname is not set");
    bad(BASE LISTENER, ":4: ", "next_hop is not set");
    bad(BASE LISTENER "next_hop=sendmail:/usr/sbin/sendmail\n", ":7: ", "filterd-pipe");
    bad(BASE "[listener in]\nprotocol=lmtp\nnext_hop=maildir:/m\n", ":4: ", "address is not set");
    bad(BASE "[listener in]\naddress=unix:/a\nnext_hop=maildir:/m\n", ":4: ", "protocol is not set");
    bad(BASE POLICY, ":5: ", "needs [greylist] enabled=yes");
    bad(BASE "[listener m]\nprotocol=milter\naddress=unix:/m.sock\nnext_hop=maildir:/m\n", ":7: ",
        "the MTA delivers");
    struct settings *milter = good(BASE "[listener m]\nprotocol=milter\naddress=unix:/m.sock\n");
    assert_int_equal(milter->listeners[0].protocol, PROTO_MILTER);
    settings_free(&milter);
    bad(BASE POLICY "next_hop=maildir:/m\n[greylist]\nenabled=yes\n", ":7: ", "delivers nothing");
    struct settings *s = good(BASE POLICY "[greylist]\nenabled=yes\nwait_seconds=7\n");
    assert_int_equal(s->listeners[0].protocol, PROTO_POLICY);
    assert_int_equal(s->greylist_wait, 7);
    settings_free(&s);
    bad(BASE "[spam]\naction=quarantine\n", ":5: ", "quarantine=ADDRESS");
    bad(BASE "[classifier]\nunsure_threshold=0.95\n", ":5: ", "above spam_threshold");
    bad(BASE "[classifier]\nsignature_days=5\n", ":4: ", "below signature_days");
}

static void name_servers(void **state)
{
    (void)state;
    static const struct {
        const char *value, *host, *port;
    } good[] = {{"127.0.0.1", "127.0.0.1", "53"}, {"127.0.0.1:5353", "127.0.0.1", "5353"},
                {"::1", "::1", "53"}, {"[::1]", "::1", "53"}, {"[::1]:5353", "::1", "5353"}};
    static const char *const wrong[] = {"localhost", "127.0.0.1:0", "127.0.0.1:x", "[127.0.0.1]:53",
                                        "[::1", "[::1]53", "127.0.0.1:65536", ":53"};
    char *error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        char *text = g_strdup_printf(BASE "[dns]\nserver=%s\n", good[i].value);
        struct settings *s = load(text, &error);
        assert_non_null(s);
        assert_string_equal(s->dns_server.host, good[i].host);
        assert_string_equal(s->dns_server.port, good[i].port);
        settings_free(&s);
        g_free(text);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        char *text = g_strdup_printf(BASE "[dns]\nserver=%s\n", wrong[i]);
        bad(text, ":5: ", "server");
        g_free(text);
    }
}

static void later(void **state)
{
    (void)state;
    static const char *const not_yet[] = {
        "[store]\nengine=postgresql", "[encrypt]\nengine=native",
        "[encrypt]\nprotect_headers=yes"};
    for (size_t i = 0; i < G_N_ELEMENTS(not_yet); i++) {
        g_autofree char *text = g_strconcat(BASE, not_yet[i], "\n", NULL);
        bad(text, ":5: ", "not supported in this version");
    }
}

static void of_a_message(void **state)
{
    (void)state;
    struct settings *s = good(BASE "[limits]\nheader_count=50\ncpu_seconds=7\n"
                                   "bytes_in_flight=4294967296\n");
    assert_int_equal(s->limits.header_count, 50);
    assert_int_equal(s->limits.cpu_seconds, 7);
    assert_true(s->limits.bytes_in_flight == (size_t)MIN(G_GUINT64_CONSTANT(1) << 32, G_MAXSIZE));
    assert_int_equal(s->limits.address_bytes, 65536);
    assert_int_equal(limits_get()->header_count, 2000); /* nobody has set them yet */
    limits_set(&s->limits);
    assert_int_equal(limits_get()->header_count, 50);
    limits_set(&limits_default);
    settings_free(&s);
    bad(BASE "[limits]\nrecipients=99\n", ":5: ", "a number from 100 to 100000");
    bad(BASE "[limits]\nparts=1\n", ":5: ", "has no parts");
    struct limits_met met = {0};
    limits_note(&met, LIMITS_PARTS);
    limits_note(&met, LIMITS_HEADER_COUNT);
    assert_string_equal(limits_noted(&met), "header-count,parts");
}

static void drop_in(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(folder, "conf.d", name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
}

/* A later file replaces single settings of an earlier one, also of a listener, and adds to it. */
static void drop_ins(void **state)
{
    (void)state;
    g_autofree char *error = NULL, *more = g_build_filename(folder, "conf.d", NULL);
    assert_int_equal(g_mkdir(more, 0700), 0);
    drop_in("20-b.conf", "[listener in]\nnext_hop=maildir:/b\n[listener p]\nprotocol=lmtp\naddress=unix:/p\n"
                         "next_hop=maildir:/p\n");
    drop_in("10-a.conf", "[filterd]\nworkers=7\nhostname=a.example.org\n[listener in]\nnext_hop=maildir:/a\n"
                         "role=submission\n[encrypt]\nno_key=defer\n");
    drop_in(".hidden.conf", "nonsense");
    drop_in("30-c.conf~", "nonsense");
    struct settings *s = good(BASE LISTENER "[classifier]\nmode=toe\n");
    assert_string_equal(s->hostname, "a.example.org");
    assert_string_equal(s->state_dir, "/var/lib/filterd");
    assert_int_equal(s->workers, 7);
    assert_int_equal(s->mode, MODE_TOE);
    assert_int_equal(s->no_key, POLICY_DEFER);
    assert_int_equal(s->listener_count, 2);
    assert_string_equal(s->listeners[0].name, "in");
    assert_int_equal(s->listeners[0].role, ROLE_SUBMISSION);
    assert_string_equal(s->listeners[0].next_hop.at.path, "/b");
    assert_string_equal(s->listeners[1].next_hop.at.path, "/p");
    settings_free(&s);
    drop_in("30-c.conf", "\n[filterd]\nworkers=none\n");
    assert_null(load(BASE LISTENER, &error));
    assert_non_null(strstr(error, "/conf.d/30-c.conf:3: [filterd] workers is \"none\""));
    /* Another daemon's file in the same folder has no part in them. */
    g_autofree char *other = g_build_filename(folder, "other.conf", NULL);
    g_clear_pointer(&error, g_free);
    assert_true(g_file_set_contents(other, BASE, -1, NULL));
    s = settings_load(other, &error);
    assert_non_null(s);
    assert_int_equal(s->workers, 120);
    settings_free(&s);
    folder_empty(more);
    g_rmdir(more);
    g_unlink(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(everything), cmocka_unit_test(lines),
        cmocka_unit_test(values),   cmocka_unit_test(together),   cmocka_unit_test(later),
        cmocka_unit_test(drop_ins),
        cmocka_unit_test(name_servers), cmocka_unit_test(of_a_message),
    };
    return cmocka_run_group_tests(tests, make_folder, folder_remove);
}
