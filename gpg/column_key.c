/* Reads keys from columns, and compares them with what was imported. Called by filterd/tables for each look-up, by
 * filterd/importer to import, and by filterctl. */
#include "gpg/column_key.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "gpg/armor.h"
#include "gpg/keyring.h"

#define DIGEST_HEX 64

static bool is_binary(const char *text, size_t len)
{
    return len && (unsigned char)*text & 0x80;
}

/* Takes a byte order mark and the blanks around off; a binary key may begin or end with such bytes. */
static void trim(const char **text, size_t *len)
{
    if (*len >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3)) {
        *text += 3;
        *len -= 3;
    }
    if (is_binary(*text, *len))
        return;
    while (*len && g_ascii_isspace(**text)) {
        (*text)++;
        (*len)--;
    }
    while (*len && g_ascii_isspace((*text)[*len - 1]))
        (*len)--;
}

static bool is_hex(const char *text, size_t len)
{
    return len >= 2 && text[0] == '\\' && (text[1] == 'x' || text[1] == 'X');
}

bool column_key_is_empty(const char *text, size_t len)
{
    trim(&text, &len);
    return !len || (is_hex(text, len) && len == 2);
}

static bool read_hex(const char *text, size_t len, struct bytes *key)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        const int high = g_ascii_xdigit_value(text[i]), low = g_ascii_xdigit_value(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        const unsigned char byte = (unsigned char)(high << 4 | low);
        bytes_add(key, &byte, 1);
    }
    return len % 2 == 0;
}

static bool is_armored(const char *text, size_t len)
{
    static const char begin[] = "-----BEGIN PGP ";
    return memmem(text, len, begin, sizeof begin - 1) != NULL;
}

/* Bytes may be an armored key in turn: a bytea of text. */
static bool are_a_key(const struct bytes *key)
{
    const char *data = (const char *)key->data;
    return key->len && (is_binary(data, key->len) || is_armored(data, key->len));
}

bool column_key_read(const char *text, size_t len, struct bytes *key)
{
    bool read = true;
    trim(&text, &len);
    if (is_hex(text, len))
        read = read_hex(text + 2, len - 2, key);
    else if (is_binary(text, len) || is_armored(text, len))
        bytes_add(key, text, len);
    else
        read = armor_base64(text, len, key);
    return read && are_a_key(key);
}

char *column_key_digest(const char *text, size_t len)
{
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, len);
}

/* The digest in this generation, of DIGEST_HEX letters; none if it was not made of a column. False, with errno: that
 * cannot be read. */
static bool read_digest(const char *home, char digest[DIGEST_HEX + 1])
{
    g_autofree char *path = g_build_filename(home, COLUMN_KEY_FILE, NULL);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const ssize_t len = fd >= 0 ? read(fd, digest, DIGEST_HEX) : 0;
    const bool ok = fd >= 0 ? len >= 0 : errno == ENOENT;
    digest[MAX(len, 0)] = 0;
    if (fd >= 0)
        close(fd);
    return ok;
}

bool column_key_made(const char *home)
{
    g_autofree char *path = g_build_filename(home, COLUMN_KEY_FILE, NULL);
    return access(path, F_OK) == 0;
}

enum column_key column_key_compare(const char *state_dir, const char *user, const char *text, size_t len)
{
    g_autofree char *home = NULL;
    char had[DIGEST_HEX + 1] = "";
    const enum keyring_state state = keyring_current(state_dir, user, &home);
    const bool empty = column_key_is_empty(text, len);
    if (state == KEYRING_UNREADABLE || (home && !read_digest(home, had)))
        return COLUMN_KEY_UNREADABLE;
    if (empty)
        return home && column_key_made(home) ? COLUMN_KEY_EMPTIED : COLUMN_KEY_NONE;
    g_autofree char *now = column_key_digest(text, len);
    return strcmp(now, had) ? COLUMN_KEY_NEW : COLUMN_KEY_IMPORTED;
}
