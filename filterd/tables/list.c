/* Lists as Postfix writes them in main.cf: items, braces, name = value. Called by everything here that reads a
 * chain, a map file or an inline table. */
#include "filterd/tables/list.h"

#include <glib.h>
#include <string.h>

#define SEPARATORS ", \t\r\n"

char *list_next(const char **at)
{
    const char *begin = *at + strspn(*at, SEPARATORS), *end = begin;
    for (int depth = 0; *end && (depth > 0 || !strchr(SEPARATORS, *end)); end++)
        depth += *end == '{' ? 1 : *end == '}' ? -1 : 0;
    *at = end;
    return end > begin ? g_strndup(begin, (gsize)(end - begin)) : NULL;
}

/* Behind the brace that closes the one at text; NULL if there is none. */
static const char *behind_brace(const char *text)
{
    int depth = 0;
    for (; *text; text++) {
        depth += *text == '{' ? 1 : *text == '}' ? -1 : 0;
        if (depth == 0)
            return text + 1;
    }
    return NULL;
}

char *list_inside(const char *text, const char **why_r)
{
    const char *end = *text == '{' ? behind_brace(text) : NULL;
    *why_r = *text != '{' ? "expected {" : !end ? "a } is missing" : *end ? "there is more behind the }" : NULL;
    return *why_r ? NULL : g_strstrip(g_strndup(text + 1, (gsize)(end - text - 2)));
}

bool list_pair(const char *text, char **name_r, char **value_r)
{
    const char *equals = strchr(text, '=');
    *name_r = *value_r = NULL;
    g_autofree char *name = equals ? g_strstrip(g_strndup(text, (gsize)(equals - text))) : NULL;
    if (!name || strpbrk(name, " \t\r\n\v\f"))
        return false;
    *name_r = g_steal_pointer(&name);
    *value_r = g_strstrip(g_strdup(equals + 1));
    return true;
}
