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
    return rp;
}

void report_verdict(struct report *rp, const struct verdict *v, const struct evidence *evidence)
{
    rp->evidence = evidence_summary(evidence);
    if (v->judged)
        g_snprintf(rp->verdict, sizeof rp->verdict, "result=%s p=%.4f score=%.2f", verdict_name(v),
                   v->probability, v->score);
}

void report_kept(struct report *rp)
{
    g_strlcpy(rp->verdict, "result=kept", sizeof rp->verdict);
}

void report_keys(struct report *rp, const struct recipient_state *to, enum policy_form form)
{
    rp->keys = g_new0(char *, to->addresses->len + 1);
    for (guint i = 0; i < to->addresses->len; i++) {
        const struct recipient_address *a = to->addresses->pdata[i];
        rp->keys[i] = g_strdup(form == POLICY_FORM_OTHERS && a->other ? "other" : a->keys ? a->keys : "-");
    }
}

void report_copy(struct report *rp, enum policy_form form, const struct sealed *sealed)
{
    rp->sealed = sealed_mark(sealed);
    if (form != POLICY_FORM_SEALED && form != POLICY_FORM_ENCRYPTED && form != POLICY_FORM_OTHERS)
        rp->unsealed = policy_form_name(form);
}

/* A copy for a quarantine has one address, whoever it was meant for. */
static const char *keys_of(const struct report *rp, size_t address)
{
    const size_t n = rp->keys ? g_strv_length(rp->keys) : 0;
    return n ? rp->keys[MIN(address, n - 1)] : "-";
}

static void write_line(const struct report *rp, size_t i, const struct outcome *o)
{
    const char *address = i ? rp->recipient->others[i - 1] : rp->recipient->address;
    const struct envelope *e = rp->envelope;
    const char *limits = limits_noted(rp->message->met);
    /* A next hop may quote anything in its reply, even the Subject: the log takes its code and DSN, and no more
     * than 100 bytes of its text. */
    log_info("qid=%s from=<%s> to=<%s> client=%s size=%zu %s %s key=%s sealed=%s%s%s%s delay_ms=%d "
             "%s%s%sdsn=%s reply=\"%d %.100s\"",
             e->queue_id ? e->queue_id : "-", e->sender ? e->sender : "", address,
             e->client_addr ? e->client_addr : "-", rp->message->len, rp->verdict,
             rp->evidence ? rp->evidence : "dns=-", keys_of(rp, i),
             rp->sealed, rp->unsealed ? " unsealed=" : "", rp->unsealed ? rp->unsealed : "", o->before ? " served=before" : "",
             (int)((g_get_monotonic_time() - rp->started) / 1000),
             *limits ? "limits=" : "", limits, *limits ? " " : "", o->dsn, o->code, o->text);
}

void report_end(struct report *rp, const struct outcome *o)
{
    write_line(rp, 0, o);
    for (size_t i = 0; rp->recipient->others && rp->recipient->others[i]; i++)
        write_line(rp, i + 1, o);
    g_clear_pointer(&rp->keys, g_strfreev);
    g_clear_pointer(&rp->evidence, g_free);
}
