/* filterctl check: whether Postfix's settings fit what filterd is to do for it. Called by check.c. */
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/config/settings.h"
#include "base/config/users.h"
#include "base/endpoint.h"
#include "filterd/tables/tables_client.h"
#include "tools/filterctl/aliases.h"
#include "tools/filterctl/check/check.h"
#include "tools/filterctl/check/endpoint.h"
#include "tools/filterctl/check/finding.h"
#include "tools/filterctl/maps.h"
#include "tools/filterctl/postconf.h"

#define SUBJECT "postfix"
/* smtpd_proxy_timeout must exceed proxy_seconds by so much: filterd may take all of these after the
 * message's end. */
#define PROXY_MARGIN_SECONDS 20
#define ALIASES_TOLD 5

struct look {
    struct filterctl_check *c;
    const struct filterctl_postconf *p;
    const char *context; /* the service that is being checked, "smtp/inet" */
    bool proxy, after, last; /* filterd is attached before the queue, after it, before the mailbox */
    bool milter;
    guint64 largest, sealed; /* a message that a front takes, and as it may be sealed; G_MAXUINT64: any */
    GPtrArray *backs, *milters; /* of char*: services where mail comes back, and where filterd is a milter */
    bool unlimited;
    int sessions; /* sessions that Postfix may open to filterd at once */
    int findings;
};

static void warn(struct look *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void bad(struct look *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct look *l, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    filterctl_check_tell(l->c, FILTERCTL_CHECK_WARNING, SUBJECT, "%s", text);
    l->findings++;
}

static void bad(struct look *l, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    g_autofree char *text = g_strdup_vprintf(format, ap);
    va_end(ap);
    filterctl_check_tell(l->c, FILTERCTL_CHECK_BAD, SUBJECT, "%s", text);
    l->findings++;
}

static const char *own(const struct look *l, const char *name)
{
    return filterctl_postconf_service_get(l->p, l->context, name);
}

static bool is_yes(const char *value)
{
    return !g_ascii_strcasecmp(value, "yes");
}

/* True if word is a whole word of a Postfix list. */
static bool has_word(const char *list, const char *word)
{
    g_auto(GStrv) words = filterctl_maps_words(list);
    return g_strv_contains((const char *const *)words, word);
}

/* ---- who is filterd ---- */

static bool is_listener(const struct look *l, enum protocol protocol, const char *at)
{
    const struct settings *s = l->c->ctl->settings;
    for (size_t i = 0; i < s->listener_count; i++)
        if (s->listeners[i].protocol == protocol && filterctl_endpoint_is(l->p, at, &s->listeners[i].at))
            return true;
    return false;
}

/* True if "transport:nexthop" leads to one of our listeners; *transport_r (g_free) is then the transport's
 * service in master.cf. */
static bool leads_to_us(const struct look *l, const char *value, char **transport_r)
{
    const char *colon = strchr(value, ':');
    if (!colon || (!is_listener(l, PROTO_LMTP, colon + 1) && !is_listener(l, PROTO_SMTP, colon + 1)))
        return false;
    *transport_r = g_strdup_printf("%.*s/unix", (int)(colon - value), value);
    return true;
}

/* True if this smtpd is the next hop of one of our listeners: it takes mail back from filterd. inbound: of one that is
 * not for our own users' mail. */
static bool is_way_back(const struct look *l, const char *context, bool inbound)
{
    const struct settings *s = l->c->ctl->settings;
    g_autofree char *at = filterctl_endpoint_of_service(l->p, context);
    if (!at)
        return false;
    for (size_t i = 0; i < s->listener_count; i++) {
        const struct next_hop_address *hop = settings_next_hop(s, &s->listeners[i]);
        if (s->listeners[i].protocol != PROTO_POLICY && hop->kind == HOP_SMTP &&
            !(inbound && s->listeners[i].role == ROLE_SUBMISSION) && filterctl_endpoint_is(l->p, at, &hop->at))
            return true;
    }
    return s->deliver.kind == HOP_SMTP && filterctl_endpoint_is(l->p, at, &s->deliver.at);
}

/* ---- processes ---- */

/* Adds the sessions that this service may open; at_most 0: one per process. */
static void add_sessions(struct look *l, const char *context, int at_most)
{
    int limit = filterctl_postconf_process_limit(l->p, context);
    if (at_most && (!limit || at_most < limit))
        limit = at_most;
    l->unlimited |= limit == 0;
    l->sessions += limit;
}

/* The most connections that Postfix's queue manager opens to one destination. */
static int concurrency(const struct look *l, const char *transport)
{
    g_autofree char *name = g_strdup_printf("%.*s_destination_concurrency_limit",
                                            (int)strcspn(transport, "/"), transport);
    const char *value = filterctl_postconf_get(l->p, name);
    return atoi(*value ? value : filterctl_postconf_get(l->p, "default_destination_concurrency_limit"));
}

static void check_sessions(struct look *l)
{
    const int workers = l->c->ctl->settings->workers;
    if (l->unlimited)
        warn(l, "a service that leads to filterd has no process limit, filterd has %d workers: give it one "
                "in the maxproc column of master.cf", workers);
    else if (l->sessions > workers)
        warn(l, "Postfix may open %d sessions at once, filterd has workers=%d: raise workers, or lower "
                "maxproc in master.cf", l->sessions, workers);
}

/* ---- after the queue ---- */

static void check_leg(struct look *l, const char *name, const char *value)
{
    g_autofree char *transport = NULL;
    if (!leads_to_us(l, value, &transport))
        return;
    const bool after = !strcmp(name, "content_filter");
    l->after |= after;
    l->last |= !after;
    const char *command = filterctl_postconf_command(l->p, transport);
    if (!command) {
        bad(l, "%s=%s, but master.cf has no service %s", name, value, transport);
        return;
    }
    add_sessions(l, transport, concurrency(l, transport));
    const char *kind = g_str_has_prefix(command, "smtp") ? "smtp" : "lmtp";
    g_autofree char *length = g_strdup_printf("%s_line_length_limit", kind);
    g_autofree char *forward = g_strdup_printf("%s_send_xforward_command", kind);
    const char *limit = filterctl_postconf_service_get(l->p, transport, length);
    if (strcmp(limit, "0"))
        warn(l, "%s: %s=%s breaks long lines, and with them DKIM signatures: add -o %s=0", transport, length,
             limit, length);
    if (!is_yes(filterctl_postconf_service_get(l->p, transport, forward)))
        warn(l, "%s: without %s=yes filterd does not learn the client: no DNS list and no SPF is asked",
             transport, forward);
}

/* Of Postfix's time, "5d", "36h", "2w", or without a unit, which is then this one. */
static guint64 seconds_of(const char *time, char unit)
{
    static const char units[] = "smhdw";
    static const guint64 seconds[] = {1, 60, 3600, 86400, 604800};
    char *rest;
    const guint64 n = g_ascii_strtoull(time, &rest, 10);
    const char *at = strchr(units, *rest ? *rest : unit);
    return MIN(n, 1000000) * (at ? seconds[at - units] : 1);
}

/* ---- before the queue ---- */

static void check_proxy_milters(struct look *l)
{
    g_autofree char *milters = g_strdup(own(l, "smtpd_milters"));
    if (*g_strstrip(milters) && strcmp(milters, "{}"))
        warn(l, "%s: smtpd_milters=%s sees no content where smtpd_proxy_filter is set: what must read mail "
                "there (OpenDKIM, rspamd, ClamAV) belongs elsewhere, or is filterd's own", l->context, milters);
}

static void check_proxy(struct look *l)
{
    const struct settings *s = l->c->ctl->settings;
    const guint64 wait = seconds_of(own(l, "smtpd_proxy_timeout"), 's');
    l->proxy = true;
    add_sessions(l, l->context, 0);
    if (has_word(own(l, "smtpd_proxy_options"), "speed_adjust"))
        bad(l, "%s: smtpd_proxy_options=speed_adjust writes each message to a file, in plaintext: leave it "
               "empty", l->context);
    if (wait < (guint64)s->proxy_seconds + PROXY_MARGIN_SECONDS)
        bad(l, "%s: smtpd_proxy_timeout=%s is too short for filterd, which may take %d s: set it to 100s",
            l->context, own(l, "smtpd_proxy_timeout"), s->proxy_seconds);
    check_proxy_milters(l);
}

/* True for the smtpd that strangers reach: port 25, on all addresses or one, or behind postscreen. */
static bool is_public(const char *context)
{
    const char *colon = strrchr(context, ':');
    const char *port = colon ? colon + 1 : context;
    return !strcmp(port, "smtp/inet") || !strcmp(port, "25/inet") || !strcmp(context, "smtpd/pass");
}

static void check_newline(struct look *l)
{
    const char *value = own(l, "smtpd_forbid_bare_newline");
    if (!*value)
        warn(l, "this Postfix has no smtpd_forbid_bare_newline (3.5.23, 3.6.13, 3.7.9 and 3.8.4 have): "
                "mail can be smuggled past checks");
    else if (!strcmp(value, "no"))
        warn(l, "%s: smtpd_forbid_bare_newline=no lets mail be smuggled past checks: set it to yes", l->context);
}

static guint64 number(const char *value)
{
    return g_ascii_strtoull(value, NULL, 10);
}

/* Notes the largest message that a front may hand to filterd; 0 is no limit. */
static void note_size(struct look *l, const char *limit)
{
    const guint64 n = number(limit);
    l->largest = MAX(l->largest, n ? n : G_MAXUINT64);
}

static void check_front(struct look *l)
{
    g_autofree char *transport = NULL;
    const char *filter = own(l, "content_filter");
    const bool content = leads_to_us(l, filter, &transport);
    const bool proxy = *own(l, "smtpd_proxy_filter") && is_listener(l, PROTO_SMTP, own(l, "smtpd_proxy_filter"));
    if (content && strcmp(filter, filterctl_postconf_get(l->p, "content_filter")))
        check_leg(l, "content_filter", filter);
    if (proxy)
        check_proxy(l);
    if (content || proxy)
        note_size(l, own(l, "message_size_limit"));
    if (content && has_word(own(l, "receive_override_options"), "no_address_mappings"))
        warn(l, "%s: no_address_mappings leaves aliases as they are before filterd: take it away, or make "
                "them known (filterctl alias import --postfix)", l->context);
    g_auto(GStrv) milters = filterctl_maps_words(own(l, "smtpd_milters"));
    bool milter = false;
    for (char **m = milters; *m; m++)
        milter |= is_listener(l, PROTO_MILTER, *m);
    if (milter) {
        note_size(l, own(l, "message_size_limit"));
        g_ptr_array_add(l->milters, g_strdup(l->context));
    }
    l->milter |= milter;
    if (is_public(l->context))
        check_newline(l);
}

/* ---- where it comes back ---- */

static void check_back(struct look *l)
{
    g_autofree char *transport = NULL;
    g_ptr_array_add(l->backs, g_strdup(l->context));
    if (leads_to_us(l, own(l, "content_filter"), &transport))
        bad(l, "%s takes mail back from filterd and sends it there again, for ever: add -o content_filter=",
            l->context);
    if (*own(l, "smtpd_proxy_filter"))
        bad(l, "%s takes mail back from filterd and has smtpd_proxy_filter=%s: add -o smtpd_proxy_filter=",
            l->context, own(l, "smtpd_proxy_filter"));
    g_autofree char *milters = g_strdup(own(l, "smtpd_milters"));
    if (*g_strstrip(milters) && !has_word(own(l, "receive_override_options"), "no_milters") &&
        is_way_back(l, l->context, true))
        bad(l, "%s shows inbound mail to smtpd_milters=%s, coming from this host: one that signs would sign what strangers "
               "wrote in our name: add -o smtpd_milters=", l->context, milters);
    if (!*own(l, "smtpd_authorized_xforward_hosts"))
        warn(l, "%s: without smtpd_authorized_xforward_hosts=127.0.0.0/8,[::1]/128 the client's address is lost, in "
                "Postfix's log as in a second leg", l->context);
}

/* ---- all of it ---- */

static void take_smtpd(const char *context, const char *command, void *arg)
{
    if (!strcmp(command, "smtpd") || g_str_has_prefix(command, "smtpd "))
        g_ptr_array_add(arg, g_strdup(context));
}

static gint by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void check_services(struct look *l)
{
    GPtrArray *services = g_ptr_array_new_with_free_func(g_free);
    filterctl_postconf_each_service(l->p, take_smtpd, services);
    g_ptr_array_sort(services, by_text);
    for (guint i = 0; i < services->len; i++) {
        l->context = services->pdata[i];
        (is_way_back(l, l->context, false) ? check_back : check_front)(l);
    }
    g_ptr_array_unref(services);
}

static bool leads(const struct look *l, const char *name)
{
    g_autofree char *transport = NULL;
    return leads_to_us(l, filterctl_postconf_get(l->p, name), &transport);
}

/* ---- how long mail is queued between two legs ---- */

static guint64 days_of(const char *time)
{
    return (seconds_of(time, 'd') + 86399) / 86400;
}

static void check_lifetime(struct look *l)
{
    const char *time = filterctl_postconf_get(l->p, "maximal_queue_lifetime");
    const int days = l->c->ctl->settings->queue_days;
    if (l->last && (l->proxy || l->after || l->milter) && days_of(time) >= (guint64)days)
        warn(l, "maximal_queue_lifetime=%s, but filterd believes what it noted in front for %d days: set [deliver] "
                "queue_days to %" G_GUINT64_FORMAT " at least, or late mail is judged anew, by its ciphertext", time,
             days, days_of(time) + 1);
}

/* ---- sizes ---- */

/* Warns if a limit behind filterd is below what the largest message becomes by sealing. */
static void check_limit(struct look *l, const char *where, const char *name, const char *value)
{
    const guint64 limit = number(value);
    if (limit && limit < l->sealed)
        warn(l, "%s: %s=%s is less than 1.4 times what Postfix takes in front: mail to users with keys is that much "
                "larger, and is refused: set it to %" G_GUINT64_FORMAT " at least", where, name, value, l->sealed);
}

/* The cleanup of the service that takes what filterd has sealed. */
static void check_cleanup_size(struct look *l)
{
    g_autofree char *cleanup = g_strdup_printf("%s/unix", own(l, "cleanup_service_name"));
    if (filterctl_postconf_command(l->p, cleanup))
        check_limit(l, cleanup, "message_size_limit",
                    filterctl_postconf_service_get(l->p, cleanup, "message_size_limit"));
    else
        bad(l, "%s: cleanup_service_name=%s, but master.cf has no service %s", l->context,
            own(l, "cleanup_service_name"), cleanup);
}

/* Postfix's delivery agents end at once where a mailbox may not be as large as a message. */
static void check_delivering(struct look *l, const char *agent, const char *name)
{
    const guint64 mailbox = number(filterctl_postconf_get(l->p, name));
    const guint64 message = number(filterctl_postconf_get(l->p, "message_size_limit"));
    if (mailbox && !message)
        bad(l, "%s=%" G_GUINT64_FORMAT ", but message_size_limit=0 lets messages be larger: %s does not run, and its mail waits: set "
               "%s to 0, too", name, mailbox, agent, name);
    else if (mailbox && message > mailbox)
        bad(l, "%s=%" G_GUINT64_FORMAT " is less than message_size_limit=%" G_GUINT64_FORMAT ": %s does not run, and its mail waits: "
               "set it to %" G_GUINT64_FORMAT " at least", name, mailbox, message, agent, settings_sealed_size(message));
}

/* Of mailboxes that Postfix itself writes. */
static void check_mailbox_size(struct look *l)
{
    const bool local = *filterctl_postconf_get(l->p, "mydestination") && !leads(l, "local_transport") &&
                       !leads(l, "mailbox_transport") && !*filterctl_postconf_get(l->p, "mailbox_transport");
    const char *virtual = filterctl_postconf_get(l->p, "virtual_transport");
    if (*filterctl_postconf_get(l->p, "mydestination") && !leads(l, "local_transport"))
        check_delivering(l, "local(8)", "mailbox_size_limit");
    if (g_str_has_prefix(virtual, "virtual") || g_str_has_prefix(filterctl_postconf_get(l->p, "local_transport"), "virtual"))
        check_delivering(l, "virtual(8)", "virtual_mailbox_limit");
    if (local)
        check_limit(l, "local(8)", "mailbox_size_limit", filterctl_postconf_get(l->p, "mailbox_size_limit"));
    if (!strcmp(virtual, "virtual") || g_str_has_prefix(virtual, "virtual:"))
        check_limit(l, "virtual(8)", "virtual_mailbox_limit", filterctl_postconf_get(l->p, "virtual_mailbox_limit"));
}

/* What is more than filterd takes comes no further: of larger messages only so much counts. */
static void check_size(struct look *l)
{
    const size_t ours = l->c->ctl->settings->message_size_limit;
    note_size(l, filterctl_postconf_get(l->p, "message_size_limit"));
    if (l->largest == G_MAXUINT64)
        warn(l, "message_size_limit=0 is more than filterd's %zu: what is larger is refused, after the queue by a "
                "bounce", ours);
    else if (l->largest > ours)
        warn(l, "message_size_limit=%" G_GUINT64_FORMAT " is more than filterd's %zu: what lies between them is "
                "refused, after the queue by a bounce", l->largest, ours);
    l->sealed = settings_sealed_size(MIN(l->largest, ours));
    for (guint i = 0; i < l->backs->len; i++) {
        l->context = l->backs->pdata[i];
        check_limit(l, l->context, "message_size_limit", own(l, "message_size_limit"));
        check_cleanup_size(l);
    }
    for (guint i = 0; i < l->milters->len; i++) {
        l->context = l->milters->pdata[i];
        check_cleanup_size(l);
    }
    check_mailbox_size(l);
}

/* Warns of our domains that are in mydestination: Postfix delivers those by mailbox_transport or
 * local_transport, never by virtual_transport. */
static void check_local(struct look *l)
{
    const struct settings *s = l->c->ctl->settings;
    if (!l->last || leads(l, "mailbox_transport") || leads(l, "local_transport") || !s->domains[0])
        return;
    g_auto(GStrv) own_domains = filterctl_maps_words(filterctl_postconf_get(l->p, "mydestination"));
    for (char **d = own_domains; *d; d++)
        if (settings_is_local_domain(s, *d))
            warn(l, "mail for %s, which is in mydestination, goes past virtual_transport: set "
                    "mailbox_transport to filterd as well", *d);
}

static void check_attached(struct look *l)
{
    if (!l->proxy && !l->after && !l->last && !l->milter)
        warn(l, "nothing in main.cf and master.cf leads to filterd's listeners: see tools/postfix");
    else if (!l->last && !(l->proxy && l->after))
        warn(l, "no virtual_transport or mailbox_transport leads to filterd: %s Postfix's own bounces%s reach "
                "users with keys unsealed (virtual_transport.cf)",
             l->milter ? "some of" : "mail by sendmail and",
             l->proxy ? ", and aliases that filterd does not know," : "");
    if (l->milter && !l->proxy)
        warn(l, "as a milter filterd comes after Postfix's queue file is written, in plaintext: "
                "smtpd_proxy_filter avoids that");
}

/* ---- addresses ---- */

static void check_delimiter(struct look *l)
{
    const char *ours = l->c->ctl->settings->recipient_delimiter;
    const char *theirs = filterctl_postconf_get(l->p, "recipient_delimiter");
    if (strspn(theirs, ours) != strlen(theirs))
        bad(l, "recipient_delimiter=%s, filterd's is \"%s\": mail to user%cextension passes unsealed: set both alike",
            theirs, ours, theirs[strspn(theirs, ours)]);
}

struct unknown {
    struct look *look;
    int count;
    GString *names;
    GString *mixed, *rest;
    struct users *users;
    const char *delimiters;
};

/* True if filterd knows who gets what is for nobody else in "@example.com". */
static bool knows_rest(const struct unknown *u, const char *domain)
{
    g_autofree char *anyone = g_strconcat("anyone-else", domain, NULL);
    GPtrArray *found = NULL;
    const enum users_result result = users_resolve(u->users, anyone, u->delimiters, &found);
    g_ptr_array_unref(found);
    return result == USERS_FOUND;
}

static void take_alias(const struct filterctl_aliases_entry *e, void *arg)
{
    struct unknown *u = arg;
    if (e->state == FILTERCTL_ALIASES_NEW && ++u->count <= ALIASES_TOLD)
        g_string_append_printf(u->names, " %s", e->address);
    if (e->state == FILTERCTL_ALIASES_MIXED && e->known)
        g_string_append_printf(u->mixed, " %s", e->address);
    if (e->state == FILTERCTL_ALIASES_CATCH_ALL && !knows_rest(u, e->address))
        g_string_append_printf(u->rest, " %s", e->address);
}

/* why is NULL where a table of its kind just cannot be listed. */
static void take_table(const char *table, const char *why, void *arg)
{
    struct unknown *u = arg;
    if (why)
        bad(u->look, "%s cannot be read (%s): nor can Postfix, and which aliases it would have is not known: mend or remove it",
            table, why);
}

static void check_aliases(struct look *l)
{
    g_autofree char *error = NULL;
    const struct settings *s = l->c->ctl->settings;
    struct users *users = users_open(s->state_dir, false, &error);
    struct unknown u = {.look = l, .names = g_string_new(NULL), .mixed = g_string_new(NULL), .rest = g_string_new(NULL),
                        .users = users, .delimiters = s->recipient_delimiter};
    const struct filterctl_aliases to = {take_alias, take_table, &u};
    struct tables_client *tables = settings_has_tables(s) ? tables_client_new_alone(s) : NULL;
    if (users && tables)
        users_use_tables(users, tables_client_users(tables));
    if (!users)
        bad(l, "aliases cannot be compared: %s", error);
    else if (!filterctl_aliases_each(l->c->ctl, l->p, users, &to))
        bad(l, "aliases cannot be compared: %s",
            users_error(users) ? users_error(users) : "users and keys cannot be read");
    if (u.count && (l->proxy || !l->last))
        warn(l, "%d aliases lead to users with keys and are not known to filterd (%s%s): filterctl alias "
                "import --postfix", u.count, u.names->str + 1, u.count > ALIASES_TOLD ? " ..." : "");
    if (u.mixed->len)
        warn(l, "aliases known to filterd of whose users only some have a key: mail to them is deferred or "
                "refused:%s", u.mixed->str);
    if (u.rest->len && (l->proxy || !l->last))
        warn(l, "what is for nobody else in%s goes to users with keys, and filterd does not know it: filterctl alias add, or "
                "[users] aliases", u.rest->str);
    users_free(&users);
    tables_client_free(&tables);
    g_string_free(u.rest, TRUE);
    g_string_free(u.names, TRUE);
    g_string_free(u.mixed, TRUE);
}

void filterctl_check_postfix(struct filterctl_check *c)
{
    static const char *const ways[] = {"content_filter", "virtual_transport", "mailbox_transport",
                                       "local_transport", "relay_transport"};
    const struct filterctl_postconf *p = c->postconf;
    struct look l = {.c = c, .p = p};
    if (!p) {
        const bool none = !c->postfix_dir && (g_str_has_prefix(c->no_postconf, "there is no Postfix") ||
                                              strstr(c->no_postconf, "main.cf: No such file"));
        filterctl_check_tell(c, none ? FILTERCTL_CHECK_OK : FILTERCTL_CHECK_BAD, SUBJECT, "%s",
                             none ? "no Postfix here" : c->no_postconf);
        return;
    }
    l.backs = g_ptr_array_new_with_free_func(g_free);
    l.milters = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < G_N_ELEMENTS(ways); i++)
        check_leg(&l, ways[i], filterctl_postconf_get(p, ways[i]));
    check_services(&l);
    check_attached(&l);
    check_local(&l);
    l.findings += filterctl_check_names(c);
    check_delimiter(&l);
    check_sessions(&l);
    check_size(&l);
    check_lifetime(&l);
    check_aliases(&l);
    if (!l.findings)
        filterctl_check_tell(c, FILTERCTL_CHECK_OK, SUBJECT, "%s", l.proxy && l.last    ? "two legs: before the queue, and before the mailbox"
                             : l.proxy && l.after ? "two legs: before the queue, and in it"
                                                  : "its settings fit");
    g_ptr_array_unref(l.backs);
    g_ptr_array_unref(l.milters);
}
