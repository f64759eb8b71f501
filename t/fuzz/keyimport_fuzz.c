/* The input is a key to import, up to where gpg would get it: armored or binary must make no difference,
 * and no secret key may pass, whatever stands around it. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "gpg/armor.h"
#include "gpg/generation.h"
#include "gpg/keyring.h"
#include "gpg/packets.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

static void insist(bool holds)
{
    if (!holds)
        abort();
}

/* ---- instead of a folder: here the import ends ---- */

struct generation *generation_begin(const char *state_dir, const char *user, char **error_r)
{
    (void)state_dir;
    (void)user;
    *error_r = g_strdup("no folder");
    return NULL;
}

bool generation_commit(struct generation *g, char **error_r)
{
    (void)g;
    (void)error_r;
    abort();
}

bool generation_remove_user(struct generation *g, char **error_r)
{
    (void)g;
    (void)error_r;
    abort();
}

void generation_end(struct generation **g)
{
    (void)g;
}

/* True: our own checks let it pass to gpg. */
static bool passes(const void *data, size_t len)
{
    struct keyring_input input = {0};
    g_autofree char *error = NULL;
    bytes_add(&input.text, data, len);
    const int code = keyring_import("/nonexistent", "a@example.org", &input, NULL, &error);
    insist(code == EX_DATAERR || code == EX_CANTCREAT);
    insist(error && *error && !strchr(error, '\n'));
    bytes_free(&input.text);
    return code == EX_CANTCREAT;
}

static void add_block(struct bytes *out, const void *data, size_t len, const char *label)
{
    struct armor a;
    armor_begin(&a, out, label);
    armor_add(&a, data, len);
    armor_end(&a, label);
}

/* They lie one behind the other within the input, and their chunks within them. How far they go
 * before one that takes whatever comes behind it for its own (gpg takes no such key). */
static size_t walk(const unsigned char *data, size_t len)
{
    struct packets p = {data, len, false};
    struct packet k;
    const unsigned char *last = data;
    size_t whole = 0;
    bool endless = false;
    while (p.len) {
        endless |= (data[len - p.len] & 0xc3) == 0x83;
        if (!packets_next(&p, &k))
            break;
        insist(k.data > last && k.data + k.first_len <= data + len);
        insist(k.total_len >= k.first_len && (k.chunked || k.total_len == k.first_len));
        insist(k.tag >= 0 && k.tag < 64 && p.data >= k.data + k.total_len);
        last = k.data;
        if (!endless)
            whole = len - p.len;
    }
    insist(p.bad || p.len == 0);
    return whole;
}

static void check_secret(const unsigned char *data, size_t whole, const char *label)
{
    static const unsigned char secret[] = {0xc5, 3, 4, 0, 0}, old[] = {0x94, 3, 4, 0, 0},
                               subkey[] = {0xc7, 3, 4, 0, 0};
    static const unsigned char *const kinds[] = {secret, old, subkey};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct bytes all = {0}, text = {0};
        bytes_add(&all, data, whole);
        bytes_add(&all, kinds[i], sizeof secret);
        insist(!passes(all.data, all.len));
        bytes_adds(&text, "A key:\r\n\r\n");
        add_block(&text, all.data, all.len, label);
        insist(!passes(text.data, text.len));
        bytes_free(&all);
        bytes_free(&text);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    struct bytes text = {0}, back = {0};
    if (len > 65536)
        return 0;
    const size_t whole = walk(data, len);
    const bool binary = passes(data, len);
    add_block(&text, data, len, "PUBLIC KEY BLOCK");
    insist(armor_read((char *)text.data, text.len, "PUBLIC KEY BLOCK", &back, NULL));
    insist(back.len == len && !memcmp(back.data, data, len));
    if (len && data[0] & 0x80)
        insist(passes(text.data, text.len) == binary);
    check_secret(data, whole, "PUBLIC KEY BLOCK");
    check_secret(data, whole, "PRIVATE KEY BLOCK");
    bytes_free(&text);
    bytes_free(&back);
    return 0;
}
