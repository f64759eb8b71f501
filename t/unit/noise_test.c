/* What is taken for ciphertext: noise, always; text, in no form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "gpg/noise.h"
#include "gpg/radix.h"

#define LETTER                                                                                                         \
    "Dear Alice, let us meet at nine behind the old mill, as we said before, and bring the map and the money. Do not " \
    "tell Carol of it, nor anybody else, and burn this letter when you have read it to the end. Yours, Bob. "

/* Sebastiano Vigna's SplitMix64: the same numbers in each run. */
static uint64_t drawn(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static void draw(unsigned char *data, size_t len, uint64_t *state)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (unsigned char)(drawn(state) >> 32);
}

static bool is_text(const void *data, size_t len)
{
    struct noise n = {0};
    noise_add(&n, data, len);
    return noise_has_text(&n);
}

/* So many messages of chance: a limit that one in 10,000 of them goes beyond shows here. */
static void chance(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const size_t large = 4 * 1024 * 1024;
    g_autofree unsigned char *data = g_malloc(large);
    for (int i = 0; i < 40000; i++) {
        const size_t len = 16 + drawn(&seed) % (i % 20 ? 300 : 5000);
        draw(data, len, &seed);
        g_autofree char *base64 = g_base64_encode(data, len);
        if (is_text(data, len) || radix_has_words((struct mime_text){base64, strlen(base64)}, 0))
            fail_msg("%zu bytes of chance, in round %d", len, i);
    }
    draw(data, large, &seed);
    assert_false(is_text(data, large));
}

static char *letter(size_t len)
{
    GString *s = g_string_new(NULL);
    while (s->len < len)
        g_string_append(s, LETTER);
    g_string_truncate(s, len);
    return g_string_free(s, FALSE);
}

static void text(void **state)
{
    (void)state;
    assert_true(is_text(LETTER, strlen(LETTER)));
    assert_true(is_text(LETTER, 40));
    assert_false(is_text("", 0));
    static const char cyrillic[] = "Привет, Алиса, встретимся в девять";
    assert_true(is_text(cyrillic, strlen(cyrillic)));
    static const char utf16[] = "\xff\xfe" "D\0e\0a\0r\0 \0A\0l\0i\0c\0e\0,\0 \0l\0e\0t\0 \0u\0s\0 \0m\0e\0e\0t\0 \0a\0t\0 \0n\0i\0n\0e\0 \0";
    assert_true(is_text(utf16, sizeof utf16 - 1));
}

/* One byte in so many is none of a text's. */
static void broken(void **state)
{
    (void)state;
    static const size_t lengths[] = {60, 200, 1000, 5000, 100000};
    static const size_t every[] = {60, 37, 20, 10, 5};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        for (size_t k = 0; k < G_N_ELEMENTS(every); k++) {
            g_autofree char *s = letter(lengths[i]);
            for (size_t at = every[k] - 1; at < lengths[i]; at += every[k])
                s[at] = (char)(0x80 + at % 128);
            if (!is_text(s, lengths[i]) && (lengths[i] > 60 || every[k] > 20))
                fail_msg("%zu bytes, broken at each %zuth", lengths[i], every[k]);
        }
    }
}

/* Other alphabets than ASCII show by how uneven they are. */
static void shifted(void **state)
{
    (void)state;
    g_autofree char *s = letter(300);
    for (size_t i = 0; i < 300; i++)
        s[i] = (char)(s[i] ^ 0x80);
    assert_true(is_text(s, 300));
    struct noise n = {.uneven = true};
    noise_add(&n, (unsigned char *)s, 300);
    assert_false(noise_has_text(&n)); /* where the bytes are uneven by nature */
}

/* A letter in the middle of so much noise, broken before it is a run. */
static void within(void **state)
{
    (void)state;
    static const size_t lengths[] = {10000, 100000, 3000000};
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        uint64_t seed = 7;
        g_autofree unsigned char *data = g_malloc(lengths[i]);
        g_autofree char *s = letter(1500);
        draw(data, lengths[i], &seed);
        assert_false(is_text(data, lengths[i]));
        for (size_t at = 29; at < 1500; at += 30)
            s[at] = (char)0xff;
        memcpy(data + lengths[i] / 2, s, 1500);
        assert_true(is_text(data, lengths[i]));
    }
}

/* The pieces are one text. */
static void pieces(void **state)
{
    (void)state;
    struct noise n = {0};
    for (size_t i = 0; i < 60; i += 3)
        noise_add(&n, (const unsigned char *)&LETTER[i], 3);
    assert_true(noise_has_text(&n));
}

/* ---- base64 ---- */

static bool has_words(const char *s)
{
    return radix_has_words((struct mime_text){s, strlen(s)}, 0);
}

static void words_in_base64(void **state)
{
    (void)state;
    static const char *const words[] = {
        "Dear Alice let us meet at nine\r\n",
        "Dear\r\nAlice\r\nlet/us/meet\r\nat/nine\r\n",
        "dearaliceletusmeetatninebehindtheoldmillaswesaidbefore\r\n",
        "DEARALICELETUSMEETATNINEBEHINDTHEOLDMILLASWESAIDBEFORE\r\n",
        ("Dear/Alice/let/us/meet/at/nine/behind/the/old/mill/as/we/said/before\r\n"
         "and/bring/the/map/and/the/money/Do/not/tell/Carol/of/it/nor/anybody/else\r\n"),
    };
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (!has_words(words[i]))
            fail_msg("%s", words[i]);
    assert_false(has_words(""));
    assert_false(has_words("nhwtP0VnYW5zQ3Jl\r\nq1S9\r\n=abcd\r\n"));
    static const char armor[] = "-----BEGIN PGP MESSAGE-----\r\nVersion: a long line of words stands here in no base64\r\n\r\n";
    g_autofree char *good = g_strconcat(armor, "nhwtP0VnYW5zQ3Jl\r\n", NULL), *bad = g_strconcat(armor, words[0], NULL);
    assert_false(radix_armor_has_words((struct mime_text){good, strlen(good)}, 0));
    assert_true(radix_armor_has_words((struct mime_text){bad, strlen(bad)}, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chance), cmocka_unit_test(text),   cmocka_unit_test(broken),          cmocka_unit_test(shifted),
        cmocka_unit_test(within), cmocka_unit_test(pieces), cmocka_unit_test(words_in_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
