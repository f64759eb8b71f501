/* context: what a process that handles messages holds: tables, keys, model reader, connections. Made after fork
 * and inside the sandbox; owned by one worker, or by filterd-pipe. */
#ifndef FILTERD_PIPELINE_CONTEXT_H
#define FILTERD_PIPELINE_CONTEXT_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/state.h"
#include "base/config/users.h"
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/delivered_digest.h"
#include "filterd/tables/tables_client.h"
#include "gpg/seal.h"
#include "rules/anonymize.h"
#include "rules/rules.h"

struct context {
    const struct settings *settings; /* lent */
    const struct state *state;       /* lent; NULL: nobody looks whether it is still there (tests) */
    bool state_lost;                 /* it was gone, and that was logged */
    struct users *users;             /* while the table cannot be read, every recipient is tempfailed */
    struct tables_client *tables;    /* NULL: the settings name none */
    struct sealer *sealer;
    struct classifier *classifier;
    struct anonymize *anonymize[2]; /* by enum role; NULL: no table, fields stay as they are */
    bool no_anonymize[2];           /* by enum role; the table could not be read: all mail is tempfailed */
    struct rules *rules;
    struct sitekey key;
    struct keeper_client *keeper;
    struct delivered_digest_key delivered_key;
    gint64 mended; /* monotonic microseconds: when context_mend last tried */
    struct next_hop_pool hops;
};

/* Descriptors of the processes that a worker works with: delivery_agent is handed over, spf is lent. */
struct context_doors {
    int delivery_agent; /* -1: there is none */
    int spf;     /* or RULES_NO_DOOR, RULES_NO_SPF */
    const struct state *state; /* lent, as in struct context */
    bool daemon; /* there is a tables' process to ask, if the settings name tables */
};
#define CONTEXT_ALONE (&(const struct context_doors){-1, RULES_NO_DOOR, NULL, false})

struct context *context_new(const struct settings *s, const struct sitekey *key,
                            const struct context_doors *doors);
void context_free(struct context **ctx);
/* Called before each session: tries again to get what failed so far (a table, lists, DNS), at most once a
 * second. Otherwise one bad moment at its start would stay with a worker for life. */
void context_mend(struct context *ctx);
/* False if state_dir is no longer the folder that the state was found in: nothing in it may be believed, all mail
 * is tempfailed. */
bool context_has_state(struct context *ctx);
/* Reads the tables that the settings name and frees them again. False: one of them is wrong, *error_r is one
 * line, "FILE:LINE: ..." (g_free). */
bool context_check(const struct settings *s, char **error_r) G_GNUC_WARN_UNUSED_RESULT;


#endif
