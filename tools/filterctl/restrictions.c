/* Looks for FILTER actions in access tables. Called by setup/site.c and check/routes.c. */
#include "tools/filterctl/restrictions.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "tools/filterctl/maps.h"

/* A compiled table's source lies beside it under the same name; "static:{FILTER x}" and "inline:{...}" have their text in
 * their name. */
bool filterctl_restrictions_has_filter(const char *table)
{
    const char *file = strchr(table, ':');
    g_autofree char *text = NULL;
    if (!file)
        return false;
    if (file[1] != '/')
        return g_regex_match_simple("^(?:proxy:)?(?:static|inline):.*\\bFILTER\\s", table, G_REGEX_DOTALL, 0);
    return g_file_get_contents(file + 1, &text, NULL, NULL) &&
           g_regex_match_simple("^[^#\\n]*\\sFILTER\\s", text, G_REGEX_MULTILINE, 0);
}

struct search {
    const struct filterctl_postconf *p;
    const char *context;
    const char *setting; /* of smtpd_*_restrictions */
    char **classes;      /* of smtpd_restriction_classes */
    void (*fn)(const char *setting, const char *table, void *arg);
    void *arg;
};

/* A word may be a class, which is a setting of that name with restrictions; or "{ check_... }". depth bounds classes that name
 * each other. */
static void search_in(const struct search *s, const char *restrictions, int depth)
{
    g_auto(GStrv) words = filterctl_maps_words(restrictions);
    for (char **w = words; *w; w++) {
        g_autofree char *inside = **w == '{' ? g_strndup(*w + 1, strlen(*w) - 2) : NULL;
        if (inside && depth)
            search_in(s, inside, depth - 1);
        else if (depth && g_strv_contains((const char *const *)s->classes, *w))
            search_in(s, filterctl_postconf_service_get(s->p, s->context, *w), depth - 1);
        else if (filterctl_restrictions_has_filter(*w))
            s->fn(s->setting, *w, s->arg);
    }
}

void filterctl_restrictions_each_filter(const struct filterctl_postconf *p, const char *context,
                                        void (*fn)(const char *setting, const char *table, void *arg), void *arg)
{
    static const char *const settings[] = {"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions",
                                           "smtpd_relay_restrictions", "smtpd_recipient_restrictions",
                                           "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"};
    g_auto(GStrv) classes = filterctl_maps_words(filterctl_postconf_service_get(p, context, "smtpd_restriction_classes"));
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        const struct search s = {p, context, settings[i], classes, fn, arg};
        search_in(&s, filterctl_postconf_service_get(p, context, settings[i]), 4);
    }
}
