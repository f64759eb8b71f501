/* What the milter's front process sends a worker, and the header fields of both sides. Byte 0 chooses:
 * frames as they come; a good question whose message is the rest; or the fields of an MTA's message and of
 * a copy, from which the edits must make the one of the other. */
#include <glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/config/settings.h"
#include "base/frame.h"
#include "base/mail/header.h"
#include "base/result.h"
#include "filterd/session/milter_edits.h"
#include "filterd/session/milter_session.h"
#include "t/fuzz/fuzz_context.h"
#include "t/unit/milter_mta.h"

static struct context *context(void)
{
    settings.message_size_limit = 50000;
    return fuzz_context(PROTO_MILTER);
}

static bool say_message(int fd, const uint8_t *data, size_t size)
{
    static const char *const to[] = {"a@x.example", "b@x.example", NULL};
    GVariantDict d;
    struct header *fields;
    size_t count;
    milter_edits_fields(data, size, NULL, &fields, &count);
    g_free(fields);
    g_variant_dict_init(&d, NULL);
    g_variant_dict_insert(&d, "listener", "s", "fuzz");
    g_variant_dict_insert(&d, "sender", "s", "c@x.example");
    g_variant_dict_insert(&d, "fields", "u", (guint32)count);
    g_variant_dict_insert_value(&d, "recipients", g_variant_new_strv(to, -1));
    if (!frame_send(fd, g_variant_new("(s@a{sv})", "message", g_variant_dict_end(&d)), 0))
        return false;
    for (int i = 0; i < 2; i++, size = 0)
        if (!frame_send(fd, g_variant_new_from_data(G_VARIANT_TYPE("ay"), data, size, TRUE, NULL, NULL), 0))
            return false;
    return true;
}

/* Whatever was said, what comes back is one answer. There are no users, so nothing is sealed, and
 * who lets a message pass says what is to be changed. */
static void check(int fd)
{
    GVariant *results = NULL, *edits, *answer = frame_recv(fd, FRAME_ANSWER, 1 << 20, 0);
    guint32 result = RES_DISCARD + 1;
    gboolean flag = FALSE;
    if (!answer)
        return;
    g_variant_get(answer, "(i&s@a{sv})", NULL, NULL, &results);
    if (!g_variant_lookup(results, "result", "u", &result) || result > RES_DISCARD)
        __builtin_trap();
    if (g_variant_lookup(results, "sealed", "b", &flag) ? flag
        : g_variant_lookup(results, "body", "b", &flag) && flag)
        __builtin_trap();
    edits = g_variant_lookup_value(results, "edits", G_VARIANT_TYPE(MILTER_EDITS_TYPE));
    if (edits)
        g_variant_unref(edits);
    else if (result == RES_OK && !g_variant_lookup(results, "sealed", "b", &flag))
        __builtin_trap();
    g_variant_unref(results);
    g_variant_unref(answer);
}

static void talk(const uint8_t *data, size_t size, bool good)
{
    static struct context *ctx;
    int fds[2], bytes = 1 << 20;
    if ((!ctx && !(ctx = context())) || socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
        return;
    setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (good ? say_message(fds[1], data, size) : write(fds[1], data, size) == (ssize_t)size) {
        shutdown(fds[1], SHUT_WR);
        milter_session_run(fds[0], &(struct milter_session_env){.context = ctx});
        check(fds[1]);
    }
    close(fds[0]);
    close(fds[1]);
}

/* data: how much of it is the MTA's, how much ours on top; then both. */
static void edit(const uint8_t *data, size_t size)
{
    size_t n, unused;
    struct header *old, *new;
    if (size < 4)
        return;
    const size_t first = MIN(((size_t)data[0] << 8) | data[1], size - 4);
    const char *text = (const char *)data + 4;
    struct milter_edits_copy copy = {text + first, size - 4 - first, 0};
    copy.added = MIN(((size_t)data[2] << 8) | data[3], copy.len);
    if (memchr(text, 0, size - 4) || !milter_edits_fields(text, first, NULL, &old, &n))
        return;
    const bool whole = milter_edits_fields(copy.data, copy.len, NULL, &new, &unused);
    GVariant *edits = milter_edits_new(old, n, &copy);
    if (edits && whole) {
        GPtrArray *have = fields_of(text, first), *want = fields_of(copy.data, copy.len);
        g_variant_ref_sink(edits);
        for (gsize i = 0; i < g_variant_n_children(edits); i++) {
            GVariant *one = g_variant_get_child_value(edits, i);
            apply(have, one);
            g_variant_unref(one);
        }
        char *a = joined(have), *b = joined(want), *c = sorted(a), *d = sorted(b);
        if (strcmp(c, d) != 0)
            __builtin_trap();
        g_free(a), g_free(b), g_free(c), g_free(d);
        g_ptr_array_unref(have);
        g_ptr_array_unref(want);
        g_variant_unref(edits);
    }
    g_free(old);
    g_free(new);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 60000)
        return 0;
    if (data[0] % 3 == 2)
        edit(data + 1, size - 1);
    else
        talk(data + 1, size - 1, data[0] % 3 == 1);
    return 0;
}
