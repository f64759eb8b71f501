/* Sends the message of "check --prove" by SMTP, and watches the host while it waits for replies. Called by
 * prove.c. */
#include <gio/gio.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/lineio.h"
#include "tools/filterctl/check/prove.h"

#define CONNECT_S 10
/* more than the 100 s that Postfix gives a filter before the queue */
#define REPLY_MS 120000
#define SAID_BYTES 1024
/* A pause when the whole message but its final dot is sent: what stores it meanwhile is seen. */
#define HOLD_MS 400

static bool look(int fd, int timeout_ms, void *arg)
{
    return filterctl_watch_look(arg, fd, timeout_ms);
}

/* Reads a whole reply and returns its code; 0 if none came: then text says why. */
static int reply(struct lineio *io, char text[SAID_BYTES])
{
    do {
        const enum lineio_status st = lineio_get(io, text, SAID_BYTES);
        if (st != LINEIO_OK) {
            g_strlcpy(text, st == LINEIO_WOKEN     ? "interrupted"
                            : st == LINEIO_TIMEOUT ? "no answer in time"
                                                   : "the connection was closed", SAID_BYTES);
            return 0;
        }
    } while (strlen(text) > 3 && text[3] == '-');
    return atoi(text);
}

/* Sends one command; true if the reply's code begins with this digit. */
static bool say(struct lineio *io, char class, char text[SAID_BYTES], const char *command)
{
    lineio_put(io, "%s\r\n", command);
    if (!lineio_flush(io)) {
        g_strlcpy(text, "the connection was closed", SAID_BYTES);
        return false;
    }
    return reply(io, text) && text[0] == class;
}

static bool send_all(int fd, const char *data)
{
    for (size_t left = strlen(data); left > 0;) {
        const ssize_t n = send(fd, data, left, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        data += n;
        left -= (size_t)n;
    }
    return true;
}

/* The whole SMTP session; *at_r (g_free) is the command that was last sent. */
static bool converse(const struct filterctl_parcel *p, int fd, char text[SAID_BYTES], char **at_r)
{
    struct lineio *io = lineio_new(fd, fd);
    g_auto(GStrv) commands = g_new0(char *, 5);
    commands[0] = g_strdup("EHLO localhost");
    commands[1] = g_strdup_printf("MAIL FROM:<%s>", p->from);
    commands[2] = g_strdup_printf("RCPT TO:<%s>", p->to);
    commands[3] = g_strdup("DATA");
    lineio_set_timeout(io, REPLY_MS);
    lineio_set_waiter(io, look, p->watch);
    lineio_set_wake(io, filterctl_prove_stop_flag(), NULL);
    bool ok = reply(io, text) && text[0] == '2';
    *at_r = g_strdup("the greeting");
    for (int i = 0; ok && commands[i]; i++) {
        g_free(*at_r);
        *at_r = g_strdup(commands[i]);
        ok = say(io, i < 3 ? '2' : '3', text, commands[i]);
    }
    if (ok) {
        g_free(*at_r);
        *at_r = g_strdup("the message");
        ok = send_all(fd, p->message);
        filterctl_watch_look(p->watch, -1, HOLD_MS);
        lineio_set_wake(io, NULL, NULL);
        g_strlcpy(text, "interrupted", SAID_BYTES);
        ok = ok && !filterctl_prove_stop_wanted() && say(io, '2', text, ".");
    }
    if (ok)
        send_all(fd, "QUIT\r\n");
    lineio_free(&io);
    return ok;
}

bool filterctl_parcel_send(const struct filterctl_parcel *p, char **said_r)
{
    char text[SAID_BYTES];
    g_autofree char *at = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketClient) client = g_socket_client_new();
    g_socket_client_set_timeout(client, CONNECT_S);
    g_autoptr(GSocketConnection) connection = g_socket_client_connect_to_host(client, p->host, 25, NULL, &error);
    if (!connection) {
        *said_r = g_strdup_printf("%s: %s", p->host, error->message);
        return false;
    }
    GSocket *socket = g_socket_connection_get_socket(connection);
    g_socket_set_blocking(socket, TRUE);
    const int fd = g_socket_get_fd(socket);
    const bool ok = converse(p, fd, text, &at);
    *said_r = ok ? g_strdup(text) : g_strdup_printf("%s: to %s it says: %s", p->host, at, text);
    return ok;
}
