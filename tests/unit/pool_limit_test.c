/* pool_limit_test.c - a pool whose max changes while it runs, and workers that are told to go. */
#include "pool_model.h"

static void a_raised_max_lets_more_start(void **state)
{
    (void)state;
    open_model(8, POOL_STOP_OLDEST, 1);
    limit(2);
    want(8);
    assert_int_equal(at_work(), 2);
    limit(5);
    assert_int_equal(at_work(), 2);
    want(8);
    assert_int_equal(at_work(), 5);
    /* The most that it was made for. */
    pool_limit(&model.pool, 1000);
    assert_int_equal(model.pool.max_workers, 8);
}

static void what_a_lowered_max_leaves_drains_at_once(void **state)
{
    (void)state;
    open_running(8, 8);
    limit(1);
    assert_int_equal(model.drain_count, 7);
    assert_int_equal(at_work(), 1);
    limit(3);
    want(3);
    assert_int_equal(at_work(), 3);
}

static void it_drains_at_once_beside_those_that_drain_already(void **state)
{
    (void)state;
    open_running(4, 4);
    for (int i = 0; i < 2; i++) {
        want(0);
        want(4);
    }
    assert_int_equal(pool_counts(&model.pool).draining, 8);
    limit(1);
    /* As many drain as there is room for under the max before. */
    assert_int_equal(at_work(), 4);
    ended(0, 0, 0);
    assert_int_equal(at_work(), 3);
    for (size_t i = 1; i < 8; i++)
        ended(i, 0, 0);
    assert_int_equal(at_work(), 1);
    assert_int_equal(pool_counts(&model.pool).draining, 3);
}

/* A worker that crashes is replaced though all that the max before allowed still drain. */
static void what_is_wanted_starts_beside_what_a_lowered_max_has_left(void **state)
{
    (void)state;
    open_running(8, 8);
    limit(1);
    assert_int_equal(pool_counts(&model.pool).draining, 7);
    for (size_t i = 0; i < 8; i++)
        if (!model.processes[i].told_to_drain)
            ended(i, 1, 0);
    assert_int_equal(at_work(), 1);
    assert_int_equal(model.start_count, 1);
}

static void room_is_that_of_the_lowered_max_once_it_holds_all(void **state)
{
    (void)state;
    open_running(8, 8);
    limit(1);
    for (size_t i = 0; i < 8; i++)
        if (model.processes[i].told_to_drain)
            ended(i, 0, 0);
    step();
    assert_int_equal(model.pool.room_workers, 1);
    for (int i = 0; i < 4; i++) {
        want(0);
        want(1);
    }
    assert_int_equal(pool_counts(&model.pool).draining, 2);
}

/* So that whoever goes through all slots pays for those in use. */
static void the_used_slots_end_with_the_last_worker(void **state)
{
    (void)state;
    open_running(8, 8);
    assert_int_equal(model.pool.used, 8);
    ended(3, 1, 0);
    assert_int_equal(model.pool.used, 8);
    limit(1);
    for (size_t i = 0; i < 8; i++)
        if (model.processes[i].alive && model.processes[i].told_to_drain)
            ended(i, 0, 0);
    want(0);
    for (size_t i = 0; i < 8; i++)
        if (model.processes[i].alive)
            ended(i, 0, 0);
    assert_int_equal(model.pool.used, 0);
}

static void a_retired_worker_drains_and_another_takes_its_place(void **state)
{
    (void)state;
    open_running(4, 3);
    retire(1);
    assert_int_equal(model.drain_count, 1);
    assert_int_equal(model.drained[0], 1);
    assert_int_equal(model.start_count, 1);
    assert_int_equal(at_work(), 3);
    /* Said twice it does nothing more, neither does it to one that is not there. */
    retire(1);
    retire(11);
    assert_int_equal(model.drain_count + model.start_count, 0);
}

static void a_retired_worker_is_the_one_that_goes_when_fewer_are_wanted(void **state)
{
    (void)state;
    open_running(4, 3);
    pool_retire(&model.pool, 2);
    model.processes[2].retired = true;
    want(2);
    assert_int_equal(model.drain_count, 1);
    assert_int_equal(model.drained[0], 2);
    assert_int_equal(model.start_count, 0);
}

static void a_worker_is_retired_while_it_starts_as_well(void **state)
{
    (void)state;
    open_model(4, POOL_STOP_OLDEST, 1);
    want(1);
    retire(0);
    assert_int_equal(model.drained[0], 0);
    assert_int_equal(pool_counts(&model.pool).starting, 1);
    /* Nor does that hold for whoever comes to the slot next. */
    ended(0, 0, 0);
    want(2);
    assert_true(model.processes[0].alive && !model.processes[0].told_to_drain);
}

int main(void)
{
#define claim(name) cmocka_unit_test_teardown(name, close_model)
    const struct CMUnitTest tests[] = {
        claim(a_raised_max_lets_more_start),
        claim(what_a_lowered_max_leaves_drains_at_once),
        claim(it_drains_at_once_beside_those_that_drain_already),
        claim(what_is_wanted_starts_beside_what_a_lowered_max_has_left),
        claim(room_is_that_of_the_lowered_max_once_it_holds_all),
        claim(the_used_slots_end_with_the_last_worker),
        claim(a_retired_worker_drains_and_another_takes_its_place),
        claim(a_retired_worker_is_the_one_that_goes_when_fewer_are_wanted),
        claim(a_worker_is_retired_while_it_starts_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
