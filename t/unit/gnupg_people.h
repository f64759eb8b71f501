/* People with real GnuPG homes, for tests: keys are made, exported and used by gpg itself. */
#ifndef T_UNIT_GNUPG_PEOPLE_H
#define T_UNIT_GNUPG_PEOPLE_H

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"

static char people_dir[100];

static inline int people_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int people_shell(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *command = g_strdup_vprintf(format, args);
    va_end(args);
    int rc = system(command);
    g_free(command);
    return rc;
}

/* Makes a folder with a GnuPG home and an empty state_dir. Its path is short, for gpg-agent's socket. */
static inline int people_open(void **state)
{
    (void)state;
    const char *tmp = getenv("TMPDIR");
    snprintf(people_dir, sizeof people_dir, "%s/filterd-XXXXXX",
             tmp && strlen(tmp) < 60 ? tmp : "/tmp");
    return mkdtemp(people_dir) && !people_shell("mkdir -m 700 '%s/home' '%s/state'", people_dir,
                                                people_dir)
               ? 0
               : -1;
}

static inline int people_close(void **state)
{
    (void)state;
    people_shell("gpgconf --homedir '%s/home' --kill all; rm -rf '%s'", people_dir, people_dir);
    return 0;
}

static inline char *people_state(void)
{
    return g_strdup_printf("%s/state", people_dir);
}

static inline int people_gpg(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int people_gpg(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *rest = g_strdup_vprintf(format, args);
    va_end(args);
    int rc = people_shell("gpg --homedir '%s/home' --batch --quiet --no-tty --pinentry-mode loopback "
                          "--passphrase '' %s 2>>'%s/gpg.log'",
                          people_dir, rest, people_dir);
    g_free(rest);
    return rc;
}

/* "future-default": ed25519 and cv25519. expires as gpg has it: "never", "seconds=2". */
static inline void people_curve(const char *address, const char *expires)
{
    if (people_gpg("--quick-gen-key '%s' future-default default %s", address, expires))
        abort();
}

static inline void people_rsa(const char *address)
{
    char *file = g_strdup_printf("%s/batch", people_dir);
    char *text = g_strdup_printf("%%no-protection\nKey-Type: RSA\nKey-Length: 2048\nKey-Usage: sign\n"
                                 "Subkey-Type: RSA\nSubkey-Length: 2048\nSubkey-Usage: encrypt\n"
                                 "Name-Email: %s\nExpire-Date: 0\n%%commit\n",
                                 address);
    if (!g_file_set_contents(file, text, -1, NULL) || people_gpg("--gen-key '%s'", file))
        abort();
    g_free(file);
    g_free(text);
}

static inline void people_read(const char *file, struct bytes *out)
{
    char *text;
    gsize len;
    if (!g_file_get_contents(file, &text, &len, NULL))
        abort();
    bytes_add(out, text, len);
    g_free(text);
}

/* gpg's output for these arguments. */
static inline void people_output(const char *arguments, struct bytes *out)
{
    char *file = g_strdup_printf("%s/output", people_dir);
    people_gpg("%s > '%s'", arguments, file);
    people_read(file, out);
    g_free(file);
}

static inline void people_revoke(const char *address)
{
    if (people_shell("f=$(gpg --homedir '%s/home' --with-colons -k '%s' 2>/dev/null |"
                     " awk -F: '/^fpr/ {print $10; exit}'); sed 's/^:---/---/'"
                     " '%s'/home/openpgp-revocs.d/$f.rev > '%s/revocation'",
                     people_dir, address, people_dir, people_dir) ||
        people_gpg("--import '%s/revocation'", people_dir))
        abort();
}

#endif
