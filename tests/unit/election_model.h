/* election_model.h - for the explorer of elections: candidates that may be stopped, killed and cut
 * off at any point, the queue that hands them their tokens, and nodes that take their orders, all
 * on simulated time. One seed is one history. It checks at every step what must always hold, and
 * can make the candidates break one rule at a time. */
#ifndef WINNOW_TESTS_ELECTION_MODEL_H
#define WINNOW_TESTS_ELECTION_MODEL_H

#include "autoscaler/leader/election.h"
#include "autoscaler/node/fence.h"
#include "random.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS  INT64_C(1000000)
#define SEC INT64_C(1000000000)

/* A rule that is broken: by the candidate of the model, in what it tells the election and in what
 * it does of what that says. The election itself stays as it is. */
enum mistake {
    NO_MISTAKE,
    LEADS_WHEN_CONFIRMED,
    TAKES_WHAT_COMES_AGAIN,
    COUNTS_ON_FROM_WHAT_WAS_HEARD_ALONE,
    LOOKS_AT_NO_TOKEN_OF_OTHERS,
    ACKNOWLEDGES_THE_NEWEST,
    YIELDS_AND_KEEPS_WHAT_IT_HOLDS,
    YIELDS_WITHOUT_LIMIT,
    KNOCKS_ONCE,
    COUNTS_THE_LEASE_FROM_THE_DELIVERY,
    HOLDS_WHAT_WAS_TAKEN_BACK,
    CLAIMS_WHILE_ANOTHER_GIVES_ORDERS,
    MISTAKES,
};

static const char *const mistake_names[MISTAKES] = {
    [NO_MISTAKE] = "none",
    [LEADS_WHEN_CONFIRMED] = "leads when its token is confirmed",
    [TAKES_WHAT_COMES_AGAIN] = "takes an own token that is delivered again for a new one",
    [COUNTS_ON_FROM_WHAT_WAS_HEARD_ALONE] = "claims without regard to what it has claimed",
    [LOOKS_AT_NO_TOKEN_OF_OTHERS] = "leads whatever tokens of others have said",
    [ACKNOWLEDGES_THE_NEWEST] = "acknowledges the newest token",
    [YIELDS_AND_KEEPS_WHAT_IT_HOLDS] = "yields and keeps what it holds",
    [YIELDS_WITHOUT_LIMIT] = "yields as often as it can",
    [KNOCKS_ONCE] = "knocks only as it enters",
    [COUNTS_THE_LEASE_FROM_THE_DELIVERY] = "counts the lease from the delivery",
    [HOLDS_WHAT_WAS_TAKEN_BACK] = "holds by the older tag what is delivered again",
    [CLAIMS_WHILE_ANOTHER_GIVES_ORDERS] = "claims while another gives orders",
};

enum {
    MOST_CANDIDATES = 4,
    MOST_CONNECTIONS = 2048,
    MOST_MESSAGES = 512,
    MOST_EVENTS = 4096,
    MOST_TERMS = 1024,
    PREFETCH = 10,
};

#define HEAL_NS   (25 * SEC) /* from then on nothing fails any more, ... */
#define QUIET_NS  (16 * SEC) /* ... and after so long somebody leads, ... */
#define STEADY_NS (5 * SEC)  /* ... and has led for so long without a break */
#define ORDER_NS  (500 * MS)

struct message {
    enum token_kind kind;
    int64_t epoch;
    int owner; /* of a process: a number that no other has */
    bool redelivered;
};

/* Where a delivery or a confirm stands in the order of all; how often the queue had changed hands
 * before, and how often it had lost what was in it. */
struct origin {
    int64_t place, hands, losses;
};

enum event_kind {
    /* From a candidate to the queue, in their order. */
    UP_CONSUME,
    UP_PUBLISH,
    UP_ACK,
    UP_CANCEL,
    UP_CLOSE,
    /* From the queue to a candidate, in their order. */
    DOWN_CONSUMING,
    DOWN_DELIVERY,
    DOWN_CONFIRM,
    DOWN_RETURN,
    DOWN_CANCELLED,
    DOWN_CLOSE,
    /* Of a candidate. */
    CONNECT,
    TIMER,
    ORDERS,
    REPORT,
    ORDER_HEARD,
    REFUSAL_HEARD,
    BORN,
    /* Of the rest. */
    ORDER_ARRIVES,
    BROKER_CLOSES, /* nothing was heard from a candidate for too long */
    FAULT,
};

struct event {
    int64_t at_ns;
    uint64_t number; /* of two at one time the lower comes first */
    enum event_kind kind;
    int candidate;  /* whom it concerns */
    int process;    /* that process of it alone */
    int connection; /* the same */
    int node;
    uint64_t tag;
    struct message message;
    struct origin origin;
    struct order_stamp stamp;
};

struct connection {
    int candidate, process;
    bool open;              /* as the broker sees it */
    bool deaf;              /* the broker hands it nothing, and nobody knows why */
    bool consumes;          /* as the broker sees it */
    int64_t up_ns, down_ns; /* the last arrivals: what is sent later does not come sooner */
    uint64_t tag;           /* of the last delivery */
    struct unacked {
        uint64_t tag;
        struct message message;
    } unacked[2 * PREFETCH];
    int unacked_count;
};

struct candidate {
    struct election election;
    int process; /* tells one life from the next */
    char owner[16], name[16];
    int64_t rank;
    bool alive;
    int64_t stopped_until_ns; /* it sees nothing before */
    int64_t late_until_ns;    /* its messages are slow until then */
    int connection;           /* -1: none */
    int64_t wall_ms;          /* its wall clock is off by so much */
    int64_t timer_ns;
    int64_t knocks; /* on this connection */
    int64_t last_claim;
    int64_t led_since_ns; /* -1: it does not */
};

/* Somebody began to lead, or went on under the next epoch. */
struct term {
    int64_t epoch;
    int owner;
    struct origin origin;
};

/* What the histories of a run went through. */
struct tally {
    uint64_t histories, terms, successions, redelivered, refused, yields, returns, forgotten,
        overlaps, stale;
};

static struct model {
    struct tally tally; /* of all histories; what follows is of one */

    uint64_t random;
    enum mistake mistake;
    bool told;           /* the history is printed as it goes */
    char violation[200]; /* empty: none */
    int64_t now_ns;
    uint64_t numbers;
    int event_count;

    int candidate_count, processes, connection_count;
    struct candidate candidates[MOST_CANDIDATES];
    struct fence fences[MOST_CANDIDATES + 1]; /* the last node is none of the candidates */
    int64_t last_order_ns;                    /* that this last node has taken */
    int64_t control_lost_until_ns;
    bool healed;
    bool forgets; /* the queue does not tell all consumers that it was deleted */

    bool queue_exists;
    int ready_count, consumer_count;
    int holder; /* the connection of the active consumer; -1: there is none */
    struct origin origin;

    int claim_count, term_count;

    /* Of these so many count. */
    struct event events[MOST_EVENTS]; /* a heap */
    struct connection connections[MOST_CONNECTIONS];
    struct message ready[MOST_MESSAGES];
    int consumers[MOST_CONNECTIONS]; /* connections; the first is the active one */
    struct claim {
        int64_t epoch, made_ns;
    } claims[MOST_TERMS];
    struct term terms[MOST_TERMS];
} model;

__attribute__((format(printf, 1, 2))) static inline void tell(const char *format, ...)
{
    va_list arguments;

    if (!model.told)
        return;
    printf("# %10.6f ", (double)model.now_ns / 1e9);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
}

__attribute__((format(printf, 1, 2))) static inline void violated(const char *format, ...)
{
    va_list arguments;

    if (model.violation[0])
        return;
    va_start(arguments, format);
    vsnprintf(model.violation, sizeof model.violation, format, arguments);
    va_end(arguments);
    tell("VIOLATED: %s", model.violation);
}

/* ---- chance ---- */

static inline int64_t below(int64_t most)
{
    return (int64_t)(random_bits(&model.random) % (uint64_t)most);
}

static inline bool one_in(int64_t many)
{
    return below(many) == 0;
}

/* ---- what happens next ---- */

static inline bool is_earlier(const struct event *a, const struct event *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->number < b->number;
}

static inline void put(struct event event)
{
    int at = model.event_count++;

    if (at == MOST_EVENTS - 1)
        abort();
    for (; at > 0 && is_earlier(&event, &model.events[(at - 1) / 2]); at = (at - 1) / 2)
        model.events[at] = model.events[(at - 1) / 2];
    model.events[at] = event;
}

static inline void plan(struct event event)
{
    event.number = ++model.numbers;
    put(event);
}

static inline struct event take(void)
{
    struct event first = model.events[0], last = model.events[--model.event_count];
    int at = 0;

    for (int child; (child = 2 * at + 1) < model.event_count; at = child) {
        if (child + 1 < model.event_count &&
            is_earlier(&model.events[child + 1], &model.events[child]))
            child++;
        if (!is_earlier(&model.events[child], &last))
            break;
        model.events[at] = model.events[child];
    }
    model.events[at] = last;
    return first;
}

static inline void plan_for(const struct candidate *candidate, enum event_kind kind, int64_t in_ns)
{
    plan((struct event){.at_ns = model.now_ns + in_ns,
                        .kind = kind,
                        .candidate = (int)(candidate - model.candidates),
                        .process = candidate->process,
                        .connection = candidate->connection});
}

/* ---- the way between a candidate and the queue ---- */

static inline int64_t delay_ns(const struct candidate *candidate)
{
    if (model.now_ns < candidate->late_until_ns)
        return below(8 * SEC);
    return MS / 10 + below(one_in(20) ? 300 * MS : 3 * MS);
}

static inline void travel(int connection, bool up, struct event event)
{
    struct connection *way = &model.connections[connection];
    int64_t *last_ns = up ? &way->up_ns : &way->down_ns;

    event.at_ns = model.now_ns + delay_ns(&model.candidates[way->candidate]);
    if (event.at_ns < *last_ns)
        event.at_ns = *last_ns;
    *last_ns = event.at_ns;
    event.candidate = way->candidate;
    event.process = way->process;
    event.connection = connection;
    plan(event);
}

static inline void send_up(int connection, struct event event)
{
    travel(connection, true, event);
}

static inline void send_down(int connection, struct event event)
{
    if (model.connections[connection].open)
        travel(connection, false, event);
}

/* ---- the queue ---- */

static inline struct origin next_place(void)
{
    model.origin.place++;
    return model.origin;
}

static inline void hand_out(void)
{
    int holder = model.consumer_count ? model.consumers[0] : -1;

    if (holder != model.holder)
        model.origin.hands++;
    model.holder = holder;
    if (holder < 0)
        return;
    struct connection *active = &model.connections[holder];
    while (model.ready_count && active->unacked_count < PREFETCH) {
        struct message message = model.ready[0];
        memmove(model.ready, model.ready + 1, (size_t)--model.ready_count * sizeof model.ready[0]);
        active->unacked[active->unacked_count++] = (struct unacked){++active->tag, message};
        model.tally.redelivered += message.redelivered;
        send_down(holder, (struct event){.kind = DOWN_DELIVERY,
                                         .tag = active->tag,
                                         .message = message,
                                         .origin = next_place()});
    }
}

/* What was not acknowledged goes back to the front, in its order. */
static inline void give_back(struct connection *from)
{
    int count = from->unacked_count;

    if (model.ready_count + count > MOST_MESSAGES)
        abort();
    memmove(model.ready + count, model.ready, (size_t)model.ready_count * sizeof model.ready[0]);
    for (int i = 0; i < count; i++) {
        model.ready[i] = from->unacked[i].message;
        model.ready[i].redelivered = true;
    }
    model.ready_count += count;
    from->unacked_count = 0;
}

static inline void drop_consumer(int connection)
{
    int kept = 0;

    for (int i = 0; i < model.consumer_count; i++)
        if (model.consumers[i] != connection)
            model.consumers[kept++] = model.consumers[i];
    model.consumer_count = kept;
    model.connections[connection].consumes = false;
}

static inline void broker_closes(int connection)
{
    struct connection *way = &model.connections[connection];

    if (!way->open)
        return;
    tell("the queue loses candidate %d", way->candidate);
    send_down(connection, (struct event){.kind = DOWN_CLOSE});
    way->open = false;
    drop_consumer(connection);
    give_back(way);
    hand_out();
}

/* The broker holds the active consumer for dead and does not tell it; nor is it so. */
static inline void suspect(void)
{
    if (model.consumer_count < 2)
        return;
    int connection = model.consumers[0];
    tell("the queue suspects candidate %d", model.connections[connection].candidate);
    drop_consumer(connection);
    model.connections[connection].consumes = true;
    model.consumers[model.consumer_count++] = connection;
    give_back(&model.connections[connection]);
    hand_out();
}

static inline void purge(void)
{
    tell("the queue is purged of %d", model.ready_count);
    model.ready_count = 0;
    model.origin.losses++;
}

static inline void delete_queue(void)
{
    tell("the queue is deleted");
    for (int i = 0; i < model.consumer_count; i++) {
        struct connection *way = &model.connections[model.consumers[i]];
        way->consumes = false;
        if (!model.forgets || !one_in(4))
            send_down(model.consumers[i], (struct event){.kind = DOWN_CANCELLED});
    }
    for (int i = 0; i < model.connection_count; i++)
        model.connections[i].unacked_count = 0;
    model.consumer_count = model.ready_count = 0;
    model.queue_exists = false;
    model.origin.losses++;
    hand_out();
}

static inline void consume(int connection)
{
    struct connection *way = &model.connections[connection];

    model.queue_exists = true;
    send_down(connection, (struct event){.kind = DOWN_CONSUMING});
    if (way->deaf)
        return;
    way->consumes = true;
    model.consumers[model.consumer_count++] = connection;
    hand_out();
}

static inline void arrive(int connection, const struct event *event)
{
    if (!model.queue_exists)
        send_down(connection, (struct event){.kind = DOWN_RETURN});
    else if (model.ready_count < MOST_MESSAGES - 2 * PREFETCH)
        model.ready[model.ready_count++] = event->message;
    if (!one_in(50))
        send_down(connection, (struct event){.kind = DOWN_CONFIRM,
                                             .message = event->message,
                                             .origin = next_place()});
    hand_out();
}

static inline void acknowledge(int connection, uint64_t tag)
{
    struct connection *way = &model.connections[connection];
    int kept = 0;

    for (int i = 0; i < way->unacked_count; i++)
        if (way->unacked[i].tag != tag)
            way->unacked[kept++] = way->unacked[i];
    way->unacked_count = kept;
    hand_out();
}

static inline void at_the_queue(const struct event *event)
{
    if (!model.connections[event->connection].open)
        return;
    switch (event->kind) {
    case UP_CONSUME:
        consume(event->connection);
        break;
    case UP_PUBLISH:
        arrive(event->connection, event);
        break;
    case UP_ACK:
        acknowledge(event->connection, event->tag);
        break;
    case UP_CANCEL:
        drop_consumer(event->connection);
        hand_out();
        break;
    default:
        broker_closes(event->connection);
    }
}

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
