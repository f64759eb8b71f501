/* Recognises empty HTML. Called by encrypted.c. */
#include "gpg/empty_html.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

/* What stands between the brackets. */
static const char *const known[] = {
    "html", "/html", "head", "/head", "body", "/body", "p", "/p", "div", "/div", "span", "/span", "br", "br/", "br /",
    "font", "/font", "title", "/title", "pre", "/pre", "!doctype html",
    "!doctype html public \"-//w3c//dtd html 4.01 transitional//en\"", "!-- converted from text --",
    "meta http-equiv=\"content-type\" content=\"text/html; charset=us-ascii\"",
    "meta http-equiv=\"content-type\" content=\"text/html; charset=utf-8\"",
    "meta http-equiv=\"content-type\" content=\"text/html; charset=iso-8859-1\"",
    "meta http-equiv=\"content-type\" content=\"text/html; charset=iso-8859-15\"",
    "meta http-equiv=\"content-type\" content=\"text/html; charset=windows-1252\"",
    "meta name=\"generator\" content=\"microsoft exchange server\"", "div class=\"plaintext\"",
    "body dir=\"ltr\"", "body text=\"#000000\" bgcolor=\"#ffffff\"", "font size=\"2\"", "span style=\"font-size:11pt;\"",
    "span style=\"font-size:10pt;\"",
};

/* Tags that may have attributes of any kind: the budget for text counts these. */
static const char *const names[] = {"html ", "body ", "div ", "p ", "span ", "font ", "meta "};

/* Compares with one blank for each run of them. */
static bool equals(struct mime_text t, const char *want)
{
    size_t i = 0;
    for (; i < t.len && *want; want++) {
        if (*want == ' ' ? !g_ascii_isspace(t.at[i]) : g_ascii_tolower(t.at[i]) != *want)
            return false;
        for (i++; *want == ' ' && i < t.len && g_ascii_isspace(t.at[i]);)
            i++;
    }
    return i == t.len && !*want;
}

static bool is_tag(struct mime_text t, size_t *other_r)
{
    t = mime_text_trimmed(t.at, t.len);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (equals(t, known[i]))
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (t.len > strlen(names[i]) && !strncasecmp(t.at, names[i], strlen(names[i]))) {
            *other_r += t.len;
            return true;
        }
    }
    return false;
}

bool empty_html_is(struct mime_text t, size_t *other_r)
{
    static const char blank[] = "&nbsp;";
    *other_r = 0;
    for (t = mime_text_trimmed(t.at, t.len); t.len; t = mime_text_trimmed(t.at, t.len)) {
        const char *end = *t.at == '<' ? memchr(t.at, '>', t.len) : NULL;
        size_t n = end ? (size_t)(end - t.at) + 1 : 0;
        if (end ? !is_tag((struct mime_text){t.at + 1, n - 2}, other_r)
                : t.len < strlen(blank) || strncasecmp(t.at, blank, n = strlen(blank)))
            return false;
        t = (struct mime_text){t.at + n, t.len - n};
    }
    return true;
}
