/* Compares domains with our own names. Called by resolve.c. */
#include "filterd/pipeline/our_names.h"

#include <glib.h>
#include <string.h>

#include "base/address.h"

/* "xn--..." becomes what it stands for, and all is folded: two spellings of one name become equal. */
static char *normal(const char *domain)
{
    g_autofree char *folded = address_folded(domain);
    g_autofree char *text = strstr(folded, "xn--") ? g_hostname_to_unicode(folded) : NULL;
    char *name = text ? address_folded(text) : g_steal_pointer(&folded);
    size_t len = strlen(name);
    while (len && name[len - 1] == '.')
        name[--len] = 0;
    return name;
}

/* True if a setting's domain, in lower case already, is the name or begins with it and a dot. */
static bool matches(const char *domain, const char *name, bool dotless)
{
    const size_t len = strlen(name);
    g_autofree char *other = g_str_is_ascii(domain) && !strstr(domain, "xn--") ? NULL : normal(domain);
    const char *one = other ? other : domain;
    return !g_ascii_strncasecmp(one, name, len) && (!one[len] || (dotless && one[len] == '.'));
}

/* True if name (normal) is listed, or begins a listed name whose rest the MTA may append. */
static bool is_listed(char *const *list, const char *name)
{
    const bool dotless = *name && !strchr(name, '.');
    bool found = false;
    for (; list && *list && !found; list++)
        found = matches(*list, name, dotless);
    return found;
}

static bool is_literal(const char *name)
{
    return *name == '[' || g_hostname_is_ip_address(name);
}

static bool is_machine(const struct settings *s, const char *name)
{
    char *const host[] = {s->hostname, NULL};
    return !*name || is_literal(name) || !strcmp(name, "localhost") || g_str_has_prefix(name, "localhost.") ||
           is_listed(host, name) || is_listed(s->local_names, name) ||
           (!strchr(name, '.') && is_listed(s->domains, name));
}

bool our_names_has_machine(const struct settings *s, const char *domain)
{
    g_autofree char *name = normal(domain);
    return is_machine(s, name);
}

bool our_names_is_listed(const struct settings *s, const char *domain)
{
    g_autofree char *name = normal(domain);
    return !settings_has_domains(s) || is_listed(s->domains, name) || is_listed(s->local_names, name);
}

bool our_names_has(const struct settings *s, const char *domain)
{
    return our_names_is_listed(s, domain) || our_names_has_machine(s, domain);
}
