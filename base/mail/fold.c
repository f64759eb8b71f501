/* Lookalike letters, which spam uses to hide words from filters. Called by text.c. */
#include "base/mail/fold.h"

#include <string.h>

/* Lookalikes of ASCII letters, in lower case, as words are lowered before. */
static const struct {
    gunichar c;
    char like;
} homoglyphs[] = {
    /* Greek */
    {0x3B1, 'a'}, {0x3B2, 'b'}, {0x3B5, 'e'}, {0x3B7, 'n'}, {0x3B9, 'i'}, {0x3BA, 'k'},
    {0x3BC, 'u'}, {0x3BD, 'v'}, {0x3BF, 'o'}, {0x3C1, 'p'}, {0x3C4, 't'}, {0x3C5, 'u'},
    {0x3C7, 'x'}, {0x3C9, 'w'}, {0x3F2, 'c'}, {0x3F3, 'j'},
    /* Cyrillic; upper case of some looks Latin where lower case does not */
    {0x430, 'a'}, {0x432, 'b'}, {0x433, 'r'}, {0x435, 'e'}, {0x43A, 'k'}, {0x43C, 'm'},
    {0x43D, 'h'}, {0x43E, 'o'}, {0x43F, 'n'}, {0x440, 'p'}, {0x441, 'c'}, {0x442, 't'},
    {0x443, 'y'}, {0x445, 'x'}, {0x455, 's'}, {0x456, 'i'}, {0x457, 'i'}, {0x458, 'j'},
    {0x475, 'v'}, {0x4AF, 'y'}, {0x4BB, 'h'}, {0x4CF, 'l'}, {0x501, 'd'}, {0x51B, 'q'},
    {0x51D, 'w'},
    /* Latin, Armenian and others */
    {0x131, 'i'}, {0x251, 'a'}, {0x261, 'g'}, {0x269, 'i'}, {0x28B, 'u'}, {0x29F, 'l'},
    {0x274, 'n'}, {0x280, 'r'}, {0x299, 'b'}, {0x262, 'g'}, {0x29C, 'h'}, {0x26A, 'i'},
    {0x578, 'n'}, {0x57D, 'u'}, {0x585, 'o'}, {0x570, 'h'}, {0x581, 'g'}, {0x584, 'f'},
    {0x1D00, 'a'}, {0x1D04, 'c'}, {0x1D05, 'd'}, {0x1D07, 'e'}, {0x1D0A, 'j'}, {0x1D0B, 'k'},
    {0x1D0D, 'm'}, {0x1D0F, 'o'}, {0x1D18, 'p'}, {0x1D1B, 't'}, {0x1D1C, 'u'}, {0x1D20, 'v'},
    {0x1D21, 'w'}, {0x1D22, 'z'},
};

gunichar fold_compat(gunichar c)
{
    const bool letters = (c >= 0xFF01 && c <= 0xFF5E) || (c >= 0x1D400 && c <= 0x1D7FF) ||
                         (c >= 0x2460 && c <= 0x24FF) || (c >= 0x2100 && c <= 0x214F) ||
                         (c >= 0xFB00 && c <= 0xFB06);
    if (c >= 0x1F130 && c <= 0x1F189) /* squared, and negative circled and squared, letters */
        return 'A' + (c - 0x1F130) % 32 % 26;
    gunichar plain[18];
    if (!letters || g_unichar_fully_decompose(c, TRUE, plain, G_N_ELEMENTS(plain)) == 0)
        return c;
    const gsize first = plain[0] == '(' ? 1 : 0;
    return plain[first] < 0x80 ? plain[first] : c;
}

static char ascii_like(gunichar c)
{
    if (c < 0x80)
        return (char)c;
    for (gsize i = 0; i < G_N_ELEMENTS(homoglyphs); i++)
        if (homoglyphs[i].c == c)
            return homoglyphs[i].like;
    return 0;
}

size_t fold_homoglyphs(char *word, size_t len)
{
    size_t n = 0;
    bool latin = false; /* tested first: words all in another script are not folded */
    for (size_t i = 0; i < len; i++)
        latin = latin || g_ascii_isalpha(word[i]);
    for (const char *p = word; latin && p < word + len; p = g_utf8_next_char(p))
        if (!ascii_like(g_utf8_get_char(p)))
            return 0;
    for (const char *p = word; latin && p < word + len;) {
        const char *next = g_utf8_next_char(p);
        word[n++] = ascii_like(g_utf8_get_char(p));
        p = next;
    }
    return n;
}
