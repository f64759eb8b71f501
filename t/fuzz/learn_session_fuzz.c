/* The input is what a peer says on the learning socket. Byte 0 chooses: frames as they come, or a good
 * request whose message is the rest. */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/frame.h"
#include "base/log.h"
#include "base/sitekey.h"
#include "filterd/pipeline/context.h"
#include "filterd/session/learn_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct settings settings;
static const struct sitekey key;

static struct context *context(void)
{
    settings.hostname = (char *)"mx.example.org";
    settings.state_dir = (char *)"/nonexistent";
    settings.header_prefix = (char *)"X-Filterd";
    settings.recipient_delimiter = (char *)"+";
    settings.control.path = (char *)"/nonexistent/control.sock";
    settings.message_size_limit = 50000;
    log_to_fd(1023); /* closed: nothing is logged */
    return context_new(&settings, &key, CONTEXT_ALONE);
}

static bool say_message(int fd, const uint8_t *data, size_t size)
{
    GVariantDict d;
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "login", "s", "a@x.example");
    g_variant_dict_insert(&d, "class", "s", "spam");
    for (int i = 0; i < 2; i++, size = 0) {
        GVariant *chunk = g_variant_new_from_data(G_VARIANT_TYPE("ay"), data, size, TRUE, NULL, NULL);
        if (i == 0 && !frame_send(fd, g_variant_new("(s@a{sv})", "learn", g_variant_dict_end(&d)), 0))
            return false;
        if (!frame_send(fd, chunk, 0))
            return false;
    }
    return true;
}

static int64_t note_sealed(void *arg)
{
    (void)arg;
    return 1;
}

static bool note_refused(void *arg)
{
    (void)arg;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct context *ctx;
    int fds[2];
    if (size < 1 || size > 60000 || (!ctx && !(ctx = context())))
        return 0;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return 0;
    int bytes = 1 << 20;
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (data[0] & 1 ? say_message(fds[1], data + 1, size - 1)
                    : write(fds[1], data + 1, size - 1) == (ssize_t)size - 1) {
        shutdown(fds[1], SHUT_WR);
        learn_session_run(fds[0], &(struct learn_session_env){ctx, &key, note_sealed, note_refused, NULL});
    }
    close(fds[0]);
    close(fds[1]);
    return 0;
}
