#include "comparison.h"

#include "csv/history_writer.h"
#include "score_table.h"
#include "yardstick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CANDIDATES 64

struct comparison {
    struct candidate_spec specs[MOST_CANDIDATES];
    struct score_table_row rows[MOST_CANDIDATES];
    size_t count;
};

static int parse(struct comparison *comparison, const struct comparison_settings *settings,
                 struct why *why)
{
    char *names = strdup(settings->candidates), *rest = names, *name;
    int error = names ? 0 : error_set(why, ERR_MEMORY, "out of memory");

    while (!error && (name = strsep(&rest, ","))) {
        if (comparison->count == MOST_CANDIDATES)
            error = error_set(why, ERR_INVALID, "more than %d policies", MOST_CANDIDATES);
        else
            error = candidate_spec_parse(name, &settings->defaults,
                                         &comparison->specs[comparison->count++], why);
    }
    free(names);
    if (error == -ERR_INVALID)
        error_prefix(why, "--policy");
    return error;
}

static int score_oracle(struct evaluation *evaluation, const struct candidate_spec *spec,
                        struct score *score, struct why *why)
{
    struct planner_plan plan;

    if (evaluation->needed.count && spec->window_ns == evaluation->needed.window_ns)
        return evaluation_run(evaluation, spec, &evaluation->needed, NULL, score, why);
    int error = yardstick_oracle(evaluation, spec, &plan, score, why);
    if (!error)
        planner_clear(&plan);
    return error;
}

static int score_one(struct evaluation *evaluation, const struct candidate_spec *spec,
                     struct history_writer *history, struct score *score, struct why *why)
{
    switch (spec->kind) {
    case CANDIDATE_WORK:
        return yardstick_work(evaluation, score, why);
    case CANDIDATE_ORACLE:
        return score_oracle(evaluation, spec, score, why);
    case CANDIDATE_POLICY:
    case CANDIDATE_PEER:
        break;
    }
    return evaluation_run(evaluation, spec, NULL, history, score, why);
}

static int score_all(struct comparison *comparison, struct evaluation *evaluation,
                     const struct comparison_settings *settings, struct why *why)
{
    struct history_writer *history = NULL;
    int error = 0;

    if (settings->history_path)
        error = history_writer_open(settings->history_path, &history, why);
    if (!error && !settings->no_oracle)
        error = yardstick_need(evaluation, &comparison->specs[0], why);
    for (size_t i = 0; !error && i < comparison->count; i++) {
        comparison->rows[i].policy = comparison->specs[i].name;
        error = score_one(evaluation, &comparison->specs[i], i ? NULL : history,
                          &comparison->rows[i].score, why);
    }
    history_writer_close(history);
    return error;
}

static void print(const struct comparison *comparison, const struct evaluation *evaluation)
{
    const struct score *any = &comparison->rows[0].score;

    printf("%" PRIu64
           " events in %.0f s, mean load %.2f workers; target: 95 %% wait at most %.0f ms\n",
           any->events, any->duration_s, any->work_s / any->duration_s,
           (double)evaluation->late_ns / 1e6);
    score_table_print(stdout, comparison->rows, comparison->count);
}

int comparison_run(struct evaluation *evaluation, const struct comparison_settings *settings,
                   struct why *why)
{
    struct comparison *comparison = calloc(1, sizeof *comparison);
    int error =
        comparison ? parse(comparison, settings, why) : error_set(why, ERR_MEMORY, "out of memory");

    if (!error)
        error = score_all(comparison, evaluation, settings, why);
    if (!error && settings->scores_path)
        error = score_table_write(settings->scores_path, comparison->rows, comparison->count, why);
    if (!error)
        print(comparison, evaluation);
    free(comparison);
    return error;
}
