/* filterd-retrain: hands a user's correction (a message moved into Junk or out of it) to the daemon.
 * Dovecot's IMAPSieve or dovecot-antispam runs it as the mail user, with the message on stdin.
 *
 * The folder move must not fail, whatever goes wrong behind it. So it reads all of stdin, writes at most
 * one line to syslog for each user and exits 0; only a wrong command line is an error. On success it
 * prints nothing: dovecot-antispam takes any output for a failure. It looks at the message's header alone;
 * a message without a signature it hands to the daemon whole. */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/version.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"
#include "tools/retrain/text.h"
#include "tools/retrain/words.h"

#define DEFAULT_FILE "/etc/filterd/filterd.conf"
#define DEFAULT_SOCKET "/run/filterd/control.sock"
#define ALNUM "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
/* all waits together stay below the 10 s after which Dovecot kills us */
enum { ANSWER_MS = 5000, HEADER_MAX = 256 * 1024, CHUNK = 16384, ID_LEN = 24, ID_MAX = 64 };

/* Reads stdin to the end of the header, at most HEADER_MAX. *ended_r: stdin ended there. */
static struct bytes read_header(bool *ended_r)
{
    struct bytes b = {0};
    *ended_r = false;
    while (b.len < HEADER_MAX) {
        bytes_reserve(&b, CHUNK + 1);
        const ssize_t n = read(STDIN_FILENO, b.data + b.len, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        *ended_r = n <= 0;
        if (n <= 0)
            break;
        b.len += (size_t)n;
        b.data[b.len] = '\0';
        if (strstr((char *)b.data, "\n\n") || strstr((char *)b.data, "\n\r\n"))
            break;
    }
    return b;
}

/* Reads the rest of stdin, so that the writer gets no SIGPIPE. */
static void drain(void)
{
    char rest[16384];
    ssize_t n;
    while ((n = read(STDIN_FILENO, rest, sizeof rest)) > 0 || (n < 0 && errno == EINTR))
        ;
    explicit_bzero(rest, sizeof rest);
}

/* Skips blanks and folds at the start of a header's value. */
static const char *text_of(const char *value)
{
    for (;;) {
        value += strspn(value, " \t");
        const size_t eol = strspn(value, "\r\n");
        if (eol == 0 || !strchr(" \t", value[eol]) || !value[eol])
            return value;
        value += eol;
    }
}

static char *id_in(const char *value)
{
    value = text_of(value);
    const size_t n = strspn(value, ALNUM);
    return n > 0 && n <= ID_MAX ? g_strndup(value, n) : NULL;
}

/* The value if the line is PREFIX-Signature, else NULL. */
static const char *signature_value(const char *line, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (g_ascii_strncasecmp(line, prefix, n) != 0 ||
        g_ascii_strncasecmp(line + n, "-Signature", 10) != 0)
        return NULL;
    line += n + 10;
    line += strspn(line, " \t");
    return *line == ':' ? line + 1 : NULL;
}

/* True for a signature of dspam's, "50b350ec22971206812616" or "1,50b3...": filterd has no record of such
 * mail. */
static bool is_of_dspam(const char *value)
{
    value = text_of(value);
    const size_t n = strspn(value, ALNUM);
    return n != ID_LEN || value[n] == ',';
}

/* The first signature: filterd puts its own above all fields that came with the message. "" if that one
 * cannot be filterd's, NULL if there is none. */
static char *find_signature(const char *header, const char *prefix)
{
    const bool own_prefix = g_ascii_strcasecmp(prefix, "X-Filterd") != 0;
    for (const char *line = header; *line && *line != '\r' && *line != '\n';) {
        const char *value = own_prefix ? signature_value(line, prefix) : NULL;
        if (value && is_of_dspam(value))
            value = NULL;
        if (!value)
            value = signature_value(line, "X-Filterd");
        if (value) {
            char *id = id_in(value);
            return id ? id : g_strdup("");
        }
        const char *eol = strchr(line, '\n');
        if (!eol)
            break;
        line = eol + 1;
    }
    return NULL;
}

/* Finds the daemon's socket. False if -s or FILTERD_CONTROL names none. */
static bool find_control(const struct retrain_words *w, struct settings **settings_r,
                         struct endpoint *control_r)
{
    g_autofree char *error = NULL;
    const char *file = w->settings_file ? w->settings_file : DEFAULT_FILE;
    *control_r = (struct endpoint){.path = (char *)DEFAULT_SOCKET};
    /* The mail user may lack the right to read the settings; the default socket will do then. */
    *settings_r = access(file, R_OK) == 0 ? settings_load(file, &error) : NULL;
    if (*settings_r)
        *control_r = (*settings_r)->control;
    else if (error && w->settings_file)
        log_warn("%s", error);
    const char *named = w->socket ? w->socket : g_getenv("FILTERD_CONTROL");
    if (!named)
        return true;
    if (g_str_has_prefix(named, "unix:"))
        named += 5;
    *control_r = (struct endpoint){.path = (char *)named};
    return named[0] == '/';
}

static void ask_one(int fd, const char *class, const char *user, const char *signature)
{
    g_autofree char *text = NULL;
    const struct keeper_retrain wanted = {user, class, signature};
    const int code = keeper_call(fd, keeper_format_retrain.verb,
                                 keeper_format_pack(&keeper_format_retrain, &wanted), ANSWER_MS, &text);
    if (code != EX_OK)
        log_warn("%s of user=%s signature=%s not learnt: %s", class, user, signature,
                 text && *text ? text : "refused");
}

static void ask(const struct retrain_words *w, const char *signature,
                const struct endpoint *control)
{
    const int fd = keeper_connect(control);
    for (guint i = 0; i < w->users->len; i++) {
        const char *user = g_ptr_array_index(w->users, i);
        if (fd < 0)
            log_warn("%s of user=%s not learnt: the daemon is not there", w->class, user);
        else
            ask_one(fd, w->class, user, signature);
    }
    if (fd >= 0)
        close(fd);
}

static void retrain(const struct retrain_words *w, const char *prefix,
                    const struct endpoint *control)
{
    bool ended;
    struct bytes header = read_header(&ended);
    g_autofree char *signature = NULL;
    if (w->signature)
        signature = strspn(w->signature, ALNUM) == strlen(w->signature) ? id_in(w->signature)
                                                                        : g_strdup("");
    else if (header.len > 0)
        signature = find_signature((char *)header.data, prefix);
    if (signature && *signature)
        ask(w, signature, control);
    else if (signature || header.len == 0)
        log_info("%s of user=%s not learnt: %s", w->class, (char *)g_ptr_array_index(w->users, 0),
                 signature ? "its signature is none of ours" : "neither a signature nor a message");
    else
        retrain_text_send(control, w->class, w->users, &header);
    if (!ended)
        drain();
    bytes_free(&header);
}

static int usage(const char *why)
{
    fprintf(stderr, "filterd-retrain: %s; see filterd-retrain(1)\n", why);
    return EX_USAGE;
}

static int run(const struct retrain_words *w)
{
    struct settings *settings = NULL;
    struct endpoint control;
    const char *why;
    log_open(LOG_TO_SYSLOG, "filterd-retrain");
    /* Plaintext follows: close the sandbox. Where the kernel has none, go on without it. */
    sandbox_close(&(struct sandbox){.kind = SANDBOX_WORKER}, &why);
    const bool ok = find_control(w, &settings, &control);
    if (ok && w->nothing)
        drain();
    else if (ok)
        retrain(w, settings ? settings->header_prefix : "X-DSPAM", &control);
    settings_free(&settings);
    return ok ? EX_OK : usage("the daemon's socket is no unix:/PATH");
}

int main(int argc, char **argv)
{
    (void)argc;
    struct retrain_words words;
    g_autofree char *why = NULL;
    int code = EX_OK;
    if (!retrain_words_parse(&words, argv, &why))
        code = usage(why);
    else if (words.help)
        puts("filterd-retrain [-c FILE | -s unix:/PATH] spam|ham USER <MESSAGE; or dspam's words\n"
             "filterd-retrain --version|--help");
    else if (words.version)
        code = version_print("filterd-retrain");
    else
        code = run(&words);
    retrain_words_clear(&words);
    return code;
}
