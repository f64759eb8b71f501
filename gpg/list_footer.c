/* Knows mailing lists by their fields and footers. Called by encrypted.c. */
#include "gpg/list_footer.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#define ID_BYTES_MAX 255

static bool has(struct mime_text t, const char *word, size_t len)
{
    for (size_t i = 0; len && i + len <= t.len; i++)
        if (!g_ascii_strncasecmp(t.at + i, word, len))
            return true;
    return false;
}

/* "Any words <name.domain>": sets *id_r to what stands in the brackets, if it has a dot between two labels. */
static bool read_id(const struct header *h, struct mime_text *id_r)
{
    const struct mime_text t = mime_text_trimmed(h->value, h->value_len);
    const char *open = t.len ? memrchr(t.at, '<', t.len) : NULL;
    bool dot = false;
    if (!open || t.at[t.len - 1] != '>')
        return false;
    *id_r = (struct mime_text){open + 1, (size_t)(t.at + t.len - open) - 2};
    for (size_t i = 0; i < id_r->len; i++) {
        const char c = id_r->at[i];
        if (c == '.') {
            if (i == 0 || i + 1 == id_r->len || id_r->at[i - 1] == '.')
                return false;
            dot = true;
        } else if (!g_ascii_isalnum(c) && !(c && strchr("-_+=&", c))) {
            return false;
        }
    }
    return dot && id_r->len <= ID_BYTES_MAX;
}

/* "<mailto:...>", "<https://...>" */
static bool is_url(struct mime_text t)
{
    return t.len && memchr(t.at, '>', t.len) && (has(t, "<mailto:", 8) || has(t, "<http://", 8) || has(t, "<https://", 9));
}

static bool tells_of_list(const struct header *h)
{
    static const char *const fields[] = {"List-Post", "List-Unsubscribe", "List-Subscribe", "List-Help", "List-Archive",
                                         "List-Owner"};
    const struct mime_text t = mime_text_trimmed(h->value, h->value_len);
    if (header_is(h, "Precedence"))
        return (t.len == 4 && !strncasecmp(t.at, "list", 4)) || (t.len == 4 && !strncasecmp(t.at, "bulk", 4));
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (header_is(h, fields[i]))
            return is_url(t);
    return false;
}

struct list list_of(const struct message *m)
{
    struct list l = {0};
    int ids = 0;
    for (size_t i = 0; i < m->header_count; i++) {
        l.real |= tells_of_list(&m->headers[i]);
        if (header_is(&m->headers[i], "List-Id") && (ids++ || !read_id(&m->headers[i], &l.id)))
            return (struct list){0};
    }
    l.real &= ids == 1;
    return l;
}

/* The last two labels of lists.example.org; empty if there are fewer. */
static struct mime_text domain_of(struct mime_text id)
{
    struct mime_text t = {id.at + id.len, 0};
    for (int dots = 0; t.at > id.at; t.at--, t.len++)
        if (t.at[-1] == '.' && ++dots == 2)
            return t;
    return (struct mime_text){id.at, 0};
}

bool list_footer_is(const struct list *l, struct mime_text text)
{
    const struct mime_text t = mime_text_trimmed(text.at, text.len), domain = domain_of(l->id);
    return l->real && domain.len && t.len <= LIST_FOOTER_BYTES && has(t, domain.at, domain.len);
}
