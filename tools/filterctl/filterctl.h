/* filterctl: what its commands share. Each command is a file of this folder (check: the folder check/) and
 * a line in the table of filterctl.c. */
#ifndef TOOLS_FILTERCTL_FILTERCTL_H
#define TOOLS_FILTERCTL_FILTERCTL_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/sitekey.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"

struct users;

#define FILTERCTL_DEFAULT_SETTINGS "/etc/filterd/filterd.conf"

struct filterctl {
    struct settings *settings; /* NULL only in commands that need none: tokens, evaluate */
    struct state state;        /* open in commands that need one */
    struct sitekey key;        /* valid once have_key: call filterctl_site_key first */
    bool have_key;
    bool json;
    struct model_store *model_store; /* opened by filterctl_request where no keeper runs; NULL: not open */
    int keeper_fd;         /* to the keeper; -1: none runs. Valid once asked is set */
    bool asked;
};

/* Whom root takes on while it touches files in state_dir: its owner. */
struct state_user filterctl_owner(const struct filterctl *ctl);
/* Finds the state, and proves that the site key is its own, if we may read that. Called before each command that needs
 * a state: none but init makes one. False, with the reason on stderr. */
bool filterctl_state(struct filterctl *ctl);
/* Loads ctl->key, once. False, with the reason on stderr. */
bool filterctl_site_key(struct filterctl *ctl);
/* Sends the request to the keeper (see filterd/keeper/keeper_request.h). Where no keeper runs, carries it
 * out here, with state_dir locked. keeper_answer_clear the answer. */
struct keeper_answer filterctl_request(struct filterctl *ctl, const struct keeper_format *f,
                                       const void *request);
/* Call it before reading a user's store: it makes a running keeper write the records that are still
 * pending. Does nothing where no keeper runs. */
void filterctl_settle(struct filterctl *ctl);
/* Prints the answer's line, if any: to stdout after success, else to stderr. Returns the answer's code. */
int filterctl_tell(const struct filterctl *ctl, const struct keeper_answer *a);
/* filterctl_request, then filterctl_tell. */
int filterctl_ask_and_tell(struct filterctl *ctl, const struct keeper_format *f, const void *request);
/* Closes the connection and the store that filterctl_request keeps open between requests. main calls it. */
void filterctl_hang_up(struct filterctl *ctl);
/* The canonical form of an address from the command line, g_free; NULL after complaining. */
char *filterctl_address(const char *text);
/* Appends the whole file to out ("-" or NULL: stdin). False, with the reason on stderr. */
bool filterctl_read(const char *path, struct bytes *out);
/* Prints one line on stderr, after "filterctl: ". */
void filterctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same with users_error(u), for users that could not be read to their end; returns EX_IOERR. */
int filterctl_complain_users(const struct users *u);
/* Appends text as a JSON string with its quotes; null for NULL. */
void filterctl_json_string(GString *out, const char *text);

/* The commands: argv[0] is the command's name; they return a sysexits code (EX_USAGE makes the
 * caller print the command's usage). */
typedef int filterctl_command(struct filterctl *ctl, int argc, char **argv);
filterctl_command filterctl_init, filterctl_key, filterctl_alias, filterctl_user;
filterctl_command filterctl_train, filterctl_classify, filterctl_explain;
filterctl_command filterctl_tokens, filterctl_evaluate, filterctl_stats, filterctl_lookup, filterctl_check;
filterctl_command filterctl_setup;

#endif
