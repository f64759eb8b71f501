/* Configures gpg, opens GPGME contexts and encrypts. Called by keyring.c, keyring_import.c and seal.c. */
#include "gpg/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "gpg/armor.h"
#include "gpg/child.h"

/* With these settings gpg opens no file for writing, not even in a writable home (measured). Locks and
 * random_seed would make parallel workers wait for each other for seconds. */
static const char conf[] = "lock-never\n"
                           "no-random-seed-file\n"
                           "trust-model always\n"
                           "no-auto-check-trustdb\n"
                           "no-autostart\n"
                           "no-auto-key-locate\n"
                           "no-permission-warning\n"
                           "compress-algo none\n";

static const char too_old[] = "GPGME is older than 1.18";

static char *failure(const char *what, gpgme_error_t e)
{
    return g_strdup_printf("%s: %s", what, gpgme_strerror(e));
}

/* Finds our preload library: beside the program, or where it is installed. */
static char *preloaded(void)
{
    static const char *const places[] = {".", "../lib/filterd"};
    g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *folder = exe ? g_path_get_dirname(exe) : NULL;
    for (size_t i = 0; folder && i < G_N_ELEMENTS(places); i++) {
        g_autofree char *file = g_build_filename(folder, places[i], "gpg_malloc.so", NULL);
        if (access(file, R_OK) == 0 && !strpbrk(file, " :")) /* LD_PRELOAD would split such a path in two */
            return g_steal_pointer(&file);
    }
    return NULL;
}

/* Has the dynamic linker load gpg/preload/malloc.c into all programs started from here; all of them are gpg. */
static void preload(void)
{
    const char *others = g_getenv("LD_PRELOAD");
    g_autofree char *own = preloaded();
    g_autofree char *all = own && others ? g_strconcat(own, ":", others, NULL) : g_strdup(own);
    if (all)
        g_setenv("LD_PRELOAD", all, TRUE);
}

static bool init_once(void)
{
    static bool done;
    if (done)
        return true;
    preload();
    /* In any other locale each gpg maps a dozen locale files, to write messages that nobody reads. */
    g_setenv("LC_ALL", "C", TRUE);
    /* Saves running gpgconf twice. Has an effect only before the version check. */
    gpgme_set_global_flag("disable-gpgconf", "1");
    done = gpgme_check_version("1.18.0") != NULL;
    return done;
}

/* Checks that gpg can read its gpg.conf: gpg ignores one that it may not open, and retries forever on one that
 * it cannot read. A missing gpg.conf is no error here. */
static bool conf_is_readable(const char *home, char **error_r)
{
    char text[sizeof conf];
    g_autofree char *path = g_build_filename(home, "gpg.conf", NULL);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const bool ok = fd >= 0 ? read(fd, text, sizeof text) >= 0 : errno == ENOENT;
    if (!ok)
        *error_r = g_strdup_printf("%s: %s", path, g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/* True if the host's /etc/gnupg/common.conf says use-keyboxd (known since gpg 2.3): gpg then reads the keys of
 * all homes from the daemon keyboxd, and neither its command line nor our gpg.conf can undo that. */
static bool is_hidden_by_keyboxd(gpgme_engine_info_t info, char **error_r)
{
    static const char path[] = "/etc/gnupg/common.conf";
    g_autofree char *text = NULL;
    while (info && info->protocol != GPGME_PROTOCOL_OpenPGP)
        info = info->next;
    if (!info || !info->version || strverscmp(info->version, "2.3") < 0 ||
        !g_file_get_contents(path, &text, NULL, NULL))
        return false;
    if (!g_regex_match_simple("^[ \t]*(--)?use-keyboxd[ \t\r]*(#|$)", text, G_REGEX_MULTILINE, 0))
        return false;
    *error_r = g_strdup_printf("%s: use-keyboxd hides filterd's keys from gpg: take it out there (it may stand in "
                               "a person's own ~/.gnupg/common.conf)", path);
    return true;
}

bool engine_prepare(const char *home, char **error_r)
{
    gpgme_engine_info_t info = NULL;
    g_autofree char *guard = preloaded();
    if (!guard)
        log_warn("gpg_malloc.so is neither beside filterd nor in ../lib/filterd, or its path has a blank: a gpg "
                 "that lacks memory may make what nobody can open");
    g_setenv("GNUPGHOME", home, TRUE);
    const gpgme_error_t e = init_once() ? gpgme_engine_check_version(GPGME_PROTOCOL_OpenPGP) : 0;
    if (!init_once())
        *error_r = g_strdup(too_old);
    else if (e)
        *error_r = failure("gpg", e);
    else if (gpgme_get_engine_info(&info) == 0)
        is_hidden_by_keyboxd(info, error_r);
    return !*error_r;
}

gpgme_ctx_t engine_open(const char *home, char **error_r)
{
    gpgme_ctx_t ctx = NULL;
    if (!conf_is_readable(home, error_r))
        return NULL;
    /* gpg takes its home from the environment. If it were set in GPGME, GPGME would run one more gpg each time,
     * only to ask for its version. */
    g_setenv("GNUPGHOME", home, TRUE);
    if (!init_once()) {
        *error_r = g_strdup(too_old);
        return NULL;
    }
    gpgme_error_t e = gpgme_new(&ctx);
    if (!e)
        e = gpgme_set_protocol(ctx, GPGME_PROTOCOL_OpenPGP);
    if (!e)
        e = gpgme_set_ctx_flag(ctx, "full-status", "1");
    if (e) {
        *error_r = failure("GPGME", e);
        gpgme_release(ctx);
        return NULL;
    }
    if (is_hidden_by_keyboxd(gpgme_ctx_get_engine_info(ctx), error_r)) {
        gpgme_release(ctx);
        return NULL;
    }
    gpgme_set_offline(ctx, 1);
    return ctx;
}

bool engine_write_conf(const char *home, char **error_r)
{
    GError *error = NULL;
    g_autofree char *path = g_build_filename(home, "gpg.conf", NULL);
    if (g_file_set_contents(path, conf, -1, &error))
        return true;
    *error_r = g_strdup(error->message);
    g_error_free(error);
    return false;
}

bool engine_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                    struct bytes *out, char **error_r)
{
    struct armor armor;
    *error_r = NULL;
    if (!key_files->len) {
        *error_r = g_strdup("no key to encrypt to");
        return false;
    }
    if (!init_once()) {
        *error_r = g_strdup(too_old);
        return false;
    }
    bytes_reserve(out, (text->len[0] + text->len[1]) / 48 * 67 + 4096);
    armor_begin(&armor, out, "MESSAGE");
    bool ok = child_encrypt(home, text, key_files, &armor, error_r);
    armor_end(&armor, "MESSAGE");
    return ok;
}
