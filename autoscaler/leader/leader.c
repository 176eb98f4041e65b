#include "leader.h"

#include "acceptance.h"
#include "arrival_rate.h"
#include "clock.h"
#include "console.h"
#include "control_desk.h"
#include "decider.h"
#include "learner.h"
#include "log.h"
#include "lone_consumer.h"
#include "own_consumers.h"
#include "reaction.h"
#include "record.h"

#include <math.h>
#include <stdlib.h>

/* A sample waits this long for the broker's answers. */
#define ANSWER_NS (1 * CLOCK_NS_PER_S)

struct leader {
    const struct leader_settings *settings;
    const struct options *options;
    char name[BROKER_NAME_SIZE];
    struct broker_options broker_options;
    struct sampler_settings sampler_settings;
    struct sampler *sampler;
    struct learner learner;
    struct decider decider;
    struct record record;
    struct decision_record last; /* the decision that is being carried out */
    struct steering steering;
    struct control_desk desk;

    int64_t start_ns, tick_ns; /* when it began to measure; when the next sample is due */
    bool ticking;              /* a sample's questions are out */
    int64_t answer_by_ns;
    double taken_msgs; /* in flight or handled, when they went out; NAN: unknown */
    struct reaction reaction;
    struct own_consumers own_consumers;
    struct acceptance acceptance;
    struct lone_consumer lone_consumer;
    double arrival_per_s, ready_msgs; /* as last measured; NAN: unknown */
    int64_t ready_ns;                 /* when that was answered */
    double arrived_msgs;              /* since the beginning, as far as it was counted */
    int64_t decided_ns, decisions;    /* when the last decision was made; how many were */
    struct time_classes measured;     /* how old the answers were by which they were made */
    bool told;                        /* a decision is due, because its limits are others */
    int fault;
    struct why why;
};

/* ---- opening and closing ---- */

int leader_open(const struct leader_settings *settings, const struct options *options, size_t slots,
                struct leader **out, struct why *why)
{
    struct leader *leader = calloc(1, sizeof *leader);
    if (!leader)
        return error_set(why, ERR_MEMORY, "out of memory");

    leader->settings = settings;
    leader->options = options;
    broker_client_name(options->topology.farm, settings->program, leader->name);
    leader->broker_options = options_broker(options, leader->name);
    leader->sampler_settings =
        (struct sampler_settings){.broker = &leader->broker_options,
                                  .topology = &options->topology,
                                  .counting = settings->counting,
                                  .standby = settings->standby,
                                  .deadline_ns = clock_now_ns() + options->connect_timeout_ns};
    int error = record_check(settings->history_path, why);
    if (!error &&
        learner_init(&leader->learner, settings->params.capacity_msgs == POLICY_CAPACITY_AUTO,
                     slots, settings->params.horizon_s))
        error = error_set(why, ERR_MEMORY, "out of memory");
    if (!error)
        error = sampler_open(&leader->sampler_settings, &leader->sampler, why);
    if (error) {
        leader_close(leader);
        return error;
    }
    *out = leader;
    return 0;
}

void leader_close(struct leader *leader)
{
    if (!leader)
        return;
    control_desk_close(&leader->desk);
    sampler_close(leader->sampler);
    learner_clear(&leader->learner);
    record_close(&leader->record);
    free(leader);
}

void leader_leave(struct leader *leader)
{
    link_leave(&leader->desk.link.link);
    sampler_leave(leader->sampler);
}

bool leader_has_left(const struct leader *leader)
{
    return link_has_left(&leader->desk.link.link) && sampler_has_left(leader->sampler);
}

/* ---- connecting ---- */

static void fail(struct leader *leader, int fault)
{
    leader->fault = fault;
    sampler_retire(leader->sampler);
    if (fault == -ERR_LOCKED)
        control_desk_leave(&leader->desk);
}

static int64_t step_sampler(struct leader *leader, int64_t now_ns)
{
    int64_t wake_ns = sampler_step(leader->sampler, now_ns);
    int fault = leader->fault ? 0 : sampler_fault(leader->sampler, &leader->why);

    if (fault && leader_is_ready(leader))
        log_event(LOG_ERROR, "giving_way", "why=\"%s\" doing=\"draining the workers\"",
                  leader->why.text);
    if (fault)
        fail(leader, fault);
    return wake_ns;
}

int64_t leader_connect(struct leader *leader, int64_t now_ns)
{
    int64_t deadline_ns = leader->sampler_settings.deadline_ns;
    int64_t wake_ns = step_sampler(leader, now_ns);

    return now_ns < deadline_ns && deadline_ns < wake_ns ? deadline_ns : wake_ns;
}

bool leader_is_ready(const struct leader *leader)
{
    return sampler_is_ready(leader->sampler);
}

static struct node_target target_of(const struct leader *leader)
{
    return (struct node_target){.workers = leader->decider.state.desired_workers,
                                .max_workers = leader->decider.params->max_workers,
                                .consuming = own_consumers_count(&leader->own_consumers),
                                .stop = {.slot = leader->steering.stop_slot,
                                         .pid = leader->steering.stop_pid,
                                         .node = leader->steering.stop_node}};
}

/* What a status says of the decision, what was counted, and the broker. */
static void describe(const void *context, const struct node_report *report, int64_t now_ns,
                     struct status *status)
{
    const struct leader *leader = context;
    int64_t away_ns = sampler_away_since_ns(leader->sampler);

    status->broker_away_s =
        away_ns < now_ns ? (double)(now_ns - away_ns) / (double)CLOCK_NS_PER_S : (double)NAN;
    status->decided_s = leader->decisions
                            ? (double)(now_ns - leader->decided_ns) / (double)CLOCK_NS_PER_S
                            : (double)NAN;
    status->decision = leader->record.row;
    status->counters = (struct status_counters){.arrived_msgs = (int64_t)leader->arrived_msgs,
                                                .handled_msgs = (int64_t)report->handled_msgs,
                                                .spawned = (int64_t)report->counts.spawned,
                                                .stopped = (int64_t)report->counts.stopped,
                                                .crashed = (int64_t)report->counts.crashed,
                                                .decisions = leader->decisions,
                                                .dead_msgs = report->dead_msgs,
                                                .given_back_msgs = report->given_back_msgs,
                                                .hung = (double)report->counts.hung};
    status->handling = report->handling;
    status->measured = leader->measured;
    if (leader->settings->describe_nodes)
        leader->settings->describe_nodes(leader->settings->nodes, now_ns, status);
}

/* Without the control plane the farm runs on as if nobody ever said anything. */
static void open_desk(struct leader *leader, int64_t now_ns)
{
    const struct control_desk_settings settings = {.broker = &leader->broker_options,
                                                   .topology = &leader->options->topology,
                                                   .steering = &leader->steering,
                                                   .describe = describe,
                                                   .drain = leader->settings->drain_node,
                                                   .nodes = leader->settings->nodes,
                                                   .promises = leader->settings->promises,
                                                   .leader = leader};
    struct why why = {0};

    if (control_desk_open(&leader->desk, &settings, now_ns, &why))
        log_event(LOG_WARN, "control_refused", "why=\"%s\" doing=\"going on without commands\"",
                  why.text);
}

int leader_start(struct leader *leader, int64_t now_ns, struct node_target *target, struct why *why)
{
    const struct leader_settings *settings = leader->settings;

    leader->steering = (struct steering){.params = settings->params, .epoch = clock_wall_ms()};
    const struct record_settings record = {.history_path = settings->history_path,
                                           .may_wait = settings->standby,
                                           .quiet = settings->quiet,
                                           .one_of_several = settings->one_of_several,
                                           .farm = leader->options->topology.farm,
                                           .worker = settings->worker,
                                           .policy = settings->policy,
                                           .params = &leader->steering.params};
    int error = record_open(&record, &leader->record, why);
    if (error)
        return error;

    open_desk(leader, now_ns);
    decider_init(&leader->decider, settings->policy, &leader->steering.params, &settings->total);
    sampler_begin(leader->sampler, now_ns);
    /* Before the first worker starts: whether others consume the queue. */
    sampler_ask_ready(leader->sampler);
    leader->start_ns = now_ns;
    leader->tick_ns = now_ns + settings->interval_ns;
    leader->reaction =
        (struct reaction){.every_ns = settings->react_ns, .due_ns = now_ns + settings->react_ns};
    *target = target_of(leader);
    return 0;
}

void leader_inherit(struct leader *leader, const struct leader_heritage *heritage,
                    struct node_target *target)
{
    leader->steering.epoch = heritage->epoch;
    if (heritage->limits)
        steering_inherit(&leader->steering, heritage->limits);
    leader->record.epoch = (double)heritage->epoch;
    if (heritage->goes_on)
        policy_inherit(&leader->decider.state, &leader->steering.params, heritage->workers);
    *target = target_of(leader);
}

struct status_limits leader_limits(const struct leader *leader, int64_t now_ns)
{
    return steering_limits(&leader->steering, (now_ns - leader->start_ns) / CLOCK_NS_PER_MS);
}

/* ---- deciding ---- */

static double time_s(const struct leader *leader, int64_t now_ns)
{
    return (double)(now_ns - leader->start_ns) / (double)CLOCK_NS_PER_S;
}

/* Some worker is a consumer of the work queue, but for a moment in which it consumes anew. */
static bool consumed(const struct node_report *report)
{
    return report->telling > report->blocked;
}

/* What can be seen of a queue that is somebody else's. */
static void look_at_foreign(struct leader *leader, int64_t now_ns, const struct node_report *report)
{
    const struct topology *topology = &leader->options->topology;

    if (topology->foreign && lone_consumer_look(&leader->lone_consumer, report, leader->ready_msgs,
                                                time_s(leader, now_ns)))
        log_event(LOG_WARN, "one_consumer",
                  "queue=\"%s\" workers=%u why=\"events wait, and one worker alone gets any: the "
                  "queue has a single active consumer, it seems, and more workers do not help\" "
                  "doing=\"going on; --max 1 would do\"",
                  topology->work, report->counts.running);
}

static bool decide(struct leader *leader, int64_t now_ns, const struct node_report *report)
{
    struct decision_record *last = &leader->last;

    *last = (struct decision_record){.report = *report};
    last->sampled = sampler_read(leader->sampler, consumed(report), now_ns);
    arrival_rate_reckon(&leader->acceptance, leader->taken_msgs, last);
    leader->arrival_per_s = last->sampled.arrival_per_s;
    leader->ready_msgs = last->sampled.ready_msgs;
    leader->ready_ns = now_ns;
    look_at_foreign(leader, now_ns, report);
    if (last->sampled.arrived_msgs > 0)
        leader->arrived_msgs += last->sampled.arrived_msgs;
    return decider_decide(&leader->decider, &leader->learner, POLICY_TICK, time_s(leader, now_ns),
                          last);
}

/* Decides between ticks, by what is known now, and where it remembers by what was known last. The
 * copies that are counted between ticks belong to the next tick's row. */
static bool decide_between(struct leader *leader, int64_t now_ns, const struct node_report *report,
                           bool remembers)
{
    struct decision_record *last = &leader->last;

    *last = (struct decision_record){
        .report = *report, .by_accepted = leader->acceptance.refuses, .accepted_per_s = NAN};
    last->sampled = sampler_peek(leader->sampler, consumed(report), now_ns);
    if (last->sampled.uncounted)
        last->by_accepted = !isnan(leader->arrival_per_s);
    /* Of what is refused the count says nothing between ticks. */
    last->sampled.arrival_per_s =
        last->by_accepted ? leader->arrival_per_s
                          : reaction_arrival_per_s(
                                leader->arrival_per_s, last->sampled.arrived_msgs,
                                (double)leader->settings->interval_ns / (double)CLOCK_NS_PER_S);
    last->sampled.arrived_msgs = NAN;
    if (!isnan(last->sampled.ready_msgs)) {
        leader->ready_msgs = last->sampled.ready_msgs;
        leader->ready_ns = now_ns;
    } else if (remembers && leader->ready_ns) {
        last->sampled.ready_msgs = leader->ready_msgs;
        last->sampled.most_ready_msgs = leader->ready_msgs;
        last->sampled.ready_age_s = (double)(now_ns - leader->ready_ns) / (double)CLOCK_NS_PER_S;
    }
    return decider_decide(&leader->decider, &leader->learner, POLICY_REACT, time_s(leader, now_ns),
                          last);
}

static bool react(struct leader *leader, int64_t now_ns, const struct node_report *report)
{
    uint32_t before = leader->decider.state.desired_workers;

    return decide_between(leader, now_ns, report, false) &&
           leader->last.decision.desired_workers != before;
}

static bool step_reaction(struct leader *leader, int64_t now_ns, const struct node_report *report)
{
    switch (reaction_step(&leader->reaction, leader->ticking, sampler_answered(leader->sampler),
                          now_ns)) {
    case REACTION_ASK:
        sampler_ask_ready(leader->sampler);
        return false;
    case REACTION_DECIDE:
        return react(leader, now_ns, report);
    case REACTION_NOTHING:
    default:
        return false;
    }
}

/* Ticks stay on their grid, from the first that is not nearer than this; those that were missed are
 * not made up for. */
static void move_tick(struct leader *leader, int64_t not_before_ns)
{
    while (leader->tick_ns < not_before_ns)
        leader->tick_ns += leader->settings->interval_ns;
}

static bool step_tick(struct leader *leader, int64_t now_ns, const struct node_report *report)
{
    bool decided = false;

    if (leader->ticking && (sampler_answered(leader->sampler) || now_ns >= leader->answer_by_ns)) {
        leader->ticking = false;
        decided = decide(leader, now_ns, report);
        /* After a late answer the next tick may be so near that its rate would be mostly noise. */
        move_tick(leader, now_ns + leader->settings->interval_ns / 3);
    }
    if (!leader->ticking && now_ns >= leader->tick_ns) {
        leader->ticking = true;
        leader->answer_by_ns = now_ns + ANSWER_NS;
        leader->taken_msgs =
            report->unknown ? (double)NAN : report->in_flight_msgs + report->handled_msgs;
        sampler_ask(leader->sampler);
        move_tick(leader, now_ns + 1);
    }
    return decided;
}

static void look(struct leader *leader, const struct node_report *report)
{
    const struct worker_counts *counts = &report->counts;
    uint32_t consumers;

    if (sampler_look(leader->sampler, &consumers))
        own_consumers_look(&leader->own_consumers, consumers,
                           counts->starting + counts->running + counts->draining);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void check_learning(struct leader *leader, const struct node_report *report)
{
    if (!learner_is_stuck(&leader->learner, report))
        return;
    fail(leader, error_set(&leader->why, ERR_CONFIG,
                           "--capacity auto needs workers that tell on the scoreboard what they "
                           "do, and '%s' tells nothing; give --capacity a number",
                           leader->settings->worker));
    log_event(LOG_ERROR, "workers_unusable", "why=\"%s\"", leader->why.text);
}

int64_t leader_step(struct leader *leader, int64_t now_ns, const struct node_report *report,
                    struct node_target *target, bool *decided)
{
    int64_t wake_ns = step_sampler(leader, now_ns);
    int64_t learn_ns = learner_step(&leader->learner, now_ns, time_s(leader, now_ns), report,
                                    leader->ready_msgs > 0);

    look(leader, report);
    check_learning(leader, report);
    /* Before anything is decided: a decision and its row are of the same limits. */
    leader->told |= control_desk_step(&leader->desk, now_ns, leader->fault != 0, report);
    *decided = !leader->fault && step_reaction(leader, now_ns, report);
    *decided |= !leader->fault && step_tick(leader, now_ns, report);
    if (leader->told && !leader->fault && !*decided)
        *decided = decide_between(leader, now_ns, report, true);
    leader->told = false;
    *target = target_of(leader);
    wake_ns =
        sooner(sooner(wake_ns, learn_ns), reaction_due_ns(&leader->reaction, leader->ticking));
    wake_ns = sooner(wake_ns, control_desk_due_ns(&leader->desk, now_ns));
    return sooner(wake_ns, leader->ticking ? leader->answer_by_ns : leader->tick_ns);
}

void leader_record(struct leader *leader, const struct node_report *report)
{
    record_write(&leader->record, &leader->last, report);
    time_classes_add(&leader->measured,
                     fmax(leader->last.sampled.arrival_age_s, leader->last.sampled.ready_age_s));
    leader->decided_ns = clock_now_ns();
    leader->decisions++;
    control_desk_decided(&leader->desk);
}

void leader_limit(struct leader *leader, const struct policy_params *before,
                  const struct policy_params *after, int64_t now_ns)
{
    control_desk_limit(&leader->desk, before, after, now_ns);
    leader->told = true;
}

void leader_decide_soon(struct leader *leader)
{
    leader->told = true;
}

void leader_tell(struct leader *leader)
{
    control_desk_tell(&leader->desk);
}

int64_t leader_hold(struct leader *leader, int64_t now_ns, const struct node_report *report)
{
    sampler_retire(leader->sampler);
    int64_t wake_ns = sampler_step(leader->sampler, now_ns);

    control_desk_step(&leader->desk, now_ns, true, report);
    return sooner(wake_ns, control_desk_due_ns(&leader->desk, now_ns));
}

size_t leader_poll(const struct leader *leader, struct pollfd fds[LEADER_FDS])
{
    size_t count = sampler_poll(leader->sampler, fds);

    return count + control_desk_poll(&leader->desk, fds + count);
}

int leader_fault(const struct leader *leader, struct why *why)
{
    if (leader->fault)
        *why = leader->why;
    return leader->fault;
}
