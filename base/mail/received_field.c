/* Reads the queue id from a Received field. Called by delivered_origins.c. */
#include "base/mail/received_field.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define ID_BYTES 100

struct span {
    const char *at;
    size_t len;
};

/* Cuts the next line of a folded value off the rest; false: there is none. */
static bool next_line(struct span *rest, struct span *line_r)
{
    if (!rest->len)
        return false;
    const char *end = memchr(rest->at, '\n', rest->len);
    const size_t len = end ? (size_t)(end + 1 - rest->at) : rest->len;
    *line_r = (struct span){rest->at, len};
    rest->at += len;
    rest->len -= len;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Skips blanks and comments; one that does not end takes the rest of the line. */
static void skip(struct span *line)
{
    int depth = 0;
    while (line->len && (depth || is_blank(*line->at) || *line->at == '(')) {
        depth += (*line->at == '(') - (*line->at == ')' && depth);
        line->at++;
        line->len--;
    }
}

/* Cuts the next word off; empty at the line's end, or where the date begins. */
static struct span next_word(struct span *line)
{
    skip(line);
    struct span word = {line->at, 0};
    while (word.len < line->len && !is_blank(word.at[word.len]) && !strchr("(;", word.at[word.len]))
        word.len++;
    line->at += word.len;
    line->len -= word.len;
    return word;
}

static bool is_word(struct span word, const char *text)
{
    return word.len == strlen(text) && g_ascii_strncasecmp(word.at, text, word.len) == 0;
}

static bool is_one_of(struct span word, const char *const *hosts)
{
    for (; *hosts; hosts++)
        if (is_word(word, *hosts))
            return true;
    return false;
}

/* The word behind "id" in what is left of a line; NULL: there is none. */
static char *id_in(struct span line)
{
    struct span word = next_word(&line);
    while (word.len && !is_word(word, "id"))
        word = next_word(&line);
    const struct span id = word.len ? next_word(&line) : word;
    return id.len && id.len <= ID_BYTES ? g_strndup(id.at, id.len) : NULL;
}

char *received_field_id(const struct header *h, const char *const *hosts)
{
    struct span rest = {h->value, h->value_len}, line = {NULL, 0}, word = {NULL, 0};
    while (!is_word(word, "by")) {
        if (!next_line(&rest, &line))
            return NULL;
        word = next_word(&line);
    }
    if (!is_one_of(next_word(&line), hosts))
        return NULL;
    char *id = id_in(line);
    while (!id && next_line(&rest, &line)) {
        const struct span whole = line;
        if (is_word(next_word(&line), "id"))
            id = id_in(whole);
    }
    return id;
}
