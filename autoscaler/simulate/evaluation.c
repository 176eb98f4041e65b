#include "evaluation.h"

#include "candidate.h"

#define NS_PER_S 1e9

int evaluation_failed(const struct evaluation *evaluation, int error, struct why *why)
{
    const struct why *said = workload_why(evaluation->workload);

    if (error == -ERR_MEMORY)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (said->text[0])
        *why = *said;
    return error;
}

/* Lets the candidate decide now. */
static int decide(struct simulation *simulation, struct candidate *candidate,
                  struct score_keeper *keeper, int64_t *next_ns, struct why *why)
{
    const struct worker_counts *counts = &simulation->pool.counts;
    uint32_t workers;
    int error = candidate_decide(candidate, simulation, next_ns, &workers);

    if (error)
        return error;
    simulation_want(simulation, workers);
    score_decided(keeper, simulation->now_ns, workers, counts->starting + counts->running);
    return candidate_carried_out(candidate, simulation, why);
}

/* Decides and carries out until there is nothing more to do. */
static int drive(struct simulation *simulation, struct candidate *candidate,
                 struct score_keeper *keeper, struct why *why)
{
    int64_t next_ns = 0, limit_ns = INT64_MAX;
    bool each_arrival = candidate_each_arrival(candidate);

    for (;;) {
        int error = decide(simulation, candidate, keeper, &next_ns, why);
        if (error)
            return error;
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

int evaluation_run(struct evaluation *evaluation, const struct candidate_spec *spec,
                   const struct planner_plan *plan, struct history_writer *history,
                   struct score *score, struct why *why)
{
    const bool idle_first =
        spec->kind == CANDIDATE_ORACLE || (spec->peer && spec->peer->idle_first);
    struct simulation simulation;
    struct candidate candidate;
    struct score_keeper keeper;
    int error = workload_rewind(evaluation->workload, why);

    if (error)
        return error;
    candidate_start(&candidate, spec,
                    &(struct candidate_start){.service_s = evaluation->service.mean_ns / NS_PER_S,
                                              .wait_s = (double)evaluation->late_ns / NS_PER_S,
                                              .plan = plan,
                                              .ahead_ns = (int64_t)evaluation->startup.mean_ns,
                                              .history = history});
    score_begin(&keeper, evaluation->needed.count ? &evaluation->needed : NULL);
    error = simulation_init(
        &simulation,
        &(struct simulation_params){.source = workload_source(evaluation->workload),
                                    .service = evaluation->service,
                                    .startup = evaluation->startup,
                                    .late_ns = evaluation->late_ns,
                                    .max_workers = spec->params.max_workers,
                                    .stop = idle_first ? POOL_STOP_IDLE : POOL_STOP_OLDEST});
    if (error)
        return evaluation_failed(evaluation, error, why);
    error = drive(&simulation, &candidate, &keeper, why);
    if (error)
        error = evaluation_failed(evaluation, error, why);
    else
        *score = score_end(&keeper, &simulation);
    simulation_clear(&simulation);
    return error;
}
