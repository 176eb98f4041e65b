#include "farm.h"

#include "clock.h"
#include "leader/console.h"
#include "log.h"

#include <stdlib.h>

/* How often it is looked whether the broker has taken the goodbye. */
#define LOOK_NS (2 * CLOCK_NS_PER_MS)

enum phase { CONNECTING, RUNNING, DRAINING, LEAVING, ENDED };

struct farm {
    const struct farm_settings *settings;
    const struct options *options;
    struct supervisor *node;
    struct leader *leader; /* NULL: the farm is on several hosts, and ... */
    struct host *host;     /* ... this is its part here; else NULL */
    enum phase phase;
    uint32_t target;         /* that the node was told last */
    bool stopped, abandoned; /* by farm_stop */
    int outcome;
    struct why why;
};

/* ---- opening and closing ---- */

static int open_halves(struct farm *farm, struct why *why)
{
    const struct farm_settings *settings = farm->settings;
    int error = supervisor_open(&settings->node, &farm->node, why);

    if (!error && settings->host.name)
        error = host_open(&settings->host, &settings->leader, farm->options, &farm->host, why);
    else if (!error)
        error = leader_open(&settings->leader, farm->options, POOL_SLOTS(POOL_MAX_WORKERS),
                            &farm->leader, why);
    farm->phase = CONNECTING;
    return error;
}

static void close_halves(struct farm *farm)
{
    leader_close(farm->leader);
    host_close(farm->host);
    supervisor_close(farm->node);
    farm->leader = NULL;
    farm->host = NULL;
    farm->node = NULL;
}

int farm_open(const struct farm_settings *settings, const struct options *options,
              struct farm **out, struct why *why)
{
    struct farm *farm = calloc(1, sizeof *farm);
    if (!farm)
        return error_set(why, ERR_MEMORY, "out of memory");

    farm->settings = settings;
    farm->options = options;
    int error = open_halves(farm, why);
    if (error) {
        farm_close(farm);
        return error;
    }
    *out = farm;
    return 0;
}

void farm_close(struct farm *farm)
{
    if (!farm)
        return;
    close_halves(farm);
    free(farm);
}

/* ---- the end ---- */

/* Other farms of this process may go on for long: the lock of this one is free at the end. */
static void end(struct farm *farm, int outcome, const struct why *why)
{
    farm->phase = LEAVING;
    farm->outcome = outcome;
    if (why)
        farm->why = *why;
    if (farm->leader)
        leader_leave(farm->leader);
    if (farm->settings->place)
        total_leave(farm->settings->place);
}

static int64_t step_leaving(struct farm *farm, int64_t now_ns)
{
    if (farm->leader && !leader_has_left(farm->leader))
        return now_ns + LOOK_NS;
    close_halves(farm);
    farm->phase = ENDED;
    return now_ns;
}

static void drain(struct farm *farm)
{
    if (farm->phase != RUNNING)
        return;
    farm->phase = DRAINING;
    if (farm->settings->place)
        total_end(farm->settings->place);
    supervisor_target(farm->node, (struct node_target){.ending = true});
}

/* Why what decides cannot go on. */
static int fault_of(const struct farm *farm, struct why *why)
{
    return farm->host ? host_fault(farm->host, why) : leader_fault(farm->leader, why);
}

/* The workers have drained. Another autoscaler that took the farm over is waited for again, with
 * standby. */
static void end_drained(struct farm *farm)
{
    struct why why = {0};
    int fault = supervisor_fault(farm->node, &why);

    if (!fault)
        fault = fault_of(farm, &why);
    if (farm->stopped && fault == -ERR_LOCKED)
        fault = 0;
    if (fault != -ERR_LOCKED || !farm->settings->leader.standby) {
        end(farm, fault, &why);
        return;
    }
    close_halves(farm);
    fault = open_halves(farm, &why);
    if (fault)
        end(farm, fault, &why);
}

void farm_stop(struct farm *farm)
{
    if (farm->phase >= LEAVING)
        return;
    if (farm->phase == CONNECTING) {
        end(farm, 0, NULL);
    } else if (farm->stopped) {
        log_event(LOG_WARN, "abandoning", "why=\"a second signal\"");
        supervisor_abandon(farm->node);
        farm->abandoned = true;
    } else if (!farm->settings->leader.quiet) {
        struct worker_counts counts = supervisor_report(farm->node, clock_now_ns()).counts;
        console_draining(counts.starting + counts.running + counts.draining);
    }
    farm->stopped = true;
    if (farm->host && farm->phase == RUNNING && !farm->abandoned)
        host_leave(farm->host, clock_now_ns());
    else
        drain(farm);
}

/* ---- limits ---- */

/* What the node has by now, for the other farms. */
static void hold(const struct farm *farm, uint32_t target)
{
    if (!farm->settings->place)
        return;
    struct worker_counts counts = supervisor_counts(farm->node);
    total_hold(farm->settings->place, target, &counts);
}

void farm_limit(struct farm *farm, const struct policy_params *before,
                const struct policy_params *after)
{
    if (farm->phase == RUNNING && farm->leader)
        leader_limit(farm->leader, before, after, clock_now_ns());
}

/* ---- the steps ---- */

static void tell(struct farm *farm)
{
    if (farm->host)
        host_tell(farm->host);
    else
        leader_tell(farm->leader);
}

/* Lets the leader decide, and the node carry it out; returns when the leader wants to be called
 * again. */
static int64_t lead(struct farm *farm, int64_t now_ns)
{
    struct node_report report = supervisor_report(farm->node, now_ns);
    struct node_target target;
    bool decided;

    if (farm->settings->place && total_is_due(farm->settings->place))
        leader_decide_soon(farm->leader);
    int64_t wake_ns = leader_step(farm->leader, now_ns, &report, &target, &decided);

    supervisor_target(farm->node, target);
    farm->target = target.workers;
    if (decided) {
        supervisor_step(farm->node, now_ns);
        report = supervisor_report(farm->node, now_ns);
        leader_record(farm->leader, &report);
    }
    return wake_ns;
}

static int64_t step_connecting(struct farm *farm, int64_t now_ns)
{
    struct why why = {0};
    int64_t wake_ns = leader_connect(farm->leader, now_ns);
    int fault = leader_fault(farm->leader, &why);

    struct node_target target;

    if (!fault && !leader_is_ready(farm->leader))
        return wake_ns;
    if (!fault)
        fault = leader_start(farm->leader, now_ns, &target, &why);
    if (fault) {
        end(farm, fault, &why);
    } else {
        supervisor_target(farm->node, target);
        farm->target = target.workers;
        farm->phase = RUNNING;
    }
    return now_ns;
}

/* Of a farm over several hosts. */
static int64_t step_host(struct farm *farm, int64_t now_ns)
{
    struct why why = {0};
    int64_t wake_ns = host_step(farm->host, farm->node, farm->phase == DRAINING, now_ns);
    int fault = farm->phase == CONNECTING ? host_fault(farm->host, &why) : 0;

    if (fault)
        end(farm, fault, &why);
    else if (farm->phase == CONNECTING && host_is_ready(farm->host))
        farm->phase = RUNNING;
    return wake_ns;
}

static int64_t step_running(struct farm *farm, int64_t now_ns)
{
    struct why why = {0};
    int64_t wake_ns = farm->host ? step_host(farm, now_ns) : lead(farm, now_ns);
    uint64_t crashed = supervisor_counts(farm->node).crashed;
    int64_t node_ns = supervisor_step(farm->node, now_ns);

    /* What a worker died of is told to other hosts before it gets there. */
    if (farm->host && supervisor_counts(farm->node).crashed != crashed)
        node_ns = now_ns;
    hold(farm, farm->target);
    tell(farm);
    if (fault_of(farm, &why) || supervisor_gave_up(farm->node) ||
        (farm->host && host_may_drain(farm->host, now_ns))) {
        drain(farm);
        return now_ns;
    }
    return node_ns < wake_ns ? node_ns : wake_ns;
}

/* The leader keeps the farm's lock until the last worker has gone: another autoscaler's would come
 * on top. */
static int64_t step_draining(struct farm *farm, int64_t now_ns)
{
    struct node_report report = supervisor_report(farm->node, now_ns);
    int64_t wake_ns =
        farm->host ? step_host(farm, now_ns) : leader_hold(farm->leader, now_ns, &report);
    int64_t node_ns = supervisor_step(farm->node, now_ns);

    hold(farm, 0);
    tell(farm);
    if (!supervisor_is_empty(farm->node))
        return node_ns < wake_ns ? node_ns : wake_ns;
    end_drained(farm);
    return now_ns;
}

int64_t farm_step(struct farm *farm, int64_t now_ns)
{
    switch (farm->phase) {
    case CONNECTING:
        return farm->host ? step_host(farm, now_ns) : step_connecting(farm, now_ns);
    case RUNNING:
        return step_running(farm, now_ns);
    case DRAINING:
        return step_draining(farm, now_ns);
    case LEAVING:
        return step_leaving(farm, now_ns);
    case ENDED:
    default:
        return CLOCK_NEVER;
    }
}

size_t farm_poll(const struct farm *farm, struct pollfd fds[FARM_FDS])
{
    if (farm->phase >= LEAVING)
        return 0;
    size_t count = farm->host ? host_poll(farm->host, fds) : leader_poll(farm->leader, fds);
    fds[count++] = (struct pollfd){.fd = supervisor_fd(farm->node), .events = POLLIN};
    return count;
}

void farm_renew(struct farm *farm)
{
    if (farm->phase < LEAVING)
        supervisor_renew(farm->node);
}

bool farm_has_ended(const struct farm *farm)
{
    return farm->phase == ENDED;
}

int farm_outcome(const struct farm *farm, struct why *why)
{
    *why = farm->why;
    return farm->outcome;
}

bool farm_was_abandoned(const struct farm *farm)
{
    return farm->abandoned;
}
