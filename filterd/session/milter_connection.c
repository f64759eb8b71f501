/* libmilter's callbacks: collect a message, ask a worker, carry out its answer. Called by milter_front.c and,
 * in one thread per connection, by libmilter. */
#include "filterd/session/milter_connection.h"

#include <arpa/inet.h>
#include <glib.h>
#include <libmilter/mfdef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/result.h"
#include "filterd/keeper/keeper.h"
#include "filterd/pipeline/resolve.h"
#include "filterd/session/milter_apply.h"
#include "filterd/session/milter_client.h"

#define REPLY_US G_USEC_PER_SEC
#define ACTIONS (SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY | SMFIF_ADDRCPT | SMFIF_DELRCPT)

/* Shared by all threads; set before the first connection. */
static const struct settings *settings;
static const struct listener *listener;
static struct endpoint workers;

static GMutex mutex;
static GCond changed;
static int under_way;  /* messages that an MTA has begun to send */
static gint64 last_end; /* monotonic microseconds: when the last message ended */
static size_t held;    /* bytes of all messages under way */

struct connection {
    bool leading_space; /* header values come with what stands behind the colon */
    bool local;         /* submitted by sendmail(1): no client waits that could be refused a recipient */
    char *client_addr, *client_name, *client_port, *helo;
    /* of one message: */
    bool in_message, authenticated, sealed;
    char *sender, *queue_id;
    GPtrArray *recipients; /* of char* */
    guint fields;
    struct bytes raw;
};

static void count(struct connection *c, bool in_message)
{
    if (c->in_message == in_message)
        return;
    c->in_message = in_message;
    g_mutex_lock(&mutex);
    under_way += in_message ? 1 : -1;
    last_end = in_message ? last_end : g_get_monotonic_time();
    g_cond_broadcast(&changed);
    g_mutex_unlock(&mutex);
}

/* Reserves room for so many more bytes of a message. */
static bool hold(size_t len)
{
    const size_t limit = settings->limits.bytes_in_flight;
    g_mutex_lock(&mutex);
    const bool room = held <= limit && len <= limit - held;
    if (room)
        held += len;
    g_mutex_unlock(&mutex);
    return room;
}

static void let_go(const struct connection *c)
{
    g_mutex_lock(&mutex);
    held -= c->raw.len;
    g_mutex_unlock(&mutex);
}

static void forget_message(struct connection *c)
{
    let_go(c);
    g_clear_pointer(&c->sender, g_free);
    g_clear_pointer(&c->queue_id, g_free);
    g_ptr_array_set_size(c->recipients, 0);
    c->authenticated = c->sealed = false;
    c->fields = 0;
    bytes_free(&c->raw);
    count(c, false);
}

/* "<a@b>" without its brackets. */
static char *address_in(const char *path)
{
    const size_t len = strlen(path);
    const bool brackets = len >= 2 && path[0] == '<' && path[len - 1] == '>';
    return brackets ? g_strndup(path + 1, len - 2) : g_strdup(path);
}

/* A fact for the log and for rules, NULL if it is not known. Bytes are the client's, but control characters
 * become '?': it cannot forge a line. */
static char *fact(const char *text)
{
    if (!text || !*text || strcmp(text, "unknown") == 0)
        return NULL;
    char *valid = g_utf8_make_valid(text, -1);
    for (char *p = valid; *p; p++)
        if (g_ascii_iscntrl(*p))
            *p = '?';
    return valid;
}

/* The value of a macro. Sendmail puts names of several letters in braces; other MTAs may leave them out. */
static const char *macro(SMFICTX *ctx, const char *name)
{
    char braced[32];
    g_snprintf(braced, sizeof braced, "{%s}", name);
    const char *value = smfi_getsymval(ctx, braced);
    return value ? value : smfi_getsymval(ctx, (char *)name);
}

/* Refuses an MTA that lacks an action or step we need: it then acts as if the filter were down
 * (milter_default_action). */
static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long f2, unsigned long f3, unsigned long *actions_r,
                             unsigned long *steps_r, unsigned long *f2_r, unsigned long *f3_r)
{
    (void)f2, (void)f3;
    if ((actions & ACTIONS) != ACTIONS) {
        log_warn("milter: the MTA does not let fields, body and recipients be changed");
        return SMFIS_REJECT;
    }
    struct connection *c = g_new0(struct connection, 1);
    c->recipients = g_ptr_array_new_with_free_func(g_free);
    c->leading_space = steps & SMFIP_HDR_LEADSPC;
    smfi_setpriv(ctx, c);
    *actions_r = ACTIONS | (actions & SMFIF_SETSYMLIST);
    *steps_r = steps & (SMFIP_HDR_LEADSPC | SMFIP_NOUNKNOWN | SMFIP_NODATA);
    *f2_r = *f3_r = 0;
    if (actions & SMFIF_SETSYMLIST) {
        smfi_setsymlist(ctx, SMFIM_CONNECT, (char *)"j {client_addr} {client_name} {client_port}");
        smfi_setsymlist(ctx, SMFIM_ENVFROM, (char *)"i {auth_authen} {auth_type}");
        smfi_setsymlist(ctx, SMFIM_EOM, (char *)"i");
    }
    return SMFIS_CONTINUE;
}

static void take_address(struct connection *c, const struct sockaddr *sa)
{
    char text[INET6_ADDRSTRLEN] = "";
    int port = 0;
    if (sa && sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
        port = ntohs(in->sin_port);
    } else if (sa && sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in = (const void *)sa;
        inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
        port = ntohs(in->sin6_port);
    }
    c->client_addr = fact(text);
    if (port)
        c->client_port = g_strdup_printf("%d", port);
    /* No client has port 0: with it Postfix marks a message from its sendmail(1), as coming from this host.
     * With another address it means that a proxy did not tell the port. */
    c->local = !port && (!*text || strcmp(text, "127.0.0.1") == 0 || strcmp(text, "::1") == 0);
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    struct connection *c = smfi_getpriv(ctx);
    const char *name = macro(ctx, "client_name");
    if (!c)
        return SMFIS_TEMPFAIL;
    take_address(c, address);
    if (!c->client_addr)
        c->client_addr = fact(macro(ctx, "client_addr"));
    /* An address in brackets stands for an unknown name. */
    c->client_name = fact(name ? name : host);
    if (c->client_name && c->client_name[0] == '[')
        g_clear_pointer(&c->client_name, g_free);
    return SMFIS_CONTINUE;
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
    struct connection *c = smfi_getpriv(ctx);
    if (!c)
        return SMFIS_TEMPFAIL;
    g_free(c->helo);
    c->helo = fact(name);
    return SMFIS_CONTINUE;
}

static sfsistat refuse(SMFICTX *ctx, enum outcome_reason reason)
{
    const struct outcome o = outcome_of(reason);
    return milter_apply_outcome(ctx, &o);
}

static sfsistat on_mail(SMFICTX *ctx, char **arguments)
{
    struct connection *c = smfi_getpriv(ctx);
    if (!c)
        return SMFIS_TEMPFAIL;
    forget_message(c);
    c->sender = address_in(arguments[0]);
    if (!c->local && !g_utf8_validate(c->sender, -1, NULL))
        return refuse(ctx, REASON_BAD_ADDRESS);
    if (!c->local && !resolve_is_certain_sender(c->sender))
        return refuse(ctx, REASON_ODD_SENDER);
    const char *who = macro(ctx, "auth_authen");
    c->authenticated = who && *who;
    count(c, true);
    return SMFIS_CONTINUE;
}

static struct milter_client_message said(const struct connection *c)
{
    return (struct milter_client_message){
        .listener = listener->name,
        .authenticated = c->authenticated,
        .local = c->local,
        .client_addr = c->client_addr,
        .client_name = c->client_name,
        .client_port = c->client_port,
        .helo = c->helo,
        .queue_id = c->queue_id,
        .sender = c->sender,
        .recipients = c->recipients,
        .fields = c->fields,
        .raw = c->raw,
    };
}

/* RES_OK if this recipient can have the same body as the recipients before. */
static struct outcome ask_recipient(struct connection *c, const char *address)
{
    const struct milter_client_message m = said(c);
    bool sealed = false;
    const struct outcome o = milter_client_recipient(&workers, &m, address, &sealed);
    if (o.result != RES_OK)
        return o;
    if (c->recipients->len && sealed != c->sealed)
        return outcome_of(REASON_MIXED);
    if (c->recipients->len && sealed && settings->milter_separate)
        return outcome_of(REASON_SEPARATE);
    c->sealed = sealed;
    return o;
}

static sfsistat on_rcpt(SMFICTX *ctx, char **arguments)
{
    struct connection *c = smfi_getpriv(ctx);
    if (!c || !c->sender)
        return SMFIS_TEMPFAIL;
    if (c->recipients->len >= (guint)settings->limits.recipients)
        return refuse(ctx, REASON_MANY_RECIPIENTS);
    g_autofree char *address = address_in(arguments[0]);
    /* Where no client waits, a refusal would be a bounce. */
    const bool readable = c->local || g_utf8_validate(address, -1, NULL);
    const struct outcome o = !readable ? outcome_of(REASON_BAD_ADDRESS)
                             : c->local ? outcome_of(REASON_OK)
                                        : ask_recipient(c, address);
    if (o.result == RES_OK)
        g_ptr_array_add(c->recipients, g_steal_pointer(&address));
    return milter_apply_outcome(ctx, &o);
}

/* Adds to the message; returns the refusal if it is too big or there is no room. */
static sfsistat add_to_message(SMFICTX *ctx, struct connection *c, const void *data, size_t len)
{
    if (len > settings->message_size_limit - c->raw.len)
        return refuse(ctx, REASON_TOO_BIG);
    if (!hold(len))
        return refuse(ctx, REASON_NO_ROOM);
    bytes_add(&c->raw, data, len);
    return SMFIS_CONTINUE;
}

/* libmilter folds values by LF alone: makes it CRLF. */
static void add_value(struct bytes *out, const char *value)
{
    for (const char *lf; (lf = strchr(value, '\n')); value = lf + 1) {
        const size_t len = (size_t)(lf - value);
        bytes_add(out, value, len && lf[-1] == '\r' ? len - 1 : len);
        bytes_adds(out, "\r\n");
    }
    bytes_adds(out, value);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct connection *c = smfi_getpriv(ctx);
    struct bytes field = {0};
    size_t len = strlen(name);
    if (!c)
        return SMFIS_TEMPFAIL;
    while (len && (name[len - 1] == ' ' || name[len - 1] == '\t'))
        len--;
    bytes_add(&field, name, len);
    bytes_adds(&field, c->leading_space ? ":" : ": ");
    add_value(&field, value);
    bytes_adds(&field, "\r\n");
    const sfsistat status = add_to_message(ctx, c, field.data, field.len);
    bytes_free(&field);
    c->fields++;
    return status;
}

static sfsistat on_end_of_header(SMFICTX *ctx)
{
    struct connection *c = smfi_getpriv(ctx);
    return c ? add_to_message(ctx, c, "\r\n", 2) : SMFIS_TEMPFAIL;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *data, size_t len)
{
    struct connection *c = smfi_getpriv(ctx);
    return c ? add_to_message(ctx, c, data, len) : SMFIS_TEMPFAIL;
}

static sfsistat on_end_of_message(SMFICTX *ctx)
{
    struct connection *c = smfi_getpriv(ctx);
    struct milter_client_copy copy;
    if (!c || !c->sender || !c->recipients->len)
        return SMFIS_TEMPFAIL;
    c->queue_id = fact(macro(ctx, "i"));
    struct milter_client_message m = said(c);
    struct outcome o = milter_client_ask(&workers, &m, &copy);
    if (o.result == RES_OK) {
        if (!milter_apply_copy(ctx, &copy, c->recipients, c->leading_space)) {
            log_warn("milter: qid=%s: the answer could not be carried out, tempfailed",
                     c->queue_id ? c->queue_id : "-");
            o = outcome_of(REASON_UNFORESEEN);
        }
        milter_client_copy_clear(&copy);
    }
    const sfsistat status = milter_apply_outcome(ctx, &o);
    forget_message(c);
    return status;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct connection *c = smfi_getpriv(ctx);
    if (c)
        forget_message(c);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    g_autofree struct connection *c = smfi_getpriv(ctx);
    if (!c)
        return SMFIS_CONTINUE;
    smfi_setpriv(ctx, NULL);
    forget_message(c);
    g_ptr_array_unref(c->recipients);
    g_free(c->client_addr);
    g_free(c->client_name);
    g_free(c->client_port);
    g_free(c->helo);
    return SMFIS_CONTINUE;
}

struct smfiDesc milter_connection_filter(const struct settings *s, const struct listener *l)
{
    settings = s;
    listener = l;
    workers = keeper_milter_at(&s->control);
    return (struct smfiDesc){
        .xxfi_name = (char *)"filterd",
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = ACTIONS | SMFIF_SETSYMLIST,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_mail,
        .xxfi_envrcpt = on_rcpt,
        .xxfi_header = on_header,
        .xxfi_eoh = on_end_of_header,
        .xxfi_body = on_body,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };
}

bool milter_connection_is_resting(void)
{
    g_mutex_lock(&mutex);
    const bool resting = !under_way && g_get_monotonic_time() - last_end >= REPLY_US;
    g_mutex_unlock(&mutex);
    return resting;
}

bool milter_connection_drain(int seconds)
{
    const gint64 end = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    bool waiting = true;
    g_mutex_lock(&mutex);
    while (under_way && waiting)
        waiting = g_cond_wait_until(&changed, &mutex, end);
    const bool drained = !under_way;
    const gint64 since = g_get_monotonic_time() - last_end;
    g_mutex_unlock(&mutex);
    /* Give libmilter time to send the MTA what the last callback returned. */
    if (last_end && since < REPLY_US)
        g_usleep((gulong)(REPLY_US - since));
    return drained;
}
