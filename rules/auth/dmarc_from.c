/* Parses From the way mail readers do. Called by dmarc.c and sender.c. */
#include "rules/auth/dmarc_from.h"

#include <string.h>

#include "base/config/limits.h"
#include "base/mail/rfc2047.h"
#include "rules/auth/dmarc_loose.h"
#include "rules/auth/dmarc_shown.h"

/* Tokens of an address list, without comments and blanks; a run of other bytes is a word. */
enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_QUOTED, TOKEN_LITERAL, TOKEN_SPECIAL };

struct scanner {
    const char *p, *end;
    enum token_kind kind;
    char special; /* one of <>@,:; */
    const char *text;
    size_t len;
    const char *local; /* the last word read before an '@' */
    size_t local_len;
    guint words;        /* words read before the '@' */
    bool runs_on;          /* the last domain touches a word, a quote or a comment that touches one */
    const char *names_end; /* of several words before the '@' the last one begins here; NULL if there is one */
    char open[4];       /* openers that nothing closes: they are passed over */
    const char **wrong; /* gets what is malformed */
    char written[DMARC_FROM_ADDRESS]; /* the last address read; "" if more than one word stood before its '@' */
};

static void note_wrong(const char **wrong, const char *what)
{
    if (!*wrong)
        *wrong = what;
}

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

/* The position after what is opened at s->p. If nothing closes it, reads on behind the opener alone, as some mail
 * readers do; and looks no more for what closes one like it, which keeps this linear. */
static const char *passed(struct scanner *s, char close)
{
    const char *next = strchr(s->open, *s->p) ? NULL : closing(s->p, s->end, close);
    if (next)
        return next;
    if (!strchr(s->open, *s->p))
        s->open[strlen(s->open)] = *s->p;
    note_wrong(s->wrong, "syntax error in From");
    return NULL;
}

/* Skips blanks, comments and what closes or opens none. */
static void skip_blanks(struct scanner *s)
{
    for (; s->p < s->end; s->p++) {
        const char *next = *s->p == '(' ? passed(s, ')') : NULL;
        if (*s->p == ')')
            note_wrong(s->wrong, "syntax error in From");
        else if (next)
            s->p = next - 1;
        else if (*s->p != '(' && !is_blank(*s->p))
            return;
    }
}

static bool delimited(struct scanner *s, char close, enum token_kind kind)
{
    const char *next = passed(s, close);
    s->kind = kind;
    s->p = next ? next : s->p + 1;
    return next;
}

static void next_token(struct scanner *s)
{
    for (;;) {
        skip_blanks(s);
        s->text = s->p;
        if (s->p == s->end) {
            s->kind = TOKEN_END;
        } else if (*s->p == '"') {
            if (!delimited(s, '"', TOKEN_QUOTED))
                continue;
        } else if (*s->p == '[') {
            if (!delimited(s, ']', TOKEN_LITERAL))
                continue;
        } else if (strchr("<>@,:;", *s->p)) {
            s->special = *s->p++;
            s->kind = TOKEN_SPECIAL;
        } else {
            while (s->p < s->end && !is_blank(*s->p) && !strchr("<>@,:;()[\"", *s->p))
                s->p++;
            s->kind = TOKEN_WORD;
        }
        s->len = (size_t)(s->p - s->text);
        return;
    }
}

static bool is_special(const struct scanner *s, char c)
{
    return s->kind == TOKEN_SPECIAL && s->special == c;
}

/* One address: as written, and with the domain that DNS knows. */
struct mailbox {
    char domain[256], written[DMARC_FROM_ADDRESS];
    char local[DMARC_FROM_ADDRESS];
};

static void keep_address(const struct scanner *s, const char *domain, struct mailbox *m)
{
    const size_t len = MIN(s->local_len, sizeof m->local - 1);
    memcpy(m->local, s->local ? s->local : "", s->local ? len : 0);
    m->local[s->local ? len : 0] = 0;
    const int n = g_snprintf(m->written, sizeof m->written, "%s@%s", m->local, domain);
    if (s->words != 1 || len < s->local_len || n >= (int)sizeof m->written)
        *m->written = 0;
}

static bool is_text(const struct scanner *s)
{
    return s->kind == TOKEN_WORD || s->kind == TOKEN_QUOTED || s->kind == TOKEN_LITERAL;
}

/* Reads the domain after '@': words joined by dots. */
static bool read_domain(struct scanner *s, struct mailbox *m)
{
    GString *text = g_string_new(NULL);
    const char *end = s->text;
    while (s->kind == TOKEN_WORD) {
        bool joined = !text->len || text->str[text->len - 1] == '.' || *s->text == '.';
        if (!joined)
            break;
        g_string_append_len(text, s->text, (gssize)s->len);
        end = s->text + s->len;
        next_token(s);
    }
    s->runs_on = is_text(s) && !is_blank(*end) && !is_blank(s->text[-1]);
    const bool fine = dmarc_loose_domain(text->str, text->len, m->domain);
    keep_address(s, text->str, m);
    g_string_free(text, TRUE);
    return fine;
}

static bool skip_words(struct scanner *s)
{
    s->words = 0;
    for (; is_text(s); s->words++) {
        s->local = s->text;
        s->local_len = s->len;
        next_token(s);
    }
    return s->words > 0;
}

/* Reads "<@a,@b:local@domain>" after its '<'. False for anything else. */
static bool read_angle(struct scanner *s, struct mailbox *m)
{
    struct mailbox route;
    while (is_special(s, '@') || is_special(s, ',')) {
        bool at = is_special(s, '@');
        next_token(s);
        if (at && !read_domain(s, &route))
            return false;
        if (is_special(s, ':')) {
            next_token(s);
            break;
        }
    }
    if (!skip_words(s) || !is_special(s, '@'))
        return false;
    next_token(s);
    if (!read_domain(s, m) || !is_special(s, '>'))
        return false;
    next_token(s);
    return true;
}

struct finding {
    struct dmarc_from *from;
    GHashTable *seen; /* the addresses */
    const char *wrong;
    guint mailboxes; /* in all fields */
};

static void note_in(struct finding *f, GPtrArray *list, const char *address)
{
    if (g_hash_table_contains(f->seen, address))
        return;
    if (list->len >= DMARC_FROM_MAX) {
        f->from->beyond = true;
        return;
    }
    char *kept = g_strdup(address);
    g_hash_table_add(f->seen, kept);
    g_ptr_array_add(list, kept);
}

static void note_seen(const char *address, void *arg)
{
    struct finding *f = arg;
    note_in(f, f->from->addresses, address);
}

static void note_named(const char *address, void *arg)
{
    struct finding *f = arg;
    note_in(f, f->from->named, address);
}

static void note_instead(const char *address, void *arg)
{
    struct finding *f = arg;
    const char *domain = strrchr(address, '@') + 1;
    if (!*f->from->instead && strchr(domain, '.'))
        g_strlcpy(f->from->instead, domain, sizeof f->from->instead);
}

/* A reader shows a name that stands alone in place of an address: what looks like one in it is one then. */
static void look_in(struct finding *f, const char *start, const char *end)
{
    const guint before = f->from->addresses->len;
    dmarc_loose_each(start, (size_t)(end - start), note_seen, f);
    const bool readable = dmarc_shown_each(start, (size_t)(end - start), 0, note_seen, f);
    if (f->from->addresses->len > before)
        note_wrong(&f->wrong, "a name in place of an address in From");
    else if (!readable)
        note_wrong(&f->wrong, "a name in From that cannot be decoded");
}

static void note_shown(struct finding *f, const struct mailbox *m)
{
    g_autofree char *address = g_strconcat(m->local, "@", m->domain, NULL);
    if (*m->domain)
        note_seen(address, f);
}

static void note_mailbox(struct finding *f, const struct mailbox *m, bool whole)
{
    note_shown(f, m);
    if (f->mailboxes++)
        return;
    g_strlcpy(f->from->domain, m->domain, sizeof f->from->domain);
    g_strlcpy(f->from->address, whole ? m->written : "", sizeof f->from->address);
}

/* Reads "words@domain words@domain", which is malformed from the second on. Returns how many it holds. */
static guint read_plain(struct scanner *s, struct mailbox *m, const char **wrong)
{
    bool words = skip_words(s);
    guint plains = 0;
    s->names_end = s->words > 1 ? s->local : NULL;
    while (is_special(s, '@')) {
        struct mailbox one;
        next_token(s);
        if (!words || !read_domain(s, &one) || s->runs_on)
            note_wrong(wrong, "no address in From can be read");
        else if (plains++ && strcmp(m->domain, one.domain) != 0)
            note_wrong(wrong, "more than one address in From");
        else
            *m = one;
        words = skip_words(s);
    }
    return plains;
}

/* What stands before no '<': an address, or words that name one. */
static void read_unbracketed(struct scanner *s, struct finding *f, const char *start, const struct mailbox *m,
                             guint plains)
{
    if (plains)
        note_mailbox(f, m, plains == 1);
    if (!plains || s->names_end)
        look_in(f, start, plains ? s->names_end : s->text);
}

/* Reads a mailbox: words, then perhaps "@domain", then perhaps "<...>". Many senders write an address as
 * display name: only what stands in brackets is the address then, however odd the name is. */
static void read_mailbox(struct scanner *s, struct finding *f)
{
    struct mailbox plain = {.domain = ""}, angle = {.domain = ""};
    const char *odd = NULL, *start = s->text;
    const guint plains = read_plain(s, &plain, &odd);
    if (!is_special(s, '<')) {
        if (odd)
            note_wrong(&f->wrong, odd);
        read_unbracketed(s, f, start, &plain, plains);
        return;
    }
    const char *end = s->text;
    next_token(s);
    if (is_special(s, '>')) { /* the null sender of bounces, where it does not belong */
        next_token(s);
        if (plains) /* mail readers show what stands before it */
            note_wrong(&f->wrong, "an address before <> in From");
        look_in(f, start, end);
    } else if (read_angle(s, &angle)) {
        note_mailbox(f, &angle, true);
        if (plains || odd)
            dmarc_loose_each(start, (size_t)(end - start), note_instead, f);
    } else {
        note_shown(f, &angle); /* its end is missing */
        note_wrong(&f->wrong, "no address in From can be read");
    }
    skip_words(s);
}

static void read_list(struct finding *f, const char *value, size_t len)
{
    struct scanner s = {.p = value, .end = value + len, .wrong = &f->wrong};
    next_token(&s);
    while (s.kind != TOKEN_END) {
        read_mailbox(&s, f);
        /* separators between mailboxes and around a group */
        const bool parted = is_special(&s, ',') || is_special(&s, ':') || is_special(&s, ';');
        if (!parted && s.kind != TOKEN_END && !is_special(&s, '<'))
            note_wrong(&f->wrong, "syntax error in From");
        if (s.kind != TOKEN_END && !is_special(&s, '<'))
            next_token(&s);
    }
}

/* Some stop at a NUL, others do not show it. */
static void read_with_nul(struct finding *f, const char *value, size_t len)
{
    g_autofree char *without = g_malloc(len);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (value[i])
            without[n++] = value[i];
    read_list(f, without, n);
    dmarc_shown_each(without, n, 0, note_seen, f);
}

/* What the grammar does not see: in a malformed field all that may be shown, else what names and comments say. */
static void look_around(struct finding *f, const char *value, size_t len, guint mailboxes)
{
    const size_t read = MIN(len, limits_get()->address_bytes);
    if (!mailboxes)
        look_in(f, value, value + read);
    if (f->wrong) {
        dmarc_loose_each(value, len, note_seen, f);
        dmarc_shown_each(value, read, 0, note_seen, f);
    } else {
        dmarc_shown_each(value, read, mailboxes, note_named, f);
    }
}

/* True if all readers see the same in it. */
static bool read_field(struct finding *f, const char *value, size_t len)
{
    const size_t limit = limits_get()->address_bytes;
    const guint before = f->mailboxes;
    f->wrong = NULL;
    if (len > limit) {
        note_wrong(&f->wrong, "From is too long");
        f->from->beyond = true;
    }
    if (len && memchr(value, 0, len)) {
        note_wrong(&f->wrong, "NUL in From");
        read_with_nul(f, value, MIN(len, limit));
    } else {
        read_list(f, value, MIN(len, limit));
    }
    look_around(f, value, len, f->mailboxes - before);
    if (f->from->beyond)
        note_wrong(&f->wrong, "more addresses in From than are read");
    return !f->wrong;
}

static void read_fields(struct finding *f, const struct header *headers, size_t count)
{
    const char *wrong = NULL;
    guint fields = 0;
    for (size_t i = 0; i < count; i++) {
        if (!header_is(&headers[i], "From"))
            continue;
        fields++;
        f->from->certain &= read_field(f, headers[i].value, headers[i].value_len);
        note_wrong(&wrong, f->wrong);
    }
    f->from->certain &= fields < 2;
    if (fields != 1)
        f->from->wrong = fields ? "more than one From" : "no From";
    else if (wrong)
        f->from->wrong = wrong;
    else if (f->mailboxes != 1)
        f->from->wrong = f->mailboxes ? "more than one address in From" : "no address in From";
}

struct dmarc_from *dmarc_from_read(const struct header *headers, size_t count)
{
    struct dmarc_from *from = g_new0(struct dmarc_from, 1);
    struct finding f = {.from = from, .seen = g_hash_table_new(g_str_hash, g_str_equal)};
    from->addresses = g_ptr_array_new_with_free_func(g_free);
    from->named = g_ptr_array_new_with_free_func(g_free);
    from->certain = true;
    read_fields(&f, headers, count);
    g_hash_table_unref(f.seen);
    if (from->wrong)
        *from->domain = *from->address = 0;
    return from;
}

void dmarc_from_free(struct dmarc_from **f)
{
    if (!*f)
        return;
    g_ptr_array_unref((*f)->addresses);
    g_ptr_array_unref((*f)->named);
    g_clear_pointer(f, g_free);
}
