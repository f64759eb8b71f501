/* Looks for FILTER actions in access tables. Called by setup/site.c and check/routes.c. */
#include "tools/filterctl/restrictions.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "tools/filterctl/maps.h"

/* A compiled table's source lies beside it under the same name. */
static bool has_filter(const char *table)
{
    const char *file = strchr(table, ':');
    g_autofree char *text = NULL;
    return file && file[1] == '/' && g_file_get_contents(file + 1, &text, NULL, NULL) &&
           g_regex_match_simple("^[^#\\n]*\\sFILTER\\s", text, G_REGEX_MULTILINE, 0);
}

void filterctl_restrictions_each_filter(const struct filterctl_postconf *p, const char *context,
                                        void (*fn)(const char *setting, const char *table, void *arg), void *arg)
{
    static const char *const settings[] = {"smtpd_client_restrictions", "smtpd_helo_restrictions", "smtpd_sender_restrictions",
                                           "smtpd_relay_restrictions", "smtpd_recipient_restrictions",
                                           "smtpd_data_restrictions", "smtpd_end_of_data_restrictions"};
    for (size_t i = 0; i < G_N_ELEMENTS(settings); i++) {
        g_auto(GStrv) words = filterctl_maps_words(filterctl_postconf_service_get(p, context, settings[i]));
        for (char **w = words; *w; w++)
            if (has_filter(*w))
                fn(settings[i], *w, arg);
    }
}
