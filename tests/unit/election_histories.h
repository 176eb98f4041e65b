/* election_histories.h - histories of candidates that are stopped, killed and cut off at any point,
 * of a queue and of messages that are lost; in the end nothing fails any more, and one leads. */
#ifndef WINNOW_TESTS_ELECTION_HISTORIES_H
#define WINNOW_TESTS_ELECTION_HISTORIES_H

#include "election_candidates.h"

/* ---- lives ---- */

static inline void be_born(struct candidate *candidate)
{
    int index = (int)(candidate - model.candidates);

    candidate->process = ++model.processes;
    candidate->alive = true;
    candidate->connection = -1;
    candidate->last_claim = 0;
    candidate->led_since_ns = -1;
    candidate->timer_ns = 0;
    candidate->stopped_until_ns = 0;
    snprintf(candidate->owner, sizeof candidate->owner, "%d", candidate->process);
    model.fences[index] = (struct fence){0};
    election_init(&candidate->election,
                  &(struct election_self){candidate->owner, candidate->name, candidate->rank});
    tell("candidate %d is born as process %d", index, candidate->process);
    plan_for(candidate, CONNECT, below(200 * MS));
    plan_for(candidate, ORDERS, below(ORDER_NS));
    plan_for(candidate, REPORT, below(SEC));
}

static inline void be_connected(struct candidate *candidate, bool deaf)
{
    if (candidate->connection >= 0)
        return;
    if (model.connection_count == MOST_CONNECTIONS)
        abort();
    candidate->connection = model.connection_count++;
    model.connections[candidate->connection] =
        (struct connection){.candidate = (int)(candidate - model.candidates),
                            .process = candidate->process,
                            .open = true,
                            .deaf = deaf};
    send_up(candidate->connection, (struct event){.kind = UP_CONSUME});
}

/* The broker notices at once, or when it has heard nothing for a while. */
static inline void broker_notices(const struct candidate *candidate, bool at_once)
{
    int64_t in_ns = at_once ? below(3 * MS) : 10 * SEC + below(5 * SEC);
    int64_t most_ns = model.now_ns < HEAL_NS ? HEAL_NS - model.now_ns : 0;

    if (candidate->connection >= 0)
        plan_for(candidate, BROKER_CLOSES, in_ns < most_ns || at_once ? in_ns : most_ns);
}

static inline void die(struct candidate *candidate)
{
    tell("candidate %td dies", candidate - model.candidates);
    broker_notices(candidate, true);
    candidate->alive = false;
    candidate->connection = -1;
    plan_for(candidate, BORN, below(6 * SEC));
}

static inline void be_stopped(struct candidate *candidate)
{
    static const int64_t spans_ns[] = {10 * MS, SEC, 3 * SEC, 5 * SEC, 7 * SEC, 20 * SEC};
    int64_t span_ns = below(spans_ns[below(6)]) + 1;

    if (model.now_ns < candidate->stopped_until_ns)
        return;
    tell("candidate %td is stopped for %lld ms", candidate - model.candidates,
         (long long)(span_ns / MS));
    candidate->stopped_until_ns = model.now_ns + span_ns;
    if (candidate->stopped_until_ns > HEAL_NS)
        candidate->stopped_until_ns = HEAL_NS;
    /* A broker on which somebody else also fails it may well notice sooner. */
    if (one_in(3))
        broker_notices(candidate, true);
    else if (span_ns > 10 * SEC)
        broker_notices(candidate, false);
}

/* One of both sides notices first. */
static inline void be_cut(struct candidate *candidate)
{
    if (candidate->connection < 0)
        return;
    tell("candidate %td is cut off", candidate - model.candidates);
    if (one_in(2)) {
        broker_notices(candidate, true);
        return;
    }
    broker_notices(candidate, one_in(2));
    leave(candidate, false);
}

static inline void a_fault(void)
{
    struct candidate *candidate = &model.candidates[below(model.candidate_count)];
    /* Most faults are more interesting where something is going on. */
    int holder = model.holder >= 0 ? model.connections[model.holder].candidate : -1;

    if (holder >= 0 && !one_in(3))
        candidate = &model.candidates[holder];
    /* And many come together. */
    if (one_in(3))
        plan((struct event){.at_ns = model.now_ns + below(SEC), .kind = FAULT});
    if (!candidate->alive)
        return;
    switch (below(11)) {
    case 0:
    case 1:
        be_stopped(candidate);
        break;
    case 2:
        die(candidate);
        break;
    case 3:
    case 4:
        be_cut(candidate);
        break;
    case 5:
    case 6:
        suspect();
        break;
    case 7:
        purge();
        break;
    case 8:
        if (model.queue_exists)
            delete_queue();
        break;
    case 9:
        candidate->late_until_ns = model.now_ns + below(5 * SEC);
        candidate->wall_ms += one_in(2) ? below(7200000) - 3600000 : 0;
        break;
    default:
        model.control_lost_until_ns = model.now_ns + below(10 * SEC);
    }
}

/* ---- a history ---- */

static inline bool is_for_a_candidate(enum event_kind kind)
{
    return kind >= DOWN_CONSUMING && kind <= REFUSAL_HEARD;
}

/* Whether the candidate has seen it: one that is stopped sees it when it wakes. */
static inline bool is_seen(const struct candidate *candidate, struct event event)
{
    if (!candidate->alive || event.process != candidate->process)
        return false;
    if (model.now_ns < candidate->stopped_until_ns) {
        event.at_ns = candidate->stopped_until_ns;
        put(event);
        return false;
    }
    return event.kind > DOWN_CLOSE || event.connection == candidate->connection;
}

static inline void at_a_candidate(struct candidate *candidate, const struct event *event, int deaf)
{
    switch (event->kind) {
    case CONNECT:
        be_connected(candidate, deaf == event->candidate);
        return;
    case TIMER:
        if (event->at_ns < candidate->timer_ns)
            return;
        candidate->timer_ns = 0;
        break;
    case ORDERS:
        give_orders(candidate);
        break;
    case REPORT:
        report(candidate);
        break;
    case ORDER_HEARD:
        order_heard(candidate, event);
        break;
    case REFUSAL_HEARD:
        election_hear_refusal(&candidate->election, event->stamp);
        break;
    default:
        from_the_queue(candidate, event);
    }
    step(candidate);
}

static inline void happen(const struct event *event, int deaf)
{
    struct candidate *candidate = &model.candidates[event->candidate];

    if (event->kind <= UP_CLOSE)
        at_the_queue(event);
    else if (is_for_a_candidate(event->kind)) {
        if (is_seen(candidate, *event))
            at_a_candidate(candidate, event, deaf);
    } else if (event->kind == BORN) {
        if (!candidate->alive)
            be_born(candidate);
    } else if (event->kind == ORDER_ARRIVES)
        order_arrives(event);
    else if (event->kind == BROKER_CLOSES)
        broker_closes(event->connection);
    else if (!model.healed)
        a_fault();
}

static inline void run_until(int64_t end_ns, int deaf)
{
    while (!model.violation[0] && model.event_count && model.events[0].at_ns <= end_ns) {
        struct event event = take();
        if (event.at_ns > model.now_ns)
            model.now_ns = event.at_ns;
        happen(&event, deaf);
    }
    model.now_ns = end_ns;
}

/* All fail no more, but one that is deaf and does not know. */
static inline void heal(int deaf)
{
    tell("nothing fails any more");
    model.healed = true;
    model.control_lost_until_ns = 0;
    for (int i = 0; i < model.candidate_count; i++) {
        struct candidate *candidate = &model.candidates[i];
        candidate->late_until_ns = 0;
        if (!candidate->alive)
            be_born(candidate);
        if (i == deaf) {
            broker_notices(candidate, true);
            leave(candidate, false);
        }
    }
}

/* In the end one leads, steadily, and is obeyed. */
static inline void check_end(void)
{
    int leaders = 0;

    for (int i = 0; i < model.candidate_count; i++) {
        const struct candidate *candidate = &model.candidates[i];
        if (!election_leads(&candidate->election, model.now_ns, NULL))
            continue;
        leaders++;
        if (candidate->led_since_ns < 0 || candidate->led_since_ns > model.now_ns - STEADY_NS)
            violated("in the end candidate %d leads, but not steadily", i);
    }
    if (leaders != 1)
        violated("in the end %d lead", leaders);
    if (model.last_order_ns < model.now_ns - 8 * ORDER_NS)
        violated("in the end nobody is obeyed");
}

/* One history. True if all that must hold did; else model.violation says what did not. */
static inline bool history(uint64_t seed, enum mistake mistake, bool told)
{
    struct tally tally = model.tally;

    memset(&model, 0, offsetof(struct model, events));
    model.tally = tally;
    model.tally.histories++;
    model.random = seed;
    model.mistake = mistake;
    model.told = told;
    model.holder = -1;
    model.candidate_count = 2 + (int)below(MOST_CANDIDATES - 1);
    model.forgets = one_in(3);
    int deaf = one_in(6) ? (int)below(model.candidate_count) : -1;
    for (int i = 0; i < model.candidate_count; i++) {
        struct candidate *candidate = &model.candidates[i];
        snprintf(candidate->name, sizeof candidate->name, "node%d", i);
        candidate->rank = below(3) + (i == deaf ? 3 : 0);
        candidate->wall_ms = one_in(2) ? 0 : below(7200000) - 3600000;
        plan_for(candidate, BORN, below(3 * SEC));
    }
    for (int64_t faults = 3 + below(10); faults; faults--)
        plan((struct event){.at_ns = 3 * SEC + below(HEAL_NS - 3 * SEC), .kind = FAULT});
    /* What the last ones have done, nothing else mends. */
    for (int64_t faults = below(6); faults; faults--)
        plan((struct event){.at_ns = HEAL_NS - below(100 * MS), .kind = FAULT});
    run_until(HEAL_NS, -1);
    heal(deaf);
    run_until(HEAL_NS + QUIET_NS + (model.forgets ? ELECTION_FORGOTTEN_NS : 0), deaf);
    if (!model.violation[0])
        check_end();
    return !model.violation[0];
}

#endif
