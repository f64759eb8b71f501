/* Tells Postfix's services apart. Called by setup/site.c and the checks. */
#include "tools/filterctl/services.h"

#include <glib.h>
#include <string.h>

#include "tools/filterctl/maps.h"

bool filterctl_services_is(const char *command, const char *program)
{
    const size_t n = strlen(program);
    return !strncmp(command, program, n) && (!command[n] || command[n] == ' ');
}

static bool is_yes(const char *value)
{
    return !g_ascii_strcasecmp(value, "yes");
}

/* True if the port, or the name of a service, is one of these. */
static bool has_port(const char *context, const char *const *ports)
{
    g_autofree char *name = g_strndup(context, strcspn(context, "/"));
    const char *colon = strrchr(name, ':');
    return g_strv_contains(ports, colon ? colon + 1 : name);
}

/* True if a restriction may let in who has not logged in and is none of ours. */
static bool lets_others(const char *word)
{
    return g_str_has_prefix(word, "check_") || (g_str_has_prefix(word, "permit") && strcmp(word, "permit_mynetworks") &&
                                                strcmp(word, "permit_sasl_authenticated"));
}

/* True for "permit_sasl_authenticated, reject": no client else gets that far. */
static bool lets_only_users(const char *restrictions)
{
    g_auto(GStrv) words = filterctl_maps_words(restrictions);
    const guint n = g_strv_length(words);
    bool others = false;
    for (char **w = words; *w; w++)
        others |= lets_others(*w);
    return n > 1 && !others && !strcmp(words[n - 1], "reject") &&
           g_strv_contains((const char *const *)words, "permit_sasl_authenticated");
}

/* True if who comes there has to log in, by the service's own -o. */
static bool wants_login(const struct filterctl_postconf *p, const char *context)
{
    static const char *const settings[] = {"smtpd_client_restrictions", "smtpd_relay_restrictions",
                                           "smtpd_recipient_restrictions"};
    bool only = false;
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++)
        only |= lets_only_users(filterctl_postconf_service_get(p, context, settings[i]));
    return only || is_yes(filterctl_postconf_service_get(p, context, "smtpd_tls_wrappermode")) ||
           (is_yes(filterctl_postconf_service_get(p, context, "smtpd_sasl_auth_enable")) &&
            !is_yes(filterctl_postconf_get(p, "smtpd_sasl_auth_enable")));
}

bool filterctl_services_is_for_users(const struct filterctl_postconf *p, const char *context)
{
    static const char *const users[] = {"submission", "submissions", "smtps", "587", "465", NULL};
    static const char *const world[] = {"smtp", "25", "smtpd", NULL};
    return has_port(context, users) || (!has_port(context, world) && wants_login(p, context));
}

bool filterctl_services_is_open(const char *context)
{
    static const char *const own[] = {"127.", "localhost:", "[::1]:", "::1:"};
    bool here = false;
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        here |= g_str_has_prefix(context, own[i]);
    return g_str_has_suffix(context, "/pass") || (g_str_has_suffix(context, "/inet") && !here);
}
