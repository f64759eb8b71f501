/* Parses From the way mail readers do. Called by dmarc.c and sender.c. */
#include "rules/auth/dmarc_from.h"

#include <glib.h>
#include <string.h>

#include "base/config/limits.h"

/* Tokens of an address list, without comments and blanks; a run of other bytes is a word. */
enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_LITERAL, TOKEN_SPECIAL, TOKEN_BAD };

struct scanner {
    const char *p, *end;
    enum token_kind kind;
    char special; /* one of <>@,:; */
    const char *text;
    size_t len;
    const char *local; /* the last word read before an '@' */
    size_t local_len;
    guint words;                         /* words read before the '@' */
    char address[DMARC_FROM_ADDRESS];    /* the last address read; "" if more than one word stood before its '@' */
};

/* The position after the character that closes the comment, quoted string or literal at p; NULL if none does.
 * Comments nest. */
static const char *closing(const char *p, const char *end, char close)
{
    char open = *p++;
    for (int depth = 1; p < end; p++) {
        if (*p == '\\') {
            if (++p == end)
                return NULL;
        } else if (*p == close) {
            if (--depth == 0)
                return p + 1;
        } else if (*p == open && close == ')') {
            depth++;
        }
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Skips blanks and comments. False if a comment is not closed. */
static bool skip_blanks(struct scanner *s)
{
    while (s->p < s->end && (is_blank(*s->p) || *s->p == '(')) {
        const char *next = *s->p == '(' ? closing(s->p, s->end, ')') : s->p + 1;
        if (!next)
            return false;
        s->p = next;
    }
    return true;
}

static enum token_kind delimited(struct scanner *s, char close, enum token_kind kind)
{
    s->p = closing(s->p, s->end, close);
    return s->p ? kind : TOKEN_BAD;
}

static void next_token(struct scanner *s)
{
    if (s->kind == TOKEN_BAD)
        return;
    s->kind = TOKEN_BAD;
    if (!skip_blanks(s))
        return;
    s->text = s->p;
    if (s->p == s->end) {
        s->kind = TOKEN_END;
    } else if (*s->p == '"') {
        s->kind = delimited(s, '"', TOKEN_QUOTED);
    } else if (*s->p == '[') {
        s->kind = delimited(s, ']', TOKEN_LITERAL);
    } else if (strchr("<>@,:;", *s->p)) {
        s->special = *s->p++;
        s->kind = TOKEN_SPECIAL;
    } else if (*s->p != ')') {
        while (s->p < s->end && !is_blank(*s->p) && !strchr("<>@,:;()[\"", *s->p))
            s->p++;
        s->kind = TOKEN_WORD;
    }
    s->len = s->p ? (size_t)(s->p - s->text) : 0;
}

static bool is_special(const struct scanner *s, char c)
{
    return s->kind == TOKEN_SPECIAL && s->special == c;
}

struct finding {
    char domain[256];
    char address[DMARC_FROM_ADDRESS];
    guint addresses;
    const char *wrong;
};

/* Copies a domain in lower case, as A-labels. False if it is no DNS name. */
static bool take_domain(const GString *text, char domain_r[256])
{
    g_autofree char *ascii = g_hostname_to_ascii(text->str);
    size_t len = ascii ? strlen(ascii) : 0;
    bool fine = len && !g_hostname_is_ip_address(ascii);
    if (fine && ascii[len - 1] == '.')
        ascii[--len] = 0;
    fine = fine && len && len < 254 && ascii[0] != '.' && !strstr(ascii, "..");
    for (size_t i = 0; i < len; i++) {
        ascii[i] = g_ascii_tolower(ascii[i]);
        fine = fine && (g_ascii_isalnum(ascii[i]) || strchr("-_.", ascii[i]));
    }
    if (fine)
        g_strlcpy(domain_r, ascii, 256);
    return fine;
}

static void keep_address(struct scanner *s, const char *domain)
{
    const int n = g_snprintf(s->address, sizeof s->address, "%.*s@%s",
                             (int)MIN(s->local_len, sizeof s->address), s->local ? s->local : "", domain);
    if (s->words != 1 || n >= (int)sizeof s->address)
        *s->address = 0;
}

/* Reads the domain after '@': words joined by dots. */
static bool read_domain(struct scanner *s, char domain_r[256])
{
    GString *text = g_string_new(NULL);
    while (s->kind == TOKEN_WORD) {
        bool joined = !text->len || text->str[text->len - 1] == '.' || *s->text == '.';
        if (!joined)
            break;
        g_string_append_len(text, s->text, (gssize)s->len);
        next_token(s);
    }
    bool fine = g_utf8_validate(text->str, (gssize)text->len, NULL) && take_domain(text, domain_r);
    keep_address(s, text->str);
    g_string_free(text, TRUE);
    return fine;
}

static void note_address(struct finding *f, const char *domain)
{
    f->addresses++;
    if (f->addresses > 1)
        f->wrong = "more than one address in From";
    else
        g_strlcpy(f->domain, domain, sizeof f->domain);
}

static bool skip_words(struct scanner *s)
{
    s->words = 0;
    for (; s->kind == TOKEN_WORD || s->kind == TOKEN_QUOTED || s->kind == TOKEN_LITERAL; s->words++) {
        s->local = s->text;
        s->local_len = s->len;
        next_token(s);
    }
    return s->words > 0;
}

/* Reads "<@a,@b:local@domain>" after its '<'. False for an empty one. */
static bool read_angle(struct scanner *s, char domain_r[256])
{
    char route[256];
    *domain_r = 0;
    while (is_special(s, '@') || is_special(s, ',')) {
        bool at = is_special(s, '@');
        next_token(s);
        if (at && !read_domain(s, route))
            return false;
        if (is_special(s, ':')) {
            next_token(s);
            break;
        }
    }
    if (!skip_words(s) || !is_special(s, '@'))
        return false;
    next_token(s);
    if (!read_domain(s, domain_r) || !is_special(s, '>'))
        return false;
    next_token(s);
    return true;
}

/* Reads a mailbox: words, then perhaps "@domain", then perhaps "<...>". Many senders write an address as
 * display name; if it differs from the address in brackets, it counts as a second one. */
static void read_mailbox(struct scanner *s, struct finding *f)
{
    char plain[256] = "", angle[256] = "";
    bool words = skip_words(s);
    guint plains = 0;
    while (is_special(s, '@') && !f->wrong) {
        char one[256];
        plains++;
        next_token(s);
        if (!words || !read_domain(s, one))
            f->wrong = "no address in From can be read";
        else if (*plain && strcmp(plain, one) != 0)
            f->wrong = "more than one address in From";
        g_strlcpy(plain, f->wrong ? "" : one, sizeof plain);
        skip_words(s);
    }
    if (f->wrong)
        return;
    if (is_special(s, '<')) {
        next_token(s);
        if (!read_angle(s, angle))
            f->wrong = "no address in From can be read";
        else if (*plain && strcmp(plain, angle) != 0)
            f->wrong = "more than one address in From";
        skip_words(s);
    }
    if (f->wrong || (!*plain && !*angle))
        return;
    note_address(f, *angle ? angle : plain);
    g_strlcpy(f->address, *angle || plains == 1 ? s->address : "", sizeof f->address);
}

static void read_list(struct scanner *s, struct finding *f)
{
    next_token(s);
    while (s->kind != TOKEN_END && !f->wrong) {
        read_mailbox(s, f);
        /* separators between mailboxes and around a group */
        if (is_special(s, ',') || is_special(s, ':') || is_special(s, ';'))
            next_token(s);
        else if (s->kind != TOKEN_END && !is_special(s, '<') && !f->wrong)
            f->wrong = "syntax error in From";
    }
}

static struct finding read_field(const char *value, size_t len)
{
    struct scanner s = {.p = value, .end = value + len, .kind = TOKEN_WORD};
    struct finding f = {.wrong = NULL};
    if (len > limits_get()->address_bytes)
        f.wrong = "From is too long";
    else if (memchr(value, 0, len))
        f.wrong = "NUL in From";
    else
        read_list(&s, &f);
    if (!f.wrong && !f.addresses)
        f.wrong = "no address in From";
    return f;
}

bool dmarc_from_address(const char *value, size_t len, char address_r[DMARC_FROM_ADDRESS])
{
    const struct finding f = read_field(value, len);
    g_strlcpy(address_r, f.wrong ? "" : f.address, DMARC_FROM_ADDRESS);
    return *address_r;
}

bool dmarc_from_domain(const char *value, size_t len, char domain_r[256], const char **wrong_r)
{
    const struct finding f = read_field(value, len);
    if (f.wrong) {
        *wrong_r = f.wrong;
        return false;
    }
    g_strlcpy(domain_r, f.domain, 256);
    return true;
}
