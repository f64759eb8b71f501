/* Decides what Postfix has to be told. Called by setup.c. */
#include "tools/filterctl/setup/plan.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools/filterctl/maps.h"

#define LOOPBACK "127.0.0.0/8,[::1]/128"
/* Postfix has to wait longer than filterd may take. */
#define PROXY_SECONDS_MIN 80
#define FILTERD "filterd:unix:filterd/lmtp.sock"
#define SUBMISSION_AT "unix:filterd/submission.sock"
#define SUBMITTED_BACK "reinject-submitted/unix"

struct planning {
    const struct filterctl_setup_site *site;
    GPtrArray *steps;
};

static void step_free(gpointer data)
{
    struct filterctl_setup_step *s = data;
    g_free(s->argument);
    g_free(s->reason);
    g_free(s);
}

static void add(struct planning *p, char option, char *argument, const char *reason)
{
    struct filterctl_setup_step *s = g_new0(struct filterctl_setup_step, 1);
    *s = (struct filterctl_setup_step){option, argument, g_strdup(reason)};
    g_ptr_array_add(p->steps, s);
}

static void set_main(struct planning *p, const char *name, const char *value, const char *reason)
{
    if (strcmp(filterctl_postconf_get(p->site->p, name), value))
        add(p, 'e', g_strdup_printf("%s=%s", name, value), reason);
}

static void set_option(struct planning *p, const char *context, const char *name, const char *value, const char *reason)
{
    if (strcmp(filterctl_setup_site_get(p->site, context, name), value))
        add(p, 'P', g_strdup_printf("%s/%s=%s", context, name, value), reason);
}

/* The words of a command with one blank between; g_free. */
static char *plain(const char *command)
{
    g_auto(GStrv) words = g_strsplit_set(command, " \t\n", -1);
    GString *out = g_string_new(NULL);
    for (char **w = words; *w; w++)
        if (**w)
            g_string_append_printf(out, "%s%s", out->len ? " " : "", *w);
    return g_string_free(out, FALSE);
}

/* columns: "n - n - -" and the like, from private to the process limit. */
static void set_service(struct planning *p, const char *name, const char *columns, const char *command,
                        const char *reason)
{
    g_autofree char *context = g_strdup_printf("%s/unix", name);
    const char *now = filterctl_postconf_command(p->site->p, context);
    g_autofree char *is = now ? plain(now) : NULL, *wanted = plain(command);
    if (g_strcmp0(is, wanted))
        add(p, 'M', g_strdup_printf("%s=%s unix %s %s", context, name, columns, wanted), reason);
}

/* ---- back into Postfix ---- */

/* " -o name=value", or the long form where the value has blanks. */
static void option(GString *out, const char *name, const char *value)
{
    g_autofree char *text = plain(value);
    if (strchr(text, ' '))
        g_string_append_printf(out, " -o {%s=%s}", name, text);
    else
        g_string_append_printf(out, " -o %s=%s", name, text);
}

/* A cleanup as the one that took the mail before, with room for what is sealed. */
static void set_cleanup(struct planning *p, const char *name, const char *context)
{
    const char *service = context ? filterctl_setup_site_get(p->site, context, "cleanup_service_name") : "cleanup";
    g_autofree char *known = g_strdup_printf("%s/unix", service);
    const char *command = filterctl_postconf_command(p->site->p, known);
    const guint64 limit = filterctl_setup_site_limit(p->site);
    g_autoptr(GString) out = g_string_new(command && strcmp(service, name) ? command : "cleanup");
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, limit ? settings_sealed_size(limit) : 0);
    option(out, "message_size_limit", bytes);
    if (*filterctl_setup_site_get(p->site, context, "body_checks"))
        option(out, "body_checks", "");
    set_service(p, name, "n - n - 0", out->str, "sealed mail is up to 1.4 times as large as it came");
}

/* Of both ways back: who may come, and that nothing is asked twice. */
static void common_options(GString *out, const struct filterctl_setup_site *site)
{
    const guint64 limit = filterctl_setup_site_limit(site);
    g_autofree char *bytes = g_strdup_printf("%" G_GUINT64_FORMAT, limit ? settings_sealed_size(limit) : 0);
    static const char *const off[] = {"content_filter", "smtpd_proxy_filter", "smtpd_client_restrictions",
                                      "smtpd_helo_restrictions", "smtpd_sender_restrictions",
                                      "smtpd_recipient_restrictions"};
    for (size_t i = 0; i < G_N_ELEMENTS(off); i++)
        option(out, off[i], "");
    option(out, "smtpd_relay_restrictions", "permit_mynetworks,reject");
    option(out, "mynetworks", LOOPBACK);
    option(out, "smtpd_authorized_xforward_hosts", LOOPBACK);
    option(out, "message_size_limit", bytes);
}

static void set_inbound_back(struct planning *p)
{
    const char *front = p->site->fronts->len ? p->site->fronts->pdata[0] : NULL;
    g_autoptr(GString) out = g_string_new("smtpd -o syslog_name=postfix/reinject");
    const bool checks = *filterctl_setup_site_get(p->site, front, "header_checks") != 0;
    common_options(out, p->site);
    option(out, "smtpd_milters", "");
    option(out, "local_header_rewrite_clients", "");
    option(out, "receive_override_options", checks ? "no_unknown_recipient_checks,no_milters"
                                                   : "no_unknown_recipient_checks,no_header_body_checks,no_milters");
    option(out, "cleanup_service_name", "sealed-cleanup");
    set_cleanup(p, "sealed-cleanup", front);
    set_service(p, "reinject", "n - n - -", out->str,
                "here inbound mail comes back from filterd; no milter, as one that signs would sign what strangers "
                "wrote in our name");
}

/* Where the settings are that our users' mail had before filterd came: once they are moved, the service itself. */
static const char *submitted_from(const struct planning *p)
{
    const char *service = p->site->submissions->pdata[0];
    const bool moved = !strcmp(filterctl_setup_site_get(p->site, service, "smtpd_proxy_filter"), SUBMISSION_AT);
    return moved && filterctl_postconf_command(p->site->p, SUBMITTED_BACK) ? SUBMITTED_BACK : service;
}

/* With all that was done with our users' mail: their milters sign, their cleanup's header_checks apply. */
static void set_submitted_back(struct planning *p)
{
    const char *from = submitted_from(p);
    static const char *const kept[] = {"smtpd_milters", "milter_macro_daemon_name", "header_checks"};
    g_autoptr(GString) out = g_string_new("smtpd -o syslog_name=postfix/reinject-submitted");
    common_options(out, p->site);
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        const char *value = filterctl_setup_site_get(p->site, from, kept[i]);
        if (strcmp(value, filterctl_postconf_get(p->site->p, kept[i])))
            option(out, kept[i], value);
    }
    option(out, "receive_override_options", "no_unknown_recipient_checks");
    option(out, "cleanup_service_name", "submitted-cleanup");
    set_cleanup(p, "submitted-cleanup", p->site->submissions->pdata[0]);
    set_service(p, "reinject-submitted", "n - n - -", out->str,
                "here our users' mail comes back from filterd, to be signed, and rewritten by their header_checks");
}

/* ---- to filterd ---- */

/* What some take for the end of a message and others not carries a second one past the filter. */
static void forbid_newline(struct planning *p, const char *context)
{
    if (!strcmp(filterctl_setup_site_get(p->site, context, "smtpd_forbid_bare_newline"), "no"))
        set_option(p, context, "smtpd_forbid_bare_newline", "yes", "a bare newline lets mail be smuggled past checks");
}

/* Before the queue. What milters did there is done behind: they would see no content. */
static void set_proxy(struct planning *p, const char *context, const char *at, const char *reason)
{
    const int seconds = atoi(filterctl_setup_site_get(p->site, context, "smtpd_proxy_timeout"));
    set_option(p, context, "smtpd_milters", "", "before a proxy a milter sees no content: filterd verifies DKIM itself, and "
                                                "our users' mail is signed when it comes back");
    set_option(p, context, "smtpd_proxy_options", "", "speed_adjust would write the message into a file");
    if (seconds && seconds < PROXY_SECONDS_MIN)
        set_option(p, context, "smtpd_proxy_timeout", "100s", "filterd may take a minute");
    set_option(p, context, "smtpd_proxy_filter", at, reason);
}

/* As LMTP, with the client's address and no line broken. */
static void set_transport(struct planning *p)
{
    set_service(p, "filterd", "- - n - -", "lmtp -o lmtp_send_xforward_command=yes -o lmtp_line_length_limit=0",
                "to filterd by LMTP, with the client's address; broken lines would break DKIM signatures");
}

/* ---- by the mailboxes' own way ---- */

static void set_transports(struct planning *p, const char *why)
{
    for (guint i = 0; i < p->site->transports->len; i++)
        set_main(p, p->site->transports->pdata[i], FILTERD, why);
    set_main(p, "content_filter", "", "what it did, filterd does; it would see sealed mail, or plaintext in the queue");
}

/* ---- by the queue ---- */

static void set_bounce(const char *context, const char *command, void *arg)
{
    struct planning *p = arg;
    static const char why[] = "content_filter is nothing to bounces: they go to filterd by FILTER of a cleanup of their own";
    if (strcmp(command, "bounce") && !g_str_has_prefix(command, "bounce "))
        return;
    set_option(p, context, "internal_mail_filter_classes", "bounce", why);
    set_option(p, context, "cleanup_service_name", "bounced-cleanup", why);
}

static void set_queue(struct planning *p, const char *why)
{
    set_main(p, "content_filter", FILTERD, why);
    if (filterctl_postconf_command(p->site->p, "pickup/unix"))
        set_option(p, "pickup/unix", "content_filter", FILTERD, why);
    set_service(p, "bounced-cleanup", "n - n - 0",
                "cleanup -o non_smtpd_milters= -o {header_checks=static:{FILTER " FILTERD "}}",
                "each bounce is sealed on its way to the mailbox");
    filterctl_postconf_each_service(p->site->p, set_bounce, p);
}

static void set_last_leg(struct planning *p)
{
    static const char why[] = "mail that did not come by SMTP, bounces and what the sendmail command sends, is sealed on its "
                              "way to the mailbox";
    set_transport(p);
    if (p->site->mailboxes)
        set_transports(p, why);
    else
        set_queue(p, why);
}

static void drop_filter(struct planning *p, const char *context)
{
    const bool ours = !strcmp(filterctl_setup_site_get(p->site, context, "content_filter"), FILTERD); /* by main.cf */
    if (filterctl_postconf_command(p->site->p, context) && !ours)
        set_option(p, context, "content_filter", "", "what it did, filterd does");
}

static void drop_filters(struct planning *p)
{
    if (p->site->mailboxes)
        drop_filter(p, "pickup/unix");
    for (guint i = 0; i < p->site->fronts->len; i++)
        drop_filter(p, p->site->fronts->pdata[i]);
    for (guint i = 0; i < p->site->submissions->len; i++)
        drop_filter(p, p->site->submissions->pdata[i]);
}

GPtrArray *filterctl_setup_plan(const struct filterctl_setup_site *site)
{
    struct planning p = {site, g_ptr_array_new_with_free_func(step_free)};
    set_inbound_back(&p);
    if (site->submissions->len)
        set_submitted_back(&p);
    set_last_leg(&p);
    drop_filters(&p);
    for (guint i = 0; i < site->fronts->len; i++)
        forbid_newline(&p, site->fronts->pdata[i]);
    for (guint i = 0; i < site->fronts->len; i++)
        set_proxy(&p, site->fronts->pdata[i], "unix:filterd/smtp.sock",
                  "mail from outside is judged while the client waits, and sealed before it is queued");
    for (guint i = 0; i < site->submissions->len; i++)
        set_proxy(&p, site->submissions->pdata[i], SUBMISSION_AT,
                  "our users' mail is not judged, and sealed for those of them who have a key");
    return p.steps;
}
