/* filterctl: the operator's command. main finds the command in the table below, loads the settings and
 * runs it. */
#include "tools/filterctl/filterctl.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "base/config/limits.h"
#include "base/version.h"

struct command {
    const char *name;
    filterctl_command *run;
    enum { NEEDS_NOTHING, NEEDS_SETTINGS, NEEDS_STATE } needs;
    const char *usage;
};

static const struct command commands[] = {
    {"init", filterctl_init, NEEDS_SETTINGS,
     "  filterctl init                        makes the site's key and an empty state, once\n"},
    {"key", filterctl_key, NEEDS_STATE,
     "  filterctl key import ADDRESS [FILE] [--add] [--force]\n"
     "                                        a public key, from FILE or standard input\n"
     "  filterctl key list                    all keys\n"
     "  filterctl key show ADDRESS            one user's keys in full\n"
     "  filterctl key remove ADDRESS [FINGERPRINT]\n"
     "  filterctl key export ADDRESS [FINGERPRINT]\n"
     "                                        armored, to standard output\n"
     "  filterctl key check                   exit 0: all good, 1: something ends within 30 days,\n"
     "                                        2: something has ended\n"},
    {"user", filterctl_user, NEEDS_STATE,
     "  filterctl user set ADDRESS NAME=VALUE...\n"
     "                                        no VALUE: back to the site's; names: encrypt,\n"
     "                                        protect_headers, spam_threshold, spam_action, mode,\n"
     "                                        share, allow, deny\n"
     "  filterctl user show ADDRESS           settings of one user\n"
     "  filterctl user list                   settings of all\n"
     "  filterctl user remove ADDRESS         settings, memberships and what was learnt; not the\n"
     "                                        keys\n"
     "  filterctl user export ADDRESS [FILE]  all of that but records, to FILE or standard output\n"
     "  filterctl user import ADDRESS FILE    it takes the place of what is there\n"},
    {"alias", filterctl_alias, NEEDS_STATE,
     "  filterctl alias add ADDRESS USER...   mail to ADDRESS is for USER, too\n"
     "  filterctl alias remove ADDRESS\n"
     "  filterctl alias list\n"
     "  filterctl alias import --postfix [--dry-run] [--all] [-C DIR]\n"
     "                                        those of Postfix that lead to users with keys\n"},
    {"train", filterctl_train, NEEDS_STATE,
     "  filterctl train spam|ham USER PATH... messages, mboxes, Maildirs or folders of them\n"
     "  filterctl train --site spam|ham PATH...\n"
     "                                        the base that all users share\n"},
    {"classify", filterctl_classify, NEEDS_STATE,
     "  filterctl classify [-u USER] [--exit-code] FILE\n"},
    {"explain", filterctl_explain, NEEDS_STATE,
     "  filterctl explain [-u USER] [--client ADDRESS] [--helo NAME] [--sender ADDRESS] FILE\n"
     "  filterctl explain [-u USER] SIGNATURE\n"},
    {"tokens", filterctl_tokens, NEEDS_NOTHING, "  filterctl tokens FILE\n"},
    {"evaluate", filterctl_evaluate, NEEDS_NOTHING,
     "  filterctl evaluate [--mode M] [--feedback immediate|errors|delayed:N]\n"
     "                     [--corrected PERCENT] INDEX\n"},
    {"check", filterctl_check, NEEDS_SETTINGS,
     "  filterctl check [--postfix DIR] [--dovecot FILE]\n"
     "                                        state, key, name server, DNS lists, clamd, Postfix's and\n"
     "                                        Dovecot's settings; exit 0: all well, 1: warnings, 2:\n"
     "                                        something is bad\n"
     "  filterctl check --prove [--to ADDRESS] [--from ADDRESS] [--smtp HOST:PORT]\n"
     "                          [--postfix CONFIG_DIR] [--keep]\n"
     "                                        sends a message of its own through Postfix and says\n"
     "                                        where on this host it was seen in plaintext\n"},
    {"setup", filterctl_setup, NEEDS_SETTINGS,
     "  filterctl setup [--apply | --undo] [--postfix DIR] [--dovecot FILE]\n"
     "                                        how filterd gets into the Postfix of this host: what to\n"
     "                                        change and why; does it; takes it back\n"},
    {"lookup", filterctl_lookup, NEEDS_SETTINGS,
     "  filterctl lookup dnsbl ADDRESS|DOMAIN what the lists say\n"
     "  filterctl lookup dkim FILE            what a message's signatures prove\n"
     "  filterctl lookup dmarc FILE [DOMAIN]  what its From domain asks for\n"
     "  filterctl lookup user ADDRESS         whose mail it is, what each table says, what becomes of it\n"
     "  filterctl lookup virus FILE           what clamd finds in a message\n"
     "  filterctl lookup spf ADDRESS HELO SENDER\n"
     "                                        whether a client may send for SENDER (\"\": the\n"
     "                                        null sender, so HELO is asked about)\n"},
    {"stats", filterctl_stats, NEEDS_STATE, "  filterctl stats [USER]\n"},
};

static void print_usage(FILE *to, const struct command *only)
{
    fputs("usage:\n", to);
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (!only || only == &commands[i])
            fputs(commands[i].usage, to);
    fputs("Everywhere: -c FILE (default " FILTERCTL_DEFAULT_SETTINGS "), --json, --help, --version\n", to);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

struct options {
    const char *file;
    bool json, help, version;
};

/* Removes the options that all commands share from argv, wherever they stand before a "--". False if -c
 * lacks its file. */
static bool take_options(int *argc, char **argv, struct options *o)
{
    int kept = 1, i = 1;
    for (; i < *argc && strcmp(argv[i], "--"); i++) {
        if (!strcmp(argv[i], "-c")) {
            if (++i == *argc)
                return false;
            o->file = argv[i];
        } else if (!strcmp(argv[i], "--json")) {
            o->json = true;
        } else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            o->help = true;
        } else if (!strcmp(argv[i], "--version")) {
            o->version = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    for (; i < *argc; i++)
        argv[kept++] = argv[i];
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

/* Loads the settings if the command needs them, or if -c named a file. */
static bool load_settings(struct filterctl *ctl, const struct command *c, const struct options *o)
{
    g_autofree char *error = NULL;
    if (!o->file && c->needs == NEEDS_NOTHING)
        return true;
    ctl->settings = settings_load(o->file ? o->file : FILTERCTL_DEFAULT_SETTINGS, &error);
    if (!ctl->settings)
        filterctl_complain("%s", error);
    else
        limits_set(&ctl->settings->limits);
    return ctl->settings != NULL;
}

static int run(const struct command *c, const struct options *o, int argc, char **argv)
{
    struct filterctl ctl = {.json = o->json, .keeper_fd = -1, .state = STATE_CLOSED};
    int rc = EX_CONFIG;
    if (load_settings(&ctl, c, o))
        rc = c->needs != NEEDS_STATE || filterctl_state(&ctl) ? c->run(&ctl, argc, argv) : EX_TEMPFAIL;
    if (rc == EX_USAGE)
        print_usage(stderr, c);
    filterctl_hang_up(&ctl);
    state_close(&ctl.state);
    explicit_bzero(&ctl.key, sizeof ctl.key);
    settings_free(&ctl.settings);
    if (fflush(stdout) || ferror(stdout)) {
        filterctl_complain("cannot write the output");
        return EX_IOERR;
    }
    return rc;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    setlocale(LC_CTYPE, "");
    umask(027);
    if (!take_options(&argc, argv, &o)) {
        print_usage(stderr, NULL);
        return EX_USAGE;
    }
    if (o.version)
        return version_print("filterctl");
    const struct command *c = argc > 1 ? find_command(argv[1]) : NULL;
    if (o.help && (c || argc == 1)) {
        print_usage(stdout, c);
        return EX_OK;
    }
    if (!c) {
        if (argc > 1)
            filterctl_complain("there is no command \"%s\"", argv[1]);
        print_usage(stderr, NULL);
        return EX_USAGE;
    }
    return run(c, &o, argc - 1, argv + 1);
}
