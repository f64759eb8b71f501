/* The log line for each recipient. Called by pipeline.c and the transaction's stages. */
#include "filterd/pipeline/report.h"

#include "base/config/limits.h"
#include "base/log.h"
#include "base/mail/message.h"
#include "rules/evidence.h"

struct report report_start(const struct envelope *e, const struct recipient *r, const struct message *m)
{
    struct report rp = {.envelope = e, .recipient = r, .message = m, .sealed = "-"};
    rp.started = g_get_monotonic_time();
    g_strlcpy(rp.verdict, "result=-", sizeof rp.verdict);
    g_strlcpy(rp.fingerprint, "-", sizeof rp.fingerprint);
    return rp;
}

void report_verdict(struct report *rp, const struct verdict *v, const char *fingerprint,
                    const struct evidence *evidence)
{
    rp->evidence = evidence_summary(evidence);
    if (v->judged)
        g_snprintf(rp->verdict, sizeof rp->verdict, "result=%s p=%.4f score=%.2f", verdict_name(v),
                   v->probability, v->score);
    g_strlcpy(rp->fingerprint, fingerprint ? fingerprint : "-", sizeof rp->fingerprint);
}

void report_kept(struct report *rp, const char *fingerprint)
{
    g_strlcpy(rp->verdict, "result=kept", sizeof rp->verdict);
    g_strlcpy(rp->fingerprint, fingerprint ? fingerprint : "-", sizeof rp->fingerprint);
}

void report_copy(struct report *rp, enum policy_form form, const struct sealed *sealed)
{
    rp->sealed = sealed_mark(sealed);
    if (form != POLICY_FORM_SEALED && form != POLICY_FORM_ENCRYPTED)
        rp->unsealed = policy_form_name(form);
}

static void write_line(const struct report *rp, const char *address, const struct outcome *o)
{
    const struct envelope *e = rp->envelope;
    const char *limits = limits_noted(rp->message->met);
    /* A next hop may quote anything in its reply, even the Subject: the log takes its code and DSN, and no more
     * than 100 bytes of its text. */
    log_info("qid=%s from=<%s> to=<%s> client=%s size=%zu %s %s key=%s sealed=%s%s%s%s delay_ms=%d "
             "%s%s%sdsn=%s reply=\"%d %.100s\"",
             e->queue_id ? e->queue_id : "-", e->sender ? e->sender : "", address,
             e->client_addr ? e->client_addr : "-", rp->message->len, rp->verdict,
             rp->evidence ? rp->evidence : "dns=-", rp->fingerprint,
             rp->sealed, rp->unsealed ? " unsealed=" : "", rp->unsealed ? rp->unsealed : "", o->before ? " served=before" : "",
             (int)((g_get_monotonic_time() - rp->started) / 1000),
             *limits ? "limits=" : "", limits, *limits ? " " : "", o->dsn, o->code, o->text);
}

void report_end(struct report *rp, const struct outcome *o)
{
    write_line(rp, rp->recipient->address, o);
    for (size_t i = 0; rp->recipient->others && rp->recipient->others[i]; i++)
        write_line(rp, rp->recipient->others[i], o);
    g_clear_pointer(&rp->evidence, g_free);
}
