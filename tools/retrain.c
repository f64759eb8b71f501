/* filterd-retrain: hands a user's correction to the daemon.
 *
 * Run by IMAPSieve as the mail user: whatever goes wrong behind it, the folder move must not fail,
 * so it reads all of stdin, says at most one line in syslog and exits 0; only a request that makes
 * no sense is an error. Nothing but the header of the message is looked at. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/keeper.h"
#include "base/log.h"
#include "base/settings.h"

#define DEFAULT_FILE "/etc/filterd/filterd.conf"
#define DEFAULT_SOCKET "/run/filterd/control.sock"
/* Dovecot kills the helper after 10 s. */
enum { ANSWER_MS = 5000, HEADER_MAX = 256 * 1024, ID_MAX = 64 };

struct request {
    const char *class, *user, *signature;
    const char *settings_file; /* NULL: the default one, if it can be read */
    const char *socket;        /* unix:/path, wins over settings */
};

static int usage(void)
{
    fputs("usage: filterd-retrain [-c FILE | -s unix:/PATH] spam|ham USER <MESSAGE\n"
          "       filterd-retrain [-c FILE | -s unix:/PATH] --user USER --class=spam|innocent"
          " --source=error [--signature=ID] <MESSAGE\n",
          stderr);
    return EX_USAGE;
}

/* The value of "--name=value" or "--name value"; NULL if arg is not that option. */
static const char *option(const char *name, char **argv, int *i)
{
    const size_t n = strlen(name);
    if (strncmp(argv[*i], name, n) != 0)
        return NULL;
    if (argv[*i][n] == '=')
        return argv[*i] + n + 1;
    return argv[*i][n] == '\0' && argv[*i + 1] ? argv[++*i] : NULL;
}

static bool parse_option(struct request *r, char **argv, int *i)
{
    const struct {
        const char *name, **value;
    } options[] = {{"--user", &r->user},         {"--class", &r->class},
                   {"--signature", &r->signature}, {"-c", &r->settings_file},
                   {"-s", &r->socket},           {"--source", &(const char *){NULL}},
                   {"--mode", &(const char *){NULL}}};
    for (size_t k = 0; k < G_N_ELEMENTS(options); k++) {
        const char *value = option(options[k].name, argv, i);
        if (value) {
            *options[k].value = value;
            return true;
        }
    }
    return false;
}

static bool parse(struct request *r, char **argv)
{
    const char **const words[] = {&r->class, &r->user};
    size_t word = 0;
    for (int i = 1; argv[i]; i++) {
        if (argv[i][0] == '-') {
            if (!parse_option(r, argv, &i))
                return false;
        } else if (word < G_N_ELEMENTS(words) && !*words[word]) {
            *words[word++] = argv[i];
        } else {
            return false;
        }
    }
    if (!r->user || !*r->user || !r->class)
        return false;
    if (strcmp(r->class, "innocent") == 0)
        r->class = "ham";
    return strcmp(r->class, "spam") == 0 || strcmp(r->class, "ham") == 0;
}

/* The message's beginning, as text; the rest of stdin is read and thrown away. */
static char *read_start(void)
{
    char *start = g_malloc(HEADER_MAX + 1), rest[16384];
    size_t len = 0;
    for (;;) {
        const bool full = len == HEADER_MAX;
        const ssize_t n = read(STDIN_FILENO, full ? rest : start + len,
                               full ? sizeof rest : HEADER_MAX - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        if (!full)
            len += (size_t)n;
    }
    start[len] = '\0';
    return start;
}

static char *id_in(const char *value)
{
    value += strspn(value, " \t\r\n");
    const size_t n = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    return n > 0 && n <= ID_MAX ? g_strndup(value, n) : NULL;
}

/* What a header line says if it is PREFIX-Signature, NULL if not. */
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

/* The first one: ours stands above whatever came with the message. */
static char *find_signature(const char *header, const char *prefix)
{
    for (const char *line = header; *line && *line != '\r' && *line != '\n';) {
        const char *value = signature_value(line, prefix);
        if (!value)
            value = signature_value(line, "X-Filterd");
        if (value)
            return id_in(value);
        const char *eol = strchr(line, '\n');
        if (!eol)
            break;
        line = eol + 1;
    }
    return NULL;
}

/* Where the daemon listens; false if settings that were named are no good. */
static bool find_control(const struct request *r, struct settings **settings_r,
                         struct endpoint *control_r)
{
    char *error = NULL;
    const char *file = r->settings_file ? r->settings_file : DEFAULT_FILE;
    *control_r = (struct endpoint){.path = DEFAULT_SOCKET};
    /* The mail user may not be allowed to read them, and need not. */
    *settings_r = access(file, R_OK) == 0 ? settings_load(file, &error) : NULL;
    if (*settings_r)
        *control_r = (*settings_r)->control;
    else if (error && r->settings_file)
        log_warn("%s", error);
    g_free(error);
    const char *named = r->socket ? r->socket : g_getenv("FILTERD_CONTROL");
    if (!named)
        return true;
    if (g_str_has_prefix(named, "unix:"))
        named += 5;
    *control_r = (struct endpoint){.path = (char *)named};
    return named[0] == '/';
}

static void ask(const struct request *r, const char *signature, const struct endpoint *control)
{
    char *text = NULL;
    const int fd = keeper_connect(control);
    if (fd < 0) {
        log_warn("%s of user=%s not learnt: the daemon is not there", r->class, r->user);
        return;
    }
    GVariantBuilder b;
    g_variant_builder_init(&b, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&b, "{sv}", "login", g_variant_new_string(r->user));
    g_variant_builder_add(&b, "{sv}", "class", g_variant_new_string(r->class));
    g_variant_builder_add(&b, "{sv}", "signature", g_variant_new_string(signature));
    const int code = keeper_call(fd, "retrain", g_variant_builder_end(&b), ANSWER_MS, &text);
    if (code != EX_OK)
        log_warn("%s of user=%s signature=%s not learnt: %s", r->class, r->user, signature,
                 text && *text ? text : "refused");
    g_free(text);
    close(fd);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct request r = {0};
    struct settings *settings = NULL;
    struct endpoint control;
    if (!parse(&r, argv) || !g_utf8_validate(r.user, -1, NULL))
        return usage();
    log_open(LOG_TO_SYSLOG, "filterd-retrain");
    if (!find_control(&r, &settings, &control)) {
        settings_free(&settings);
        return usage();
    }
    char *header = read_start();
    char *signature = r.signature
                          ? id_in(r.signature)
                          : find_signature(header, settings ? settings->header_prefix : "X-DSPAM");
    if (signature)
        ask(&r, signature, &control);
    else
        log_info("%s of user=%s not learnt: the message carries no signature", r.class, r.user);
    explicit_bzero(header, HEADER_MAX + 1);
    g_free(header);
    g_free(signature);
    settings_free(&settings);
    return EX_OK;
}
