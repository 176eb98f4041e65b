/* replay_test.c - histories of farms that were steered while they ran come out the same again. */
#include "autoscaler/simulate/replay.h"

#include "autoscaler/policy/policies.h"
#include "autoscaler/policy/policy_erlang.h"
#include "autoscaler/policy/policy_history.h"
#include "csv/history_reader.h"
#include "csv/history_writer.h"
#include "random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define DECISIONS 400

static uint64_t below(uint64_t *random, uint64_t limit)
{
    return random_bits(random) % limit;
}

/* What a person may ask for from one decision to the next. */
static void command(uint64_t *random, struct policy_params *params)
{
    switch (below(random, 12)) {
    case 0:
        params->max_workers = params->min_workers + (uint32_t)below(random, 12);
        break;
    case 1:
        params->min_workers = (uint32_t)below(random, params->max_workers + 1);
        break;
    case 2:
        params->paused = !params->paused;
        break;
    case 3:
        params->replicas = (double)below(random, 12);
        break;
    case 4:
    case 5:
        params->replicas = POLICY_NOT_FIXED;
        break;
    case 6:
        params->total_allowed = (double)below(random, 8);
        break;
    case 7:
        params->total_allowed = POLICY_ALL_ALLOWED;
        break;
    default:
        break;
    }
}

static struct policy_sample sample_at(uint64_t *random, double time_s)
{
    double ready_msgs = below(random, 16) ? (double)below(random, 2000) : (double)NAN;
    uint32_t workers = (uint32_t)below(random, 12);
    struct policy_sample sample = {
        .time_s = time_s,
        .workers = workers,
        .starting_workers = (uint32_t)below(random, workers + 1),
        .interval_s = 0.5,
        .ready_msgs = ready_msgs,
        .most_ready_msgs = ready_msgs + (double)below(random, 2),
        .backlog_msgs = ready_msgs + (double)below(random, 100),
        .arrival_per_s = below(random, 8) ? (double)below(random, 3000) : (double)NAN,
        .capacity_msgs = below(random, 8) ? 500 : (double)NAN,
        .useful_workers = below(random, 8) ? (double)NAN : 7,
        .silent_workers = (uint32_t)(below(random, 8) == 0),
        .startup_s = below(random, 8) ? (double)below(random, 5) : (double)NAN,
        .blocked = below(random, 8) == 0,
        .trigger = below(random, 3) ? POLICY_REACT : POLICY_TICK,
    };
    sample.backlog_only = isnan(sample.arrival_per_s) && below(random, 2);
    return sample;
}

static void append(struct history_writer *writer, const struct policy *policy,
                   const struct policy_params *params, const struct policy_sample *sample,
                   const struct policy_decision *decision)
{
    char text[POLICY_HISTORY_PARAMS_SIZE];
    struct history_row row;
    struct why why;

    history_format_clear(&row);
    policy_history_write(policy, params, sample, decision, &row);
    policy_history_params(policy, params, text);
    row.params = text;
    row.farm = "shop";
    row.running_workers = decision->desired_workers;
    row.starting_workers = row.draining_workers = 0;
    row.spawned = row.stopped = row.crashed = row.overdue_s = row.simulated_service_s = 0;
    assert_int_equal(history_writer_append(writer, &row, &why), 0);
}

/* A run as a leader makes it: a row for every tick, and for what changes the number between ticks.
 * Returns how many rows that makes. */
static size_t run(const char *path, const struct policy *policy, uint64_t seed, unsigned *reasons)
{
    struct policy_params params = POLICY_DEFAULT_PARAMS;
    struct policy_state state;
    struct history_writer *writer;
    struct why why;
    size_t rows = 0;

    params.scale_down_delay_s = seed % 2 ? 3 : POLICY_UNSET;
    params.capacity_msgs = POLICY_CAPACITY_AUTO;
    params.min_workers = (uint32_t)below(&seed, 6);
    params.step_down = (double)below(&seed, 3);
    params.step_up = (double)below(&seed, 4);
    params.headroom = 1 + 0.25 * (double)below(&seed, 3);
    policy_tune(policy, &params);
    if (policy->own_count)
        params.own[ERLANG_FEW_STARTS] = (double)(seed % 2);
    assert_int_equal(history_writer_open(path, &writer, &why), 0);
    policy_start(&state, &params);
    if (seed % 3 == 0)
        policy_inherit(&state, &params, (uint32_t)below(&seed, 40));
    for (int i = 0; i < DECISIONS; i++) {
        struct policy_decision decision;
        uint32_t before = state.desired_workers;
        command(&seed, &params);
        struct policy_sample sample = sample_at(&seed, 0.5 * i);
        assert_int_equal(policy_decide(policy, &sample, &params, &state, &decision), 0);
        assert_true(decision.desired_workers <= params.max_workers);
        if (params.total_allowed >= 0)
            assert_true(decision.desired_workers <= params.total_allowed);
        if (!(params.total_allowed >= 0 && params.total_allowed < params.min_workers))
            assert_true(decision.desired_workers >= params.min_workers);
        if (sample.trigger == POLICY_REACT && decision.desired_workers == before)
            continue;
        append(writer, policy, &params, &sample, &decision);
        reasons[decision.reason]++;
        rows++;
    }
    history_writer_close(writer);
    return rows;
}

static void assert_same_again(const char *path, size_t rows)
{
    struct policy_state state;
    struct replay replay;
    struct why why;

    assert_int_equal(replay_read(path, HISTORY_READER_LAST_RUN, &replay, &why), 0);
    assert_int_equal(replay.count, rows);
    policy_start(&state, &replay.rows[0].params);
    for (size_t i = 0; i < rows; i++) {
        const struct replay_row *row = &replay.rows[i];
        struct policy_decision again;
        assert_int_equal(policy_decide(row->policy, &row->sample, &row->params, &state, &again), 0);
        assert_true(again.desired_workers == row->desired_workers);
        assert_string_equal(policy_reason_text(again.reason), row->reason);
        assert_true(again.formula_workers == row->formula_workers ||
                    (isnan(again.formula_workers) && isnan(row->formula_workers)));
    }
    replay_clear(&replay);
}

static void a_steered_farm_decides_the_same_again(void **state)
{
    const struct policy *policy;
    unsigned reasons[POLICY_REASONS] = {0};
    char path[] = "/tmp/replay_test.XXXXXX";

    (void)state;
    close(mkstemp(path));
    for (size_t i = 0; (policy = policies_at(i)); i++)
        for (uint64_t seed = 1; seed <= 30; seed++) {
            assert_int_equal(truncate(path, 0), 0);
            assert_same_again(path, run(path, policy, seed, reasons));
        }
    unlink(path);
    /* Whatever there is to be decided was. */
    for (size_t i = 0; i < POLICY_REASONS; i++)
        assert_true(reasons[i] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steered_farm_decides_the_same_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
