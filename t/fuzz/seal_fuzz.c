/* The input is a message that is sealed, with our Subject made of its own. All but gpg and the keys is
 * real; what stands in for gpg can be undone. So the output is taken apart again: our fields, the
 * message's own outside, RFC 3156 around one armored block, and in it every byte of the content and
 * nothing else. */
#include <glib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/config/limits.h"
#include "base/config/settings.h"
#include "base/mail/header.h"
#include "base/mail/message.h"
#include "base/newline.h"
#include "filterd/pipeline/headers.h"
#include "gpg/armor.h"
#include "gpg/child.h"
#include "gpg/engine_text.h"
#include "gpg/key_state.h"
#include "gpg/keycache.h"
#include "gpg/outside.h"
#include "gpg/seal.h"

#define LINE_BYTES 998 /* RFC 5322 section 2.1.1 */

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len);

static void insist(bool holds)
{
    if (!holds)
        abort();
}

/* ---- instead of gpg: a session key packet (X25519), and the text under a mask that depends on all of it, so that no
 * input can make it readable ---- */

static uint64_t seed_add(uint64_t seed, const void *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        seed = (seed ^ ((const unsigned char *)data)[i]) * 0x100000001b3u;
    return seed;
}

static unsigned char mask(uint64_t seed, size_t i)
{
    uint64_t z = (seed + i) * 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    return (unsigned char)(z >> 56);
}

#define SESSION_KEY_BYTES 78

static void add_session_key(struct armor *armor)
{
    unsigned char key[SESSION_KEY_BYTES] = {0xc1, SESSION_KEY_BYTES - 2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 25};
    for (size_t i = 12; i < sizeof key; i++)
        key[i] = mask(7, i);
    key[44] = 33; /* the cipher, and the key that is wrapped */
    armor_add(armor, key, sizeof key);
}

bool child_encrypt(const char *home, const struct engine_text *text, GPtrArray *key_files,
                   struct armor *armor, char **error_r)
{
    const size_t len = 1 + text->len[0] + text->len[1] + 39;
    const unsigned char head[] = {0xd2, 0xff, (unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                  (unsigned char)(len >> 8), (unsigned char)len, 1};
    (void)error_r;
    insist(home && key_files->len == 1);
    add_session_key(armor);
    armor_add(armor, head, sizeof head);
    const uint64_t seed = seed_add(seed_add(1, text->part[0], text->len[0]), text->part[1], text->len[1]);
    size_t at = 0;
    for (int part = 0; part < 2; part++)
        for (size_t i = 0; i < text->len[part]; i++, at++) {
            const unsigned char c = ((const unsigned char *)text->part[part])[i] ^ mask(seed, at);
            armor_add(armor, &c, 1);
        }
    for (size_t i = 0; i < 39; i++)
        armor_add(armor, &(const unsigned char){mask(seed, at + i)}, 1);
    return true;
}

static struct cached_keys cached = {.home = (char *)"/nonexistent"};

struct keycache *keycache_new(const char *state_dir)
{
    (void)state_dir;
    return NULL;
}

void keycache_free(struct keycache **c)
{
    (void)c;
}

enum key_state keycache_get(struct keycache *c, const char *user,
                            const struct cached_keys **keys_r, GPtrArray *files, char **reason_r)
{
    (void)c;
    (void)user;
    (void)reason_r;
    *keys_r = &cached;
    g_ptr_array_add(files, g_strdup("/nonexistent/key.pgp"));
    return KEY_GOOD;
}

/* ---- what must have come out ---- */

static void add_outside(const struct message *m, const struct outside *o, struct bytes *out)
{
    for (size_t i = 0; i < m->header_count; i++) {
        const struct header *h = &m->headers[i];
        if (!outside_has(o, h) || g_ascii_strncasecmp(h->start, "Content-", MIN(h->len, 8)) == 0 ||
            header_is(h, "MIME-Version"))
            continue;
        bytes_add(out, h->start, h->len);
        if (h->start[h->len - 1] != '\n')
            bytes_adds(out, "\r\n");
    }
}

static void add_content(const struct message *m, struct bytes *out)
{
    for (size_t i = 0; i < m->header_count; i++)
        if (header_starts(&m->headers[i], "Content-")) {
            bytes_add(out, m->headers[i].start, m->headers[i].len);
            if (m->headers[i].start[m->headers[i].len - 1] != '\n')
                bytes_adds(out, "\r\n");
        }
    bytes_adds(out, "\r\n");
    bytes_add(out, m->body, m->body_len);
}

static const char *take(const char *at, const char *end, const char *text)
{
    const size_t len = strlen(text);
    insist((size_t)(end - at) >= len && !memcmp(at, text, len));
    return at + len;
}

static void check_block(const struct message *m, const char *at, size_t len)
{
    struct bytes held = {0}, want = {0};
    size_t used = 0;
    insist(armor_read(at, len, "MESSAGE", &held, &used) && used == len);
    add_content(m, &want);
    const size_t head = SESSION_KEY_BYTES + 7;
    insist(held.len == head + want.len + 39);
    const uint64_t seed = seed_add(1, want.data, want.len);
    for (size_t i = 0; i < want.len; i++)
        insist((held.data[head + i] ^ mask(seed, i)) == want.data[i]);
    bytes_free(&held);
    bytes_free(&want);
}

/* Line by line what pgpmime.c says it writes, with one boundary all along. */
static void check_mime(const struct message *m, const char *at, const char *end)
{
    char boundary[48], text[512];
    at = take(at, end, "MIME-Version: 1.0\r\n"
                       "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\";\r\n"
                       "\tboundary=\"");
    const size_t n = strcspn(at, "\"");
    insist(n > 30 && n < sizeof boundary);
    memcpy(boundary, at, n);
    boundary[n] = 0;
    g_snprintf(text, sizeof text,
               "\"\r\n\r\n--%s\r\nContent-Type: application/pgp-encrypted\r\n"
               "Content-Description: PGP/MIME version identification\r\n\r\nVersion: 1\r\n\r\n--%s\r\n",
               boundary, boundary);
    at = take(at + n, end, text);
    at = take(at, end, "Content-Type: application/octet-stream; name=\"encrypted.asc\"\r\n"
                       "Content-Description: OpenPGP encrypted message\r\n"
                       "Content-Disposition: inline; filename=\"encrypted.asc\"\r\n\r\n");
    g_snprintf(text, sizeof text, "\r\n--%s--\r\n", boundary);
    const size_t tail = strlen(text);
    insist((size_t)(end - at) > tail);
    take(end - tail, end, text);
    check_block(m, at, (size_t)(end - at) - tail);
}

static void check_lines(const char *at, const char *end)
{
    for (const char *next; at < end; at = next) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        insist(lf != NULL);
        insist(lf - at <= LINE_BYTES + 1);
        next = lf + 1;
    }
}

/* How others read it: encrypted, with one type only. A header of many fields ends for us before that. */
static void check_reading(const struct bytes *out)
{
    struct message *m = message_new((const char *)out->data, out->len);
    size_t types = 0;
    for (size_t i = 0; i < m->header_count; i++)
        types += header_is(&m->headers[i], "Content-Type");
    insist(!m->tree || (types == 1 && seal_is_encrypted(m)));
    message_free(&m);
}

static void check(const struct message *m, const struct outside *o, const struct sealed *s)
{
    const struct bytes *out = sealed_bytes(s);
    const char *start = (const char *)out->data, *end = start + out->len;
    struct bytes outside = {0};
    bytes_add(&outside, o->added.data, o->added.len);
    add_outside(m, o, &outside);
    insist(out->len > outside.len && !memcmp(start, outside.data, outside.len));
    check_lines(start, start + o->added.len);
    check_lines(start + outside.len, end);
    check_mime(m, start + outside.len, end);
    insist(!newline_has_bare(out->data, out->len));
    if (m->header_count + 20 < limits_get()->header_count &&
        out->len < limits_get()->header_bytes)
        check_reading(out);
    bytes_free(&outside);
}

static void check_passed(const struct message *m, const struct outside *o)
{
    struct sealed *s = seal_pass(m, o, PASS_NO_KEY);
    const struct bytes *out = sealed_bytes(s);
    insist(!newline_has_bare(out->data, out->len) && out->len >= o->added.len + m->body_len);
    insist(!memcmp(out->data + out->len - m->body_len, m->body, m->body_len));
    sealed_free(&s);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t len)
{
    static struct settings settings;
    static struct sealer *sealer;
    struct bytes raw = {0};
    struct outside outside = {0};
    char *error = NULL;
    if (!sealer)
        sealer = sealer_new("/nonexistent");
    settings.header_prefix = (char *)"X-Filterd";
    settings.hostname = (char *)"mx.example.org";
    bytes_add(&raw, data, len);
    newline_normalise(&raw); /* nothing else comes to be sealed */
    struct message *m = message_new((const char *)raw.data, raw.len);
    headers_drop_forged(m, &settings);
    bytes_adds(&outside.added, "X-Filterd-Encrypted: yes\r\n");
    headers_tag_subject(&outside, m, "[SPAM]");
    GPtrArray *users = g_ptr_array_new();
    g_ptr_array_add(users, (char *)"a@example.org");
    struct sealed *s = seal_message(sealer, m, &outside, users, &error);
    insist(s != NULL);
    check(m, &outside, s);
    sealed_free(&s);
    check_passed(m, &outside);
    g_ptr_array_unref(users);
    message_free(&m);
    bytes_free(&raw);
    outside_clear(&outside);
    return 0;
}
