/* Splits structured values of header fields. Called by mime_part.c and beside.c. */
#include "gpg/mime_value.h"

#include <glib.h>
#include <string.h>

static void skip(struct mime_value *v, size_t len)
{
    v->left.at += len;
    v->left.len -= len;
}

static void skip_blanks(struct mime_value *v)
{
    while (v->left.len && g_ascii_isspace(*v->left.at))
        skip(v, 1);
}

static bool is_token(char c)
{
    return c > ' ' && c < 0x7f && !strchr("()<>@,;:\\\"[]?=", c);
}

/* A type has a '/', which is no token's. */
static struct mime_text token(struct mime_value *v)
{
    struct mime_text t = {v->left.at, 0};
    while (v->left.len && is_token(*v->left.at)) {
        skip(v, 1);
        t.len++;
    }
    return t;
}

/* Takes what stands between the first character and this one. */
static bool until(struct mime_value *v, char end, struct mime_text *text_r)
{
    skip(v, 1);
    *text_r = (struct mime_text){v->left.at, 0};
    while (v->left.len && *v->left.at != end) {
        if (*v->left.at == '(' && end == ')')
            return false; /* one within another */
        const size_t len = *v->left.at == '\\' ? 2 : 1;
        if (len > v->left.len)
            return false;
        skip(v, len);
        text_r->len += len;
    }
    if (!v->left.len)
        return false;
    skip(v, 1);
    return true;
}

static int parameter(struct mime_value *v, struct mime_piece *p)
{
    p->kind = MIME_PARAMETER;
    p->name = token(v);
    skip_blanks(v);
    if (!p->name.len || !v->left.len || *v->left.at != '=')
        return -1;
    skip(v, 1);
    skip_blanks(v);
    if (v->left.len && *v->left.at == '"')
        return until(v, '"', &p->text) ? 1 : -1;
    p->text = token(v);
    return 1;
}

int mime_value_next(struct mime_value *v, struct mime_piece *piece_r)
{
    *piece_r = (struct mime_piece){0};
    skip_blanks(v);
    if (v->left.len && *v->left.at == '(') {
        piece_r->kind = MIME_COMMENT;
        return until(v, ')', &piece_r->text) ? 1 : -1;
    }
    if (!v->inside) {
        v->inside = true;
        piece_r->text = token(v);
        return piece_r->text.len ? 1 : -1;
    }
    const char *before = v->left.at;
    while (v->left.len && (*v->left.at == ';' || g_ascii_isspace(*v->left.at)))
        skip(v, 1);
    if (!v->left.len)
        return 0;
    if (*v->left.at == '(')
        return mime_value_next(v, piece_r);
    return v->left.at == before ? -1 : parameter(v, piece_r);
}
