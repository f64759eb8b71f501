#include "filterd/smtp_client.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/lineio.h"
#include "base/log.h"

#define CONNECT_MS 10000
#define WAIT_MS 120000
#define REPLY_BYTES 1024

struct smtp_client {
    const struct next_hop *hop;
    const char *hostname;
    int fd;
    gint64 deadline; /* monotonic microseconds */
    struct lineio *io;
    bool xforward, size, eightbit, utf8, dsn;
    bool used; /* a message went over this connection: it may have gone stale since */
    char *forwarded; /* the XFORWARD lines last sent here */
};

struct smtp_client *smtp_client_new(const struct next_hop *hop, const char *hostname)
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
    c->used = false;
    g_clear_pointer(&c->forwarded, g_free);
}

void smtp_client_free(struct smtp_client **c)
{
    if (!*c)
        return;
    if ((*c)->io) {
        lineio_put((*c)->io, "QUIT\r\n");
        lineio_flush((*c)->io);
    }
    disconnect(*c);
    g_free(*c);
    *c = NULL;
}

static void arm(struct smtp_client *c)
{
    gint64 left = c->deadline ? (c->deadline - g_get_monotonic_time()) / 1000 : WAIT_MS;
    lineio_set_deadline(c->io, (int)CLAMP(left, 1, 3600000));
}

void smtp_client_set_deadline(struct smtp_client *c, int ms)
{
    c->deadline = g_get_monotonic_time() + (gint64)ms * 1000;
    if (c->io)
        arm(c);
}

static int connect_to(const struct sockaddr *sa, socklen_t len)
{
    int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, sa, len) < 0) {
        struct pollfd p = {fd, POLLOUT, 0};
        int error = errno;
        socklen_t size = sizeof error;
        if (error != EINPROGRESS || poll(&p, 1, CONNECT_MS) != 1 ||
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) || error) {
            close(fd);
            return -1;
        }
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    return fd;
}

static int connect_endpoint(const struct endpoint *at)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    int fd = -1;
    if (at->path) {
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        if (strlen(at->path) >= sizeof un.sun_path)
            return -1;
        strcpy(un.sun_path, at->path);
        return connect_to((struct sockaddr *)&un, sizeof un);
    }
    if (getaddrinfo(at->host, at->port, &hints, &list))
        return -1;
    for (struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
        fd = connect_to(a->ai_addr, a->ai_addrlen);
    freeaddrinfo(list);
    return fd;
}

/* One reply; its code, 0 when the connection is no good. text gets the last line's text. */
static int reply(struct smtp_client *c, char text[REPLY_BYTES])
{
    char line[REPLY_BYTES];
    for (;;) {
        enum lineio_status st = lineio_get(c->io, line, sizeof line);
        if (st != LINEIO_OK && st != LINEIO_TOO_LONG)
            return 0;
        if (strlen(line) < 3 || !isdigit((unsigned char)line[0]) ||
            !isdigit((unsigned char)line[1]) || !isdigit((unsigned char)line[2]))
            return 0;
        if (line[3] != '-')
            break;
    }
    memcpy(text, line[3] ? line + 4 : "", line[3] ? strlen(line + 4) + 1 : 1);
    return atoi(line);
}

static void note_capability(struct smtp_client *c, const char *word)
{
    size_t n = strcspn(word, " ");
    static const char *const names[] = {"XFORWARD", "SIZE", "8BITMIME", "SMTPUTF8", "DSN"};
    bool *const flags[] = {&c->xforward, &c->size, &c->eightbit, &c->utf8, &c->dsn};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strlen(names[i]) == n && !strncasecmp(word, names[i], n))
            *flags[i] = true;
}

static bool greet(struct smtp_client *c)
{
    char line[REPLY_BYTES];
    if (reply(c, line) != 220)
        return false;
    lineio_put(c->io, "%s %s\r\n", c->hop->kind == HOP_LMTP ? "LHLO" : "EHLO", c->hostname);
    if (!lineio_flush(c->io))
        return false;
    do {
        if (lineio_get(c->io, line, sizeof line) != LINEIO_OK || strncmp(line, "250", 3) ||
            (line[3] && !strchr(" -", line[3])))
            return false;
        if (line[3])
            note_capability(c, line + 4);
    } while (line[3] == '-');
    return true;
}

static bool connected(struct smtp_client *c)
{
    if (c->io)
        return true;
    c->fd = connect_endpoint(&c->hop->at);
    if (c->fd < 0)
        return false;
    c->io = lineio_new(c->fd, c->fd);
    c->xforward = c->size = c->eightbit = c->utf8 = c->dsn = false;
    lineio_set_timeout(c->io, WAIT_MS);
    arm(c);
    if (greet(c))
        return true;
    disconnect(c);
    return false;
}

/* xtext, RFC 3461 section 4. */
static void add_xtext(GString *out, const char *name, const char *value)
{
    g_string_append_printf(out, " %s=", name);
    if (!value)
        g_string_append(out, "[UNAVAILABLE]");
    for (const unsigned char *p = (const unsigned char *)value; p && *p; p++)
        if (*p > ' ' && *p < 0x7f && *p != '+' && *p != '=')
            g_string_append_c(out, (char)*p);
        else
            g_string_append_printf(out, "+%02X", *p);
}

static char *xforward_lines(const struct envelope *e)
{
    GString *s = g_string_new("XFORWARD");
    add_xtext(s, "NAME", e->client_name);
    add_xtext(s, "ADDR", e->client_addr);
    add_xtext(s, "PORT", e->client_port);
    g_string_append(s, "\r\nXFORWARD");
    add_xtext(s, "PROTO", e->client_proto);
    add_xtext(s, "HELO", e->client_helo);
    add_xtext(s, "IDENT", e->queue_id);
    add_xtext(s, "SOURCE", e->client_source);
    g_string_append(s, "\r\n");
    return g_string_free(s, FALSE);
}

/* Sends what was put and reads one reply; broken off is 451 4.4.1. */
static struct outcome ask(struct smtp_client *c)
{
    char text[REPLY_BYTES];
    int code = lineio_flush(c->io) ? reply(c, text) : 0;
    if (!code) {
        disconnect(c);
        return outcome_of(REASON_NEXT_HOP_DOWN);
    }
    struct outcome o = outcome_from_reply(code, text);
    if (code == 421)
        disconnect(c);
    return o;
}

/* The client's facts. What the next hop thinks of them decides nothing: a mail is not lost for it. */
static bool forward(struct smtp_client *c, const struct envelope *e)
{
    if (!c->xforward || !e->client_addr)
        return true;
    char *lines = xforward_lines(e);
    if (c->forwarded && !strcmp(c->forwarded, lines)) {
        g_free(lines);
        return true;
    }
    char **line = g_strsplit(lines, "\r\n", 0);
    for (size_t i = 0; line[i] && *line[i] && c->io; i++) {
        lineio_put(c->io, "%s\r\n", line[i]);
        ask(c);
    }
    g_strfreev(line);
    g_free(c->forwarded);
    c->forwarded = lines;
    return c->io != NULL;
}

static void put_mail(struct smtp_client *c, const struct envelope *e, size_t size)
{
    lineio_put(c->io, "MAIL FROM:<%s>", e->sender ? e->sender : "");
    if (c->size)
        lineio_put(c->io, " SIZE=%zu", size);
    if (c->eightbit && e->body_type)
        lineio_put(c->io, " BODY=%s", e->body_type);
    if (c->utf8 && e->smtputf8)
        lineio_put(c->io, " SMTPUTF8");
    if (c->dsn && e->ret)
        lineio_put(c->io, " RET=%s", e->ret);
    if (c->dsn && e->envid)
        lineio_put(c->io, " ENVID=%s", e->envid);
    lineio_put(c->io, "\r\n");
}

static void reset(struct smtp_client *c)
{
    if (!c->io)
        return;
    lineio_put(c->io, "RSET\r\n");
    ask(c);
}

/* MAIL and RCPT; OK means that DATA may come. */
static struct outcome open_transaction(struct smtp_client *c, const struct envelope *e,
                                       const struct recipient *r, size_t size)
{
    struct outcome o = outcome_of(REASON_NEXT_HOP_DOWN);
    if (!connected(c) || !forward(c, e))
        return o;
    if (!c->utf8 && !(g_str_is_ascii(r->address) && g_str_is_ascii(e->sender ? e->sender : "")))
        return outcome_of(REASON_NO_UTF8);
    put_mail(c, e, size);
    o = ask(c);
    if (o.result != RES_OK)
        return o;
    lineio_put(c->io, "RCPT TO:<%s>%s%s\r\n", r->address, c->dsn && *r->parameters ? " " : "",
               c->dsn ? r->parameters : "");
    o = ask(c);
    if (o.result != RES_OK)
        reset(c);
    return o;
}

struct outcome smtp_client_deliver(struct smtp_client *c, const struct envelope *e,
                                   const struct recipient *r, const struct bytes *message)
{
    char text[REPLY_BYTES];
    bool stale = c->io && c->used;
    if (c->io)
        arm(c);
    struct outcome o = open_transaction(c, e, r, message->len);
    if (!c->io && stale) /* nothing was sent yet: a new connection can double nothing */
        o = open_transaction(c, e, r, message->len);
    if (o.result != RES_OK)
        return o;
    c->used = true;
    lineio_put(c->io, "DATA\r\n");
    int code = lineio_flush(c->io) ? reply(c, text) : 0;
    if (code != 354) {
        o = code >= 400 ? outcome_from_reply(code, text) : outcome_of(REASON_NEXT_HOP_DOWN);
        if (code < 400)
            disconnect(c);
        else
            reset(c);
        return o;
    }
    lineio_put_data(c->io, message->data, message->len);
    return ask(c);
}
