/* filterctl lookup: asks one question as the filter would, and prints the result word first, for scripts.
 * Called by filterctl.c; each kind of question is in lookup_NAME.c. */
#include "tools/filterctl/lookup.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

static const struct {
    const char *name;
    filterctl_lookup_command *run;
} words[] = {
    {"dnsbl", filterctl_lookup_dnsbl},
    {"dkim", filterctl_lookup_dkim},
    {"dmarc", filterctl_lookup_dmarc},
    {"spf", filterctl_lookup_spf},
    {"user", filterctl_lookup_user},
    {"virus", filterctl_lookup_virus},
};

void filterctl_lookup_tell(const struct filterctl *ctl, const char *result, const char *reason)
{
    if (!ctl->json) {
        printf("%s\t%s\n", result, reason);
        return;
    }
    GString *out = g_string_new("{\"result\":");
    filterctl_json_string(out, result);
    g_string_append(out, ",\"reason\":");
    filterctl_json_string(out, reason);
    printf("%s}\n", out->str);
    g_string_free(out, TRUE);
}

int filterctl_lookup(struct filterctl *ctl, int argc, char **argv)
{
    filterctl_lookup_command *fn = NULL;
    g_autofree char *error = NULL;
    for (size_t i = 0; argc > 1 && i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].name, argv[1]) == 0)
            fn = words[i].run;
    if (!fn)
        return EX_USAGE;
    struct resolver *r = resolver_new(ctl->settings, &error);
    if (!r) {
        filterctl_complain("%s", error);
        return EX_CONFIG;
    }
    const int rc = fn(ctl, r, argc - 1, argv + 1);
    resolver_free(&r);
    return rc;
}
