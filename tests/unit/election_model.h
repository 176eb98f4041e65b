/* election_model.h - what the histories are made of that the explorer of elections goes through, on
 * simulated time: candidates, their connections to the queue, the nodes that take their orders, and
 * what happens next. One seed is one history.
 *
 * election_queue.h has the queue, election_candidates.h the candidates and what must always hold,
 * and election_histories.h what fails. */
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

#endif
