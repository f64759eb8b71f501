/* report: writes the one log line per recipient. It holds envelope and outcome, never content. */
#ifndef FILTERD_PIPELINE_REPORT_H
#define FILTERD_PIPELINE_REPORT_H

#include <glib.h>

#include "base/mail/envelope.h"
#include "base/mail/message.h"
#include "base/result.h"
#include "filterd/pipeline/policy.h"
#include "filterd/pipeline/recipient_state.h"
#include "filterd/pipeline/verdict.h"
#include "gpg/seal.h"

struct report {
    const struct envelope *envelope;
    const struct recipient *recipient;
    const struct message *message; /* lent: its size, and which limits it has met */
    gint64 started; /* monotonic microseconds */
    char verdict[96];
    char *evidence; /* NULL: nothing was looked up */
    char **keys; /* for each address, or one for all; NULL: none was looked up */
    const char *sealed;   /* static: "yes", "already", "no"; "-": no copy was made */
    const char *unsealed; /* static: the policy by which it leaves in the clear; NULL: it does not */
};

struct report report_start(const struct envelope *e, const struct recipient *r, const struct message *m);
void report_verdict(struct report *rp, const struct verdict *v, const struct evidence *evidence);
/* Another leg has judged the message: the line says result=kept. */
void report_kept(struct report *rp);
/* The copy goes to these addresses: each line names the keys of its own, or "other" if it passes encrypted for others. */
void report_keys(struct report *rp, const struct recipient_state *to, enum policy_form form);
/* A copy was made in this form. */
void report_copy(struct report *rp, enum policy_form form, const struct sealed *sealed);
/* Writes a line for each address, and frees what the report holds. */
void report_end(struct report *rp, const struct outcome *o);

#endif
