#include "candidate.h"

#include "autoscaler/policy/measurement.h"
#include "autoscaler/policy/policies.h"
#include "csv/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

/* ---- names ---- */

#define YARDSTICKS "work, oracle:SECONDS"

const char *candidate_names(void)
{
    static char names[256];
    const struct peer_kind *peer;

    policies_names(", ", names, sizeof names);
    size_t length = strlen(names);
    for (size_t i = 0; (peer = peer_at(i)); i++)
        length += (size_t)snprintf(names + length, sizeof names - length, ", %s", peer->form);
    snprintf(names + length, sizeof names - length, ", " YARDSTICKS);
    return names;
}

static int set_interval(struct candidate_spec *spec, double interval_s, struct why *why)
{
    if (!(interval_s >= 0.01 && interval_s <= 3600))
        return error_set(why, ERR_INVALID, "%s: interval_s is not in range; expected 0.01 to 3600",
                         spec->name);
    spec->interval_ns = (int64_t)(interval_s * NS_PER_S + 0.5);
    return 0;
}

/* NAME=VALUE. */
static int set_parameter(struct candidate_spec *spec, char *text, struct why *why)
{
    char *value_text = text, *name = strsep(&value_text, "=");
    double value;

    if (!value_text || number_parse(value_text, &value))
        return error_set(why, ERR_INVALID,
                         "%s: '%s' is not a parameter; expected one like epsilon=0.1", spec->name,
                         name);
    if (strcmp(name, "interval_s") == 0)
        return set_interval(spec, value, why);
    const struct policy_param *param = policy_param_find(spec->policy, name);
    if (!param)
        return error_set(why, ERR_INVALID, "%s: '%s' is not a parameter of %s", spec->name, name,
                         spec->policy->name);
    if (!policy_params_allow(param, value))
        return error_set(why, ERR_INVALID, "%s: %s cannot be %g; it is %s", spec->name, name, value,
                         param->meaning);
    policy_params_set(param, &spec->params, value);
    return 0;
}

static int set_number(struct candidate_spec *spec, size_t place, const char *text, struct why *why)
{
    double value;

    if (number_parse(text, &value) || !(value >= 0 && value <= 1e6))
        return error_set(why, ERR_INVALID, "%s: '%s' is not a number from 0 to 1000000", spec->name,
                         text);
    if (spec->kind == CANDIDATE_ORACLE && place == 0 && value >= 0.1) {
        spec->window_ns = (int64_t)(value * NS_PER_S + 0.5);
        return 0;
    }
    if (spec->kind == CANDIDATE_PEER && place < 2 && !isnan(spec->peer->numbers[place])) {
        spec->number[place] = value;
        return 0;
    }
    return error_set(why, ERR_INVALID, "'%s': expected %s", spec->name,
                     spec->kind == CANDIDATE_PEER ? spec->peer->form : "oracle:SECONDS, from 0.1");
}

static int find_kind(struct candidate_spec *spec, const char *name, struct why *why)
{
    const struct peer_kind *peer;

    spec->kind = CANDIDATE_POLICY;
    spec->policy = policies_find(name);
    if (spec->policy)
        return 0;
    spec->kind = CANDIDATE_PEER;
    for (size_t i = 0; (peer = peer_at(i)); i++)
        if (strcmp(peer->name, name) == 0) {
            spec->peer = peer;
            return 0;
        }
    spec->kind = strcmp(name, "work") == 0 ? CANDIDATE_WORK : CANDIDATE_ORACLE;
    if (spec->kind == CANDIDATE_WORK || strcmp(name, "oracle") == 0)
        return 0;
    return error_set(why, ERR_INVALID, "'%s' is not a policy; expected one of %s", name,
                     candidate_names());
}

int candidate_parse(const char *text, const struct candidate_defaults *defaults,
                    struct candidate_spec *spec, struct why *why)
{
    char parts[256], *rest = parts, *part;
    size_t place = 0;

    *spec = (struct candidate_spec){
        .params = defaults->params, .number = {NAN, NAN}, .window_ns = ORACLE_WINDOW_NS};
    if (strlen(text) >= sizeof spec->name)
        return error_set(why, ERR_INVALID, "'%.40s...' is too long for a policy", text);
    snprintf(spec->name, sizeof spec->name, "%s", text);
    snprintf(parts, sizeof parts, "%s", text);
    int error = find_kind(spec, strsep(&rest, ":"), why);
    if (!error && spec->policy) {
        const struct policy_param *wait = policy_param_find(spec->policy, POLICY_WAIT);
        policy_tune(spec->policy, &spec->params);
        if (wait)
            policy_params_set(wait, &spec->params, defaults->wait_s);
        spec->interval_ns = defaults->interval_ns
                                ? defaults->interval_ns
                                : (int64_t)(spec->policy->interval_s * NS_PER_S + 0.5);
    }
    for (; !error && (part = strsep(&rest, ":")); place++)
        error = spec->policy ? set_parameter(spec, part, why) : set_number(spec, place, part, why);
    if (!error && spec->policy && policy_check(spec->policy, &spec->params))
        error = error_set(why, ERR_INVALID, "'%s': a parameter of the policy is out of its range",
                          text);
    return error;
}

/* ---- deciding ---- */

void candidate_start(struct candidate *candidate, const struct candidate_spec *spec,
                     double service_s, double wait_s, const struct oracle_plan *plan)
{
    *candidate =
        (struct candidate){.spec = spec, .plan = plan, .service_s = service_s, .wait_s = wait_s};
    if (spec->kind == CANDIDATE_POLICY) {
        policy_start(&candidate->state, &spec->params);
        policy_history_params(spec->policy, &spec->params, candidate->params_text);
    }
    if (spec->kind == CANDIDATE_PEER)
        peer_start(&candidate->peer, spec->peer,
                   &(struct peer_params){.min_workers = spec->params.min_workers,
                                         .max_workers = spec->params.max_workers,
                                         .service_s = service_s,
                                         .wait_s = wait_s,
                                         .number = {spec->number[0], spec->number[1]}});
}

bool candidate_each_arrival(const struct candidate *candidate)
{
    return candidate->spec->kind == CANDIDATE_PEER && candidate->spec->peer->each_arrival;
}

/* As a live farm's workers would tell it. */
static struct measurement measure(const struct candidate *candidate,
                                  const struct simulation_view *view)
{
    double interval_s = (double)(view->now_ns - candidate->last_ns) / NS_PER_S;

    return (struct measurement){
        .time_s = (double)view->now_ns / NS_PER_S,
        .interval_s = interval_s,
        .arrival_per_s = (double)(view->arrived - candidate->arrived) / interval_s,
        .ready_msgs = (double)view->waiting,
        .in_flight_msgs = view->busy,
        .draining_in_flight_msgs = view->draining_busy,
        .service_s = candidate->service_s,
        .useful_workers = NAN,
        .starting_workers = view->workers.starting,
        .running_workers = view->workers.running,
        .telling_workers = view->workers.running,
    };
}

static int decide_policy(struct candidate *candidate, const struct simulation *simulation,
                         uint32_t *workers)
{
    const struct candidate_spec *spec = candidate->spec;
    struct simulation_view view = simulation_view(simulation);
    struct measurement measurement = measure(candidate, &view);
    struct policy_sample sample = measurement_sample(&measurement, &spec->params);
    struct policy_decision decision;
    struct history_row *row = &candidate->row;
    int error = policy_decide(spec->policy, &sample, &spec->params, &candidate->state, &decision);

    if (error)
        return error;
    *workers = decision.desired_workers;
    candidate->decided = candidate->record;
    if (candidate->decided) {
        history_format_clear(row);
        policy_history_write(spec->policy, &spec->params, &sample, &decision, row);
        row->params = candidate->params_text;
        row->farm = "simulated";
        row->arrived_msgs = (double)(view.arrived - candidate->arrived);
        row->arrival_age_s = row->backlog_age_s = 0;
        row->in_flight_msgs = view.busy;
        row->handled_per_s = (double)(view.handled - candidate->handled) / sample.interval_s;
        row->simulated_service_s = candidate->service_s;
    }
    candidate->arrived = view.arrived;
    candidate->handled = view.handled;
    candidate->last_ns = view.now_ns;
    return 0;
}

int candidate_decide(struct candidate *candidate, const struct simulation *simulation,
                     int64_t *next_ns, uint32_t *workers)
{
    const struct candidate_spec *spec = candidate->spec;
    const struct oracle_plan *plan = candidate->plan;
    int64_t now_ns = simulation->now_ns;

    if (spec->kind == CANDIDATE_PEER) {
        *workers = spec->peer->decide(&candidate->peer, simulation, next_ns);
        return 0;
    }
    if (spec->kind == CANDIDATE_ORACLE) {
        size_t window = (size_t)(now_ns / plan->window_ns);
        bool after = window >= plan->count;
        *next_ns = now_ns + plan->window_ns;
        /* Somebody has to serve what the plan has not foreseen. */
        *workers = after ? (simulation->arrived > simulation->started) : plan->workers[window];
        return 0;
    }
    *next_ns = now_ns + spec->interval_ns;
    if (now_ns > 0)
        return decide_policy(candidate, simulation, workers);
    *workers = candidate->state.desired_workers;
    return 0;
}

int candidate_carried_out(struct candidate *candidate, const struct simulation *simulation)
{
    struct history_row *row = &candidate->row;
    struct worker_counts counts = pool_counts(&simulation->pool);

    if (!candidate->decided)
        return 0;
    row->running_workers = counts.running;
    row->starting_workers = counts.starting;
    row->draining_workers = counts.draining;
    row->spawned = (double)(counts.spawned - candidate->counted.spawned);
    row->stopped = (double)(counts.stopped - candidate->counted.stopped);
    row->crashed = 0;
    candidate->counted = counts;
    candidate->decided = false;
    return candidate->record(candidate->record_context, row);
}
