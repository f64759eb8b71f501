/* Finds signs of mass mail in a message's form. Called by message_checks.c. */
#include "rules/header_heuristics.h"

#include <stdbool.h>
#include <string.h>

#include "base/mail/header.h"
#include "rules/findings.h"
#include "rules/hits.h"

/* Limit for one HTML body: a longer one has words enough for the model. */
#define HTML_BYTES (64 * 1024)
#define PICTURE_LETTERS 200
#define CAPITALS_LETTERS 8
#define GAP_BLANKS 5

static char *text_of(const struct message *m, const char *name)
{
    const struct header *h = message_header(m, name);
    return h ? header_text(h, m->met) : NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* True for "BUY NOW TODAY". */
static bool in_capitals(const char *subject)
{
    size_t letters = 0, capitals = 0;
    for (const char *p = subject; *p; p++) {
        letters += g_ascii_isalpha(*p);
        capitals += g_ascii_isupper(*p);
    }
    return letters >= CAPITALS_LETTERS && capitals * 10 >= letters * 9;
}

/* True for "now!!", "$100", "really?!", and for an exclamation mark at the end. */
static bool shouts(const char *subject)
{
    for (const char *p = subject; *p; p++) {
        if (*p == '$' && g_ascii_isdigit(p[1]))
            return true;
        if (strchr("!?$", *p) && p[1] && strchr("!?$", p[1]))
            return true;
    }
    return g_str_has_suffix(subject, "!");
}

/* True if a word follows far behind the text: "Hello        xqpvz". Spammers add it to make each copy
 * different. */
static bool has_gap(const struct header *h)
{
    const char *end = h->value + MIN(h->value_len, 998), *p = end;
    while (p > h->value && is_blank(p[-1]))
        p--;
    const char *word = p;
    while (p > h->value && !is_blank(p[-1]))
        p--;
    const char *gap = p;
    while (p > h->value && is_blank(p[-1]))
        p--;
    return word > gap && p > h->value && gap - p >= GAP_BLANKS;
}

static void subject_form(GPtrArray *hits, const struct message *m)
{
    const struct header *h = message_header(m, "Subject");
    if (!h)
        return;
    g_autofree char *text = header_text(h, m->met);
    if (in_capitals(text))
        hits_find(hits, FINDING_SUBJECT_CAPITALS);
    if (shouts(text))
        hits_find(hits, FINDING_SUBJECT_SHOUTS);
    if (has_gap(h))
        hits_find(hits, FINDING_SUBJECT_GAP);
}

/* The first "local@domain" of an address field, lower case; NULL if there is none. */
static char *first_address(const char *text)
{
    static const char other[] = " \t\r\n<>()[],;:\"\\";
    const char *at = text ? strchr(text, '@') : NULL;
    if (!at)
        return NULL;
    const char *start = at;
    while (start > text && !strchr(other, start[-1]))
        start--;
    const size_t domain = strcspn(at + 1, other);
    if (start == at || !domain)
        return NULL;
    return g_ascii_strdown(start, (at - start) + 1 + (gssize)domain);
}

static bool has_number(const char *address)
{
    size_t run = 0;
    for (; *address && *address != '@' && run < 3; address++)
        run = g_ascii_isdigit(*address) ? run + 1 : 0;
    return run == 3;
}

static void address_form(GPtrArray *hits, const struct message *m)
{
    g_autofree char *from = text_of(m, "From"), *to = text_of(m, "To");
    g_autofree char *sender = first_address(from), *recipient = first_address(to);
    if (from && !sender)
        hits_find(hits, FINDING_FROM_NO_ADDRESS);
    if (sender && has_number(sender))
        hits_find(hits, FINDING_FROM_NUMBER);
    if (sender && recipient && strcmp(sender, recipient) == 0)
        hits_find(hits, FINDING_FROM_IS_TO);
    if (to && !recipient)
        hits_find(hits, FINDING_TO_NOBODY);
}

/* True for "<left@right>" and nothing else (RFC 5322 section 3.6.4). */
static bool is_message_id(const char *text)
{
    const size_t n = strlen(text);
    const char *at = strchr(text, '@');
    return n > 4 && *text == '<' && text[n - 1] == '>' && at && at > text + 1 && at < text + n - 2 &&
           !strpbrk(at + 1, "@<") && !strpbrk(text + 1, "< \t\r\n") &&
           strchr(text, '>') == text + n - 1;
}

static void trace_form(GPtrArray *hits, const struct message *m)
{
    g_autofree char *id = text_of(m, "Message-ID"), *priority = text_of(m, "X-Priority");
    if (id && !is_message_id(id))
        hits_find(hits, FINDING_MESSAGE_ID_ODD);
    if (priority && (*priority == '1' || *priority == '2'))
        hits_find(hits, FINDING_URGENT);
    if (message_header(m, "In-Reply-To") || message_header(m, "References"))
        hits_find(hits, FINDING_REPLY);
}

/* True if the HTML has an image and hardly any letters. */
static bool is_picture(const char *html, size_t len)
{
    bool picture = false, in_tag = false;
    size_t letters = 0;
    for (size_t i = 0; i < len; i++) {
        if (html[i] == '<') {
            in_tag = true;
            picture = picture || (i + 4 < len && !g_ascii_strncasecmp(html + i + 1, "img", 3));
        } else if (html[i] == '>') {
            in_tag = false;
        } else {
            letters += !in_tag && !is_blank(html[i]);
        }
    }
    return picture && letters < PICTURE_LETTERS;
}

static void body_form(GPtrArray *hits, const struct message *m)
{
    if (strcmp(message_type(m), "text/html") != 0)
        return;
    hits_find(hits, FINDING_HTML_ALONE);
    if (m->body_len < HTML_BYTES && is_picture(m->body, m->body_len))
        hits_find(hits, FINDING_PICTURE_ALONE);
}

void header_heuristics_message(GPtrArray *hits, const struct message *m)
{
    subject_form(hits, m);
    address_form(hits, m);
    trace_form(hits, m);
    body_form(hits, m);
}
