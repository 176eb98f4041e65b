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
        candidate->oracle.plan = start->plan;
        candidate->oracle.ahead_ns = start->ahead_ns;
        break;
    }
}

bool candidate_each_arrival(const struct candidate *candidate)
{
    return candidate->spec->peer && candidate->spec->peer->each_arrival;
}

/* The most that any window wants from now until what starts now is ready; *next_ns: when that
 * changes, at the earliest. */
static uint32_t follow_plan(const struct planner_plan *plan, int64_t ahead_ns,
                            const struct simulation *simulation, int64_t *next_ns)
{
    const int64_t now_ns = simulation->now_ns, window_ns = plan->window_ns;
    size_t first = (size_t)(now_ns / window_ns), last = (size_t)((now_ns + ahead_ns) / window_ns);
    int64_t enters_ns = (int64_t)(last + 1) * window_ns - ahead_ns;
    int64_t leaves_ns = (int64_t)(first + 1) * window_ns;
    uint32_t most = 0;

    *next_ns = enters_ns < leaves_ns ? enters_ns : leaves_ns;
    /* Somebody has to serve what the plan has not foreseen. */
    if (first >= plan->count)
        return simulation->arrived > simulation->started;
    for (size_t i = first; i <= last && i < plan->count; i++)
        most = plan->workers[i] > most ? plan->workers[i] : most;
    return most;
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
    *workers = follow_plan(candidate->oracle.plan, candidate->oracle.ahead_ns, simulation, next_ns);
    return 0;
}

int candidate_carried_out(struct candidate *candidate, const struct simulation *simulation,
                          struct why *why)
{
    return candidate->spec->kind == CANDIDATE_POLICY
               ? own_policy_carried_out(&candidate->own, simulation, why)
               : 0;
}
