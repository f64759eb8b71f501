/* filterctl: what its commands share. Each lives in tools/filterctl_NAME.c and is one line in the
 * table of filterctl.c. */
#ifndef TOOLS_FILTERCTL_FILTERCTL_H
#define TOOLS_FILTERCTL_FILTERCTL_H

#include <glib.h>
#include <stdbool.h>

#include "base/bytes.h"
#include "base/config/settings.h"
#include "base/sitekey.h"
#include "filterd/keeper/keeper.h"
#include "filterd/keeper/keeper_request.h"

struct users;

struct filterctl {
    struct settings *settings; /* NULL only in commands that need none: tokens, evaluate */
    struct sitekey key;        /* wants filterctl_site_key first */
    bool have_key;
    bool json;
    struct ledger *ledger; /* filterctl_request's: opened where no keeper runs */
    int keeper_fd;         /* its connection, -1 where there is none, once asked is set */
    bool asked;
};

/* Loads ctl->key once, making the file if it is not there. False, with the reason on stderr. */
bool filterctl_site_key(struct filterctl *ctl);
/* Has the keeper carry out a request (see filterd/keeper/keeper_request.h), or where none runs does it
 * here, on a locked state. keeper_answer_clear it. */
struct keeper_answer filterctl_request(struct filterctl *ctl, const struct keeper_format *f,
                                       const void *request);
/* Before a user's file is read: a keeper that runs writes what it was told. Without one nothing. */
void filterctl_settle(struct filterctl *ctl);
/* Tells what became of a request: its line to stdout if all went well and there is one, else to
 * stderr. Returns its code. */
int filterctl_tell(const struct filterctl *ctl, const struct keeper_answer *a);
/* Both. */
int filterctl_ask_and_tell(struct filterctl *ctl, const struct keeper_format *f, const void *request);
/* Closes what filterctl_request keeps open from request to request; main does it at the end. */
void filterctl_hang_up(struct filterctl *ctl);
/* The canonical form of an address from the command line, g_free; NULL after complaining. */
char *filterctl_address(const char *text);
/* Appends a whole file ("-" or NULL: stdin). False, with the reason on stderr. */
bool filterctl_read(const char *path, struct bytes *out);
/* One line on stderr, "filterctl: " in front. */
void filterctl_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same of users that could not be read to their end; returns EX_IOERR. */
int filterctl_complain_users(const struct users *u);
/* Appends text as a JSON string with its quotes; null for NULL. */
void filterctl_json_string(GString *out, const char *text);

/* The commands: argv[0] is the command's name; they return a sysexits code (EX_USAGE makes the
 * caller print the command's usage). */
typedef int filterctl_command(struct filterctl *ctl, int argc, char **argv);
filterctl_command filterctl_key, filterctl_alias, filterctl_user;
filterctl_command filterctl_train, filterctl_classify, filterctl_explain;
filterctl_command filterctl_tokens, filterctl_evaluate, filterctl_stats, filterctl_lookup, filterctl_check;

#endif
