/* Real gpg opens what was sealed: the same bytes, for the right people and for nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "filterd/session/milter_edits.h"
#include "gpg/armor.h"
#include "gpg/key_state.h"
#include "gpg/keyring.h"
#include "gpg/outside.h"
#include "gpg/seal.h"
#include "t/unit/gnupg_people.h"

enum { ADD = 1, FORCE = 2 };

#define RSA "rsa@example.org"
#define CURVE "curve@example.org"
#define NONE "none@example.org"

static const char mail[] = "Received: from a\r\n"
                           "Subject: one\r\n two\r\n"
                           "X-Drop-Me: plain\r\n"
                           "MIME-Version: 1.0\r\n"
                           "content-TYPE: text/plain;\r\n\tcharset=utf-8\r\n"
                           "Content-Transfer-Encoding: 8bit\r\n"
                           "To: <" RSA ">\r\n"
                           "\r\n"
                           "gr\xc3\xbc\xc3\x9f\x65 \r\n.\r\n\r\nFrom here  \r\nno end";
static const char payload[] = "content-TYPE: text/plain;\r\n\tcharset=utf-8\r\n"
                              "Content-Transfer-Encoding: 8bit\r\n"
                              "\r\n"
                              "gr\xc3\xbc\xc3\x9f\x65 \r\n.\r\n\r\nFrom here  \r\nno end";
static const char added_text[] = "X-Filterd-Encrypted: yes\r\n";

static struct sealer *sealer;

static bool try_import(const char *user, unsigned flags, const char *of, char **error_r)
{
    struct keyring_input input = {.add = flags & ADD, .force = flags & FORCE};
    g_autofree char *state_dir = people_state();
    g_autofree char *arguments = g_strdup_printf("--export '%s'", of);
    people_output(arguments, &input.text);
    const bool ok = keyring_import(state_dir, user, &input, NULL, error_r) == EX_OK;
    bytes_free(&input.text);
    return ok;
}

static void import(const char *user, unsigned flags, const char *of)
{
    g_autofree char *error = NULL;
    if (!try_import(user, flags, of, &error))
        fail_msg("%s", error);
}

static int make_people(void **state)
{
    if (people_open(state))
        return -1;
    g_autofree char *state_dir = people_state();
    people_rsa(RSA);
    people_curve(CURVE, "never");
    import(RSA, 0, RSA);
    import(CURVE, 0, CURVE);
    sealer = sealer_new(state_dir);
    return 0;
}

static int forget_people(void **state)
{
    sealer_free(&sealer);
    return people_close(state);
}

static struct sealed *seal(const char *raw, size_t len, const char *first, const char *second,
                           char **error_r)
{
    struct outside outside = {0};
    GPtrArray *users = g_ptr_array_new();
    struct message *m = message_new(raw, len);
    for (size_t i = 0; i < m->header_count; i++)
        m->headers[i].dropped = header_is(&m->headers[i], "X-Drop-Me");
    g_ptr_array_add(users, (char *)first);
    if (second)
        g_ptr_array_add(users, (char *)second);
    bytes_adds(&outside.added, added_text);
    struct sealed *s = seal_message(sealer, m, &outside, users, error_r);
    assert_true(!s || sealed_added(s) == outside.added.len);
    outside_clear(&outside);
    g_ptr_array_unref(users);
    message_free(&m);
    return s;
}

static struct sealed *seal_well(const char *raw, size_t len, const char *first, const char *second)
{
    char *error = NULL;
    struct sealed *s = seal(raw, len, first, second, &error);
    if (!s)
        fail_msg("%s", error);
    return s;
}

/* What gpg makes of the armored block; only: try with this key alone. False: it does not open. */
static bool open_sealed(const struct sealed *s, const char *only, struct bytes *out)
{
    const struct bytes *text = sealed_bytes(s);
    const char *block = strstr((const char *)text->data, "-----BEGIN PGP MESSAGE-----");
    g_autofree char *in = g_strdup_printf("%s/in", people_dir);
    g_autofree char *to = g_strdup_printf("%s/out", people_dir);
    assert_non_null(block);
    assert_true(g_file_set_contents(in, block, -1, NULL));
    int rc = people_gpg("%s %s --yes -o '%s' --decrypt '%s'", only ? "--try-secret-key" : "",
                        only ? only : "", to, in);
    if (rc == 0)
        people_read(to, out);
    return rc == 0;
}

static int recipient_count(const struct sealed *s)
{
    struct bytes list = {0};
    const char *block = strstr((const char *)sealed_bytes(s)->data, "-----BEGIN PGP MESSAGE-----");
    g_autofree char *in = g_strdup_printf("%s/in", people_dir);
    g_autofree char *arguments = g_strdup_printf("--list-packets --list-only '%s'", in);
    assert_true(g_file_set_contents(in, block, -1, NULL));
    people_output(arguments, &list);
    int count = 0;
    for (const char *p = (char *)list.data; (p = strstr(p, ":pubkey enc packet:")); p++)
        count++;
    assert_non_null(strstr((char *)list.data, "mdc_method: 2"));
    bytes_free(&list);
    return count;
}

static void assert_opens_to(const struct sealed *s, const void *want, size_t len)
{
    struct bytes got = {0};
    assert_true(open_sealed(s, NULL, &got));
    assert_int_equal(got.len, len);
    assert_memory_equal(got.data, want, len);
    bytes_free(&got);
}

static void opens_to_the_same_bytes(void **state)
{
    (void)state;
    static const char *const users[] = {RSA, CURVE};
    for (int i = 0; i < 2; i++) {
        struct sealed *s = seal_well(mail, sizeof mail - 1, users[i], NULL);
        assert_opens_to(s, payload, sizeof payload - 1);
        assert_string_equal(sealed_mark(s), "yes");
        sealed_free(&s);
        assert_null(s);
    }
}

static void outside_stands_what_should(void **state)
{
    (void)state;
    struct sealed *s = seal_well(mail, sizeof mail - 1, RSA, NULL);
    const char *text = (const char *)sealed_bytes(s)->data;
    static const char start[] = "X-Filterd-Encrypted: yes\r\n"
                                "Received: from a\r\n"
                                "Subject: one\r\n two\r\n"
                                "To: <" RSA ">\r\n"
                                "MIME-Version: 1.0\r\n"
                                "Content-Type: multipart/encrypted; "
                                "protocol=\"application/pgp-encrypted\";\r\n\tboundary=\"";
    assert_memory_equal(text, start, sizeof start - 1);
    assert_null(strstr(text, "X-Drop-Me"));
    assert_null(strstr(text, "From here"));
    for (const char *p = text; (p = strchr(p, '\n')); p++)
        assert_int_equal(p[-1], '\r');
    struct message *m = message_new(text, sealed_bytes(s)->len);
    assert_string_equal(message_type(m), "multipart/encrypted");
    assert_true(seal_is_encrypted(m));
    message_free(&m);
    sealed_free(&s);
}

static void odd_messages(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *inside;
    } cases[] = {
        {"Subject: no body", "\r\n"},
        {"Content-Type: text/html", "Content-Type: text/html\r\n\r\n"},
        {"Subject: x\r\n\r\n", "\r\n"},
        {"\r\nbody alone\r\n", "\r\nbody alone\r\n"},
        {"no header at all\r\n", "\r\nno header at all\r\n"},
        {"From a@b Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n\r\nbody", "\r\nbody"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        struct sealed *s = seal_well(cases[i].raw, strlen(cases[i].raw), CURVE, NULL);
        assert_opens_to(s, cases[i].inside, strlen(cases[i].inside));
        sealed_free(&s);
    }
}

static void big_and_binary(void **state)
{
    (void)state;
    struct bytes raw = {0};
    bytes_adds(&raw, "Content-Type: application/octet-stream\r\n\r\n");
    for (uint32_t i = 0, v = 1; i < 3000001; i++, v = v * 1664525 + 1013904223)
        bytes_add(&raw, &(char){(char)(v >> 24)}, 1);
    struct sealed *s = seal_well((char *)raw.data, raw.len, CURVE, NULL);
    assert_opens_to(s, raw.data, raw.len);
    sealed_free(&s);
    bytes_free(&raw);
}

static void two_users(void **state)
{
    (void)state;
    struct sealed *s = seal_well(mail, sizeof mail - 1, RSA, CURVE);
    struct bytes got = {0};
    assert_int_equal(recipient_count(s), 2);
    assert_true(open_sealed(s, RSA, &got));
    bytes_clear(&got);
    assert_true(open_sealed(s, CURVE, &got));
    assert_memory_equal(got.data, payload, sizeof payload - 1);
    bytes_free(&got);
    sealed_free(&s);
}

/* As for a milter's recipients: each key is named, as many mail programs try no other, and lines of blanks behind the last boundary change nothing. */
static void named_and_padded(void **state)
{
    (void)state;
    struct sealed *s = seal_well(mail, sizeof mail - 1, RSA, CURVE);
    struct bytes got = {0}, padded = {0}, list = {0};
    assert_int_equal(recipient_count(s), 2);
    g_autofree char *arguments = g_strdup_printf("--list-packets --list-only '%s/in'", people_dir);
    people_output(arguments, &list);
    int unnamed = 0;
    for (const char *p = (char *)list.data; (p = strstr(p, "keyid 0000000000000000")); p++)
        unnamed++;
    assert_int_equal(unnamed, 0);
    assert_true(open_sealed(s, RSA, &got));
    bytes_clear(&got);
    assert_true(open_sealed(s, CURVE, &got));
    assert_memory_equal(got.data, payload, sizeof payload - 1);
    bytes_add(&padded, sealed_bytes(s)->data, sealed_bytes(s)->len);
    milter_edits_pad(&padded, 100000, 0);
    assert_true(padded.len > 100000);
    struct message *m = message_new((char *)padded.data, padded.len);
    assert_true(seal_is_encrypted(m));
    message_free(&m);
    g_autofree char *file = g_strdup_printf("%s/in", people_dir);
    const char *block = strstr((char *)padded.data, "-----BEGIN PGP MESSAGE-----");
    assert_true(g_file_set_contents(file, block, -1, NULL));
    assert_int_equal(people_gpg("--yes -o '%s/out' --decrypt '%s'", people_dir, file), 0);
    bytes_free(&list);
    bytes_free(&padded);
    bytes_free(&got);
    sealed_free(&s);
}

static void not_for_others(void **state)
{
    (void)state;
    struct bytes got = {0};
    struct sealed *s = seal_well(mail, sizeof mail - 1, RSA, NULL);
    assert_int_equal(recipient_count(s), 1);
    g_autofree char *hidden = g_strdup_printf("%s/home/private-keys-v1.d", people_dir);
    people_shell("gpgconf --homedir '%s/home' --kill all; mkdir '%s/away';"
                 "cd '%s'; for g in $(gpg --homedir '%s/home' --with-colons --with-keygrip -K '"
                 RSA "' 2>/dev/null | awk -F: '/^grp/ {print $10}'); do mv $g.key '%s/away/'; done",
                 people_dir, people_dir, hidden, people_dir, people_dir);
    assert_false(open_sealed(s, NULL, &got));
    people_shell("gpgconf --homedir '%s/home' --kill all; mv '%s'/away/* '%s'/", people_dir,
                 people_dir, hidden);
    assert_true(open_sealed(s, NULL, &got));
    bytes_free(&got);
    sealed_free(&s);
}

static void assert_no_seal(const char *first, const char *second, const char *want)
{
    g_autofree char *error = NULL;
    assert_null(seal(mail, sizeof mail - 1, first, second, &error));
    assert_non_null(error);
    if (!strstr(error, want))
        fail_msg("wanted \"%s\", got \"%s\"", want, error);
}

static void no_key_no_seal(void **state)
{
    (void)state;
    g_autofree char *fingerprint = NULL;
    assert_int_equal(sealer_key(sealer, RSA, &fingerprint, NULL), KEY_GOOD);
    assert_int_equal(strlen(fingerprint), 40);
    assert_int_equal(sealer_key(sealer, NONE, NULL, NULL), KEY_NONE);
    assert_no_seal(NONE, NULL, "no key");
    assert_no_seal(RSA, NONE, "no key");
}

/* A user whose key was good, and has just ended; g_free. On a busy machine it may end before anybody
 * has looked at it: then another has more time. */
static char *good_until_now(void)
{
    for (int seconds = 3; seconds < 200; seconds *= 2) {
        char *who = g_strdup_printf("short%d@example.org", seconds);
        g_autofree char *expires = g_strdup_printf("seconds=%d", seconds), *error = NULL;
        people_curve(who, expires);
        const gint64 end = g_get_real_time() + (seconds + 1) * G_USEC_PER_SEC;
        const bool good = try_import(who, 0, who, &error) &&
                          sealer_key(sealer, who, NULL, NULL) == KEY_GOOD;
        while (good && g_get_real_time() < end)
            g_usleep(G_USEC_PER_SEC / 10);
        if (good)
            return who;
        g_free(who);
    }
    fail_msg("every key ended before it was used");
    return NULL;
}

static void keys_that_end(void **state)
{
    (void)state;
    g_autofree char *who = good_until_now(), *reason = NULL;
    assert_int_equal(sealer_key(sealer, who, NULL, &reason), KEY_BAD);
    assert_non_null(strstr(reason, "expired"));
    assert_no_seal(who, NULL, "expired");
    assert_no_seal(RSA, who, "expired");
    import(who, ADD | FORCE, CURVE); /* another beside it is good again */
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_GOOD);
    struct sealed *s = seal_well(mail, sizeof mail - 1, who, NULL);
    assert_int_equal(recipient_count(s), 1);
    sealed_free(&s);
}

/* The cache looks at the generation each time. */
static void keys_that_change(void **state)
{
    (void)state;
    const char *who = "changes@example.org";
    g_autofree char *state_dir = people_state(), *error = NULL;
    people_curve(who, "never");
    import(who, 0, who);
    struct sealed *s = seal_well(mail, sizeof mail - 1, who, NULL);
    sealed_free(&s);
    people_revoke(who);
    import(who, 0, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_BAD);
    assert_no_seal(who, NULL, "revoked");
    assert_int_equal(keyring_remove(state_dir, who, NULL, &error), EX_OK);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_NONE);
}

static void gpg_refuses_by_itself(void **state)
{
    (void)state;
    const char *who = "slips@example.org";
    people_curve(who, "never");
    import(who, 0, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_GOOD); /* cached as good */
    people_revoke(who);
    people_shell("cd '%s/state/keys/%s/current' && f=$(ls *.pgp) && rm *.ring &&"
                 " gpg --homedir '%s/home' --export '%s' > $f",
                 people_dir, who, people_dir, who);
    assert_no_seal(who, NULL, "gpg refuses");
}

static void broken_folders(void **state)
{
    (void)state;
    const char *who = "broken@example.org";
    import(who, FORCE, CURVE);
    people_shell("cd '%s/state/keys/%s/gen-1' && touch 0.pgp", people_dir, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_UNREADABLE); /* one is not in the list */
    people_shell("cd '%s/state/keys/%s/gen-1' && rm 0.pgp", people_dir, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_GOOD);
    people_shell("cd '%s/state/keys/%s' && mv gen-1/*.pgp gen-1/pubring.kbx .", people_dir, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_UNREADABLE);
    assert_no_seal(who, NULL, "read");
    people_shell("cd '%s/state/keys/%s' && rm -r gen-1", people_dir, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_BAD);
    people_shell("cd '%s/state/keys/%s' && rm current", people_dir, who);
    assert_int_equal(sealer_key(sealer, who, NULL, NULL), KEY_BAD);
    assert_no_seal(who, NULL, "generation");
}

static int in_child(int (*fn)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int seal_sandboxed(void)
{
    const char *why = "";
    char *error = NULL;
    if (!sandbox_close(&(struct sandbox){.kind = SANDBOX_WORKER}, &why))
        fprintf(stderr, "left out, as this kernel lacks it: %s\n", why);
    sealer_free(&sealer);
    g_autofree char *state_dir = people_state();
    sealer = sealer_new(state_dir);
    struct sealed *s = seal(mail, sizeof mail - 1, RSA, CURVE, &error);
    if (!s)
        fprintf(stderr, "%s\n", error);
    return s ? 0 : 1;
}

static void without_a_right_to_write(void **state)
{
    (void)state;
    assert_int_equal(in_child(seal_sandboxed), 0);
}

/* A gpg that dies in the middle: GPGME alone would report success. */
static int seal_with_dying_gpg(void)
{
    g_autofree char *path = g_strdup_printf("%s/bin:%s", people_dir, getenv("PATH"));
    g_autofree char *state_dir = people_state(), *error = NULL;
    setenv("PATH", path, 1);
    sealer = sealer_new(state_dir);
    bool good = sealer_key(sealer, CURVE, NULL, NULL) == KEY_GOOD;
    struct sealed *s = seal(mail, sizeof mail - 1, CURVE, NULL, &error);
    int rc = !good ? 2 : s ? 1 : 0;
    sealed_free(&s);
    sealer_free(&sealer);
    return rc;
}

static int run_self(const char *self)
{
    g_autofree char *script = g_strdup_printf("%s/bin/gpg", people_dir);
    static const char text[] = "#!/bin/sh\n"
                               "case \"$*\" in *--encrypt*) ;; *) exec /usr/bin/gpg \"$@\" ;; esac\n"
                               "printf '\\205\\001\\014\\003 and no more' >&\"${fd:-1}\"\n"
                               "kill -9 $$\n";
    people_shell("mkdir -p '%s/bin'", people_dir);
    if (!g_file_set_contents(script, text, -1, NULL) || chmod(script, 0755))
        return -1;
    return people_shell("'%s' --dying-gpg '%s'", self, people_dir);
}

static char *self_path;

static void gpg_that_dies(void **state)
{
    (void)state;
    assert_int_equal(run_self(self_path), 0);
}

static void passes_as_it_came(void **state)
{
    (void)state;
    struct outside outside = {0};
    struct message *m = message_new(mail, sizeof mail - 1);
    m->headers[2].dropped = true;
    bytes_adds(&outside.added, "X-Filterd-Encrypted: no\r\n");
    struct sealed *s = seal_pass(m, &outside, PASS_NO_KEY);
    g_autofree char *want = g_strconcat("X-Filterd-Encrypted: no\r\n", mail, NULL);
    char *drop = strstr(want, "X-Drop-Me: plain\r\n");
    memmove(drop, drop + 18, strlen(drop + 18) + 1);
    assert_string_equal((char *)sealed_bytes(s)->data, want);
    assert_string_equal(sealed_mark(s), "no");
    sealed_free(&s);
    s = seal_pass(m, &(struct outside){0}, PASS_ALREADY_ENCRYPTED);
    assert_string_equal(sealed_mark(s), "already");
    sealed_free(&s);
    outside_clear(&outside);
    message_free(&m);
}

static void armor_comes_back(void **state)
{
    (void)state;
    unsigned char data[200];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof data; len++) {
        struct bytes text = {0}, back = {0};
        struct armor a;
        size_t used = 0, step = len % 17 + 1;
        armor_begin(&a, &text, "MESSAGE");
        for (size_t at = 0; at < len; at += step)
            armor_add(&a, data + at, MIN(step, len - at));
        armor_end(&a, "MESSAGE");
        assert_true(armor_read((char *)text.data, text.len, "MESSAGE", &back, &used));
        assert_int_equal(used, text.len);
        assert_int_equal(back.len, len);
        assert_memory_equal(len ? back.data : data, data, len);
        bytes_free(&text);
        bytes_free(&back);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_to_the_same_bytes), cmocka_unit_test(outside_stands_what_should),
        cmocka_unit_test(odd_messages),            cmocka_unit_test(big_and_binary),
        cmocka_unit_test(two_users),               cmocka_unit_test(not_for_others),
        cmocka_unit_test(no_key_no_seal),          cmocka_unit_test(keys_that_end),
        cmocka_unit_test(keys_that_change),        cmocka_unit_test(gpg_refuses_by_itself),
        cmocka_unit_test(broken_folders),          cmocka_unit_test(without_a_right_to_write),
        cmocka_unit_test(gpg_that_dies),           cmocka_unit_test(passes_as_it_came),
        cmocka_unit_test(armor_comes_back),        cmocka_unit_test(named_and_padded),
    };
    self_path = argv[0];
    if (argc == 3 && !strcmp(argv[1], "--dying-gpg")) {
        g_strlcpy(people_dir, argv[2], sizeof people_dir);
        return seal_with_dying_gpg();
    }
    return cmocka_run_group_tests(tests, make_people, forget_people);
}
