/* An LMTP and SMTP client with pipelining and XFORWARD, which can ask for a recipient (MAIL, RCPT, RSET) before
 * there is a message. Called by next_hop.c. */
#include "filterd/delivery/smtp_client.h"

#include <ctype.h>
#include <glib.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/lineio.h"
#include "filterd/delivery/dial.h"

#define CONNECT_MS 10000
#define WAIT_MS 120000
#define REPLY_BYTES 1024
#define REPLY_LINES 1000 /* more lines than this: the next hop is broken */
/* A next hop whose settings were changed applies them to new connections: do not keep one longer. */
#define LIFE_US (30 * G_USEC_PER_SEC)
#define XFORWARD_BYTES 150

/* The next hop's extensions, from its reply to EHLO or LHLO. */
struct capabilities {
    bool xforward, size, eightbit, utf8, dsn, pipelining;
    guint64 size_limit; /* of a message; 0: none is named */
};

/* Where the connection stands between two commands. */
enum connection_state {
    STATE_READY = 0,   /* no transaction is open; also without a connection */
    STATE_OPEN,        /* the next hop took MAIL, and neither DATA nor RSET came after it */
    STATE_RESET_SENT,  /* RSET was sent, and its reply has not been read */
    STATE_DELIVERED    /* the next hop's last reply accepted a message */
};

/* Which client XFORWARD named: some next hops remember it beyond one message. */
struct told_client {
    bool told;
    bool took[2]; /* the next hop accepted the first, the second XFORWARD line */
};

struct smtp_client {
    const struct next_hop_address *hop;
    const char *hostname;
    int fd;
    gint64 deadline; /* monotonic microseconds; 0: none */
    struct lineio *io; /* NULL: not connected */
    struct capabilities offers;
    enum connection_state state;
    int accepted; /* recipients accepted since MAIL */
    const struct recipient *last; /* the last of them; lent, and only compared while this recipient is served */
    struct told_client client;
    bool refused; /* the next hop refused something on this connection */
    bool resumed; /* another session opened the connection, and this one has not sent a message yet */
    gint64 made;  /* monotonic microseconds: when it was opened */
};

struct smtp_client *smtp_client_new(const struct next_hop_address *hop, const char *hostname)
{
    struct smtp_client *c = g_new0(struct smtp_client, 1);
    c->hop = hop;
    c->hostname = hostname;
    c->fd = -1;
    return c;
}

static void disconnect(struct smtp_client *c)
{
    lineio_free(&c->io);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->state = STATE_READY;
    c->refused = c->resumed = false;
    c->client = (struct told_client){0};
}

static void quit(struct smtp_client *c)
{
    if (c->io) {
        lineio_put(c->io, "QUIT\r\n");
        lineio_flush(c->io);
    }
    disconnect(c);
}

void smtp_client_free(struct smtp_client **c)
{
    if (!*c)
        return;
    quit(*c);
    g_free(*c);
    *c = NULL;
}

bool smtp_client_may_stay(const struct smtp_client *c)
{
    return c->io && c->state == STATE_DELIVERED && !c->refused && !lineio_pending(c->io) &&
           g_get_monotonic_time() - c->made < LIFE_US;
}

void smtp_client_resume(struct smtp_client *c)
{
    struct pollfd p = {c->fd, POLLIN, 0};
    c->deadline = 0;
    c->resumed = true;
    if (c->io && poll(&p, 1, 0) != 0) /* closed, or an unexpected reply */
        disconnect(c);
}

static int left_ms(const struct smtp_client *c)
{
    gint64 left = c->deadline ? (c->deadline - g_get_monotonic_time()) / 1000 : WAIT_MS;
    return (int)CLAMP(left, 1, 3600000);
}

static bool has_time(const struct smtp_client *c)
{
    return !c->deadline || g_get_monotonic_time() < c->deadline;
}

static void arm(struct smtp_client *c)
{
    lineio_set_deadline(c->io, left_ms(c));
}

void smtp_client_set_deadline(struct smtp_client *c, int ms)
{
    c->deadline = g_get_monotonic_time() + (gint64)ms * 1000;
    if (c->io)
        arm(c);
}

static void note_capability(struct smtp_client *c, const char *word)
{
    struct capabilities *o = &c->offers;
    size_t n = strcspn(word, " ");
    static const char *const names[] = {"XFORWARD", "SIZE", "8BITMIME", "SMTPUTF8", "DSN",
                                        "PIPELINING"};
    bool *const flags[] = {&o->xforward, &o->size, &o->eightbit, &o->utf8, &o->dsn,
                           &o->pipelining};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == n && !strncasecmp(word, names[i], n))
            *flags[i] = true;
    if (n == strlen("SIZE") && !strncasecmp(word, "SIZE", n))
        o->size_limit = g_ascii_strtoull(word + n, NULL, 10);
}

/* Reads one reply; returns its code, 0 if the connection is broken. text gets the text of the last line; each
 * (may be NULL) is called with every line's. */
static int reply(struct smtp_client *c, char text[REPLY_BYTES],
                 void (*each)(struct smtp_client *, const char *))
{
    char line[REPLY_BYTES];
    for (int i = 0; i < REPLY_LINES; i++) {
        enum lineio_status st = lineio_get(c->io, line, sizeof line);
        if (st != LINEIO_OK && st != LINEIO_TOO_LONG)
            return 0;
        if (strlen(line) < 3 || !isdigit((unsigned char)line[0]) ||
            !isdigit((unsigned char)line[1]) || !isdigit((unsigned char)line[2]))
            return 0;
        strcpy(text, line[3] ? line + 4 : "");
        if (each)
            each(c, text);
        if (line[3] != '-')
            return atoi(line);
    }
    return 0;
}

static bool greet(struct smtp_client *c)
{
    char text[REPLY_BYTES];
    if (reply(c, text, NULL) != 220)
        return false;
    lineio_put(c->io, "%s %s\r\n", c->hop->kind == HOP_LMTP ? "LHLO" : "EHLO", c->hostname);
    return lineio_flush(c->io) && reply(c, text, note_capability) == 250;
}

static bool connected(struct smtp_client *c)
{
    if (c->io)
        return true;
    c->fd = dial(&c->hop->at, MIN(left_ms(c), CONNECT_MS));
    if (c->fd < 0)
        return false;
    c->io = lineio_new(c->fd, c->fd);
    c->offers = (struct capabilities){0};
    c->made = g_get_monotonic_time();
    lineio_set_timeout(c->io, WAIT_MS);
    arm(c);
    if (greet(c))
        return true;
    disconnect(c);
    return false;
}

/* Appends " NAME=value" in xtext (RFC 3461, section 4); "[UNAVAILABLE]" for a value too long to be a name,
 * which would make the line too long. */
static void add_xtext(GString *out, const char *name, const char *value)
{
    const bool said = value && strlen(value) <= XFORWARD_BYTES;
    g_string_append_printf(out, " %s=", name);
    if (!said)
        g_string_append(out, "[UNAVAILABLE]");
    for (const unsigned char *p = (const unsigned char *)value; said && *p; p++)
        if (*p > ' ' && *p < 0x7f && *p != '+' && *p != '=')
            g_string_append_c(out, (char)*p);
        else
            g_string_append_printf(out, "+%02X", *p);
}

/* Postfix takes an IPv6 address only with "IPv6:" before it (its XFORWARD_README), which our session took off. */
static void add_address(GString *out, const char *address)
{
    const bool six = address && strchr(address, ':') && g_hostname_is_ip_address(address);
    g_autofree char *tagged = six ? g_strconcat("IPv6:", address, NULL) : NULL;
    add_xtext(out, "ADDR", six ? tagged : address);
}

/* Sends XFORWARD in two lines like Postfix: a server may accept no more than 512 bytes in one. */
static void put_client(struct smtp_client *c, const struct envelope *e, bool second)
{
    GString *s = g_string_new("XFORWARD");
    if (!second) {
        add_xtext(s, "NAME", e->client_name);
        add_address(s, e->client_addr);
        add_xtext(s, "PORT", e->client_port);
    } else {
        add_xtext(s, "PROTO", e->client_proto);
        add_xtext(s, "HELO", e->client_helo);
        add_xtext(s, "IDENT", e->queue_id);
        add_xtext(s, "SOURCE", e->client_source);
    }
    lineio_put(c->io, "%s\r\n", s->str);
    g_string_free(s, TRUE);
}

/* Reads one reply; 451 4.4.1 if the connection breaks. */
static struct outcome hear(struct smtp_client *c)
{
    char text[REPLY_BYTES];
    int code = reply(c, text, NULL);
    if (!code) {
        disconnect(c);
        return outcome_of(REASON_NEXT_HOP_DOWN);
    }
    struct outcome o = outcome_from_reply(code, text);
    c->refused |= o.result != RES_OK;
    if (code == 421)
        disconnect(c);
    return o;
}

static void put_mail(struct smtp_client *c, const struct envelope *e, size_t size)
{
    lineio_put(c->io, "MAIL FROM:<%s>", e->sender ? e->sender : "");
    if (c->offers.size && size)
        lineio_put(c->io, " SIZE=%zu", size);
    if (c->offers.eightbit && e->body_type)
        lineio_put(c->io, " BODY=%s", e->body_type);
    if (c->offers.utf8 && e->smtputf8)
        lineio_put(c->io, " SMTPUTF8");
    if (c->offers.dsn && e->ret)
        lineio_put(c->io, " RET=%s", e->ret);
    if (c->offers.dsn && e->envid)
        lineio_put(c->io, " ENVID=%s", e->envid);
    lineio_put(c->io, "\r\n");
}

enum command { RESET, CLIENT, CLIENT_TOO, MAIL, RCPT, COMMANDS };

/* The commands for one recipient and their replies. size: of the message, 0 for a probe. */
struct dialogue {
    const struct envelope *envelope;
    const struct recipient *recipient;
    size_t size;
    bool wanted[COMMANDS];
    struct outcome replies[COMMANDS];
};

static void put_command(struct smtp_client *c, const struct dialogue *d, enum command which)
{
    const struct recipient *r = d->recipient;
    if (which == RESET)
        lineio_put(c->io, "RSET\r\n");
    else if (which == CLIENT || which == CLIENT_TOO)
        put_client(c, d->envelope, which == CLIENT_TOO);
    else if (which == MAIL)
        put_mail(c, d->envelope, d->size);
    else
        lineio_put(c->io, "RCPT TO:<%s>%s%s\r\n", r->address, c->offers.dsn && *r->parameters ? " " : "",
                   c->offers.dsn ? r->parameters : "");
}

static void hear_command(struct smtp_client *c, struct dialogue *d, enum command which)
{
    d->replies[which] = hear(c);
    const bool ok = c->io && d->replies[which].result == RES_OK;
    if (which == RESET || which == MAIL) {
        c->state = ok && which == MAIL ? STATE_OPEN : STATE_READY;
        c->accepted = 0;
    } else if (which == RCPT && ok) {
        c->accepted++;
        c->last = d->recipient;
    }
}

/* Sends the commands and reads their replies: together if the next hop offers PIPELINING (RFC 2920), otherwise
 * one after the other. */
static void talk(struct smtp_client *c, struct dialogue *d)
{
    for (enum command i = RESET; i < COMMANDS; i++)
        d->replies[i] = outcome_of(REASON_NEXT_HOP_DOWN);
    for (enum command i = RESET; c->io && i < COMMANDS; i++) {
        if (!d->wanted[i])
            continue;
        put_command(c, d, i);
        if (c->offers.pipelining)
            continue;
        lineio_flush(c->io); /* if this fails, so does reading the reply */
        hear_command(c, d, i);
    }
    if (!c->io || !c->offers.pipelining)
        return;
    lineio_flush(c->io);
    for (enum command i = RESET; c->io && i < COMMANDS; i++)
        if (d->wanted[i])
            hear_command(c, d, i);
}

/* True if the next hop may take this mail for another client's: it accepted XFORWARD for that one on this
 * connection, and refuses it now. Otherwise a refused XFORWARD does not stop a delivery. */
static bool mistakes_client(struct smtp_client *c, const struct dialogue *d)
{
    bool mistaken = false;
    for (enum command i = CLIENT; c->io && i <= CLIENT_TOO; i++) {
        const bool taken = d->replies[i].result == RES_OK;
        mistaken |= d->wanted[i] && !taken && c->client.took[i - CLIENT];
        c->client.took[i - CLIENT] |= d->wanted[i] && taken;
    }
    return mistaken;
}

static bool refuses_reset(const struct dialogue *d)
{
    return d->wanted[RESET] && d->replies[RESET].result != RES_OK;
}

/* Sends MAIL and RCPT. RES_OK: DATA may follow or, for a probe, the recipient would be accepted. */
static struct outcome open_transaction(struct smtp_client *c, struct dialogue *d)
{
    const struct envelope *e = d->envelope;
    const bool reset_sent = c->state == STATE_RESET_SENT;
    if (c->state != STATE_OPEN)
        c->state = STATE_READY;
    if (reset_sent && hear(c).result != RES_OK)
        quit(c);
    if (c->client.told && !e->client_addr)
        quit(c);
    if (!connected(c))
        return outcome_of(REASON_NEXT_HOP_DOWN);
    /* Who did not ask for SMTPUTF8 sends bytes beyond ASCII on its own account: the next hop decides, as it would
     * without us. */
    if (!c->offers.utf8 && e->smtputf8 &&
        !(g_str_is_ascii(d->recipient->address) && g_str_is_ascii(e->sender ? e->sender : "")))
        return outcome_of(REASON_NO_UTF8);
    const bool again = c->state == STATE_OPEN && !d->size;
    d->wanted[RESET] = c->state == STATE_OPEN && d->size;
    d->wanted[CLIENT] = d->wanted[CLIENT_TOO] = !again && c->offers.xforward && e->client_addr;
    c->client.told |= d->wanted[CLIENT];
    d->wanted[MAIL] = !again;
    d->wanted[RCPT] = true;
    talk(c, d);
    if (mistakes_client(c, d) || refuses_reset(d)) {
        quit(c); /* a new connection knows neither the other client nor the other envelope */
        return outcome_of(REASON_NEXT_HOP_DOWN);
    }
    if (!again && d->replies[MAIL].result != RES_OK)
        return d->replies[MAIL];
    return d->replies[RCPT];
}

/* Opens the transaction, if need be on a new connection. The old one may have gone stale; nothing of the
 * message was sent, so nothing can be delivered twice. A refusal on another session's connection may be due to
 * that session: only the reply on a new connection counts. */
static struct outcome open_surely(struct smtp_client *c, struct dialogue *d)
{
    const bool used = c->io, resumed = c->resumed;
    if (c->io)
        arm(c);
    struct outcome o = open_transaction(c, d);
    if (resumed && o.result != RES_OK)
        quit(c);
    if (!c->io && used && has_time(c))
        o = open_transaction(c, d);
    return o;
}

struct outcome smtp_client_ask(struct smtp_client *c, const struct envelope *e,
                               const struct recipient *r)
{
    struct dialogue d = {.envelope = e, .recipient = r};
    return open_surely(c, &d);
}

guint64 smtp_client_size_limit(struct smtp_client *c)
{
    return connected(c) ? c->offers.size_limit : 0;
}

void smtp_client_reset(struct smtp_client *c)
{
    if (!c->io || c->state != STATE_OPEN)
        return;
    lineio_put(c->io, "RSET\r\n");
    c->state = STATE_RESET_SENT;
    if (!lineio_flush(c->io))
        disconnect(c);
}

/* True if the next hop sent something before it was asked. */
static bool has_spoken(const struct smtp_client *c)
{
    struct pollfd p = {c->fd, POLLIN, 0};
    return lineio_pending(c->io) || poll(&p, 1, 0) > 0;
}

/* Sends DATA; RES_OK: the message may follow. */
static struct outcome start_data(struct smtp_client *c)
{
    char text[REPLY_BYTES];
    arm(c);
    lineio_put(c->io, "DATA\r\n");
    int code = lineio_flush(c->io) ? reply(c, text, NULL) : 0;
    if (code == 354)
        return outcome_of(REASON_OK);
    c->refused = true;
    if (code < 400 || code == 421 || c->resumed)
        disconnect(c);
    return code >= 400 ? outcome_from_reply(code, text) : outcome_of(REASON_NEXT_HOP_DOWN);
}

static struct outcome open_and_start(struct smtp_client *c, struct dialogue *d)
{
    for (;;) {
        struct outcome o = open_surely(c, d);
        if (o.result != RES_OK)
            return o;
        const bool resumed = c->resumed; /* start_data clears it; a connection of our own is not tried twice */
        o = start_data(c);
        if (o.result == RES_OK || !resumed || !has_time(c))
            return o;
    }
}

struct outcome smtp_client_deliver(struct smtp_client *c, const struct envelope *e,
                                   const struct recipient *r, const struct bytes *message)
{
    struct dialogue d = {.envelope = e, .recipient = r, .size = MAX(message->len, 1)};
    struct outcome o = outcome_of(REASON_NEXT_HOP_DOWN);
    /* Only this recipient was probed: deliver in the transaction that is already open. */
    const bool asked = c->state == STATE_OPEN && c->accepted == 1 && c->last == r;
    if (asked)
        o = start_data(c);
    if (!asked || !c->io)
        o = open_and_start(c, &d);
    if (o.result != RES_OK)
        return o;
    c->state = STATE_READY;
    c->resumed = false;
    lineio_put_data(c->io, message->data, message->len);
    const bool early = has_spoken(c); /* a reply before the final dot is sent cannot be the reply to it */
    if (!lineio_flush(c->io)) {
        disconnect(c);
        return outcome_of(REASON_NEXT_HOP_DOWN);
    }
    o = hear(c);
    if (early && o.result == RES_OK) {
        disconnect(c);
        return outcome_of(REASON_NEXT_HOP_DOWN);
    }
    if (o.result == RES_OK)
        c->state = STATE_DELIVERED;
    return o;
}
