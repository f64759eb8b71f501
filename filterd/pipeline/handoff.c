/* Writes and checks X-Filterd-Proof. Called by transaction_copy.c for a copy that goes to an MTA, and by
 * pipeline.c, transaction_handoff.c and session_data.c for a message that comes from one. */
#include "filterd/pipeline/handoff.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mail/header.h"
#include "filterd/pipeline/handoff_cover.h"

#define FIELD "X-Filterd-Proof"
#define ID_HEX 16
#define MAC_HEX 24
#define LINES_MAX 200
#define VALUE_MAX_BYTES (64 * 1024)
#define DAY_SECONDS 86400
#define CLOCK_SECONDS 3600
/* So many fields below the proof are looked at for our lines, besides as many as they are. */
#define STRANGE_FIELDS 100

/* The words of the field, in this order, blanks between them. A proof of a sealed copy has no from, subject and
 * structure. What follows them is a MAC for each user. */
enum word { FORMAT, TIME, ID, BODY, FROM, SUBJECT, STRUCTURE, LINES, ALSO, SITE, WORDS };
static const char *const prefixes[WORDS] = {"2", "t=", "i=", "b=", "f=", "s=", "c=", "l=", "a=", "m="};

#define MALFORMED "it is malformed, or of another version"

struct handoff {
    const char *field;     /* where it begins in the message; compared, never read */
    bool ours;             /* this site's key made it */
    unsigned char key[16]; /* of this proof alone */
    char *words[WORDS];    /* without their prefixes; NULL: not there */
    GPtrArray *macs;       /* the users' */
    char *text;            /* what the MACs cover of the field */
    gint64 time;
    const char *fault;     /* NULL: none so far */
    char late[80];         /* the text of one of the faults */
    GPtrArray *lines;      /* of const struct header*: filterd's own, in the message's order */
};

/* ---- what both legs do ---- */

static void key_of(const struct sitekey *key, const char *id, unsigned char out[16])
{
    sitekey_derive(key, "proof", id, out);
}

/* user NULL: the site's own MAC. */
static void mac_of(const unsigned char key[16], const char *text, const char *user, char out[MAC_HEX + 1])
{
    unsigned char mac[32];
    const struct sitekey_piece pieces[] = {
        {user ? "user" : "site", 4}, {text, strlen(text)}, {user ? user : "", user ? strlen(user) : 0}};
    sitekey_digest(key, pieces, G_N_ELEMENTS(pieces), mac);
    for (size_t i = 0; i < MAC_HEX / 2; i++)
        g_snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

/* A milter may remove these lines of ours: verdict and mail are the same without them. */
static bool may_miss(const struct header *h)
{
    return header_is(h, "Authentication-Results") || header_is(h, "Received-SPF");
}

static struct header_block block_of(const struct header *headers, size_t count, const char *raw, size_t len)
{
    const char *end = raw + len;
    struct header_block b = {.headers = headers, .count = count};
    b.body = count ? headers[count - 1].start + headers[count - 1].len : raw;
    if (end - b.body >= 2 && !memcmp(b.body, "\r\n", 2))
        b.body += 2;
    b.body_len = (size_t)(end - b.body);
    return b;
}

/* ---- making a proof ---- */

static bool make_id(char out[ID_HEX + 1])
{
    unsigned char random[ID_HEX / 2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        g_snprintf(out + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Appends the digests of our own lines, with commas: of those that may miss, or of the others. */
static void add_lines(GString *out, const unsigned char key[16], const struct header_block *added, bool missing)
{
    char line[HANDOFF_COVER_SHORT];
    const char *comma = "";
    for (size_t i = 0; i < added->count; i++) {
        if (may_miss(&added->headers[i]) != missing)
            continue;
        handoff_cover_line(key, &added->headers[i], line);
        g_string_append_printf(out, "%s%s", comma, line);
        comma = ",";
    }
}

static void add_open(GString *out, const struct handoff_cover *c, bool local)
{
    char part[HANDOFF_COVER_SHORT];
    const enum handoff_cover_from way = handoff_cover_from_way(c, local);
    handoff_cover_from(c, way, part);
    g_string_append_printf(out, " f=%c%s", way, part);
    handoff_cover_subject(c, part);
    g_string_append_printf(out, " s=%s", part);
    handoff_cover_structure(c, part);
    g_string_append_printf(out, " c=%s", part);
}

/* Everything but the MACs. */
static GString *text_of(const struct handoff_copy *copy, const struct handoff_cover *c, const char *id)
{
    char body[HANDOFF_COVER_LONG];
    size_t count;
    g_autofree struct header *headers =
        message_scan_headers((const char *)copy->added->data, copy->added->len, NULL, &count);
    const struct header_block added = {.headers = headers, .count = count};
    GString *text = g_string_new("2");
    handoff_cover_body(c, body);
    g_string_append_printf(text, " t=%" G_GINT64_FORMAT " i=%s b=%s", g_get_real_time() / G_USEC_PER_SEC, id, body);
    if (!copy->sealed)
        add_open(text, c, copy->local);
    g_string_append(text, " l=");
    add_lines(text, c->key, &added, false);
    g_string_append(text, " a=");
    add_lines(text, c->key, &added, true);
    return text;
}

/* Appends a word where a line has room for it, else on a new one. */
static void fold_word(GString *field, size_t *column, const char *word)
{
    const size_t len = strlen(word);
    const bool fits = *column + 1 + len <= 78;
    g_string_append_printf(field, "%s%s", fits ? " " : "\r\n\t", word);
    *column = (fits ? *column + 1 : 1) + len;
}

static char *fold(const struct handoff_copy *copy, const unsigned char key[16], const char *text)
{
    char mac[MAC_HEX + 1];
    GString *field = g_string_new(FIELD ":");
    size_t column = field->len;
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    for (char **w = words; *w; w++)
        fold_word(field, &column, *w);
    mac_of(key, text, NULL, mac);
    g_autofree char *site = g_strconcat("m=", mac, NULL);
    fold_word(field, &column, site);
    for (guint i = 0; i < copy->users->len; i++) {
        mac_of(key, text, copy->users->pdata[i], mac);
        fold_word(field, &column, mac);
    }
    g_string_append(field, "\r\n");
    return g_string_free(field, FALSE);
}

char *handoff_field(const struct sitekey *key, const struct handoff_copy *copy)
{
    unsigned char own[16];
    char id[ID_HEX + 1];
    size_t count;
    const char *end, *raw = (const char *)copy->copy->data;
    if (!copy->added->len || !copy->users->len || copy->users->len > HANDOFF_USERS_MAX || !make_id(id))
        return NULL;
    g_autofree struct header *headers = header_scan_roomy(raw, copy->copy->len, &count, &end);
    const struct header_block block = block_of(headers, count, raw, copy->copy->len);
    key_of(key, id, own);
    const struct handoff_cover c = {own, &block, copy->sender};
    GString *text = text_of(copy, &c, id);
    char *field = fold(copy, own, text->str);
    g_string_free(text, TRUE);
    return field;
}

/* ---- reading one ---- */

bool handoff_is_in(const char *header, size_t len)
{
    size_t count;
    bool found = false;
    g_autofree struct header *headers = message_scan_headers(header, len, NULL, &count);
    for (size_t i = 0; i < count && !found; i++)
        found = header_is(&headers[i], FIELD);
    return found;
}

static GPtrArray *words_of(const struct header *h)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *value = g_strndup(h->value, h->value_len);
    g_auto(GStrv) parts = g_strsplit_set(value, " \t\r\n", -1);
    for (char **w = parts; *w; w++)
        if (**w)
            g_ptr_array_add(words, g_strdup(*w));
    return words;
}

static bool read_number(const char *text, gint64 *out)
{
    const size_t len = strlen(text);
    if (!len || len > 12 || strspn(text, "0123456789") != len)
        return false;
    *out = g_ascii_strtoll(text, NULL, 10);
    return true;
}

/* Takes the field's words in their order; those of an open copy come all three or not at all. */
static bool take_words(struct handoff *p, const GPtrArray *words)
{
    guint at = 0;
    GString *text = g_string_new(NULL);
    for (int w = 0; w < WORDS; w++) {
        const char *word = at < words->len ? words->pdata[at] : "";
        if (!g_str_has_prefix(word, prefixes[w]))
            continue;
        p->words[w] = g_strdup(word + strlen(prefixes[w]));
        if (w != SITE)
            g_string_append_printf(text, "%s%s", text->len ? " " : "", word);
        at++;
    }
    p->text = g_string_free(text, FALSE);
    p->macs = g_ptr_array_new_with_free_func(g_free);
    for (; at < words->len; at++)
        g_ptr_array_add(p->macs, g_strdup(words->pdata[at]));
    const bool open = p->words[FROM] && p->words[SUBJECT] && p->words[STRUCTURE] && *p->words[FROM];
    const bool sealed = !p->words[FROM] && !p->words[SUBJECT] && !p->words[STRUCTURE];
    return (open || sealed) && p->words[FORMAT] && !*p->words[FORMAT] && p->words[TIME] && p->words[ID] &&
           p->words[BODY] && p->words[LINES] && p->words[ALSO] && p->words[SITE] &&
           p->macs->len <= HANDOFF_USERS_MAX;
}

/* Compares to the end: the time taken tells nothing. */
static bool is_mac(const char *text, const char mac[MAC_HEX + 1])
{
    unsigned char differs = 0;
    if (strlen(text) != MAC_HEX)
        return false;
    for (size_t i = 0; i < MAC_HEX; i++)
        differs |= (unsigned char)(text[i] ^ mac[i]);
    return !differs;
}

static const char *read_field(struct handoff *p, const struct sitekey *key, const struct header *h)
{
    char mac[MAC_HEX + 1];
    if (h->value_len > VALUE_MAX_BYTES)
        return MALFORMED;
    GPtrArray *words = words_of(h);
    const bool whole = take_words(p, words) && read_number(p->words[TIME], &p->time);
    g_ptr_array_unref(words);
    if (!whole)
        return MALFORMED;
    key_of(key, p->words[ID], p->key);
    mac_of(p->key, p->text, NULL, mac);
    return is_mac(p->words[SITE], mac) ? NULL : "it was not made with this site's key, or was changed";
}

struct handoff *handoff_new(const struct sitekey *key, const char *raw, size_t len)
{
    size_t count, at = 0;
    const char *end;
    g_autofree struct header *headers = header_scan_roomy(raw ? raw : "", len, &count, &end);
    while (at < count && !header_is(&headers[at], FIELD))
        at++;
    if (at == count)
        return NULL;
    struct handoff *p = g_new0(struct handoff, 1);
    p->fault = read_field(p, key, &headers[at]);
    p->ours = !p->fault;
    p->field = headers[at].start;
    p->lines = g_ptr_array_new();
    return p;
}

void handoff_free(struct handoff **p)
{
    if (!*p)
        return;
    for (int w = 0; w < WORDS; w++)
        g_free((*p)->words[w]);
    g_clear_pointer(&(*p)->macs, g_ptr_array_unref);
    g_clear_pointer(&(*p)->lines, g_ptr_array_unref);
    g_free((*p)->text);
    g_clear_pointer(p, g_free);
}

bool handoff_is_ours(const struct handoff *p)
{
    return p && p->ours;
}

/* ---- comparing it with its message ---- */

/* Takes a line out of those that are missing. */
static bool take_line(GPtrArray *missing, const char *line)
{
    guint at;
    const bool found = g_ptr_array_find_with_equal_func(missing, line, g_str_equal, &at);
    if (found)
        g_ptr_array_remove_index_fast(missing, at);
    return found;
}

static GPtrArray *list_of(const char *word)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_auto(GStrv) parts = g_strsplit(word, ",", LINES_MAX + 1);
    for (char **part = parts; *part; part++)
        if (**part)
            g_ptr_array_add(list, g_strdup(*part));
    return list;
}

/* Finds filterd's own lines below the proof, whatever stands between them. False if one is missing that must not. */
static bool find_lines(struct handoff *p, const struct message *m)
{
    char line[HANDOFF_COVER_SHORT];
    GPtrArray *lines = list_of(p->words[LINES]), *also = list_of(p->words[ALSO]);
    size_t i = 0, left = lines->len + also->len + STRANGE_FIELDS;
    while (i < m->header_count && m->headers[i].start != p->field)
        i++;
    for (i++; i < m->header_count && lines->len + also->len && left--; i++) {
        handoff_cover_line(p->key, &m->headers[i], line);
        if (take_line(may_miss(&m->headers[i]) ? also : lines, line))
            g_ptr_array_add(p->lines, &m->headers[i]);
    }
    const bool all = !lines->len;
    g_ptr_array_unref(lines);
    g_ptr_array_unref(also);
    return all;
}

static const char *compare_open(const struct handoff *p, const struct handoff_cover *c)
{
    char part[HANDOFF_COVER_SHORT];
    const char *from = p->words[FROM];
    handoff_cover_from(c, (enum handoff_cover_from)*from, part);
    if (strcmp(from + 1, part))
        return "its From was changed";
    handoff_cover_subject(c, part);
    if (strcmp(p->words[SUBJECT], part))
        return "its Subject was changed";
    handoff_cover_structure(c, part);
    return strcmp(p->words[STRUCTURE], part) ? "a field that describes its body was changed" : NULL;
}

static const char *compare_age(struct handoff *p, int days)
{
    const gint64 age = g_get_real_time() / G_USEC_PER_SEC - p->time;
    if (age <= -CLOCK_SECONDS)
        return "it was made in the future";
    if (age < (gint64)days * DAY_SECONDS)
        return NULL;
    g_snprintf(p->late, sizeof p->late, "it is %" G_GINT64_FORMAT " days old, queue_days is %d", age / DAY_SECONDS,
               days);
    return p->late;
}

static const char *compare(struct handoff *p, const struct message *m, const char *sender, int days)
{
    char body[HANDOFF_COVER_LONG];
    const struct header_block block = {m->headers, m->header_count, m->body, m->body_len};
    const struct handoff_cover c = {p->key, &block, sender};
    const char *late = compare_age(p, days);
    if (late)
        return late;
    if (!find_lines(p, m))
        return "a line of filterd's own was changed";
    handoff_cover_body(&c, body);
    if (strcmp(p->words[BODY], body))
        return p->words[FROM] ? "its body was changed" : "its ciphertext was changed";
    return p->words[FROM] ? compare_open(p, &c) : NULL;
}

void handoff_compare(struct handoff *p, const struct message *m, const char *sender, int days)
{
    if (!p->fault)
        p->fault = compare(p, m, sender, days);
}

const char *handoff_fault(const struct handoff *p, const GPtrArray *users)
{
    char mac[MAC_HEX + 1];
    if (!p)
        return "there is none";
    if (p->fault)
        return p->fault;
    bool all = users->len;
    for (guint i = 0; all && i < users->len; i++) {
        bool found = false;
        mac_of(p->key, p->text, users->pdata[i], mac);
        for (guint k = 0; k < p->macs->len; k++)
            found |= is_mac(p->macs->pdata[k], mac);
        all = found;
    }
    return all ? NULL : "it was made for others";
}

void handoff_spending(const struct handoff *p, const char *user, const char *queue_id,
                      unsigned char out[SPENT_BYTES])
{
    unsigned char whole[32];
    const char *by = queue_id ? queue_id : "";
    const struct sitekey_piece spent[] = {{"spent", 5}, {user, strlen(user)}}, taker[] = {{"taker", 5}, {by, strlen(by)}};
    memset(out, 0, SPENT_BYTES);
    sitekey_digest(p->key, spent, G_N_ELEMENTS(spent), whole);
    memcpy(out, whole, SPENT_BYTES / 2);
    sitekey_digest(p->key, taker, G_N_ELEMENTS(taker), whole);
    if (*by)
        memcpy(out + SPENT_BYTES / 2, whole, SPENT_BYTES / 2);
}

/* ---- what goes on ---- */

void handoff_outside(const struct handoff *p, const char *encrypted, struct outside *out)
{
    static const char ending[] = "-Encrypted";
    const size_t n = strlen(ending);
    for (guint i = 0; i < p->lines->len; i++) {
        const struct header *h = p->lines->pdata[i];
        if (encrypted && h->name_len > n && !g_ascii_strncasecmp(h->name + h->name_len - n, ending, n))
            bytes_addf(&out->added, "%.*s: %s\r\n", (int)h->name_len, h->name, encrypted);
        else
            bytes_add(&out->added, h->start, h->len);
        outside_replace(out, h);
    }
}
