/* Words of texts, with disguises undone. Called by the tokenizer for bodies and headers. */
#include "base/mail/text.h"

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mail/fold.h"

enum class {
    WORD = 1,
    INNER = 2,     /* part of a word only between word characters */
    BASE64 = 4,    /* in the base64 alphabet */
    WIDE = 8,      /* written without blanks (CJK): one character is a word, token pairs do the rest */
    INVISIBLE = 16, /* invisible, inserted to hide a word */
    START = 32,    /* may begin a block that is skipped */
    COMPAT = 64,   /* may be a disguised ASCII letter */
    GAP = 128,     /* separates words: no pair of tokens across it */
};

enum {
    NOISE_CHARS = 40, /* a longer run of the base64 alphabet is no word */
    TABLE = 0x3000,   /* code points whose class is cached */
    SPLIT_LEAST = 4,  /* fewest letters of a split word */
};

static struct {
    bool made;
    unsigned char class[TABLE];
    gunichar lower[TABLE];
} table;

static int class_of_unicode(gunichar c)
{
    if (c == 0xAD || (c >= 0x200B && c <= 0x200F) || (c >= 0x2060 && c <= 0x2064) || c == 0xFEFF ||
        c == 0x34F || c == 0x61C || (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x180B && c <= 0x180E))
        return INVISIBLE;
    int class = 0;
    if ((c >= 0xFF01 && c <= 0xFF5E) || (c >= 0x1D400 && c <= 0x1D7FF) ||
        (c >= 0x1F130 && c <= 0x1F189) || (c >= 0x2100 && c <= 0x24FF) || (c >= 0xFB00 && c <= 0xFB06))
        class = fold_compat(c) != c && c != 0x2120 && c != 0x2122 ? COMPAT : 0; /* not the signs SM and TM */
    if (!class && g_unichar_iswide(c) && g_unichar_isalpha(c))
        return WORD | WIDE;
    if (c == 0x2019)
        return INNER;
    return g_unichar_isalnum(c) || g_unichar_ismark(c) ? class | WORD : class;
}

static int class_of_ascii(char c)
{
    int class = 0;
    if (g_ascii_isalnum(c) || strchr("$!%", c))
        class |= WORD;
    if (strchr("'-._@", c))
        class |= INNER;
    if (g_ascii_isalnum(c) || strchr("+/=", c))
        class |= BASE64;
    if (strchr("b-", c))
        class |= START;
    if (strchr(";:?()", c))
        class |= GAP;
    return class;
}

static void make_table(void)
{
    if (table.made)
        return;
    for (gunichar c = 1; c < TABLE; c++) {
        table.class[c] = (unsigned char)(c < 0x80 ? class_of_ascii((char)c) : class_of_unicode(c));
        table.lower[c] = g_unichar_tolower(c);
    }
    table.made = true;
}

struct scan {
    void (*fn)(enum text_kind, const char *, size_t, void *);
    void *arg;
    const char *start, *end; /* end: where the next link begins */
    const char *whole_end;
    const char *from;        /* where the current word begins */
    char word[TEXT_WORD_CHARS * 6 + 8];
    size_t len, chars, trailing; /* trailing: bytes of INNER characters at its end */
    bool too_long, high, hidden_before;
    bool ungapped; /* a word was reported since the last gap */
    int notes;
    char letters[TEXT_WORD_CHARS + 1]; /* single letters, separated by one blank or sign each */
    size_t letter_count;
    const char *letter_end;
};

static void emit(struct scan *s, enum text_kind kind, const char *word, size_t len)
{
    if (kind == TEXT_GAP && !s->ungapped)
        return;
    s->fn(kind, word, len, s->arg);
    s->ungapped = kind != TEXT_GAP;
}

static void flush_letters(struct scan *s)
{
    if (s->letter_count >= SPLIT_LEAST) {
        emit(s, TEXT_WORD, s->letters, s->letter_count);
        s->notes |= TEXT_NOTE_SPLIT;
    }
    s->letter_count = 0;
}

/* Adds a word of one letter: with single letters before it, it may belong to a split word. */
static void add_letter(struct scan *s, const char *end)
{
    const bool goes_on = s->letter_count > 0 && s->letter_count < TEXT_WORD_CHARS &&
                         s->from == s->letter_end + 1;
    if (!goes_on)
        flush_letters(s);
    s->letters[s->letter_count++] = s->word[0];
    s->letter_end = end;
}

/* Reports "w.o.r.d" as "word", too. */
static void add_dotted(struct scan *s)
{
    char joined[TEXT_WORD_CHARS];
    size_t n = 0;
    for (size_t i = 0; i < s->len; i++) {
        const int class = table.class[(unsigned char)s->word[i] & 0x7F];
        if (i % 2 == 0 ? !g_ascii_isalpha(s->word[i]) : !(class & INNER))
            return;
        if (i % 2 == 0)
            joined[n++] = s->word[i];
    }
    emit(s, TEXT_WORD, joined, n);
    s->notes |= TEXT_NOTE_SPLIT;
}

static void drop_word(struct scan *s)
{
    s->len = s->chars = s->trailing = 0;
    s->too_long = s->high = s->hidden_before = false;
}

static void end_word(struct scan *s, const char *p)
{
    s->len -= s->trailing;
    if (s->len > 0 && !s->too_long) {
        const size_t folded = s->high ? fold_homoglyphs(s->word, s->len) : 0;
        if (folded) {
            s->len = folded;
            s->notes |= TEXT_NOTE_HOMOGLYPH;
        }
        emit(s, TEXT_WORD, s->word, s->len);
        if (s->len == 1 && g_ascii_isalpha(s->word[0]))
            add_letter(s, p - s->trailing);
        else if (s->letter_count > 0)
            flush_letters(s);
        if (s->len > 2 * SPLIT_LEAST - 2 && table.class[(unsigned char)s->word[1] & 0x7F] & INNER)
            add_dotted(s);
    }
    drop_word(s);
}

static void add_char(struct scan *s, gunichar c, bool inner)
{
    if (s->hidden_before && s->chars > 0)
        s->notes |= TEXT_NOTE_ZERO_WIDTH;
    s->hidden_before = false;
    if (s->chars >= TEXT_WORD_CHARS) {
        s->too_long = true;
        return;
    }
    c = c < TABLE ? table.lower[c] : g_unichar_tolower(c);
    const size_t n = (size_t)g_unichar_to_utf8(c, s->word + s->len);
    s->high = s->high || c >= 0x80;
    s->len += n;
    s->chars++;
    s->trailing = inner ? s->trailing + n : 0;
}

/* Takes a non-ASCII character; returns what follows it. */
static const char *take_high(struct scan *s, const char *p)
{
    gunichar c = g_utf8_get_char(p);
    const char *next = g_utf8_next_char(p);
    int class = c < TABLE ? table.class[c] : class_of_unicode(c);
    if (class & COMPAT) {
        c = fold_compat(c);
        class = table.class[c & 0x7F];
        s->notes |= class & WORD ? TEXT_NOTE_COMPAT : 0;
    }
    if (class & INVISIBLE) {
        if (c == 0xAD)
            s->notes |= s->chars > 0 ? TEXT_NOTE_SOFT_HYPHEN : 0;
        else
            s->hidden_before = s->chars > 0;
    } else if (class & WIDE) {
        end_word(s, p);
        add_char(s, c, false);
        end_word(s, next);
    } else if (class & WORD || (class & INNER && s->chars > 0)) {
        if (s->chars == 0)
            s->from = p;
        add_char(s, c, !(class & WORD));
    } else {
        end_word(s, p);
    }
    return next;
}

/* Takes a run of ASCII letters at p, the usual case; returns where it ends. */
static const char *take_ascii(struct scan *s, const char *p)
{
    char *to = s->word + s->len;
    const char *const stop = p + MIN((size_t)(s->end - p), TEXT_WORD_CHARS - s->chars);
    const char *from = p;
    size_t trailing = s->trailing;
    for (; p < stop; p++) {
        const unsigned char c = (unsigned char)*p;
        if (c >= 0x80 || !(table.class[c] & (WORD | INNER)))
            break;
        trailing = table.class[c] & WORD ? 0 : trailing + 1;
        *to++ = (char)table.lower[c];
    }
    if (p > from && s->hidden_before) {
        s->notes |= s->chars > 0 ? TEXT_NOTE_ZERO_WIDTH : 0;
        s->hidden_before = false;
    }
    s->trailing = trailing;
    s->chars += (size_t)(p - from);
    s->len += (size_t)(p - from);
    if (p == stop && p < s->end && (unsigned char)*p < 0x80 &&
        table.class[(unsigned char)*p] & (WORD | INNER)) {
        s->too_long = true;
        while (p < s->end && (unsigned char)*p < 0x80 && table.class[(unsigned char)*p] & (WORD | INNER))
            p++;
    }
    return p;
}

static bool starts(const char *p, const char *end, const char *prefix)
{
    const size_t n = strlen(prefix);
    return (size_t)(end - p) > n && g_ascii_strncasecmp(p, prefix, n) == 0;
}

static const char *line_after(const char *p, const char *end, size_t *len_r)
{
    const char *eol = memchr(p, '\n', (size_t)(end - p));
    const char *stop = eol ? eol : end;
    *len_r = (size_t)(stop - p) - (stop > p && stop[-1] == '\r');
    return eol ? eol + 1 : end;
}

/* True for a line of pure base64 or, while header is true, for a field of the armor's header (RFC 9580, section
 * 6.2). */
static bool is_armor_line(const char *p, size_t len, bool header)
{
    size_t n = 0;
    while (n < len && (unsigned char)p[n] < 0x80 && table.class[(unsigned char)p[n]] & BASE64)
        n++;
    return n == len || (header && p[n] == ':' && n + 1 < len && p[n + 1] == ' ');
}

/* True for a line of uuencoded data, whose first character gives its length. */
static bool is_uu_line(const char *p, size_t len)
{
    const size_t bytes = len > 0 ? (size_t)(*p - ' ') & 63 : 64, wanted = 1 + (bytes + 2) / 3 * 4;
    if (bytes > 45 || len + 1 < wanted || len > wanted + 1)
        return false;
    for (size_t i = 0; i < len; i++)
        if (p[i] < ' ' || p[i] > '`')
            return false;
    return true;
}

/* Returns what follows the encoded lines below the line at p. Only lines that really are encoded are skipped:
 * text cannot hide behind a fake "BEGIN" line. */
static const char *after_lines(const char *p, const char *end, bool uu)
{
    size_t len;
    bool header = true;
    for (const char *next = line_after(p, end, &len); (p = next) < end;) {
        next = line_after(p, end, &len);
        if (len >= 8 && memcmp(p, "-----END", 8) == 0)
            return next;
        if (uu ? !is_uu_line(p, len) : !is_armor_line(p, len, header))
            break;
        header = header && len > 0;
    }
    return uu && end - p >= 3 && memcmp(p, "end", 3) == 0 ? p + 3 : p;
}

/* Returns what follows the encoded block at p; p if there is none. */
static const char *after_block(const struct scan *s, const char *p)
{
    static const char *const armors[] = {"-----BEGIN PGP MESSAGE", "-----BEGIN CERTIFICATE-----",
                                         "-----BEGIN PKCS7-----"};
    for (size_t i = 0; *p == '-' && i < G_N_ELEMENTS(armors); i++)
        if (starts(p, s->whole_end, armors[i]))
            return after_lines(p, s->whole_end, false);
    if (s->whole_end - p > 10 && memcmp(p, "begin ", 6) == 0 && (p == s->start || p[-1] == '\n') &&
        g_ascii_isdigit(p[6]) && g_ascii_isdigit(p[7]) && g_ascii_isdigit(p[8]) && p[9] == ' ')
        return after_lines(p, s->whole_end, true);
    return p;
}

/* Returns what follows the run of base64 at p, if it is too long to be words with punctuation; else p. */
static const char *after_noise(const char *p, const char *end)
{
    const char *q = p;
    while (q < end && (unsigned char)*q < 0x80 && table.class[(unsigned char)*q] & BASE64)
        q++;
    return q - p > NOISE_CHARS ? q : p;
}

/* At the edge of a word: returns what follows a block that is skipped; p if there is none. */
static const char *skip_run(struct scan *s, const char *p)
{
    if (*p == '-' || *p == 'b') {
        const char *next = after_block(s, p);
        s->notes |= next != p ? TEXT_NOTE_CIPHER : 0;
        if (next != p || *p == '-')
            return next;
    }
    return table.class[(unsigned char)*p] & WORD ? p : after_noise(p, s->end);
}

/* Ends the word at the punctuation at p, unless word and punctuation are a run of base64; returns where to go
 * on. */
static const char *end_run(struct scan *s, const char *p)
{
    if (table.class[(unsigned char)*p] & BASE64 && s->chars > 0) {
        const char *next = after_noise(s->from, s->end);
        if (next > p) {
            drop_word(s);
            return next;
        }
    }
    end_word(s, p);
    if (table.class[(unsigned char)*p] & GAP)
        emit(s, TEXT_GAP, p, 0);
    return p + 1;
}

/* Reports the words from p on, up to the next link or behind a skipped block; returns where they end. */
static const char *take_words(struct scan *s, const char *p)
{
    while (p < s->end) {
        const unsigned char c = (unsigned char)*p;
        if (c >= 0x80) {
            p = take_high(s, p);
            continue;
        }
        const int class = table.class[c];
        if (s->chars == 0) {
            if (!(class & (WORD | START | BASE64 | GAP))) {
                p++;
                continue;
            }
            const char *next = skip_run(s, p);
            if (next != p) {
                p = next;
                continue;
            }
            s->from = p;
        }
        if (class & WORD || (class & INNER && s->chars > 0)) {
            p = take_ascii(s, p);
        } else {
            p = end_run(s, p);
        }
    }
    end_word(s, s->end);
    return p;
}

/* Finds the first link, from index i on, that begins at or after p and replaces its words. */
static size_t next_link(const struct text *t, size_t i, size_t p)
{
    for (; t->links && i < t->links->count; i++) {
        const struct link *link = links_get(t->links, i);
        if (link->len > 0 && link->at >= p)
            return link->at < t->len ? i : t->links->count;
    }
    return i;
}

/* True if the next link is another reading of the same text. */
static bool same_place(const struct links *links, size_t i)
{
    return i + 1 < links->count && links_get(links, i + 1)->at == links_get(links, i)->at;
}

static void emit_link(struct scan *s, const struct links *links, size_t i)
{
    emit(s, TEXT_LINK, links_host(links, links_get(links, i)), i);
}

int text_words(const struct text *t, void (*fn)(enum text_kind kind, const char *word, size_t len, void *arg),
               void *arg)
{
    struct scan s = {.fn = fn, .arg = arg, .start = t->text, .whole_end = t->text + t->len};
    const char *p = t->text;
    make_table();
    for (size_t i = 0;; i++) {
        i = next_link(t, i, (size_t)(p - t->text));
        const struct link *link = t->links && i < t->links->count ? links_get(t->links, i) : NULL;
        s.end = link ? t->text + link->at : s.whole_end;
        p = take_words(&s, p);
        if (!link)
            break;
        if (p > s.end) /* the link is inside a skipped block */
            continue;
        p = MIN(s.end + link->len, s.whole_end);
        for (emit_link(&s, t->links, i); same_place(t->links, i); i++)
            emit_link(&s, t->links, i + 1);
    }
    flush_letters(&s);
    const int notes = s.notes;
    explicit_bzero(&s, sizeof s);
    return notes;
}
