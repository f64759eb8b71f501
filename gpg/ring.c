/* Makes and compares rings. Called by keyring_import.c to make them, by keycache.c and child.c to use them. */
#include "gpg/ring.h"

#include <glib.h>
#include <gpgme.h>
#include <string.h>
#include <unistd.h>

#include "gpg/packets.h"

#define RING ".ring"
#define FILE_OF_ONE_KEY ".pgp"

static char *renamed(const char *path, const char *from, const char *to)
{
    const size_t n = g_str_has_suffix(path, from) ? strlen(path) - strlen(from) : strlen(path);
    return g_strdup_printf("%.*s%s", (int)n, path, to);
}

bool ring_is(const char *path)
{
    return g_str_has_suffix(path, RING);
}

char *ring_key_file(const char *ring)
{
    return renamed(ring, RING, FILE_OF_ONE_KEY);
}

char *ring_key(const char *ring)
{
    g_autofree char *name = g_path_get_basename(ring);
    return renamed(name, RING, "");
}

/* ---- made ---- */

static bool run_gpg(const char *home, const char *keyring, const char *command, const char *file)
{
    const char *const argv[] = {gpgme_get_dirinfo("gpg-name"), "--homedir", home, "--no-options",
                                "--batch", "--no-tty", "--quiet", "--lock-never", "--trust-model",
                                "always", "--no-auto-check-trustdb", "--no-autostart",
                                "--no-permission-warning", "--no-default-keyring", "--keyring",
                                keyring, command, file, NULL};
    int status = -1;
    const GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL |
                              G_SPAWN_STDERR_TO_DEV_NULL;
    return argv[0] &&
           g_spawn_sync(NULL, (char **)argv, NULL, flags, NULL, NULL, NULL, NULL, &status, NULL) &&
           status == 0;
}

bool ring_make(const char *key_file)
{
    g_autofree char *home = g_path_get_dirname(key_file);
    g_autofree char *ring = renamed(key_file, FILE_OF_ONE_KEY, RING);
    /* Without this prefix gpg would make a keybox, which does not record all signature checks. */
    g_autofree char *keyring = g_strconcat("gnupg-ring:", ring, NULL);
    g_autofree char *made = NULL;
    unlink(ring);
    if (run_gpg(home, keyring, "--import", key_file) &&
        run_gpg(home, keyring, "--rebuild-keydb-caches", NULL))
        made = ring_of(key_file);
    if (!made)
        unlink(ring);
    return made != NULL;
}

/* ---- compared ---- */

/* All packets of the file except trust packets, in which gpg keeps its notes. */
static GString *key_in(const char *path)
{
    g_autofree char *text = NULL;
    gsize len;
    if (!g_file_get_contents(path, &text, &len, NULL))
        return NULL;
    GString *key = g_string_new(NULL);
    struct packets p = {(const unsigned char *)text, len, false};
    struct packet k;
    for (const unsigned char *from = p.data; packets_next(&p, &k); from = p.data)
        if (k.tag != PACKET_TRUST)
            g_string_append_len(key, (const char *)from, p.data - from);
    if (!p.bad && key->len)
        return key;
    g_string_free(key, TRUE);
    return NULL;
}

char *ring_of(const char *key_file)
{
    g_autofree char *ring = renamed(key_file, FILE_OF_ONE_KEY, RING);
    GString *kept = key_in(ring), *wanted = kept ? key_in(key_file) : NULL;
    const bool same = wanted && g_string_equal(kept, wanted);
    if (kept)
        g_string_free(kept, TRUE);
    if (wanted)
        g_string_free(wanted, TRUE);
    return same ? g_steal_pointer(&ring) : NULL;
}
