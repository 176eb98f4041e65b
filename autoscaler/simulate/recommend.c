#include "recommend.h"

#include "score_table.h"
#include "units.h"

#include <math.h>
#include <stdio.h>

#define NS_PER_S 1e9

/* More than this is cheap on paper only. */
#define MOST_STARTS_PER_H 2000

/* What is tried, from the cheap to the careful. */
static const char *const candidates[] = {
    "formula",
    "formula:interval_s=1",
    "formula:interval_s=0.5",
    "formula:interval_s=0.5:headroom=1.25",
    "formula:interval_s=0.5:headroom=1.5",
    "erlang",
    "erlang:headroom=1.1",
    "erlang:headroom=1.25",
    "erlang:interval_s=1",
    "erlang-quiet",
    "erlang-quiet:headroom=1.1",
    "erlang-quiet:headroom=1.25",
    "erlang-quiet:interval_s=1",
};
#define CANDIDATES (sizeof candidates / sizeof candidates[0])

/* Where the trace ends: its length is known only after it was read. */
static int find_end(struct evaluation *evaluation, double *end_s, struct why *why)
{
    struct candidate_spec work = {.kind = CANDIDATE_WORK};
    struct score score;
    int error = evaluation_run(evaluation, &work, NULL, &score, why);

    *end_s = error ? 0 : score.duration_s;
    return error;
}

static int use_part(struct evaluation *evaluation, const struct recommend_settings *settings,
                    double from_s, double until_s, struct why *why)
{
    workload_close(evaluation->workload);
    evaluation->workload = NULL;
    return workload_open(settings->source, settings->run, from_s, until_s, settings->seed,
                         &evaluation->workload, why);
}

static void print_command(const struct evaluation *evaluation, const struct candidate_spec *spec)
{
    static const struct policy_params defaults = POLICY_DEFAULT_PARAMS;
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
    if (spec->params.headroom != defaults.headroom)
        printf(" --headroom %g", spec->params.headroom);
    printf("\n");
}

int recommend(struct evaluation *evaluation, const struct recommend_settings *settings, bool *met,
              struct why *why)
{
    static struct candidate_spec specs[CANDIDATES];
    struct score_table_row rows[CANDIDATES], check;
    double target_s = (double)evaluation->late_ns / NS_PER_S, end_s, half_s = 0;
    size_t best = CANDIDATES;
    int error = find_end(evaluation, &end_s, why);

    *met = false;
    if (!error) {
        half_s = settings->from_s + end_s / 2;
        error = use_part(evaluation, settings, settings->from_s, half_s, why);
    }
    for (size_t i = 0; !error && i < CANDIDATES; i++) {
        error = candidate_parse(candidates[i], &settings->defaults, &specs[i], why);
        if (error)
            break;
        rows[i].policy = candidates[i];
        error = evaluation_run(evaluation, &specs[i], NULL, &rows[i].score, why);
        if (!error && rows[i].score.wait_p95_s <= target_s &&
            rows[i].score.starts_per_h <= MOST_STARTS_PER_H &&
            (best == CANDIDATES || rows[i].score.worker_s < rows[best].score.worker_s))
            best = i;
    }
    if (error)
        return error;
    printf("Tried on the first half of the trace, %.0f s:\n", end_s / 2);
    score_table_print(stdout, rows, CANDIDATES);
    if (best == CANDIDATES) {
        printf("\nNothing meets a p95 wait of %g s with at most %d starts an hour; a longer one, "
               "or more "
               "workers (--max), may be met.\n",
               target_s, MOST_STARTS_PER_H);
        return 0;
    }
    error = use_part(evaluation, settings, half_s, settings->until_s, why);
    check.policy = candidates[best];
    if (!error)
        error = evaluation_run(evaluation, &specs[best], NULL, &check.score, why);
    if (error)
        return error;
    *met = check.score.wait_p95_s <= target_s;
    printf("\nThe cheapest that meets a p95 wait of %g s with at most %d starts an hour, on the "
           "second "
           "half, which it has not seen:\n",
           target_s, MOST_STARTS_PER_H);
    score_table_print(stdout, &check, 1);
    if (!*met)
        printf("\nThere it misses the target: the trace does not tell enough, or its halves are "
               "too different.\nRun it only if that wait will do:\n");
    else
        printf("\nTo run:\n");
    print_command(evaluation, &specs[best]);
    return 0;
}
