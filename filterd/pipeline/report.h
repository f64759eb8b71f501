/* report: the one log line per recipient. Envelope and outcome, never content. */
#ifndef FILTERD_PIPELINE_REPORT_H
#define FILTERD_PIPELINE_REPORT_H

#include <glib.h>

#include "base/mail/envelope.h"
#include "base/result.h"
#include "filterd/pipeline/verdict.h"

struct report {
    const struct envelope *envelope;
    const struct recipient *recipient;
    size_t size;
    gint64 started; /* monotonic microseconds */
    char verdict[96];
    char *evidence; /* NULL: none was asked for */
    char fingerprint[72];
    const char *sealed; /* static: "yes", "already", "no" */
};

struct report report_start(const struct envelope *e, const struct recipient *r, size_t size);
void report_verdict(struct report *rp, const struct verdict *v, const char *fingerprint,
                    const struct evidence *evidence);
/* Another leg has judged it. */
void report_kept(struct report *rp, const char *fingerprint);
/* Writes a line for each address; ends the report. */
void report_end(struct report *rp, const struct outcome *o);

#endif
