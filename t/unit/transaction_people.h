/* transaction_people: the recipients that the tests of transactions have in common. */
#ifndef T_UNIT_TRANSACTION_PEOPLE_H
#define T_UNIT_TRANSACTION_PEOPLE_H

#include "t/unit/attempts_world.h"
#include "t/unit/pipeline_world.h"

#define GOOD "good@example.org"
#define KEYLESS "keyless@example.org"
#define BAD "bad@example.org"
#define FOREIGN "who@elsewhere.example"

static inline int people_open(void **state)
{
    if (world_open(state))
        return -1;
    user(GOOD);
    user(KEYLESS);
    user(BAD);
    return 0;
}

#undef TEST
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, people_open, world_close)

#endif
