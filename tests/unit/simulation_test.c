#include "autoscaler/simulate/simulation.h"

#include "autoscaler/simulate/peers.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MS     INT64_C(1000000)
#define SECOND INT64_C(1000000000)

/* A trace in memory: times in order, then its end. */
struct times {
    const int64_t *at_ns;
    size_t count, next;
    int64_t end_ns;
};

static int next_time(void *context, int64_t *at_ns)
{
    struct times *times = context;

    *at_ns = times->next < times->count ? times->at_ns[times->next] : times->end_ns;
    return times->next < times->count ? (times->next++, 1) : 0;
}

static struct simulation simulation;

static void open_simulation(struct times *times, int64_t service_ns, int64_t startup_ns,
                            uint32_t max_workers)
{
    struct simulation_params params = {
        .source = {.context = times, .next = next_time},
        .service = {.kind = SERVICE_CONSTANT, .mean_ns = (double)service_ns},
        .startup = {.kind = SERVICE_CONSTANT, .mean_ns = (double)startup_ns},
        .late_ns = 100 * MS,
        .max_workers = max_workers,
    };

    times->next = 0;
    assert_int_equal(simulation_init(&simulation, &params), 0);
}

static void an_event_waits_for_the_worker_that_starts(void **state)
{
    const int64_t at_ns[] = {10 * MS, 20 * MS};
    struct times times = {at_ns, 2, 0, 1 * SECOND};

    (void)state;
    open_simulation(&times, 50 * MS, 30 * MS, 4);
    simulation_want(&simulation, 1);
    assert_int_equal(simulation_advance(&simulation, INT64_MAX, false), SIMULATION_OVER);
    /* Ready at 30 ms; the second event begins when the first is done, at 80 ms. */
    assert_int_equal(simulation.waits.min_ns, 20 * MS);
    assert_int_equal(simulation.waits.max_ns, 60 * MS);
    assert_int_equal(simulation.now_ns, 1 * SECOND);
    assert_true(simulation_worker_s(&simulation) == 1.0);
    simulation_clear(&simulation);
}

static void a_drained_worker_finishes_its_event_and_takes_no_other(void **state)
{
    const int64_t at_ns[] = {0, 0};
    struct times times = {at_ns, 2, 0, 0};

    (void)state;
    open_simulation(&times, 100 * MS, 0, 2);
    simulation_want(&simulation, 1);
    assert_int_equal(simulation_advance(&simulation, 10 * MS, false), SIMULATION_DUE);
    simulation_want(&simulation, 0);
    assert_int_equal(simulation_view(&simulation).draining_busy, 1);
    assert_int_equal(simulation_advance(&simulation, 500 * MS, false), SIMULATION_DUE);
    assert_int_equal(simulation.handled, 1);
    assert_int_equal(simulation_view(&simulation).waiting, 1);
    assert_true(simulation_worker_s(&simulation) == 0.1);
    simulation_clear(&simulation);
}

static void with_each_arrival_it_stops_at_every_event(void **state)
{
    const int64_t at_ns[] = {1, 1, 5};
    struct times times = {at_ns, 3, 0, 9};

    (void)state;
    open_simulation(&times, 1, 0, 1);
    simulation_want(&simulation, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(simulation_advance(&simulation, INT64_MAX, true), SIMULATION_ARRIVED);
        assert_int_equal(simulation.now_ns, at_ns[i]);
    }
    assert_int_equal(simulation_advance(&simulation, INT64_MAX, true), SIMULATION_OVER);
    simulation_clear(&simulation);
}

/* Whoever decides, and however wildly: no event is lost, work and lifetime add up, limits hold. */
static void what_goes_in_comes_out(void **state)
{
    static int64_t at_ns[3000];
    uint64_t random = 5;

    (void)state;
    for (int round = 0; round < 50; round++) {
        struct times times = {at_ns, 1 + random_bits(&random) % 3000, 0, 0};
        int64_t now_ns = 0;
        for (size_t i = 0; i < times.count; i++)
            at_ns[i] = now_ns += (int64_t)(random_exponential(&random) * 5e6);
        times.end_ns = now_ns;
        uint32_t most = 1 + (uint32_t)(random_bits(&random) % 12);
        open_simulation(&times, (int64_t)(random_bits(&random) % 40) * MS,
                        (int64_t)(random_bits(&random) % 90) * MS, most);

        enum simulation_stop stop;
        do {
            bool last = simulation.arrived == times.count;
            simulation_want(&simulation,
                            last ? most : (uint32_t)(random_bits(&random) % (most + 1)));
            stop = simulation_advance(
                &simulation, simulation.now_ns + (int64_t)(random_bits(&random) % 300) * MS,
                random_bits(&random) % 4 == 0);
            struct simulation_view view = simulation_view(&simulation);
            assert_true(view.workers.starting + view.workers.running <= most);
            assert_int_equal(view.arrived, view.handled + view.busy + view.waiting);
            assert_true(view.busy_s <= simulation_worker_s(&simulation) + 1e-9);
            assert_true(!view.free || !view.waiting);
        } while (stop != SIMULATION_OVER);
        assert_int_equal(simulation.handled, times.count);
        assert_int_equal(simulation.waits.count, times.count);
        assert_true(fabs(simulation.work_s - simulation_view(&simulation).busy_s) < 1e-6);
        assert_true(simulation.waits.min_ns >= 0);
        simulation_clear(&simulation);
    }
}

/* Every peer, on any load: within its limits, and it asks for a time that is ahead. */
static void peers_stay_within_their_limits(void **state)
{
    static int64_t at_ns[4000];
    const struct peer_kind *kind;
    uint64_t random = 11;

    (void)state;
    for (size_t k = 0; (kind = peers_at(k)); k++) {
        for (int round = 0; round < 6; round++) {
            struct times times = {at_ns, 4000, 0, 0};
            int64_t now_ns = 0, next_ns = 0;
            for (size_t i = 0; i < times.count; i++)
                at_ns[i] = now_ns +=
                    (int64_t)(random_exponential(&random) * (i % 1000 < 500 ? 2e7 : 3e8));
            times.end_ns = now_ns;
            struct peer peer;
            struct peer_params params = {.min_workers = (uint32_t)round % 3,
                                         .max_workers = 2 + (uint32_t)(random_bits(&random) % 20),
                                         .service_s = 0.05,
                                         .wait_s = 0.2,
                                         .number = {NAN, NAN}};
            peer_start(&peer, kind, &params);
            open_simulation(&times, 50 * MS, 20 * MS, params.max_workers);
            enum simulation_stop stop = SIMULATION_DUE;
            while (stop != SIMULATION_OVER) {
                uint32_t workers = kind->decide(&peer, &simulation, &next_ns);
                assert_true(workers <= params.max_workers);
                assert_true(workers >= params.min_workers || kind->numbers[0] == 1);
                assert_true(next_ns > simulation.now_ns);
                simulation_want(&simulation, workers);
                stop = simulation_advance(&simulation, next_ns, kind->each_arrival);
            }
            assert_int_equal(simulation.handled, times.count);
            simulation_clear(&simulation);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_waits_for_the_worker_that_starts),
        cmocka_unit_test(a_drained_worker_finishes_its_event_and_takes_no_other),
        cmocka_unit_test(with_each_arrival_it_stops_at_every_event),
        cmocka_unit_test(what_goes_in_comes_out),
        cmocka_unit_test(peers_stay_within_their_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
