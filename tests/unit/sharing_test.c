/* sharing: a number of workers among those that want some; total: that number among farms. */
#include "autoscaler/policy/sharing.h"

#include "autoscaler/total.h"
#include "random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_TAKERS 6

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(random_bits(random) % limit);
}

static size_t draw(uint64_t *random, struct sharing_taker takers[MOST_TAKERS])
{
    size_t count = 1 + below(random, MOST_TAKERS);

    for (size_t i = 0; i < count; i++) {
        uint32_t least = below(random, 4);
        takers[i] = (struct sharing_taker){
            .least = least, .most = least + below(random, 12), .weight = below(random, 20)};
    }
    return count;
}

static void shares_stand_to_each_other_as_the_weights_do(void **state)
{
    struct sharing_taker takers[] = {
        {.most = 100, .weight = 8}, {.most = 100, .weight = 4}, {.most = 100, .weight = 12}};

    (void)state;
    sharing_divide(12, takers, 3);
    assert_int_equal(takers[0].share, 4);
    assert_int_equal(takers[1].share, 2);
    assert_int_equal(takers[2].share, 6);
    takers[2].most = 2;
    sharing_divide(12, takers, 3);
    assert_int_equal(takers[0].share, 7); /* 7 / 8 before 4 / 4 */
    assert_int_equal(takers[1].share, 3);
    assert_int_equal(takers[2].share, 2);
}

static void all_is_given_within_the_limits_to_whom_it_is_due(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2000; seed++) {
        struct sharing_taker takers[MOST_TAKERS];
        uint64_t random = seed;
        size_t count = draw(&random, takers);
        uint32_t total = below(&random, 60), sum = 0, least = 0, most = 0;
        sharing_divide(total, takers, count);
        for (size_t i = 0; i < count; i++) {
            sum += takers[i].share;
            least += takers[i].least;
            most += takers[i].most;
            assert_true(takers[i].share <= takers[i].most);
        }
        assert_int_equal(sum, total < most ? total : most);
        if (total < least)
            continue;
        /* Nobody has one more than its least that was due to somebody else. */
        for (size_t i = 0; i < count; i++)
            for (size_t j = 0; j < count; j++) {
                const struct sharing_taker *a = &takers[i], *b = &takers[j];
                assert_true(a->share >= a->least);
                if (a->share > a->least && b->share < b->most && b->weight > 0)
                    assert_true(a->share * b->weight <= (b->share + 1) * a->weight);
            }
    }
}

static void a_change_of_one_moves_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 500; seed++) {
        struct sharing_taker takers[MOST_TAKERS], before[MOST_TAKERS];
        uint64_t random = seed;
        size_t count = draw(&random, takers);
        sharing_divide(0, takers, count);
        for (uint32_t total = 1; total <= 60; total++) {
            uint32_t moved = 0;
            memcpy(before, takers, sizeof before);
            sharing_divide(total, takers, count);
            for (size_t i = 0; i < count; i++) {
                assert_true(takers[i].share >= before[i].share);
                moved += takers[i].share - before[i].share;
            }
            assert_true(moved <= 1);
        }
    }
}

/* ---- farms ---- */

#define FARMS 4

/* A farm with workers that drain for some time. */
struct farm {
    struct total_place place;
    uint32_t wanted;
    struct worker_counts counts;
};

/* The farm decides, and its node does what it is told. */
static void decide(struct farm *farm, uint32_t least)
{
    uint32_t allowed = total_allow(&farm->place, least, farm->wanted);
    uint32_t target = farm->wanted < allowed ? farm->wanted : allowed;

    if (target < farm->counts.running)
        farm->counts.draining += farm->counts.running - target;
    farm->counts.running = target;
    total_hold(&farm->place, target, &farm->counts);
}

static uint32_t all_of(const struct farm *farms)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < FARMS; i++)
        sum += farms[i].counts.running + farms[i].counts.draining;
    return sum;
}

/* Whatever they want, whoever decides first, and however long workers drain. */
static void there_are_never_more_than_the_total(void **state)
{
    const uint32_t least = 1, most = 12;

    (void)state;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct total total = {0};
        struct farm farms[FARMS] = {0};
        uint64_t random = seed;
        total_set(&total, most);
        for (size_t i = 0; i < FARMS; i++) {
            total_join(&total, &farms[i].place);
            total_allow(&farms[i].place, least, least);
        }
        for (int step = 0; step < 300; step++) {
            struct farm *farm = &farms[below(&random, FARMS)];
            if (below(&random, 3) && farm->counts.draining) {
                farm->counts.draining--;
                total_hold(&farm->place, farm->place.target, &farm->counts);
                continue;
            }
            farm->wanted = least + below(&random, 10);
            decide(farm, least);
            assert_true(farm->counts.running >= least);
            assert_true(all_of(farms) <= most);
        }
        /* When nothing changes any more, all come to have what is theirs. */
        for (size_t i = 0; i < FARMS; i++)
            total_allow(&farms[i].place, least, farms[i].wanted > least ? farms[i].wanted : least);
        for (int round = 0; round < 20; round++)
            for (size_t i = 0; i < FARMS; i++) {
                farms[i].counts.draining = 0;
                total_hold(&farms[i].place, farms[i].place.target, &farms[i].counts);
                if (total_is_due(&farms[i].place) || round == 0)
                    decide(&farms[i], least);
            }
        for (size_t i = 0; i < FARMS; i++) {
            assert_int_equal(farms[i].counts.running, farms[i].place.share < farms[i].wanted
                                                          ? farms[i].place.share
                                                          : farms[i].wanted);
            assert_false(total_is_due(&farms[i].place));
        }
        while (total.count)
            total_leave(total.places[0]);
    }
}

static void a_farm_is_due_when_others_leave_it_more_or_less(void **state)
{
    struct total total = {0};
    struct total_place a, b;
    const struct worker_counts eight = {.running = 8}, four = {.running = 4}, none = {0};

    (void)state;
    total_set(&total, 8);
    total_join(&total, &a);
    total_join(&total, &b);
    assert_int_equal(total_allow(&a, 0, 8), 8);
    total_hold(&a, 8, &eight);
    assert_false(total_is_due(&a));
    assert_int_equal(total_allow(&b, 0, 8), 0); /* its share is 4, and nothing is free */
    assert_true(total_is_due(&a));
    assert_int_equal(total_allow(&a, 0, 8), 4);
    total_hold(&a, 4, &(struct worker_counts){.running = 4, .draining = 3});
    assert_false(total_is_due(&a));
    assert_true(total_is_due(&b));
    assert_int_equal(total_allow(&b, 0, 8), 1);
    total_hold(&a, 4, &four);
    assert_true(total_is_due(&b));
    assert_int_equal(total_allow(&b, 0, 8), 4);
    total_hold(&b, 4, &four);
    total_end(&b);
    assert_false(total_is_due(&a)); /* its workers are still there */
    total_hold(&b, 0, &none);
    total_leave(&b);
    assert_true(total_is_due(&a));
    assert_int_equal(total_allow(&a, 0, 8), 8);
}

static void a_farm_that_has_not_begun_keeps_its_least(void **state)
{
    struct total total = {0};
    struct total_place a, b;

    (void)state;
    total_set(&total, 8);
    total_join(&total, &a);
    total_join(&total, &b);
    total_allow(&b, 3, 3);
    assert_int_equal(total_allow(&a, 0, 100), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_stand_to_each_other_as_the_weights_do),
        cmocka_unit_test(all_is_given_within_the_limits_to_whom_it_is_due),
        cmocka_unit_test(a_change_of_one_moves_one),
        cmocka_unit_test(there_are_never_more_than_the_total),
        cmocka_unit_test(a_farm_is_due_when_others_leave_it_more_or_less),
        cmocka_unit_test(a_farm_that_has_not_begun_keeps_its_least),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
