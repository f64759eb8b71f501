/* Imports and removes a user's keys, each time by writing a new generation. Called by filterctl key, and by the importer
 * for keys in columns. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/log.h"
#include "gpg/armor.h"
#include "gpg/column_key.h"
#include "gpg/engine.h"
#include "gpg/engine_run.h"
#include "gpg/engine_text.h"
#include "gpg/generation.h"
#include "gpg/key_card.h"
#include "gpg/keyring.h"
#include "gpg/packets.h"
#include "gpg/ring.h"

#define INPUT_MAX_BYTES (1024 * 1024)

static int refuse(char **error_r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(char **error_r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    *error_r = g_strdup_vprintf(format, args);
    va_end(args);
    return EX_DATAERR;
}

/* ---- what the input holds, before gpg sees it ---- */

struct census {
    int public_keys, secret_keys;
};

static void count_packets(struct census *c, const unsigned char *data, size_t len)
{
    struct packets p = {data, len, false};
    struct packet k;
    while (packets_next(&p, &k)) {
        c->public_keys += k.tag == PACKET_PUBLIC_KEY;
        c->secret_keys += k.tag == PACKET_SECRET_KEY || k.tag == PACKET_SECRET_SUBKEY;
    }
}

/* Counts the keys of an armored block. A label PRIVATE KEY or SECRET KEY is enough to refuse; a public block is
 * unpacked, because it may hold secret keys all the same. Unreadable blocks are left to gpg, whose own count of
 * secret keys is checked, too. */
static void count_armored(struct census *c, const char *text, size_t len)
{
    static const char begin[] = "-----BEGIN PGP ";
    const char *end = text + len;
    for (const char *p = text; (p = memmem(p, (size_t)(end - p), begin, sizeof begin - 1)); p++) {
        struct bytes held = {0};
        size_t left = (size_t)(end - p);
        c->secret_keys += left > 26 && (!memcmp(p + 15, "PRIVATE KEY", 11) ||
                                        !memcmp(p + 15, "SECRET KEY", 10));
        if (armor_read(p, left, "PUBLIC KEY BLOCK", &held, NULL))
            count_packets(c, held.data, held.len);
        bytes_free(&held);
    }
}

static int inspect(const struct bytes *input, char **error_r)
{
    struct census c = {0};
    if (input->len > INPUT_MAX_BYTES)
        return refuse(error_r, "the input is over 1 MiB: that is no key of one person");
    if (input->len && input->data[0] & 0x80)
        count_packets(&c, input->data, input->len);
    else if (input->len)
        count_armored(&c, (const char *)input->data, input->len);
    if (c.secret_keys)
        return refuse(error_r, "SECRET KEY in the input: it does not belong on this machine; "
                               "nothing was stored, export the public key instead");
    if (c.public_keys > 1)
        return refuse(error_r, "several keys in the input, give one at a time");
    return EX_OK;
}

/* ---- into a home of its own ---- */

static int import_bytes(const char *home, const struct bytes *input, char **error_r)
{
    struct engine_run run;
    gpgme_data_t data = NULL;
    gpgme_ctx_t ctx = engine_open(home, error_r);
    if (!ctx)
        return EX_TEMPFAIL;
    engine_run_begin(&run, ctx);
    gpgme_error_t e = gpgme_data_new_from_mem(&data, (const char *)input->data, input->len, 0);
    if (!e)
        e = gpgme_op_import_start(ctx, data);
    if (!e)
        e = engine_run_wait(&run, ENGINE_SECONDS);
    gpgme_import_result_t result = e ? NULL : gpgme_op_import_result(ctx);
    bool secret = result && result->secret_read;
    gpgme_data_release(data);
    gpgme_release(ctx);
    if (secret)
        return refuse(error_r, "SECRET KEY in the input: it does not belong on this machine; "
                               "nothing was stored, export the public key instead");
    gpgme_err_code_t code = gpgme_err_code(e);
    if (code == GPG_ERR_NO_DATA || code == GPG_ERR_BAD_DATA || code == GPG_ERR_INV_VALUE)
        return refuse(error_r, "no key in the input");
    if (!e)
        return EX_OK;
    *error_r = g_strdup_printf("gpg cannot import: %s", gpgme_strerror(e));
    return EX_TEMPFAIL;
}

static struct key_info *find(GPtrArray *keys, const char *fingerprint)
{
    for (guint i = 0; i < keys->len; i++) {
        struct key_info *k = g_ptr_array_index(keys, i);
        if (!g_ascii_strcasecmp(k->fingerprint, fingerprint))
            return k;
    }
    return NULL;
}

static bool names_address(const struct key_info *k, const char *user)
{
    for (guint i = 0; i < k->addresses->len; i++)
        if (!strcmp(g_ptr_array_index(k->addresses, i), user))
            return true;
    return false;
}

static bool names_user(const struct key_info *k, const char *user, const struct keyring_input *input)
{
    bool theirs = names_address(k, user) || (input->also && names_address(k, input->also));
    for (guint i = 0; i < k->addresses->len && !theirs && input->is_theirs; i++)
        theirs = input->is_theirs(k->addresses->pdata[i], user, input->arg);
    return theirs;
}

/* Imports the input into the new home. *fingerprint_r: the imported key. */
static int import_input(struct generation *g, const struct bytes *input, char **fingerprint_r,
                        char **error_r)
{
    int rc = input->len ? import_bytes(g->home, input, error_r)
                        : refuse(error_r, "no key in the input");
    GPtrArray *keys = rc == EX_OK ? keyring_keys(g->home, error_r) : NULL;
    if (!keys)
        return rc == EX_OK ? EX_TEMPFAIL : rc;
    if (keys->len == 1)
        *fingerprint_r = g_strdup(((struct key_info *)g_ptr_array_index(keys, 0))->fingerprint);
    else
        rc = refuse(error_r, keys->len ? "several keys in the input, give one at a time"
                                       : "no key in the input");
    g_ptr_array_unref(keys);
    return rc;
}

struct selection {
    const char *fingerprint; /* NULL: all are kept */
    bool others;             /* all but this one are; else it alone */
};

static bool is_kept(const struct selection *kept, const struct key_info *k)
{
    return !kept->fingerprint || (g_ascii_strcasecmp(k->fingerprint, kept->fingerprint) != 0) == kept->others;
}

/* Imports keys that the user has as well. gpg merges copies of a key, so an older copy does not undo a known
 * revocation. */
static int keep_old_keys(struct generation *g, const struct selection *kept, char **error_r)
{
    GPtrArray *old = g->old ? keyring_keys(g->old, error_r) : NULL;
    int rc = g->old && !old ? EX_TEMPFAIL : EX_OK;
    for (guint i = 0; old && i < old->len && rc == EX_OK; i++) {
        const struct key_info *k = g_ptr_array_index(old, i);
        struct bytes key = {0};
        if (!is_kept(kept, k))
            continue;
        rc = keyring_export(g->old, k->fingerprint, KEYRING_BINARY, &key, error_r)
                 ? import_bytes(g->home, &key, error_r)
                 : EX_TEMPFAIL;
        bytes_free(&key);
    }
    if (old)
        g_ptr_array_unref(old);
    return rc;
}

/* ---- is it fit ---- */

static bool is_known(const struct generation *g, const char *fingerprint)
{
    g_autofree char *file = g_strdup_printf("%s/%s.pgp", g->old ? g->old : "", fingerprint);
    return g->old && g_file_test(file, G_FILE_TEST_EXISTS);
}

static int check_key(const struct key_info *k, const struct generation *g, const struct keyring_input *input,
                     char **error_r)
{
    /* The owner revoked a key that is stored here: refusing the revoked copy would keep the key in use. */
    if (k->revoked && is_known(g, k->fingerprint))
        return EX_OK;
    int64_t now = g_get_real_time() / G_USEC_PER_SEC;
    const char *trouble = key_info_trouble(k, now);
    if (trouble)
        return refuse(error_r, "key %s cannot be used: %s", k->fingerprint, trouble);
    if (!input->force && !names_user(k, g->user, input))
        return refuse(error_r, "no user id of key %s names %s%s", k->fingerprint, g->user,
                      input->column ? ", or an alias of theirs" : " (--force takes it anyway)");
    return EX_OK;
}

static int check_others(const struct generation *g, const char *fingerprint, bool add,
                        char **error_r)
{
    GPtrArray *old = g->old ? keyring_keys(g->old, error_r) : NULL;
    int rc = g->old && !old ? EX_TEMPFAIL : EX_OK;
    if (old && old->len && !find(old, fingerprint) && !add)
        rc = refuse(error_r, "%s has another key, %s: use --add, or remove it first", g->user,
                    ((struct key_info *)g_ptr_array_index(old, 0))->fingerprint);
    if (old)
        g_ptr_array_unref(old);
    return rc;
}

static int write_key_files(const char *home, GPtrArray *keys, char **error_r)
{
    for (guint i = 0; i < keys->len; i++) {
        const struct key_info *k = g_ptr_array_index(keys, i);
        struct bytes lean = {0};
        bool ok = keyring_export(home, k->fingerprint, KEYRING_LEAN_BINARY, &lean, error_r);
        GError *error = NULL;
        if (ok && !g_file_set_contents(k->file, (char *)lean.data, (gssize)lean.len, &error)) {
            *error_r = g_strdup(error->message);
            g_error_free(error);
            ok = false;
        }
        if (ok)
            ring_make(k->file);
        bytes_free(&lean);
        if (!ok)
            return EX_CANTCREAT;
    }
    return key_card_write(home, keys, error_r) ? EX_OK : EX_CANTCREAT;
}

/* Encrypts a few bytes to the key, so that a key reported as imported is known to work. */
static int self_check(const char *home, const struct key_info *k, char **error_r)
{
    struct engine_text text = {.part = {"filterd\r\n", ""}, .len = {9, 0}};
    struct bytes out = {0};
    g_autofree char *why = NULL;
    GPtrArray *files = g_ptr_array_new();
    g_ptr_array_add(files, k->file);
    bool ok = engine_encrypt(home, &text, files, &out, &why);
    g_ptr_array_unref(files);
    bytes_free(&out);
    return ok ? EX_OK
              : refuse(error_r, "key %s cannot be encrypted to: %s", k->fingerprint, why);
}

static int write_column(const char *home, const char *digest, char **error_r)
{
    g_autofree char *path = g_build_filename(home, COLUMN_KEY_FILE, NULL);
    GError *error = NULL;
    if (g_file_set_contents(path, digest, -1, &error))
        return EX_OK;
    *error_r = g_strdup(error->message);
    g_error_free(error);
    return EX_CANTCREAT;
}

/* ---- the whole ---- */

static int fill(struct generation *g, const struct keyring_input *input,
                struct key_info **key_r, char **error_r)
{
    g_autofree char *fingerprint = NULL;
    int rc = engine_write_conf(g->home, error_r) ? EX_OK : EX_CANTCREAT;
    if (rc == EX_OK)
        rc = import_input(g, &input->text, &fingerprint, error_r);
    if (rc == EX_OK && !input->column)
        rc = check_others(g, fingerprint, input->add, error_r);
    if (rc == EX_OK)
        rc = keep_old_keys(g, &(struct selection){input->column ? fingerprint : NULL, false}, error_r);
    GPtrArray *keys = rc == EX_OK ? keyring_keys(g->home, error_r) : NULL;
    if (!keys)
        return rc == EX_OK ? EX_TEMPFAIL : rc;
    struct key_info *k = find(keys, fingerprint);
    rc = k ? check_key(k, g, input, error_r) : refuse(error_r, "no key in the input");
    if (rc == EX_OK)
        rc = write_key_files(g->home, keys, error_r);
    if (rc == EX_OK && !k->revoked)
        rc = self_check(g->home, k, error_r);
    if (rc == EX_OK && input->column)
        rc = write_column(g->home, input->column, error_r);
    if (rc == EX_OK && key_r) {
        g_ptr_array_set_free_func(keys, NULL);
        g_ptr_array_remove(keys, k);
        g_ptr_array_set_free_func(keys, (GDestroyNotify)(void *)key_info_free);
        *key_r = k;
    }
    g_ptr_array_unref(keys);
    return rc;
}

static bool note(const struct keyring_notes *notes, const char *user, bool has_keys, char **error_r)
{
    return !notes || notes->note(user, has_keys, notes->arg, error_r);
}

/* The note comes first: if all ends between the two, the user's mail waits. It goes again if the user had no keys and
 * gets none. */
static int commit_noted(struct generation *g, const struct keyring_notes *notes, char **error_r)
{
    g_autofree char *why = NULL;
    if (!note(notes, g->user, true, error_r))
        return EX_TEMPFAIL;
    if (generation_commit(g, error_r))
        return EX_OK;
    if (!g->replaces && g->made && !note(notes, g->user, false, &why))
        log_warn("user=<%s> a key stays noted that was not imported: %s", g->user, why);
    return EX_CANTCREAT;
}

int keyring_import(const char *state_dir, const char *user, const struct keyring_input *input,
                   struct key_info **key_r, char **error_r)
{
    struct key_info *key = NULL;
    int rc = inspect(&input->text, error_r);
    if (rc != EX_OK)
        return rc;
    struct generation *g = generation_begin(state_dir, user, error_r);
    if (!g)
        return EX_CANTCREAT;
    rc = fill(g, input, &key, error_r);
    if (rc == EX_OK)
        rc = commit_noted(g, input->notes, error_r);
    generation_end(&g);
    if (rc == EX_OK && key_r)
        *key_r = g_steal_pointer(&key);
    key_info_free(key);
    return rc;
}

static int remove_one_key(struct generation *g, const char *fingerprint, char **error_r)
{
    int rc = engine_write_conf(g->home, error_r) ? EX_OK : EX_CANTCREAT;
    if (rc == EX_OK)
        rc = keep_old_keys(g, &(struct selection){fingerprint, true}, error_r);
    GPtrArray *keys = rc == EX_OK ? keyring_keys(g->home, error_r) : NULL;
    if (!keys)
        return rc == EX_OK ? EX_TEMPFAIL : rc;
    if (!keys->len)
        rc = generation_remove_user(g, error_r) ? EX_OK : EX_CANTCREAT;
    else if ((rc = write_key_files(g->home, keys, error_r)) == EX_OK)
        rc = generation_commit(g, error_r) ? EX_OK : EX_CANTCREAT;
    g_ptr_array_unref(keys);
    return rc;
}

static int remove_keys(struct generation *g, const char *fingerprint, char **error_r)
{
    GPtrArray *old = g->old && fingerprint ? keyring_keys(g->old, error_r) : NULL;
    int rc = EX_OK;
    if (!g->replaces || (fingerprint && (!old || !find(old, fingerprint)))) {
        g_free(*error_r);
        *error_r = fingerprint ? g_strdup_printf("%s has no key %s", g->user, fingerprint)
                               : g_strdup_printf("%s has no key", g->user);
        rc = EX_NOUSER;
    } else if (fingerprint) {
        rc = remove_one_key(g, fingerprint, error_r);
    } else if (!generation_remove_user(g, error_r)) {
        rc = EX_CANTCREAT;
    }
    if (old)
        g_ptr_array_unref(old);
    return rc;
}

int keyring_remove(const char *state_dir, const char *user, const char *fingerprint,
                   const struct keyring_notes *notes, char **error_r)
{
    g_autofree char *home = NULL, *why = NULL;
    struct generation *g = generation_begin(state_dir, user, error_r);
    if (!g)
        return EX_CANTCREAT;
    int rc = remove_keys(g, fingerprint, error_r);
    /* While nobody else may change the keys: the note must not go after another has imported one. */
    if (keyring_current(state_dir, user, &home) == KEYRING_NONE && !note(notes, user, false, &why)) {
        g_free(*error_r);
        *error_r = g_strdup_printf("%s: the keys are gone, but mail waits until that is noted (%s): remove them again",
                                   user, why);
        rc = EX_TEMPFAIL;
    }
    generation_end(&g);
    return rc;
}
