#include "evaluation.h"

#include <math.h>
#include <string.h>

#define NS_PER_S     1e9
#define ORACLE_STEP  1.05
#define ORACLE_TRIES 16

struct recorder {
    struct history_writer *history;
    struct why *why;
};

static int record(void *context, const struct history_row *row)
{
    struct recorder *recorder = context;

    return history_writer_append(recorder->history, row, recorder->why);
}

static int failed(const struct evaluation *evaluation, int error, struct why *why)
{
    const struct why *said = workload_why(evaluation->workload);

    if (error == -ERR_MEMORY)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (said->text[0])
        *why = *said;
    return error;
}

/* Decides and carries out until there is nothing more to do. */
static int drive(struct simulation *simulation, struct candidate *candidate,
                 struct score_keeper *keeper)
{
    int64_t next_ns = 0;
    bool each_arrival = candidate_each_arrival(candidate);

    for (;;) {
        uint32_t workers;
        int error = candidate_decide(candidate, simulation, &next_ns, &workers);
        if (error)
            return error;
        simulation_want(simulation, workers);
        error = candidate_carried_out(candidate, simulation);
        if (error)
            return error;
        const struct worker_counts *counts = &simulation->pool.counts;
        score_decided(keeper, simulation->now_ns, workers, counts->starting + counts->running);

        int64_t limit_ns = INT64_MAX;
        if (!simulation->more)
            limit_ns = simulation->next_arrival_ns + EVALUATION_AFTER_NS;
        switch (
            simulation_advance(simulation, next_ns < limit_ns ? next_ns : limit_ns, each_arrival)) {
        case SIMULATION_OVER:
            return 0;
        case SIMULATION_FAILED:
            return simulation->error;
        case SIMULATION_DUE:
            if (simulation->now_ns >= limit_ns)
                return 0;
            break;
        case SIMULATION_ARRIVED:
            break;
        }
    }
}

static int run(struct evaluation *evaluation, const struct candidate_spec *spec,
               const struct oracle_plan *plan, struct history_writer *history, struct score *score,
               struct why *why)
{
    struct simulation simulation;
    struct candidate candidate;
    struct score_keeper keeper;
    struct recorder recorder = {.history = history, .why = why};
    bool ideal = spec->kind == CANDIDATE_ORACLE;
    int error = workload_rewind(evaluation->workload, why);

    if (error)
        return error;
    candidate_start(&candidate, spec, evaluation->service.mean_ns / NS_PER_S,
                    (double)evaluation->late_ns / NS_PER_S, plan);
    if (history) {
        candidate.record = record;
        candidate.record_context = &recorder;
    }
    bool idle_first = ideal || (spec->peer && (strcmp(spec->peer->name, "celery") == 0 ||
                                               strcmp(spec->peer->name, "phpfpm") == 0 ||
                                               strcmp(spec->peer->name, "spring") == 0));
    score_begin(&keeper, evaluation->needed.count ? &evaluation->needed : NULL);
    error = simulation_init(
        &simulation,
        &(struct simulation_params){.source = workload_source(evaluation->workload),
                                    .service = evaluation->service,
                                    .startup_ns = ideal ? 0 : evaluation->startup_ns,
                                    .late_ns = evaluation->late_ns,
                                    .max_workers = spec->params.max_workers,
                                    .stop = idle_first ? POOL_STOP_IDLE : POOL_STOP_OLDEST});
    if (error)
        return failed(evaluation, error, why);
    error = drive(&simulation, &candidate, &keeper);
    if (error)
        error = failed(evaluation, error, why);
    else
        *score = score_end(&keeper, &simulation);
    simulation_clear(&simulation);
    return error;
}

/* ---- yardsticks ---- */

static int reopen(void *context, struct simulation_source *source)
{
    struct evaluation *evaluation = context;
    struct why ignored;

    *source = workload_source(evaluation->workload);
    return workload_rewind(evaluation->workload, &ignored);
}

static int run_oracle(struct evaluation *evaluation, const struct candidate_spec *spec,
                      struct oracle_plan *plan, struct score *score, struct why *why)
{
    struct oracle_params params = {.window_ns = spec->window_ns,
                                   .late_ns = evaluation->late_ns,
                                   .min_workers = spec->params.min_workers,
                                   .max_workers = spec->params.max_workers,
                                   .service = evaluation->service,
                                   .open = reopen,
                                   .context = evaluation};
    int error = oracle_plan(&params, plan);

    if (!error)
        error = run(evaluation, spec, plan, NULL, score, why);
    /* The plan knows less of draining workers than the simulation: its kappa is only near. Less is
     * not always worse, so each step is tried. */
    double kappa = error ? 0 : plan->kappa;
    bool up = !error && score->late_share > ORACLE_LATE_SHARE;
    for (int tries = 0; !error && tries < ORACLE_TRIES; tries++) {
        struct oracle_plan other;
        struct score tried;
        kappa *= up ? ORACLE_STEP : 1 / ORACLE_STEP;
        error = oracle_plan_for(&params, kappa, up ? UINT64_MAX : score->events / 8, &other);
        if (error)
            break;
        bool given_up = other.late_share >= 1;
        if (!given_up)
            error = run(evaluation, spec, &other, NULL, &tried, why);
        bool met = !error && !given_up && tried.late_share <= ORACLE_LATE_SHARE;
        if (met && (up || tried.worker_s < score->worker_s)) {
            oracle_clear(plan);
            *plan = other;
            *score = tried;
        } else {
            oracle_clear(&other);
        }
        if (given_up || (up && met))
            break;
    }
    if (error) {
        oracle_clear(plan);
        return failed(evaluation, error, why);
    }
    plan->worker_s = score->worker_s;
    return 0;
}

int evaluation_need(struct evaluation *evaluation, const struct candidate_spec *like,
                    struct why *why)
{
    struct candidate_spec spec = {.kind = CANDIDATE_ORACLE,
                                  .name = "oracle:10",
                                  .params = like->params,
                                  .window_ns = ORACLE_WINDOW_NS};
    struct oracle_plan plan;
    struct score score;
    int error = run_oracle(evaluation, &spec, &plan, &score, why);

    if (!error)
        evaluation->needed = plan;
    return error;
}

int evaluation_run(struct evaluation *evaluation, const struct candidate_spec *spec,
                   struct history_writer *history, struct score *score, struct why *why)
{
    struct oracle_plan plan;

    if (spec->kind == CANDIDATE_ORACLE && evaluation->needed.count &&
        spec->window_ns == evaluation->needed.window_ns)
        return run(evaluation, spec, &evaluation->needed, NULL, score, why);
    if (spec->kind == CANDIDATE_ORACLE) {
        int error = run_oracle(evaluation, spec, &plan, score, why);
        if (!error)
            oracle_clear(&plan);
        return error;
    }
    if (spec->kind != CANDIDATE_WORK)
        return run(evaluation, spec, NULL, history, score, why);

    /* As if each event had found a worker of its own: what is known without simulating the
     * workers. */
    struct simulation_source source;
    struct service service = evaluation->service;
    int64_t at_ns = 0;
    int got = reopen(evaluation, &source);
    *score = (struct score){
        .oracle_ratio = NAN, .under_share = NAN, .over_share = NAN, .peak_workers = NAN};
    for (; got >= 0 && (got = source.next(source.context, &at_ns)) == 1; score->events++)
        score->work_s += (double)service_next(&service) / NS_PER_S;
    if (got < 0)
        return failed(evaluation, got, why);
    score->worker_s = score->work_s;
    score->duration_s = (double)at_ns / NS_PER_S;
    score->reversals_per_h = score->starts_per_h = NAN;
    score->wait_p50_s = score->wait_p95_s = score->wait_p99_s = score->wait_max_s = NAN;
    if (evaluation->needed.worker_s > 0)
        score->oracle_ratio = score->worker_s / evaluation->needed.worker_s;
    return 0;
}

void evaluation_clear(struct evaluation *evaluation)
{
    oracle_clear(&evaluation->needed);
}
