/* filterctl setup: puts filterd into the mail site of this host: prints the changes with their reasons, makes them, or
 * takes them back. Called by filterctl.c. */
#include <glib.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/setup/apply.h"
#include "tools/filterctl/setup/dovecot.h"
#include "tools/filterctl/setup/maps.h"
#include "tools/filterctl/setup/plan.h"
#include "tools/filterctl/setup/site.h"

struct options {
    bool apply, undo;
    const char *postfix, *dovecot;
};

static bool take_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const bool more = i + 1 < argc;
        if (!strcmp(argv[i], "--apply"))
            o->apply = true;
        else if (!strcmp(argv[i], "--undo"))
            o->undo = true;
        else if (!strcmp(argv[i], "--postfix") && more)
            o->postfix = argv[++i];
        else if (!strcmp(argv[i], "--dovecot") && more)
            o->dovecot = argv[++i];
        else
            return false;
    }
    return !(o->apply && o->undo);
}

/* The command for a shell; g_free. */
static char *command_of(const struct filterctl_setup_step *step, const char *config_dir)
{
    g_autofree char *argument = g_shell_quote(step->argument), *folder = config_dir ? g_shell_quote(config_dir) : NULL;
    return g_strdup_printf("postconf%s%s -%c %s", folder ? " -c " : "", folder ? folder : "", step->option, argument);
}

static void print_json(const struct filterctl_setup_site *site, const GPtrArray *steps, const char *config_dir)
{
    g_autoptr(GString) out = g_string_new("{\"steps\":[");
    g_autofree char *drop_in = filterctl_setup_drop_in(site);
    for (guint i = 0; i < steps->len; i++) {
        const struct filterctl_setup_step *step = steps->pdata[i];
        g_autofree char *command = command_of(step, config_dir);
        g_string_append(out, i ? ",{\"command\":" : "{\"command\":");
        filterctl_json_string(out, command);
        g_string_append(out, ",\"reason\":");
        filterctl_json_string(out, step->reason);
        g_string_append_c(out, '}');
    }
    g_string_append(out, "],\"settings\":");
    filterctl_json_string(out, drop_in);
    g_string_append(out, ",\"notes\":[");
    for (guint i = 0; i < site->notes->len; i++) {
        g_string_append(out, i ? "," : "");
        filterctl_json_string(out, site->notes->pdata[i]);
    }
    g_string_append(out, "]}");
    puts(out->str);
}

static void print_copies(const struct filterctl_setup_site *site)
{
    struct filterctl_setup_maps *maps = filterctl_setup_maps_new(site);
    const char *group = site->settings->user ? site->settings->user : "root";
    if (maps->copies->len)
        puts("# Postfix's map files hold passwords and are closed to others: copies for filterd.");
    for (guint i = 0; i < maps->copies->len; i++) {
        const struct filterctl_setup_maps_copy *c = maps->copies->pdata[i];
        g_autofree char *from = g_shell_quote(c->from), *to = g_shell_quote(c->to);
        printf("install -D -m 640 -g %s %s %s\n", group, from, to);
    }
    filterctl_setup_maps_free(&maps);
}

/* As a shell script, with what filterd itself is told as comments. */
static void print_plan(const struct filterctl_setup_site *site, const GPtrArray *steps, const char *config_dir)
{
    struct filterctl_setup_dovecot *dovecot = filterctl_setup_dovecot_find();
    g_autofree char *drop_in = filterctl_setup_drop_in(site);
    g_auto(GStrv) lines = g_strsplit(drop_in, "\n", -1);
    puts("# filterd's settings, conf.d/50-setup.conf beside filterd.conf:");
    for (char **l = lines; *l; l++)
        if (l[1] || **l)
            printf("#    %s\n", *l);
    print_copies(site);
    puts(steps->len ? "# Postfix's:" : "# Postfix is set up already.");
    for (guint i = 0; i < steps->len; i++) {
        const struct filterctl_setup_step *step = steps->pdata[i];
        const struct filterctl_setup_step *last = i ? steps->pdata[i - 1] : NULL;
        g_autofree char *command = command_of(step, config_dir);
        if (!last || strcmp(last->reason, step->reason))
            printf("# %s\n", step->reason);
        puts(command);
    }
    if (dovecot && !dovecot->there) {
        g_autofree char *commands = filterctl_setup_dovecot_commands(dovecot);
        printf("# Dovecot's: moves into and out of Junk train, spam is filed there.\n%s", commands);
    }
    for (guint i = 0; i < site->notes->len; i++)
        printf("# Look at this yourself: %s\n", (const char *)site->notes->pdata[i]);
    if (steps->len)
        puts("# \"filterctl setup --apply\" does all this, \"filterctl setup --undo\" takes it back.");
    filterctl_setup_dovecot_free(&dovecot);
}

/* Dovecot first: who may hand it mail is told there. */
static int apply(const struct filterctl_setup_site *site, const GPtrArray *steps)
{
    return filterctl_setup_dovecot_apply(site->settings) ? filterctl_setup_apply(site, steps) : EX_UNAVAILABLE;
}

static int set_up(struct filterctl *ctl, const struct options *o)
{
    g_autofree char *error = NULL;
    struct filterctl_setup_site *site = filterctl_setup_site_find(ctl->settings, o->postfix, o->dovecot, &error);
    if (!site) {
        filterctl_complain("%s", error);
        return EX_UNAVAILABLE;
    }
    int rc = EX_OK;
    g_autoptr(GPtrArray) steps = filterctl_setup_plan(site);
    if (o->apply)
        rc = apply(site, steps);
    else if (ctl->json)
        print_json(site, steps, o->postfix);
    else
        print_plan(site, steps, o->postfix);
    for (guint i = 0; o->apply && i < site->notes->len; i++)
        filterctl_complain("look at this yourself: %s", (const char *)site->notes->pdata[i]);
    filterctl_setup_site_free(&site);
    return rc;
}

static int take_back(struct filterctl *ctl, const struct options *o)
{
    g_autofree char *error = NULL;
    struct filterctl_postconf *p = filterctl_postconf_read(o->postfix, &error);
    if (!p) {
        filterctl_complain("%s", error);
        return EX_UNAVAILABLE;
    }
    int rc = filterctl_setup_apply_undo(ctl->settings, filterctl_postconf_get(p, "config_directory"));
    if (rc == EX_OK && !filterctl_setup_dovecot_undo(ctl->settings))
        rc = EX_UNAVAILABLE;
    filterctl_postconf_free(&p);
    return rc;
}

int filterctl_setup(struct filterctl *ctl, int argc, char **argv)
{
    struct options o = {0};
    if (!take_options(&o, argc, argv))
        return EX_USAGE;
    umask(022); /* filterd's user reads the settings */
    return o.undo ? take_back(ctl, &o) : set_up(ctl, &o);
}
