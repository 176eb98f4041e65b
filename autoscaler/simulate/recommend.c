#include "recommend.h"

#include "autoscaler/policy/policy.h"
#include "score_table.h"
#include "units.h"
#include "yardstick.h"

#include <math.h>
#include <stdio.h>

#define NS_PER_S 1e9

/* With more than this a policy is cheap on paper only. */
#define MOST_STARTS_PER_H 2000

/* What is tried, from the cheap to the careful. */
static const char *const names[] = {
    "formula",
    "formula:interval_s=1",
    "formula:interval_s=0.5",
    "formula:interval_s=0.5:headroom=1.25",
    "formula:interval_s=0.5:headroom=1.5",
    "erlang",
    "erlang:headroom=1.1",
    "erlang:headroom=1.25",
    "erlang:interval_s=1",
    "erlang:few_starts=1",
    "erlang-quiet",
    "erlang-quiet:headroom=1.1",
    "erlang-quiet:headroom=1.25",
    "erlang-quiet:interval_s=1",
};
#define NAMES (sizeof names / sizeof names[0])

/* The grid on the first half. */
struct grid {
    struct candidate_spec specs[NAMES];
    struct score_table_row rows[NAMES];
    size_t best; /* NAMES: none meets the target */
};

/* Of the load, from now on only the events between these times. */
static int use_part(struct evaluation *evaluation, const struct recommend_settings *settings,
                    double from_s, double until_s, struct why *why)
{
    workload_close(evaluation->workload);
    evaluation->workload = NULL;
    return workload_open(settings->source, settings->run, from_s, until_s, settings->seed,
                         &evaluation->workload, why);
}

static bool meets(const struct evaluation *evaluation, const struct score *score)
{
    return score->wait_p95_s <= (double)evaluation->late_ns / NS_PER_S;
}

static int try_grid(struct evaluation *evaluation, const struct candidate_defaults *defaults,
                    struct grid *grid, struct why *why)
{
    int error = 0;

    grid->best = NAMES;
    for (size_t i = 0; !error && i < NAMES; i++) {
        struct score *score = &grid->rows[i].score;
        grid->rows[i].policy = names[i];
        error = candidate_spec_parse(names[i], defaults, &grid->specs[i], why);
        if (!error)
            error = evaluation_run(evaluation, &grid->specs[i], NULL, NULL, score, why);
        if (!error && meets(evaluation, score) && score->starts_per_h <= MOST_STARTS_PER_H &&
            (grid->best == NAMES || score->worker_s < grid->rows[grid->best].score.worker_s))
            grid->best = i;
    }
    return error;
}

static void print_command(const struct evaluation *evaluation, const struct candidate_spec *spec)
{
    const struct policy_params defaults = POLICY_DEFAULT_PARAMS;
    char interval[UNITS_TEXT_SIZE], horizon[UNITS_TEXT_SIZE], wait[UNITS_TEXT_SIZE];

    units_format_duration(spec->interval_ns, interval);
    units_format_duration((int64_t)(spec->params.horizon_s * NS_PER_S + 0.5), horizon);
    units_format_duration(evaluation->late_ns, wait);
    printf("  winnow-autoscaler --policy %s --interval %s --horizon %s --capacity auto --min %u "
           "--max %u",
           spec->policy->name, interval, horizon, spec->params.min_workers,
           spec->params.max_workers);
    if (policy_param_find(spec->policy, POLICY_WAIT))
        printf(" --wait %s", wait);
    const struct policy_param *few = policy_param_find(spec->policy, POLICY_FEW_STARTS);
    if (few && policy_params_get(few, &spec->params) > 0)
        printf(" --few-starts");
    if (spec->params.headroom != defaults.headroom)
        printf(" --headroom %g", spec->params.headroom);
    printf("\n");
}

/* A load that rises above what runs is served by what starts then, and waits for it. */
static void warn_of_slow_starts(const struct evaluation *evaluation)
{
    double startup_s = evaluation->startup.mean_ns / NS_PER_S;

    if (evaluation->startup.mean_ns > (double)evaluation->late_ns)
        printf("\nWorkers start in %g s, which is longer: whenever the load rises above what those "
               "that run can take, events wait for that long, whatever decides. Only more workers "
               "beforehand help (--min), or a start that is quicker.\n",
               startup_s);
}

static void print_choice(const struct evaluation *evaluation, const struct grid *grid,
                         const struct score_table_row *check)
{
    printf("\nThe cheapest that meets a p95 wait of %g s with at most %d starts an hour, on the "
           "second half, which it has not seen:\n",
           (double)evaluation->late_ns / NS_PER_S, MOST_STARTS_PER_H);
    score_table_print(stdout, check, 1);
    if (meets(evaluation, &check->score))
        printf("\nTo run:\n");
    else
        printf("\nThere it misses the target: the trace does not tell enough, or its halves are "
               "too different.\nRun it only if that wait will do:\n");
    print_command(evaluation, &grid->specs[grid->best]);
}

int recommend(struct evaluation *evaluation, const struct recommend_settings *settings, bool *met,
              struct why *why)
{
    struct grid grid;
    struct score whole;
    /* Where the trace ends is known only after it was read. */
    int error = yardstick_work(evaluation, &whole, why);
    double half_s = error ? 0 : settings->from_s + whole.duration_s / 2;

    *met = false;
    if (!error)
        error = use_part(evaluation, settings, settings->from_s, half_s, why);
    if (!error)
        error = try_grid(evaluation, &settings->defaults, &grid, why);
    if (error)
        return error;
    printf("Tried on the first half of the trace, %.0f s:\n", whole.duration_s / 2);
    score_table_print(stdout, grid.rows, NAMES);
    if (grid.best == NAMES) {
        printf("\nNothing meets a p95 wait of %g s with at most %d starts an hour; a longer one, "
               "or more workers (--max), may be met.\n",
               (double)evaluation->late_ns / NS_PER_S, MOST_STARTS_PER_H);
        warn_of_slow_starts(evaluation);
        return 0;
    }
    struct score_table_row check = {.policy = names[grid.best]};
    error = use_part(evaluation, settings, half_s, settings->until_s, why);
    if (!error)
        error = evaluation_run(evaluation, &grid.specs[grid.best], NULL, NULL, &check.score, why);
    if (error)
        return error;
    *met = meets(evaluation, &check.score);
    print_choice(evaluation, &grid, &check);
    if (!*met)
        warn_of_slow_starts(evaluation);
    return 0;
}
