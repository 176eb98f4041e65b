#include "own_policy.h"

#include "autoscaler/policy/measurement.h"

#include <math.h>

#define NS_PER_S 1e9

void own_policy_start(struct own_policy *own, const struct candidate_spec *spec, double service_s,
                      struct history_writer *history)
{
    *own = (struct own_policy){.spec = spec, .service_s = service_s, .history = history};
    policy_start(&own->state, &spec->params);
    policy_history_params(spec->policy, &spec->params, own->params_text);
}

/* Of the time between the last two decisions. */
static double interval_s(const struct own_policy *own)
{
    return (double)(own->seen.now_ns - own->before.now_ns) / NS_PER_S;
}

/* As a live farm's sampler and workers would tell it. */
static struct measurement measure(const struct own_policy *own)
{
    const struct simulation_view *seen = &own->seen;

    return (struct measurement){
        .time_s = (double)seen->now_ns / NS_PER_S,
        .interval_s = interval_s(own),
        .arrival_per_s = (double)(seen->arrived - own->before.arrived) / interval_s(own),
        .ready_msgs = (double)seen->waiting,
        .most_ready_msgs = (double)seen->waiting,
        .in_flight_msgs = seen->busy,
        .draining_in_flight_msgs = seen->draining_busy,
        .service_s = own->service_s,
        .useful_workers = NAN,
        .startup_s = seen->startup_s,
        .starting_workers = seen->workers.starting,
        .running_workers = seen->workers.running,
        .telling_workers = seen->workers.running,
    };
}

int own_policy_decide(struct own_policy *own, const struct simulation *simulation,
                      uint32_t *workers)
{
    const struct candidate_spec *spec = own->spec;

    if (simulation->now_ns > 0) {
        own->before = own->seen;
        own->seen = simulation_view(simulation);
        const struct measurement measurement = measure(own);
        own->sample = measurement_sample(&measurement, &spec->params);
        int error =
            policy_decide(spec->policy, &own->sample, &spec->params, &own->state, &own->decision);
        if (error)
            return error;
    }
    *workers = own->state.desired_workers;
    return 0;
}

int own_policy_carried_out(struct own_policy *own, const struct simulation *simulation,
                           struct why *why)
{
    const struct simulation_view *seen = &own->seen;
    const struct worker_counts after = pool_counts(&simulation->pool);
    struct history_row row;

    if (!own->history || !seen->now_ns)
        return 0;
    history_format_clear(&row);
    policy_history_write(own->spec->policy, &own->spec->params, &own->sample, &own->decision, &row);
    row.params = own->params_text;
    row.farm = "simulated";
    row.arrived_msgs = (double)(seen->arrived - own->before.arrived);
    row.arrival_age_s = row.backlog_age_s = 0;
    row.in_flight_msgs = seen->busy;
    row.running_workers = after.running;
    row.starting_workers = after.starting;
    row.draining_workers = after.draining;
    row.spawned = (double)(after.spawned - own->counted.spawned);
    row.stopped = (double)(after.stopped - own->counted.stopped);
    row.crashed = 0;
    row.overdue_s = 0;
    row.arrival_source = HISTORY_OFFERED;
    row.handled_per_s = (double)(seen->handled - own->before.handled) / own->sample.interval_s;
    row.simulated_service_s = own->service_s;
    own->counted = after;
    return history_writer_append(own->history, &row, why);
}
