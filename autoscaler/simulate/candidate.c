#include "candidate.h"

void candidate_start(struct candidate *candidate, const struct candidate_spec *spec,
                     const struct candidate_start *start)
{
    *candidate = (struct candidate){.spec = spec};
    switch (spec->kind) {
    case CANDIDATE_POLICY:
        own_policy_start(&candidate->own, spec, start->service_s, start->history);
        break;
    case CANDIDATE_PEER:
        peer_start(&candidate->peer, spec->peer,
                   &(struct peer_params){.min_workers = spec->params.min_workers,
                                         .max_workers = spec->params.max_workers,
                                         .service_s = start->service_s,
                                         .wait_s = start->wait_s,
                                         .number = {spec->number[0], spec->number[1]}});
        break;
    case CANDIDATE_ORACLE:
    case CANDIDATE_WORK:
        candidate->plan = start->plan;
        break;
    }
}

bool candidate_each_arrival(const struct candidate *candidate)
{
    return candidate->spec->peer && candidate->spec->peer->each_arrival;
}

/* The number of the window that begins now. */
static uint32_t follow_plan(const struct planner_plan *plan, const struct simulation *simulation)
{
    size_t window = (size_t)(simulation->now_ns / plan->window_ns);

    if (window < plan->count)
        return plan->workers[window];
    /* Somebody has to serve what the plan has not foreseen. */
    return simulation->arrived > simulation->started;
}

int candidate_decide(struct candidate *candidate, const struct simulation *simulation,
                     int64_t *next_ns, uint32_t *workers)
{
    const struct candidate_spec *spec = candidate->spec;

    if (spec->kind == CANDIDATE_PEER) {
        *workers = spec->peer->decide(&candidate->peer, simulation, next_ns);
        return 0;
    }
    if (spec->kind == CANDIDATE_POLICY) {
        *next_ns = simulation->now_ns + spec->interval_ns;
        return own_policy_decide(&candidate->own, simulation, workers);
    }
    *next_ns = simulation->now_ns + candidate->plan->window_ns;
    *workers = follow_plan(candidate->plan, simulation);
    return 0;
}

int candidate_carried_out(struct candidate *candidate, const struct simulation *simulation,
                          struct why *why)
{
    return candidate->spec->kind == CANDIDATE_POLICY
               ? own_policy_carried_out(&candidate->own, simulation, why)
               : 0;
}
