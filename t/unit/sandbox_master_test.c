/* The master's sandbox lets its children do what they have to, and make sockets where sockets are; nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox/sandbox.h"
#include "base/sandbox/sandbox_kind.h"
#include "base/sandbox/sandbox_parts.h"
#include "base/sandbox/sandbox_policy.h"
#include "t/unit/sandbox_deeds.h"

static char for_sockets[] = "/tmp/filterd-sandbox-XXXXXX";

static void clear_maildir(void)
{
    unlink(in(inside, "new/1"));
    rmdir(in(inside, "new"));
    rmdir(in(inside, "tmp"));
}

static int close_another(enum sandbox_kind kind)
{
    const char *why, *const folders[] = {inside, NULL};
    return sandbox_close(&(struct sandbox){.kind = kind, .folders = folders, .message_bytes = 1}, &why) ? 0 : 254;
}

static int deliver_as_its_child(void)
{
    const int rc = close_another(SANDBOX_DELIVERY_AGENT);
    return rc ? rc : deliver();
}

static int keep_as_its_child(void)
{
    const int rc = close_another(SANDBOX_KEEPER);
    return rc ? rc : keep();
}

static int listen_in(const char *folder)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    snprintf(un.sun_path, sizeof un.sun_path, "%s/socket", folder);
    if (bind(fd, (struct sockaddr *)&un, sizeof un) || listen(fd, 1))
        return errno;
    return result(unlink(un.sun_path));
}

static int listen_there(void)
{
    return listen_in(for_sockets);
}

static int listen_outside(void)
{
    return listen_in(outside);
}

static int file_among_sockets(void)
{
    return result(open(in(for_sockets, "file"), O_WRONLY | O_CREAT, 0600));
}

static int open_null(void)
{
    return result(open("/dev/null", O_WRONLY));
}

/* Behind the master's sandbox, if the kernel has all of it. */
static int does(int (*fn)(void))
{
    const char *why, *const folders[] = {inside, NULL}, *const sockets[] = {for_sockets, NULL};
    int status;
    const pid_t pid = fork();
    if (pid == 0) {
        const struct sandbox s = {
            .kind = SANDBOX_MASTER, .folders = folders, .socket_folders = sockets, .renames = true};
        if (!sandbox_close(&s, &why) && sandbox_parts_landlock_abi() >= 2)
            _exit(255);
        _exit(fn());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void what_its_children_need(void **state)
{
    (void)state;
    assert_int_equal(does(keep), 0);
    assert_int_equal(does(open_null), 0);
    assert_int_equal(does(listen_there), 0);
    if (sandbox_parts_landlock_abi() < 2) {
        print_message("no Landlock, or its first version: left out what the children's own sandboxes do\n");
        return;
    }
    assert_int_equal(does(keep_as_its_child), 0);
    assert_int_equal(does(deliver_as_its_child), 0);
    clear_maildir();
}

static void nothing_else(void **state)
{
    (void)state;
    if (sandbox_parts_landlock_abi() < 2)
        skip();
    assert_int_equal(does(listen_outside), EACCES);
    assert_int_equal(does(file_among_sockets), EACCES);
}

/* ---- which folders ---- */

static struct listener listener_at(const char *path)
{
    return (struct listener){.at.path = (char *)path, .next_hop = {HOP_LMTP, {.path = (char *)"/hop"}}};
}

static bool covers(const struct settings *had, const struct settings *more)
{
    GArray *a = sandbox_policy_folders(had), *b = sandbox_policy_folders(more);
    const bool ok = !sandbox_policy_lacks(a, b);
    g_array_unref(a);
    g_array_unref(b);
    return ok;
}

static void folders(void **state)
{
    (void)state;
    struct listener first = listener_at("/run/f/lmtp.sock"), other = listener_at("/run/f/other.sock"),
                    below = listener_at("/run/f/g/x.sock"), beside = listener_at("/run/fg/x.sock"),
                    inet = {.next_hop = {HOP_LMTP, {.path = (char *)"/hop"}}}, maildir = first, deeper = first,
                    up = first;
    struct settings had = {.state_dir = (char *)"/var/f", .site_key = (char *)"/var/k/site.key",
                           .control.path = (char *)"/run/f/control.sock", .listeners = &first, .listener_count = 1};
    struct settings more = had;
    maildir.next_hop = (struct next_hop_address){HOP_MAILDIR, {.path = (char *)"/mail/%d/%n"}};
    deeper.next_hop = (struct next_hop_address){HOP_MAILDIR, {.path = (char *)"/mail/site/%n"}};
    up.next_hop = (struct next_hop_address){HOP_MAILDIR, {.path = (char *)"/%d"}};
    struct {
        struct listener *l;
        bool covered;
    } const cases[] = {{&first, true}, {&other, true}, {&below, true}, {&inet, true}, {&beside, false}, {&maildir, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        more.listeners = cases[i].l;
        assert_int_equal(covers(&had, &more), cases[i].covered);
    }
    had.listeners = &maildir;
    more.listeners = &deeper;
    assert_true(covers(&had, &more));
    more.listeners = &up;
    assert_false(covers(&had, &more));
    struct listener among = listener_at("/mail/site/x.sock"); /* where files may be made sockets may not */
    more.listeners = &among;
    assert_false(covers(&had, &more));
}

static int begin(void **state)
{
    (void)state;
    return !mkdtemp(outside) || !mkdtemp(inside) || !mkdtemp(for_sockets);
}

static int end(void **state)
{
    (void)state;
    rmdir(outside);
    rmdir(inside);
    rmdir(for_sockets);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_its_children_need), cmocka_unit_test(nothing_else),
                                       cmocka_unit_test(folders)};
    return cmocka_run_group_tests(tests, begin, end);
}
