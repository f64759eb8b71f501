/* The bytes that all workers hold together, also when one of them dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "filterd/scoreboard.h"

#define LIMIT 8000000

static bool holds(struct scoreboard *b, int slot, size_t bytes)
{
    return scoreboard_hold(b, &b->slots[slot], bytes, LIMIT);
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
}

static void small_ones_fill_it_too(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(200);
    int taken = 0;
    while (taken < 200 && holds(b, taken, 50000))
        taken++;
    assert_int_equal(taken, LIMIT / 50000);
}

/* Only the master knows that a worker is gone. */
static void the_dead_hold_nothing(void **state)
{
    (void)state;
    struct scoreboard *b = scoreboard_new(2);
    int status;
    scoreboard_set(&b->slots[0], SLOT_BUSY);
    pid_t pid = fork();
    if (pid == 0) {
        holds(b, 0, 7000000);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(holds(b, 1, 1000000));
    scoreboard_set(&b->slots[0], SLOT_FREE);
    assert_true(holds(b, 1, 1000000));
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
    atomic_fetch_sub(&b->refused_at, 61 * INT64_C(1000000));
    assert_true(scoreboard_note_refused(b));
    assert_false(scoreboard_note_refused(b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares), cmocka_unit_test(small_ones_fill_it_too),
        cmocka_unit_test(the_dead_hold_nothing), cmocka_unit_test(a_refusal_a_minute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
