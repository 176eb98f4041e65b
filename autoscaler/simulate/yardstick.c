#include "yardstick.h"

#include "oracle.h"

#include <math.h>

#define NS_PER_S     1e9
#define ORACLE_STEP  1.05
#define ORACLE_TRIES 16

static int reopen(void *context, struct simulation_source *source)
{
    struct evaluation *evaluation = context;
    struct why ignored; /* workload_why has it */

    *source = workload_source(evaluation->workload);
    return workload_rewind(evaluation->workload, &ignored);
}

int yardstick_work(struct evaluation *evaluation, struct score *score, struct why *why)
{
    struct simulation_source source;
    struct service service = evaluation->service;
    int64_t at_ns = 0;
    int got = reopen(evaluation, &source);

    *score = (struct score){.oracle_ratio = NAN,
                            .under_share = NAN,
                            .over_share = NAN,
                            .peak_workers = NAN,
                            .reversals_per_h = NAN,
                            .starts_per_h = NAN,
                            .wait_p50_s = NAN,
                            .wait_p95_s = NAN,
                            .wait_p99_s = NAN,
                            .wait_max_s = NAN};
    for (; got >= 0 && (got = source.next(source.context, &at_ns)) == 1; score->events++)
        score->work_s += (double)service_next(&service) / NS_PER_S;
    if (got < 0)
        return evaluation_failed(evaluation, got, why);
    score->worker_s = score->work_s;
    score->duration_s = (double)at_ns / NS_PER_S;
    if (evaluation->needed.worker_s > 0)
        score->oracle_ratio = score->worker_s / evaluation->needed.worker_s;
    return 0;
}

/* What the plans have in common that are tried after the first. */
struct attempt {
    struct evaluation *evaluation;
    const struct candidate_spec *spec;
    const struct planner_params *params;
    struct planner_plan *plan; /* the one to beat, ... */
    struct score *score;       /* ... and what came of it */
};

/* Plans with that kappa and keeps the plan if it is better: if it meets the target, and either none
 * did before (`up`) or it costs less. *over: no further step in this direction can help. */
static int try_kappa(const struct attempt *attempt, double kappa, bool up, bool *over,
                     struct why *why)
{
    struct planner_plan plan;
    struct score score;
    /* With far too many late events a cheaper plan is given up. */
    uint64_t late_limit = up ? UINT64_MAX : attempt->score->events / 8;
    int error = planner_plan(attempt->params, kappa, late_limit, &plan);

    if (error)
        return evaluation_failed(attempt->evaluation, error, why);
    *over = plan.late_share >= 1;
    if (!*over)
        error = evaluation_run(attempt->evaluation, attempt->spec, &plan, NULL, &score, why);
    bool met = !error && !*over && score.late_share <= ORACLE_LATE_SHARE;
    if (met && (up || score.worker_s < attempt->score->worker_s)) {
        planner_clear(attempt->plan);
        *attempt->plan = plan;
        *attempt->score = score;
    } else {
        planner_clear(&plan);
    }
    *over |= up && met;
    return error;
}

int yardstick_oracle(struct evaluation *evaluation, const struct candidate_spec *spec,
                     struct planner_plan *plan, struct score *score, struct why *why)
{
    const struct planner_params params = {.window_ns = spec->window_ns,
                                          .late_ns = evaluation->late_ns,
                                          .min_workers = spec->params.min_workers,
                                          .max_workers = spec->params.max_workers,
                                          .service = evaluation->service,
                                          .open = reopen,
                                          .context = evaluation};
    const struct attempt attempt = {
        .evaluation = evaluation, .spec = spec, .params = &params, .plan = plan, .score = score};
    int error = oracle_plan(&params, plan);

    if (error)
        error = evaluation_failed(evaluation, error, why);
    else
        error = evaluation_run(evaluation, spec, plan, NULL, score, why);
    double kappa = error ? 0 : plan->kappa;
    bool up = !error && score->late_share > ORACLE_LATE_SHARE, over = false;
    /* A step down may bring nothing and the next one something, so all of them are tried. */
    for (int tries = 0; !error && !over && tries < ORACLE_TRIES; tries++) {
        kappa *= up ? ORACLE_STEP : 1 / ORACLE_STEP;
        error = try_kappa(&attempt, kappa, up, &over, why);
    }
    if (error) {
        planner_clear(plan);
        return error;
    }
    plan->worker_s = score->worker_s;
    return 0;
}

int yardstick_need(struct evaluation *evaluation, const struct candidate_spec *like,
                   struct why *why)
{
    const struct candidate_spec spec = {.kind = CANDIDATE_ORACLE,
                                        .name = "oracle:10",
                                        .params = like->params,
                                        .window_ns = ORACLE_WINDOW_NS};
    struct planner_plan plan;
    struct score score = {0};
    int error = yardstick_oracle(evaluation, &spec, &plan, &score, why);

    if (!error)
        evaluation->needed = plan;
    return error;
}
