#include "gpg/engine.h"

#include <errno.h>
#include <locale.h>
#include <string.h>

#include "gpg/armor.h"

/* Measured: with these nothing is opened for writing, even in a home nobody can write to. Locks
 * and random_seed would make parallel workers wait for each other for seconds. */
static const char conf[] = "lock-never\n"
                           "no-random-seed-file\n"
                           "trust-model always\n"
                           "no-auto-check-trustdb\n"
                           "no-autostart\n"
                           "no-auto-key-locate\n"
                           "no-permission-warning\n"
                           "compress-algo none\n";

static char *failure(const char *what, gpgme_error_t e)
{
    return g_strdup_printf("%s: %s", what, gpgme_strerror(e));
}

static bool init_once(void)
{
    static bool done;
    if (done)
        return true;
    /* In any other locale each gpg maps a dozen files of it, to write messages nobody reads. */
    g_setenv("LC_ALL", "C", TRUE);
    /* Saves running gpgconf twice; it only matters before the version check. */
    gpgme_set_global_flag("disable-gpgconf", "1");
    done = gpgme_check_version("1.18.0") != NULL;
    return done;
}

/* gpg takes its home from the environment: GPGME, told of another one, would each time run one gpg
 * more only to ask for its version. */
void engine_use_home(const char *home)
{
    g_setenv("GNUPGHOME", home, TRUE);
}

gpgme_ctx_t engine_open(const char *home, char **error_r)
{
    gpgme_ctx_t ctx = NULL;
    engine_use_home(home);
    if (!init_once()) {
        *error_r = g_strdup("GPGME is older than 1.18");
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

struct reading {
    const struct engine_text *text;
    int part;
    size_t at;
};

static ssize_t read_text(void *handle, void *buffer, size_t size)
{
    struct reading *r = handle;
    while (r->part < 2 && r->at == r->text->len[r->part]) {
        r->part++;
        r->at = 0;
    }
    if (r->part == 2)
        return 0;
    size_t n = MIN(size, r->text->len[r->part] - r->at);
    memcpy(buffer, (const char *)r->text->part[r->part] + r->at, n);
    r->at += n;
    return (ssize_t)n;
}

static ssize_t write_armor(void *handle, const void *buffer, size_t size)
{
    armor_add(handle, buffer, size);
    return (ssize_t)size;
}

/* GPGME takes a gpg that was killed for one that has finished: only this line is the proof. */
static gpgme_error_t note_end(void *hook, const char *keyword, const char *arguments)
{
    (void)arguments;
    if (keyword && !strcmp(keyword, "END_ENCRYPTION"))
        *(bool *)hook = true;
    return 0;
}

static char *recipients_text(GPtrArray *key_files)
{
    GString *text = g_string_new("--file\n");
    for (guint i = 0; i < key_files->len; i++)
        g_string_append_printf(text, "%s\n", (char *)g_ptr_array_index(key_files, i));
    return g_string_free(text, FALSE);
}

static gpgme_error_t run(gpgme_ctx_t ctx, struct reading *in, struct armor *armor,
                         GPtrArray *key_files)
{
    const gpgme_encrypt_flags_t hidden = in->text->hidden ? GPGME_ENCRYPT_THROW_KEYIDS : 0;
    struct gpgme_data_cbs read_cbs = {.read = read_text}, write_cbs = {.write = write_armor};
    gpgme_data_t plain = NULL, cipher = NULL;
    g_autofree char *recipients = recipients_text(key_files);
    gpgme_error_t e = gpgme_data_new_from_cbs(&plain, &read_cbs, in);
    if (!e)
        e = gpgme_data_new_from_cbs(&cipher, &write_cbs, armor);
    if (!e)
        e = gpgme_data_set_flag(plain, "sensitive", "1"); /* its buffer is wiped on release */
    if (!e)
        e = gpgme_op_encrypt_ext(ctx, NULL, recipients,
                                 GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO |
                                     GPGME_ENCRYPT_NO_COMPRESS | hidden,
                                 plain, cipher);
    gpgme_data_release(plain);
    gpgme_data_release(cipher);
    return e;
}

bool engine_encrypt(gpgme_ctx_t ctx, const struct engine_text *text, GPtrArray *key_files,
                    struct bytes *out, char **error_r)
{
    if (!key_files->len) {
        *error_r = g_strdup("no key to encrypt to");
        return false;
    }
    struct reading in = {.text = text};
    struct armor armor;
    bool ended = false;
    gpgme_set_status_cb(ctx, note_end, &ended);
    bytes_reserve(out, (text->len[0] + text->len[1]) / 48 * 67 + 4096);
    armor_begin(&armor, out, "MESSAGE");
    gpgme_error_t e = run(ctx, &in, &armor, key_files);
    armor_end(&armor, "MESSAGE");
    gpgme_set_status_cb(ctx, NULL, NULL);
    gpgme_encrypt_result_t result = gpgme_op_encrypt_result(ctx);
    if (result && result->invalid_recipients) {
        g_autofree char *name = g_path_get_basename(result->invalid_recipients->fpr);
        *error_r = g_strdup_printf("gpg refuses key %s: %s", name,
                                   gpgme_strerror(result->invalid_recipients->reason));
        return false;
    }
    if (!e && ended && in.part == 2)
        return true;
    *error_r = e ? failure("gpg", e) : g_strdup("gpg ended before the message did");
    return false;
}
