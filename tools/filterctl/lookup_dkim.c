/* filterctl lookup dkim FILE, lookup dmarc FILE [DOMAIN]: what the message's signatures prove now, and the
 * DMARC policy of its From domain. Called by lookup.c. */
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/bytes.h"
#include "base/dns/resolver.h"
#include "base/mail/message.h"
#include "base/newline.h"
#include "rules/auth/dkim.h"
#include "rules/auth/dkim_signature.h"
#include "rules/auth/dmarc.h"
#include "rules/auth/dmarc_record.h"
#include "rules/auth/spf_result.h"
#include "tools/filterctl/filterctl.h"
#include "tools/filterctl/lookup.h"

struct mail {
    struct bytes raw;
    struct message *message;
    struct dkim_library *library;
    struct dkim_check *dkim;
    struct dmarc_check *dmarc;
};

static void mail_close(struct mail *m)
{
    dmarc_check_free(&m->dmarc);
    dkim_check_free(&m->dkim);
    dkim_library_free(&m->library);
    message_free(&m->message);
    bytes_free(&m->raw);
}

/* Starts all DNS questions and waits for the answers. */
static int mail_open(struct mail *m, struct filterctl *ctl, struct resolver *r, const char *path)
{
    if (!filterctl_read(path, &m->raw))
        return EX_NOINPUT;
    newline_normalise(&m->raw);
    m->message = message_new((const char *)m->raw.data, m->raw.len);
    m->library = dkim_library_new();
    if (!m->library) {
        filterctl_complain("the DKIM library cannot be used");
        return EX_SOFTWARE;
    }
    const size_t header = (size_t)(m->message->body - m->message->raw);
    m->dkim = dkim_check_new(m->library, r, m->message->raw, header);
    m->dmarc = dmarc_check_new(r, m->message->raw, header, ctl->settings->domains);
    resolver_pump(r, -1, ctl->settings->dns_timeout_ms);
    return EX_OK;
}

static void tell_signature(const struct filterctl *ctl, const struct dkim_signature *s)
{
    g_autofree char *text = g_strdup_printf("d=%s s=%s a=%s b=%s%s%s", s->domain, s->selector,
                                            s->algorithm, s->b, *s->reason ? ": " : "", s->reason);
    filterctl_lookup_tell(ctl, dkim_word(s->code), text);
}

int filterctl_lookup_dkim(struct filterctl *ctl, struct resolver *r, int argc, char **argv)
{
    struct mail m = {.message = NULL};
    if (argc != 2)
        return EX_USAGE;
    const int rc = mail_open(&m, ctl, r, argv[1]);
    const GArray *found = rc == EX_OK ? dkim_check_finish(m.dkim, m.message) : NULL;
    for (guint i = 0; found && i < found->len; i++)
        tell_signature(ctl, &g_array_index(found, struct dkim_signature, i));
    if (found && !found->len)
        filterctl_lookup_tell(ctl, dkim_word(DKIM_CODE_NONE), "no signature");
    mail_close(&m);
    return rc;
}

/* DOMAIN is the one that SPF would have proved: a file has no client to ask about. */
int filterctl_lookup_dmarc(struct filterctl *ctl, struct resolver *r, int argc, char **argv)
{
    struct mail m = {.message = NULL};
    struct spf_result spf = {.code = SPF_CODE_PASS};
    if (argc != 2 && argc != 3)
        return EX_USAGE;
    if (argc == 3)
        g_strlcpy(spf.domain, argv[2], sizeof spf.domain);
    else
        spf.code = SPF_CODE_NONE;
    const int rc = mail_open(&m, ctl, r, argv[1]);
    if (rc == EX_OK) {
        const GArray *found = dkim_check_finish(m.dkim, m.message);
        if (dmarc_check_ask(m.dmarc, &spf, found))
            resolver_pump(r, -1, ctl->settings->dns_timeout_ms);
        const struct dmarc_result d = dmarc_check_finish(m.dmarc, &spf, found);
        g_autofree char *text = g_strdup_printf("from=%s policy=%s: %s", d.domain,
                                                dmarc_policy_word(d.policy), d.reason);
        filterctl_lookup_tell(ctl, dmarc_word(d.code), text);
    }
    mail_close(&m);
    return rc;
}
