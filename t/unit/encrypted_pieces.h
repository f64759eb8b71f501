/* Pieces of encrypted messages: packets, armor, parts. */
#ifndef T_UNIT_ENCRYPTED_PIECES_H
#define T_UNIT_ENCRYPTED_PIECES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mail/message.h"
#include "gpg/armor.h"
#include "gpg/ciphertext.h"
#include "gpg/encrypted.h"
#include "gpg/packets.h"

/* As ciphertext is: no bytes that could be read. */
static inline void add_noise(struct bytes *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes_add(b, &(const unsigned char){(unsigned char)((i + 1) * 0x9e3779b97f4a7c15u >> 56)}, 1);
}

static inline void add_head(struct bytes *b, int tag, size_t len)
{
    bytes_add(b, (const unsigned char[]){(unsigned char)(0xc0 | tag), (unsigned char)len}, 2);
}

static inline void add_packet(struct bytes *b, int tag, size_t len, int first)
{
    add_head(b, tag, len);
    bytes_add(b, &(const unsigned char){(unsigned char)first}, 1);
    add_noise(b, len - 1);
}

/* As GnuPG makes it for a key with cv25519: a point of 263 bits, 48 bytes of wrapped key. */
static inline void add_pkesk_for(struct bytes *b, guint64 id)
{
    add_head(b, PACKET_PKESK, 1 + 8 + 1 + 2 + 33 + 1 + 48);
    bytes_add(b, "\x03", 1);
    for (int shift = 56; shift >= 0; shift -= 8)
        bytes_add(b, &(const unsigned char){(unsigned char)(id >> shift)}, 1);
    bytes_add(b, "\x12\x01\x07\x40", 4);
    add_noise(b, 32);
    bytes_add(b, "\x30", 1);
    add_noise(b, 48);
}

static inline void add_pkesk(struct bytes *b)
{
    add_pkesk_for(b, 0x1122334455667788);
}

/* For a passphrase: salted, many times over. */
static inline void add_skesk(struct bytes *b)
{
    add_head(b, PACKET_SKESK, 13);
    bytes_add(b, "\4\x09\3\x08", 4);
    add_noise(b, 8);
    bytes_add(b, "\xff", 1);
}

static inline void add_seipd(struct bytes *b)
{
    add_packet(b, PACKET_SEIPD, 100, 1);
}

static inline bool are_encrypted(const void *data, size_t len)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(guint64));
    const bool yes = ciphertext_is(data, len, ids);
    g_array_unref(ids);
    return yes;
}

static inline char *armored(const struct bytes *packets, const char *label)
{
    struct bytes text = {0};
    struct armor a;
    armor_begin(&a, &text, label);
    armor_add(&a, packets->data, packets->len);
    armor_end(&a, label);
    char *copy = g_strdup((char *)text.data);
    bytes_free(&text);
    return copy;
}

static inline char *good_block(void)
{
    struct bytes packets = {0};
    add_pkesk(&packets);
    add_seipd(&packets);
    char *block = armored(&packets, "MESSAGE");
    bytes_free(&packets);
    return block;
}

#define TOP "Subject: x\r\nMIME-Version: 1.0\r\n"
#define PGP_TYPE                                                                                   \
    "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"bo\"\r\n"
#define CONTROL "--bo\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n\r\n"
#define OCTETS "--bo\r\nContent-Type: application/octet-stream\r\n\r\n"

static inline bool is_encrypted(const char *raw)
{
    struct message *m = message_new(raw, strlen(raw));
    struct encrypted *e = encrypted_new(m);
    const bool yes = e != NULL;
    encrypted_free(&e);
    message_free(&m);
    return yes;
}

/* In the text "@" stands for a whole good block. */
static inline void check(bool want, const char *text)
{
    g_autofree char *block = good_block();
    g_auto(GStrv) pieces = g_strsplit(text, "@", -1);
    g_autofree char *raw = g_strjoinv(block, pieces);
    if (is_encrypted(raw) != want)
        fail_msg("%s: %s", want ? "not recognised" : "wrongly taken for encrypted", text);
}

/* ---- mail ---- */

static inline char *base64_lines(const void *data, size_t len)
{
    g_autofree char *all = g_base64_encode(data, len);
    GString *lines = g_string_new(NULL);
    for (const char *at = all; *at; at += MIN(strlen(at), 76))
        g_string_append_printf(lines, "%.76s\r\n", at);
    return g_string_free(lines, FALSE);
}

static inline char *bare_packets(void)
{
    struct bytes packets = {0};
    add_pkesk(&packets);
    add_seipd(&packets);
    char *text = base64_lines(packets.data, packets.len);
    bytes_free(&packets);
    return text;
}

/* In the text "@" stands for an armored block, "~" for one in base64, "^" for one in quoted-printable, "&" for its
 * packets in base64, "\002" for "@" itself, "\003" for "&". */
static inline char *filled(const char *text)
{
    g_autofree char *block = good_block();
    g_autofree char *base64 = base64_lines(block, strlen(block)), *packets = bare_packets();
    g_auto(GStrv) pieces = g_strsplit(block, "=", -1);
    g_autofree char *qp = g_strjoinv("=3D", pieces);
    GString *s = g_string_new(text);
    g_string_replace(s, "~", base64, 0);
    g_string_replace(s, "^", qp, 0);
    g_string_replace(s, "&", packets, 0);
    g_string_replace(s, "@", block, 0);
    g_string_replace(s, "\002", "@", 0);
    g_string_replace(s, "\003", "&", 0);
    return g_string_free(s, FALSE);
}

static inline void passes(bool want, const char *text)
{
    g_autofree char *raw = filled(text);
    if (is_encrypted(raw) != want)
        fail_msg("%s: %s", want ? "not recognised" : "wrongly taken for encrypted", text);
}

static inline char *of_length(char c, size_t n)
{
    char *s = g_malloc(n + 1);
    memset(s, c, n);
    s[n] = 0;
    return s;
}

/* A text with %s, filled with so many letters. */
static inline void passes_with(bool want, const char *format, size_t n)
{
    g_auto(GStrv) two = g_strsplit(format, "%s", 2);
    g_autofree char *letters = of_length('x', n), *text = g_strconcat(two[0], letters, two[1], NULL);
    passes(want, text);
}

#define VERSION "Content-Type: application/pgp-encrypted\r\n"
#define DATA "Content-Type: application/octet-stream; name=encrypted.asc\r\n"
#define CTE "Content-Transfer-Encoding: "
#define IN_MIME(version, data, content)                                                            \
    TOP PGP_TYPE "\r\n--bo\r\n" version "\r\nVersion: 1\r\n\r\n--bo\r\n" data "\r\n" content "\r\n--bo--\r\n"
#define MIXED "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=bo\r\n"
#define LIST "List-Id: <list.example.org>\r\n"

#endif
