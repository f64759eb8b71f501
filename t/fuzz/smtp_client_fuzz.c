/* The input is what a next hop answers: it is asked about two recipients, then given a copy for each. */
#include <glib.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "base/mail/envelope.h"
#include "filterd/delivery/smtp_client.h"
#include "t/fuzz/fuzz_next_hop.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct next_hop_address hop;
static atomic_bool over;

struct answers {
    const uint8_t *data;
    size_t len;
};

/* Sends all of the input to the first client, reads to its end, and hangs up on others. */
static void *answer(void *arg)
{
    const struct answers *a = arg;
    char buffer[4096];
    for (int i = 0; !over; i++) {
        int fd = accept(hop_listener, NULL, NULL);
        if (i == 0 && send(fd, a->data, a->len, MSG_NOSIGNAL) >= 0)
            shutdown(fd, SHUT_WR);
        while (i == 0 && read(fd, buffer, sizeof buffer) > 0)
            ;
        close(fd);
    }
    return NULL;
}

static void end(pthread_t server)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    over = true;
    if (connect(fd, (struct sockaddr *)&hop_at, sizeof hop_at) == 0)
        pthread_join(server, NULL);
    close(fd);
    over = false;
}

static void talk(void)
{
    struct envelope *e = envelope_new(NULL);
    struct bytes message = {0};
    e->sender = g_strdup("a@example.net");
    e->client_addr = g_strdup("192.0.2.1");
    e->body_type = g_strdup("8BITMIME");
    struct recipient *one = envelope_add_recipient(e, "one@example.com", "NOTIFY=NEVER");
    struct recipient *two = envelope_add_recipient(e, "two@example.com", "");
    struct smtp_client *c = smtp_client_new(&hop, "mx.example.com");
    bytes_adds(&message, "Subject: x\r\n\r\n.text\r\n");
    smtp_client_set_deadline(c, 1000);
    smtp_client_ask(c, e, one);
    smtp_client_ask(c, e, two);
    smtp_client_reset(c);
    smtp_client_deliver(c, e, one, &message);
    smtp_client_deliver(c, e, two, &message);
    smtp_client_free(&c);
    bytes_free(&message);
    envelope_free(&e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pthread_t server;
    if (size < 2 || size > 100000 || !hop_listen())
        return 0;
    struct answers a = {data + 1, size - 1};
    hop.at.path = hop_at.sun_path;
    log_to_fd(1023); /* closed: nothing is logged */
    hop.kind = data[0] & 1 ? HOP_SMTP : HOP_LMTP;
    if (pthread_create(&server, NULL, answer, &a))
        return 0;
    talk();
    end(server);
    return 0;
}
