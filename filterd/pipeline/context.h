/* service: what a process that handles messages holds. Made after fork, behind the sandbox. */
#ifndef FILTERD_PIPELINE_CONTEXT_H
#define FILTERD_PIPELINE_CONTEXT_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "filterd/delivery/next_hop.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/delivered_digest.h"
#include "gpg/seal.h"
#include "rules/anonymize.h"
#include "rules/rules.h"

struct context {
    const struct settings *settings; /* lent */
    struct users *users;             /* while it cannot be read every recipient is tempfailed */
    struct sealer *sealer;
    struct classifier *classifier;
    struct anonymize *anonymize[2]; /* by enum role; NULL: nothing is changed */
    bool no_anonymize[2];           /* a table that could not be read: all mail is tempfailed */
    struct rules *rules;
    struct sitekey key;
    struct keeper_client *keeper;
    struct delivered_digest_key delivered_key;
    gint64 mended; /* when that was last tried */
    struct next_hop_pool hops;
};

/* The processes it works with; descriptors, the first handed over, the second lent. */
struct context_doors {
    int delivery_agent; /* -1: none */
    int spf;     /* or RULES_NO_DOOR, RULES_NO_SPF */
};
#define CONTEXT_ALONE (&(const struct context_doors){-1, RULES_NO_DOOR})

struct context *context_new(const struct settings *s, const struct sitekey *key,
                            const struct context_doors *doors);
void context_free(struct context **ctx);
/* Before each session: tries again what could not be had so far (a table, lists, DNS), once
 * a second; else one bad moment at its start would last for the life of a worker. */
void context_mend(struct context *ctx);
/* Reads the tables the settings name and lets them go: false with one line, "FILE:LINE: ...". */
bool context_check(const struct settings *s, char **error_r);


#endif
