/* service: what a process that handles messages holds. Made after fork, behind the sandbox. */
#ifndef FILTERD_PIPELINE_SERVICE_H
#define FILTERD_PIPELINE_SERVICE_H

#include <glib.h>
#include <stdbool.h>

#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/sitekey.h"
#include "classifier/classifier.h"
#include "filterd/delivery/hop.h"
#include "filterd/keeper/keeper_client.h"
#include "filterd/pipeline/retry_digest.h"
#include "gpg/seal.h"
#include "rules/anonymize.h"
#include "rules/rules.h"

struct service {
    const struct settings *settings; /* lent */
    struct users *users;             /* while it cannot be read every recipient is tempfailed */
    struct sealer *sealer;
    struct classifier *classifier;
    struct anonymize *anonymize[2]; /* by enum role; NULL: nothing is changed */
    bool no_anonymize[2];           /* a table that could not be read: all mail is tempfailed */
    struct rules *rules;
    struct sitekey key;
    struct keeper_client *keeper;
    struct retry_digest_key retry_key;
    gint64 mended; /* when that was last tried */
    struct hop_pool hops;
};

/* The processes it works with; descriptors, the first handed over, the second lent. */
struct service_doors {
    int courier; /* -1: none */
    int spf;     /* RULES_NO_DOOR: there is no daemon, so one is forked */
};
#define SERVICE_ALONE (&(const struct service_doors){-1, RULES_NO_DOOR})

struct service *service_new(const struct settings *s, const struct sitekey *key,
                            const struct service_doors *doors);
void service_free(struct service **sv);
/* Before each session: tries again what could not be had so far (a table, lists, DNS), once
 * a second; else one bad moment at its start would last for the life of a worker. */
void service_mend(struct service *sv);
/* Reads the tables the settings name and lets them go: false with one line, "FILE:LINE: ...". */
bool service_check(const struct settings *s, char **error_r);


#endif
