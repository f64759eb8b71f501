/* Takes the value of an alias apart. Called by user_tables.c. */
#include "filterd/tables/alias_members.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"

/* The end of what begins with an opening character, which may hold any other. */
static const char *past_quotes(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : p;
}

static const char *past_comment(const char *p)
{
    int depth = 0;
    do {
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        if (*p == '\\' && p[1])
            p++;
        p++;
    } while (*p && depth > 0);
    return p;
}

/* One word up to a comma, a blank or the end; in <> all that stands there. *angle_r: it stood there, so it is an
 * address, and what came before it since the last comma was a name. */
static char *next_word(const char **p, bool *angle_r)
{
    const char *q = *p;
    GString *word = g_string_new(NULL);
    *angle_r = *q == '<';
    for (q += *angle_r; *q && !(*angle_r ? *q == '>' : strchr(", \t\r\n<", *q) != NULL);) {
        const char *end = *q == '"' ? past_quotes(q) : q + 1;
        if (*q == '(' && !*angle_r)
            end = past_comment(q);
        else
            g_string_append_len(word, q, end - q);
        q = end;
    }
    *p = *angle_r && *q ? q + 1 : q;
    return g_string_free(word, FALSE);
}

static bool is_address(const char *word)
{
    return *word && !strchr("|/:@", *word) && !g_str_has_prefix(word, "\"|") && !g_str_has_prefix(word, "\"/") &&
           !g_str_has_prefix(word, "\":");
}

/* local@domain with the extension in between. */
static char *whole(const char *word, const struct alias_members_of *of)
{
    const char *at = strrchr(word, '@');
    if (*word == '@') { /* another domain for the same local part; the extension that was not looked for goes */
        const char *old = strrchr(of->address, '@');
        const size_t local = old ? (size_t)(old - of->address) : strlen(of->address);
        const size_t cut = of->extension ? MIN(strlen(of->extension), local) : 0;
        return g_strdup_printf("%.*s%s", (int)(local - cut), of->address, word);
    }
    const char *domain = at ? at + 1 : of->myorigin;
    const int local = (int)(at ? (size_t)(at - word) : strlen(word));
    const bool quoted = local > 1 && word[local - 1] == '"';
    const char *extension = of->extension ? of->extension : "";
    return g_strdup_printf("%.*s%s%s@%s", local - quoted, word, extension, quoted ? "\"" : "", domain ? domain : "");
}

/* False: it is too long for an address. */
static bool add(GPtrArray *list, const char *word, const struct alias_members_of *of)
{
    g_autofree char *text = is_address(word) || (*word == '@' && word[1]) ? whole(word, of) : NULL;
    g_autofree char *address = text ? address_canonical(text) : NULL;
    if (address && !g_ptr_array_find_with_equal_func(list, address, g_str_equal, NULL))
        g_ptr_array_add(list, g_steal_pointer(&address));
    return !text || strlen(text) <= ALIAS_MEMBERS_BYTES;
}

GPtrArray *alias_members(const char *value, const struct alias_members_of *of)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    bool fit = true;
    guint sure = 0; /* the members after these may be a name in front of <> */
    for (const char *p = value; *(p += strspn(p, " \t\r\n"));) {
        bool angle = false;
        g_autofree char *word = *p == ',' ? NULL : next_word(&p, &angle);
        if (angle)
            g_ptr_array_set_size(list, (int)sure);
        if (word)
            fit = add(list, word, of) && fit;
        else
            p++;
        if (!word || angle || strchr(word, '@'))
            sure = list->len;
    }
    if (!fit)
        g_clear_pointer(&list, g_ptr_array_unref);
    return list;
}
