/* election_candidates.h - candidates that do what their elections say, or break one of the rules,
 * the nodes that take their orders, and what must always hold of both. */
#ifndef WINNOW_TESTS_ELECTION_CANDIDATES_H
#define WINNOW_TESTS_ELECTION_CANDIDATES_H

#include "election_queue.h"

/* ---- what must always hold ---- */

static inline int64_t made_ns(int64_t epoch)
{
    for (int i = model.claim_count - 1; i >= 0; i--)
        if (model.claims[i].epoch == epoch)
            return model.claims[i].made_ns;
    return 0;
}

/* A candidate leads under an epoch from now on, because of something that the queue has sent it.
 *
 * Only one owner ever leads under an epoch. As long as the queue loses nothing, epochs rise in the
 * order in which it has handed them out, and between two owners it has changed hands. */
static inline void check_term(const struct term *term)
{
    for (int i = 0; i < model.term_count; i++) {
        const struct term *other = &model.terms[i];
        bool later = term->origin.place > other->origin.place;
        if (term->epoch == other->epoch && term->owner == other->owner)
            continue;
        if (term->epoch == other->epoch)
            violated("%d and %d lead under epoch %lld", other->owner, term->owner,
                     (long long)term->epoch);
        if (term->origin.losses != other->origin.losses)
            continue;
        if (later != (term->epoch > other->epoch))
            violated("%d leads under %lld, and %d under %lld, which was handed out %s", term->owner,
                     (long long)term->epoch, other->owner, (long long)other->epoch,
                     later ? "sooner" : "later");
        if (term->owner != other->owner && term->origin.hands == other->origin.hands)
            violated("%d leads while the queue is in the hand of %d", term->owner, other->owner);
    }
}

static inline void begin_term(const struct candidate *candidate, const struct event *cause)
{
    struct term term = {.epoch = candidate->election.led_epoch,
                        .owner = candidate->process,
                        .origin = cause->origin};
    const struct term *last = model.term_count ? &model.terms[model.term_count - 1] : NULL;

    tell("candidate %d leads under %lld", cause->candidate, (long long)term.epoch);
    check_term(&term);
    model.tally.terms++;
    model.tally.successions += last && last->owner != term.owner;
    for (int i = 0; i < model.candidate_count; i++) {
        const struct candidate *other = &model.candidates[i];
        model.tally.overlaps += other != candidate && other->alive &&
                                election_leads(&other->election, model.now_ns, NULL);
    }
    if (model.term_count < MOST_TERMS)
        model.terms[model.term_count++] = term;
    else
        violated("they lead under ever new epochs");
}

/* Nobody gives an order when the lease of what he was handed is over. */
static inline void check_lease(const struct candidate *candidate, int64_t epoch)
{
    int64_t since_ns = model.now_ns - made_ns(epoch);

    if (since_ns >= ELECTION_LEASE_NS)
        violated("%d gives orders under a token that it made %lld ms ago", candidate->process,
                 (long long)(since_ns / MS));
}

static inline void check_claim(struct candidate *candidate, int64_t epoch)
{
    if (epoch <= candidate->last_claim)
        violated("%d claims %lld after %lld", candidate->process, (long long)epoch,
                 (long long)candidate->last_claim);
    candidate->last_claim = epoch;
    if (model.claim_count < MOST_TERMS)
        model.claims[model.claim_count++] = (struct claim){epoch, model.now_ns};
    else
        violated("they claim without end");
}

/* ---- a candidate ---- */

static inline int64_t wall_ms(const struct candidate *candidate)
{
    return INT64_C(1800000000000) + candidate->wall_ms + model.now_ns / MS;
}

static inline void leave(struct candidate *candidate, bool says_so)
{
    if (candidate->connection < 0)
        return;
    tell("candidate %td leaves", candidate - model.candidates);
    election_leave(&candidate->election);
    if (says_so)
        send_up(candidate->connection, (struct event){.kind = UP_CLOSE});
    candidate->connection = -1;
    plan_for(candidate, CONNECT, 20 * MS + below(100 * MS));
}

static inline void publish(struct candidate *candidate, const struct token_message *message)
{
    bool knocks = message->kind == TOKEN_KNOCK;

    candidate->knocks += knocks;
    if (model.mistake == KNOCKS_ONCE && knocks && candidate->knocks > 1)
        return;
    if (!knocks)
        check_claim(candidate, message->epoch);
    tell("candidate %td %s %lld", candidate - model.candidates, knocks ? "knocks" : "claims",
         (long long)message->epoch);
    send_up(candidate->connection, (struct event){.kind = UP_PUBLISH,
                                                  .message = {.kind = message->kind,
                                                              .epoch = message->epoch,
                                                              .owner = candidate->process}});
}

static inline void yield(struct candidate *candidate)
{
    tell("candidate %td yields", candidate - model.candidates);
    model.tally.yields++;
    if (model.mistake != YIELDS_AND_KEEPS_WHAT_IT_HOLDS) {
        leave(candidate, true);
        return;
    }
    send_up(candidate->connection, (struct event){.kind = UP_CANCEL});
    send_up(candidate->connection, (struct event){.kind = UP_CONSUME});
}

static inline void step(struct candidate *candidate)
{
    struct election *election = &candidate->election;
    struct token_message message;
    bool counts = model.mistake != COUNTS_ON_FROM_WHAT_WAS_HEARD_ALONE;

    for (;;) {
        if (!counts)
            election->newest_epoch = 0;
        if (model.mistake == YIELDS_WITHOUT_LIMIT)
            election->yielded_ns = -1;
        enum election_action action =
            election_step(election, model.now_ns, counts ? wall_ms(candidate) : 0, &message);
        if (action == ELECTION_PUBLISH)
            publish(candidate, &message);
        else if (action == ELECTION_YIELD)
            yield(candidate);
        else if (action == ELECTION_ANEW) {
            model.tally.forgotten++;
            leave(candidate, true);
        } else
            break;
    }
    int64_t due_ns = election_due_ns(election, model.now_ns);
    if (due_ns <= model.now_ns)
        violated("candidate %td is due and does nothing", candidate - model.candidates);
    if (due_ns != candidate->timer_ns && due_ns != INT64_MAX)
        plan_for(candidate, TIMER, due_ns - model.now_ns);
    candidate->timer_ns = due_ns;
}

static inline struct token_message written(const struct message *message)
{
    struct token_message token = {.kind = message->kind, .epoch = message->epoch};

    snprintf(token.owner, sizeof token.owner, "%d", message->owner);
    return token;
}

static inline void note_term(const struct candidate *candidate, int64_t before,
                             const struct event *cause)
{
    const struct election *election = &candidate->election;

    if (election->led_epoch != before && election_leads(election, model.now_ns, NULL))
        begin_term(candidate, cause);
}

static inline void delivered(struct candidate *candidate, const struct event *event)
{
    struct election *election = &candidate->election;
    struct token_message message = written(&event->message);
    int64_t before = election->led_epoch, held_epoch = election->held_epoch;
    uint64_t held_tag = election->held_tag;
    bool is_own = event->message.owner == candidate->process && message.kind == TOKEN_CLAIM;

    if (is_own && model.mistake == LOOKS_AT_NO_TOKEN_OF_OTHERS)
        election->others_epoch = election->heard_epoch = 0;
    if (is_own && model.mistake == COUNTS_THE_LEASE_FROM_THE_DELIVERY)
        for (int i = 0; i < ELECTION_TOKENS; i++)
            if (election->tokens[i].epoch == message.epoch)
                election->tokens[i].published_ns = model.now_ns;
    uint64_t tag = election_deliver(
        election, &message, event->tag,
        event->message.redelivered && model.mistake != TAKES_WHAT_COMES_AGAIN, model.now_ns);
    note_term(candidate, before, event);
    if (model.mistake == HOLDS_WHAT_WAS_TAKEN_BACK && held_tag && message.epoch == held_epoch) {
        tag = event->tag;
        election->held_tag = held_tag;
    }
    if (tag)
        send_up(event->connection, (struct event){.kind = UP_ACK, .tag = tag});
    if (model.mistake == ACKNOWLEDGES_THE_NEWEST && election->held_tag == event->tag) {
        send_up(event->connection, (struct event){.kind = UP_ACK, .tag = event->tag});
        election->held_tag = 0;
    }
}

static inline void confirmed(struct candidate *candidate, const struct event *event)
{
    struct election *election = &candidate->election;
    struct election as_it_was = *election;
    struct token_message message = written(&event->message);

    if (model.mistake != LEADS_WHEN_CONFIRMED || message.kind != TOKEN_CLAIM)
        return;
    election_deliver(election, &message, UINT64_MAX, false, model.now_ns);
    election->held_tag = as_it_was.held_tag;
    election->held_epoch = as_it_was.held_epoch;
    election->delivered_ns = as_it_was.delivered_ns;
    note_term(candidate, as_it_was.led_epoch, event);
}

static inline void enter(struct candidate *candidate)
{
    struct election before = candidate->election;

    tell("candidate %td enters", candidate - model.candidates);
    election_enter(&candidate->election, model.now_ns);
    candidate->knocks = 0;
    if (model.mistake == TAKES_WHAT_COMES_AGAIN)
        memcpy(candidate->election.tokens, before.tokens, sizeof before.tokens);
}

static inline void from_the_queue(struct candidate *candidate, const struct event *event)
{
    switch (event->kind) {
    case DOWN_CONSUMING:
        enter(candidate);
        break;
    case DOWN_DELIVERY:
        delivered(candidate, event);
        break;
    case DOWN_CONFIRM:
        confirmed(candidate, event);
        break;
    case DOWN_CLOSE:
        leave(candidate, false);
        break;
    default: /* returned, cancelled */
        model.tally.returns += event->kind == DOWN_RETURN;
        leave(candidate, true);
    }
}

/* ---- orders and reports ---- */

static inline bool control_loses(void)
{
    return model.now_ns < model.control_lost_until_ns || one_in(30);
}

static inline void give_orders(struct candidate *candidate)
{
    struct order_stamp stamp;
    int nodes = model.candidate_count + 1;

    plan_for(candidate, ORDERS, ORDER_NS);
    if (!election_stamp(&candidate->election, model.now_ns, &stamp)) {
        candidate->led_since_ns = -1;
        return;
    }
    if (candidate->led_since_ns < 0)
        candidate->led_since_ns = model.now_ns;
    check_lease(candidate, stamp.epoch);
    for (int node = 0; node < nodes; node++)
        for (int copies = one_in(30) ? 2 : 1; copies; copies--)
            if (!control_loses())
                plan((struct event){.at_ns = model.now_ns + below(one_in(10) ? 3 * SEC : 5 * MS),
                                    .kind = ORDER_ARRIVES,
                                    .candidate = (int)(candidate - model.candidates),
                                    .process = candidate->process,
                                    .node = node,
                                    .stamp = stamp});
}

/* What a node takes is never older than what it took before. */
static inline void order_arrives(const struct event *event)
{
    struct fence *fence = &model.fences[event->node];
    struct order_stamp before = fence->last;
    struct candidate *sender = &model.candidates[event->candidate];
    bool is_candidate = event->node < model.candidate_count;

    if (is_candidate && !model.candidates[event->node].alive)
        return;
    if (is_candidate)
        plan((struct event){.at_ns = model.now_ns,
                            .kind = ORDER_HEARD,
                            .candidate = event->node,
                            .process = model.candidates[event->node].process,
                            .stamp = event->stamp});
    if (fence_admit(fence, event->stamp)) {
        if (fence->last.epoch < before.epoch)
            violated("node %d goes back to epoch %lld", event->node, (long long)fence->last.epoch);
        if (!is_candidate)
            model.last_order_ns = model.now_ns;
        return;
    }
    model.tally.refused++;
    model.tally.stale += event->stamp.epoch < before.epoch;
    if (!control_loses())
        plan((struct event){.at_ns = model.now_ns + below(5 * MS),
                            .kind = REFUSAL_HEARD,
                            .candidate = event->candidate,
                            .process = sender->process,
                            .stamp = fence->last});
}

static inline void order_heard(struct candidate *candidate, const struct event *event)
{
    int64_t delivered_ns = candidate->election.delivered_ns;

    election_hear_order(&candidate->election, event->stamp.epoch, model.now_ns);
    if (model.mistake == CLAIMS_WHILE_ANOTHER_GIVES_ORDERS)
        candidate->election.delivered_ns = delivered_ns;
}

static inline void report(struct candidate *candidate)
{
    plan_for(candidate, REPORT, SEC);
    for (int i = 0; i < model.candidate_count; i++) {
        struct candidate *other = &model.candidates[i];
        if (other == candidate || !other->alive || model.now_ns < other->stopped_until_ns ||
            control_loses())
            continue;
        election_hear(&other->election, model.fences[candidate - model.candidates].last.epoch);
        if (candidate->election.entered)
            election_hear_candidate(&other->election, candidate->name, candidate->rank,
                                    model.now_ns);
        step(other);
    }
}

#endif
