/* Other ways to write an address. Called where users are looked up: somebody may be registered by any of them. */
#include "base/address_spellings.h"

#include <stdbool.h>
#include <string.h>

#include "base/address.h"

/* Takes text over. */
static void add(GPtrArray *list, char *text)
{
    if (text && *text && !g_ptr_array_find_with_equal_func(list, text, g_str_equal, NULL))
        g_ptr_array_add(list, text);
    else
        g_free(text);
}

/* The same with its domain written by the other kind of label; NULL if there is no other. */
static char *other_labels(const char *address)
{
    const char *at = strrchr(address, '@');
    if (!at)
        return NULL;
    const bool encoded = strstr(at, "xn--") != NULL;
    g_autofree char *domain = encoded                      ? g_hostname_to_unicode(at + 1)
                              : g_str_is_ascii(at + 1) ? NULL
                                                           : g_hostname_to_ascii(at + 1);
    return domain ? g_strdup_printf("%.*s@%s", (int)(at - address), address, domain) : NULL;
}

static void add_forms(GPtrArray *list, const char *address)
{
    g_autofree char *folded = address_folded(address);
    add(list, g_strdup(folded));
    add(list, g_strdup(address));
    add(list, other_labels(folded));
    add(list, other_labels(address));
}

GPtrArray *address_spellings(const char *address)
{
    GPtrArray *list = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *meant = address_meant(address);
    add_forms(list, meant);
    add_forms(list, address);
    return list;
}
