/* Whom the master ends because they keep the keeper from writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filterd/blockers.h"
#include "filterd/children.h"
#include "filterd/scoreboard.h"

static struct children children;

static int set_up(void **state)
{
    (void)state;
    children = (struct children){.scoreboard = scoreboard_new(4), .others = g_array_new(FALSE, FALSE, sizeof(struct children_other))};
    return children.scoreboard ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    g_array_unref(children.others);
    scoreboard_free(&children.scoreboard);
    return 0;
}

/* Tells the master that a process of this kind holds a lock; the signal that it ended by, 0: none. */
static int end_of(enum children_kind kind)
{
    int blocked[2], status;
    assert_int_equal(pipe2(blocked, O_NONBLOCK | O_CLOEXEC), 0);
    struct children_other o = {.pid = fork(), .kind = kind, .what = "it"};
    if (o.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        pause();
        _exit(0);
    }
    g_array_append_val(children.others, o);
    children.blocked_fd = blocked[0];
    assert_int_equal(write(blocked[1], &o.pid, sizeof o.pid), sizeof o.pid);
    blockers_end(&children);
    kill(o.pid, SIGTERM); /* for who was not ended */
    assert_int_equal(waitpid(o.pid, &status, 0), o.pid);
    g_array_set_size(children.others, 0);
    close(blocked[0]);
    close(blocked[1]);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? SIGKILL : 0;
}

/* These read users.db. */
static void readers(void **state)
{
    (void)state;
    assert_int_equal(end_of(CHILDREN_TABLES), SIGKILL);
    assert_int_equal(end_of(CHILDREN_IMPORTER), SIGKILL);
    assert_int_equal(end_of(CHILDREN_MILTER), 0);
    assert_int_equal(end_of(CHILDREN_SPF), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(readers, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
