/* The bytes that all workers hold together, also when one of them dies; and what the master makes of a scoreboard
 * that a captured worker has scribbled on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <glib.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filterd/scoreboard.h"

#define LIMIT 8000000

static bool holds(struct scoreboard *b, int slot, size_t bytes)
{
    return scoreboard_hold(b, &b->shared->slots[slot], bytes, LIMIT);
}

static void shares(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(4);
    assert_true(holds(b, 0, 5000000));
    assert_false(holds(b, 1, 2000001)); /* an eighth is for small ones */
    assert_true(holds(b, 1, 2000000));
    assert_true(holds(b, 0, 5000000)); /* what it has it keeps */
    assert_false(holds(b, 0, 5000001));
    assert_true(holds(b, 2, SCOREBOARD_SMALL_BYTES));
    assert_false(holds(b, 2, SCOREBOARD_SMALL_BYTES + 1));
    assert_false(holds(b, 3, 70000));
    assert_true(holds(b, 0, 1000000)); /* less is always right */
    assert_true(holds(b, 3, 3000000));
    assert_true(holds(b, 0, 0));
    assert_true(holds(b, 3, 4000000));
    scoreboard_free(&b);
}

static void small_ones_fill_it_too(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(200);
    int taken = 0;
    while (taken < 200 && holds(b, taken, 50000))
        taken++;
    assert_int_equal(taken, LIMIT / 50000);
    scoreboard_free(&b);
}

/* Only the master knows that a worker is gone. */
static void the_dead_hold_nothing(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(2);
    int status;
    scoreboard_set(&b->shared->slots[0], SLOT_BUSY);
    pid_t pid = fork();
    if (pid == 0) {
        holds(b, 0, 7000000);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(holds(b, 1, 1000000));
    scoreboard_set(&b->shared->slots[0], SLOT_FREE);
    assert_true(holds(b, 1, 1000000));
    scoreboard_free(&b);
}

/* Other workers' refusals count, too. */
static void a_refusal_a_minute(void **state)
{
    struct scoreboard *b = scoreboard_new(4);
    int status;
    (void)state;
    const pid_t pid = fork();
    if (pid == 0)
        _exit(!scoreboard_note_refused(b));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_false(scoreboard_note_refused(b) || scoreboard_note_refused(b));
    atomic_fetch_sub(&b->shared->refused_at, 61 * INT64_C(1000000));
    assert_true(scoreboard_note_refused(b));
    assert_false(scoreboard_note_refused(b));
    scoreboard_free(&b);
}

/* Fills all that a worker can write with this byte. */
static void scribble(struct scoreboard *b, int byte)
{
    int status;
    const pid_t pid = fork();
    if (pid == 0) {
        memset(b->shared, byte, sizeof *b->shared + (size_t)b->size * sizeof(struct slot));
        b->size = 2000000; /* its own copy */
        for (int i = 0; i < 4; i++)
            b->pids[i] = getppid();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void the_master_believes_nothing(void **state)
{
    (void)state;
    static const int bytes[] = {0xff, 0x00, 0x7f, 0x01};
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        struct scoreboard *b = scoreboard_new(4);
        assert_int_equal(scoreboard_take(b), 0);
        b->pids[0] = 10000000; /* no such process */
        assert_int_equal(scoreboard_take(b), 1);
        b->pids[1] = 10000001;
        scribble(b, bytes[i]);
        assert_int_equal(b->size, 4);
        assert_int_equal(scoreboard_workers(b), 2);
        assert_int_equal(scoreboard_of_pid(b, getpid()), -1);
        assert_int_equal(scoreboard_of_pid(b, 10000001), 1);
        assert_int_equal(scoreboard_of_pid(b, 0), -1);
        for (int state_of = SLOT_FREE; state_of <= SLOT_LEAVING; state_of++) {
            assert_true(scoreboard_count(b, (enum slot_state)state_of) <= 2);
            const pid_t one = scoreboard_longest(b, (enum slot_state)state_of, -1);
            assert_true(one == 0 || one == 10000000 || one == 10000001);
        }
        scoreboard_tidy(b);
        assert_int_equal(atomic_load(&b->shared->slots[3].held), 0);
        assert_int_equal(scoreboard_shown(b, SLOT_FREE) >= 2, 1);
        scoreboard_idle_still(&b->shared->slots[1]);
        assert_int_equal(atomic_load(&b->shared->slots[1].held), 0);
        assert_int_equal(scoreboard_take(b), 2); /* whatever the slots say, these two have a worker */
        scoreboard_vacate(b, 0);
        assert_int_equal(scoreboard_workers(b), 1);
        assert_int_equal(scoreboard_take(b), 0);
        assert_int_equal(atomic_load(&b->shared->slots[0].state), SLOT_IDLE);
        scoreboard_free(&b);
    }
}

static void who_is_no_worker_reaches_nothing(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(4);
    struct slot *slot = &b->shared->slots[1];
    int status;
    const pid_t pid = fork();
    if (pid == 0) {
        scoreboard_leave(b);
        signal(SIGSEGV, SIG_DFL);
        atomic_store(&slot->held, 1);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(status != 0);
    assert_int_equal(atomic_load(&slot->held), 0);
    scoreboard_free(&b);
}

static void longest(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(scoreboard_take(b), i);
        b->pids[i] = 100 + i;
        atomic_store(&b->shared->slots[i].since, 1000 - i * 10);
    }
    scoreboard_set(&b->shared->slots[3], SLOT_BUSY);
    assert_int_equal(scoreboard_longest(b, SLOT_IDLE, 1), 102);
    assert_int_equal(scoreboard_longest(b, SLOT_RESTING, 1), 0);
    assert_int_equal(scoreboard_longest(b, SLOT_BUSY, (int64_t)G_USEC_PER_SEC * 3600), 0);
    scoreboard_free(&b);
}

/* A quarter of the workers, at least one, and none of them for ever: the master and an idle worker clear what a dead
 * one, or another, has left. */
static void learners(void **state)
{
    struct scoreboard *b = scoreboard_new(20);
    (void)state;
    assert_false(scoreboard_learns_enough(b, 1));
    scoreboard_learns(&b->shared->slots[3], true);
    assert_true(scoreboard_learns_enough(b, 1));
    assert_true(scoreboard_learns_enough(b, 7));
    assert_false(scoreboard_learns_enough(b, 8));
    scoreboard_learns(&b->shared->slots[19], true);
    assert_true(scoreboard_learns_enough(b, 8));
    scoreboard_learns(&b->shared->slots[3], false);
    assert_false(scoreboard_learns_enough(b, 8));
    assert_true(scoreboard_learns_enough(b, 4));
    scoreboard_idle_still(&b->shared->slots[19]);
    assert_false(scoreboard_learns_enough(b, 4));
    scoreboard_learns(&b->shared->slots[5], true);
    scoreboard_tidy(b);
    assert_false(scoreboard_learns_enough(b, 4));
    scoreboard_learns(&b->shared->slots[5], true);
    scoreboard_vacate(b, 5);
    assert_false(scoreboard_learns_enough(b, 4));
    scoreboard_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares), cmocka_unit_test(small_ones_fill_it_too),
        cmocka_unit_test(the_dead_hold_nothing), cmocka_unit_test(the_master_believes_nothing),
        cmocka_unit_test(who_is_no_worker_reaches_nothing), cmocka_unit_test(longest), cmocka_unit_test(a_refusal_a_minute),
        cmocka_unit_test(learners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
