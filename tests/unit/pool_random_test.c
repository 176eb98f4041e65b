#include "pool_model.h"
#include "random.h"

static size_t any_slot(uint64_t *random)
{
    return random_bits(random) % (model.pool.slot_count + 1);
}

/* A living process, or the slot after the last when there is none. */
static size_t any_process(uint64_t *random)
{
    size_t from = random_bits(random) % model.pool.slot_count;

    for (size_t i = 0; i < model.pool.slot_count; i++) {
        size_t slot = (from + i) % model.pool.slot_count;
        if (model.processes[slot].alive)
            return slot;
    }
    return model.pool.slot_count;
}

static int64_t any_time(uint64_t *random)
{
    switch (random_bits(random) % 4) {
    case 0:
        return (int64_t)(random_bits(random) % (uint64_t)(10 * MS));
    case 1:
        return (int64_t)(random_bits(random) % (uint64_t)SECOND);
    case 2:
        return (int64_t)(random_bits(random) % (uint64_t)(40 * SECOND));
    default:
        return model.wake_ns == POOL_NEVER ? 0 : model.wake_ns - model.now_ns;
    }
}

/* Sound ends are the rule, and the rare ones that stop the pool are rare. */
static struct pool_end any_end(uint64_t *random)
{
    static const int signals[] = {SIGNAL_KILL, SIGNAL_SEGV, SIGNAL_TERM};
    static const int codes[] = {1, 2, TEMPFAIL, NOPERM, CONFIG, 255};

    switch (random_bits(random) % 8) {
    case 0:
        return (struct pool_end){.signal = signals[random_bits(random) % 3]};
    case 1:
        return (struct pool_end){.code = codes[random_bits(random) % 6]};
    case 2:
        return (struct pool_end){.code = random_bits(random) % 16 ? 1 : USAGE};
    default:
        return (struct pool_end){.code = 0};
    }
}

static void random_event(uint64_t *random)
{
    size_t slot;

    switch (random_bits(random) % 18) {
    case 0:
    case 1:
    case 2:
        want((uint32_t)(random_bits(random) % (model.pool.params.max_workers + 2)));
        break;
    case 3:
    case 4:
    case 5:
        ready(any_slot(random));
        break;
    case 6:
        slot = any_process(random);
        if (slot < model.pool.slot_count)
            pool_tells(&model.pool, slot);
        step();
        break;
    case 7:
        slot = any_process(random);
        if (slot < model.pool.slot_count)
            pool_idle(&model.pool, slot, random_bits(random) % 2);
        pool_took_up(&model.pool, slot, (int64_t)(random_bits(random) % 3) * model.now_ns / 2);
        step();
        break;
    case 8:
        slot = any_slot(random);
        if (slot < model.pool.slot_count)
            hung(slot);
        break;
    case 9:
    case 10:
    case 11:
        slot = any_process(random);
        if (slot < model.pool.slot_count) {
            ended_quietly(slot, any_end(random));
            step();
        }
        break;
    case 12:
        if (random_bits(random) % 2) {
            pool_consuming(&model.pool, (int64_t)(random_bits(random) % 5) - 1);
            step();
            break;
        }
        /* Several ends come together. */
        for (int i = 0; i < 3; i++) {
            slot = any_slot(random);
            if (slot < model.pool.slot_count)
                ended_quietly(slot, any_end(random));
        }
        step();
        break;
    case 13:
        slot = any_slot(random);
        if (slot < model.pool.slot_count)
            retire(slot);
        break;
    case 14:
        if (random_bits(random) % 4 == 0)
            limit((uint32_t)(1 + random_bits(random) % model.pool.params.max_workers));
        break;
    default:
        advance(any_time(random));
    }
}

/* Wherever the workers stand, the pool can be emptied: at its end every drain has a deadline. */
static void wind_up(uint64_t *random)
{
    int64_t latest_ns = model.now_ns;

    if (random_bits(random) % 3 == 0)
        abandon();
    else
        finish();
    while (!pool_is_empty(&model.pool)) {
        bool any = false;
        for (size_t i = 0; i < model.pool.slot_count; i++) {
            if (model.processes[i].alive && model.processes[i].killed) {
                ended(i, 0, SIGNAL_KILL);
                any = true;
            }
        }
        if (pool_is_empty(&model.pool) || any)
            continue;
        /* Up to three generations of drains may have to follow each other. */
        assert_true(model.wake_ns <= latest_ns + 3 * GRACED_NS);
        advance(model.wake_ns - model.now_ns);
    }
}

static void every_random_history_keeps_the_invariants(void **state)
{
    enum { HISTORIES = 3000, EVENTS = 300 };
    uint64_t random = 23, most_draining = 0, faults = 0, crashes = 0, patient = 0, forgotten = 0;
    uint64_t over = 0, roomy = 0;

    (void)state;
    for (int history = 0; history < HISTORIES; history++) {
        uint32_t max_workers = (uint32_t)(1 + random_bits(&random) % 8);
        open_model(max_workers, random_bits(&random) % 2 ? POOL_STOP_IDLE : POOL_STOP_OLDEST,
                   random_bits(&random));
        model.capacity = random_bits(&random) % 2 ? 16 : 1 + random_bits(&random) % 3;
        /* In some histories a worker runs early, so that 77 and 78 do not end all of them. */
        if (random_bits(&random) % 4) {
            want(1);
            ready(0);
        }
        bool was_patient = false;
        for (int event = 0; event < EVENTS; event++) {
            random_event(&random);
            uint64_t draining = pool_counts(&model.pool).draining;
            if (draining == 2 * model.room_workers)
                most_draining++;
            over += at_work() > model.max_workers;
            roomy += model.room_workers > model.max_workers;
            forgotten += was_patient && !model.patient;
            was_patient = model.patient;
            patient += was_patient;
        }
        faults += model.faulty;
        crashes += model.crashes;
        wind_up(&random);
        pool_clear(&model.pool);
    }
    /* The histories went where it matters. */
    assert_true(most_draining > 100);
    assert_in_range(faults, HISTORIES / 10, HISTORIES * 9 / 10);
    assert_true(crashes > HISTORIES);
    assert_true(patient > HISTORIES && forgotten > 10);
    assert_true(over > 100 && roomy > HISTORIES);
}

static void the_actions_do_not_depend_on_how_many_fit(void **state)
{
    uint64_t random = 29;

    (void)state;
    for (int history = 0; history < 300; history++) {
        struct worker_counts counts[2];
        int64_t start_from_ns[2];
        uint64_t seed = random_bits(&random), pool_seed = random_bits(&random);
        for (int pass = 0; pass < 2; pass++) {
            uint64_t events = seed;
            open_model(6, POOL_STOP_OLDEST, pool_seed);
            model.capacity = pass ? 1 : MOST_SLOTS;
            for (int event = 0; event < 100; event++)
                random_event(&events);
            counts[pass] = pool_counts(&model.pool);
            start_from_ns[pass] = model.pool.start_from_ns;
            pool_clear(&model.pool);
        }
        assert_memory_equal(&counts[0], &counts[1], sizeof counts[0]);
        assert_true(start_from_ns[0] == start_from_ns[1]);
    }
}

#define claim(name) cmocka_unit_test_teardown(name, close_model)

int main(void)
{
    const struct CMUnitTest tests[] = {
        claim(every_random_history_keeps_the_invariants),
        claim(the_actions_do_not_depend_on_how_many_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
