/* What the tests of schedules share: one, which each claim finds empty. */
#include "loadgen/schedule.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct schedule schedule;

static inline int start_empty(void **state)
{
    (void)state;
    schedule_init(&schedule);
    return 0;
}

static inline int clear(void **state)
{
    (void)state;
    schedule_clear(&schedule);
    return 0;
}

static inline void add(double duration_s, double from_per_s, double to_per_s)
{
    const struct phase phase = {
        .duration_s = duration_s, .from_per_s = from_per_s, .to_per_s = to_per_s};
    struct why why;

    if (schedule_add(&schedule, &phase, &why) != 0)
        fail_msg("%s", why.text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_empty, clear)
