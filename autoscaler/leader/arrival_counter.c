#include "arrival_counter.h"

#include "clock.h"

#include <stdio.h>

/* While copies come, they are taken off the socket this often: each time costs system calls, and
 * the socket holds what comes in between. */
#define TAKE_NS (20 * CLOCK_NS_PER_MS)

/* When they were not taken for so long, the count queue may have dropped copies. */
#define TAKE_LATE_NS CLOCK_NS_PER_S

/* While none come, the descriptor tells of the first; and so often the socket is looked at, so that
 * what is late is known for late. */
#define IDLE_NS (TAKE_LATE_NS / 2)

static int set_up(const void *context, struct broker *broker, struct why *why)
{
    const struct arrival_set_up *set_up = context;
    int error = farm_lock_take(&set_up->topology, broker, why);

    if (!error && set_up->counting == ARRIVAL_CONSUME)
        error = broker_consume(broker, set_up->topology.count, set_up->consumer, 0, true, why);
    return error;
}

int arrival_counter_open(struct arrival_counter *counter, const struct broker_options *options,
                         const struct topology *topology, enum arrival_counting counting,
                         struct why *why)
{
    *counter = (struct arrival_counter){
        .set_up = {.topology = *topology, .counting = counting},
        .lock = {.clustered = broker_url_count(options->url) > 1},
    };
    snprintf(counter->set_up.consumer, sizeof counter->set_up.consumer, "%s", options->name);
    const struct connection_settings settings = {.broker = *options,
                                                 .set_up = set_up,
                                                 .context = &counter->set_up,
                                                 .context_bytes = sizeof counter->set_up,
                                                 .missing_pause_ns =
                                                     topology_missing_pause_ns(topology)};
    return link_open(&counter->link, &settings, "count", why);
}

void arrival_counter_close(struct arrival_counter *counter)
{
    link_close(&counter->link);
}

static void lose(struct arrival_counter *counter, int error, const struct why *why)
{
    link_lost(&counter->link, error, why);
    counter->interrupted = true;
    counter->question = (struct question){0};
}

static void take_answer(struct arrival_counter *counter, struct broker_queue_state state,
                        int64_t now_ns)
{
    question_answer(&counter->question, state, now_ns);
    if (counter->set_up.counting == ARRIVAL_PURGE)
        counter->arrived_msgs += state.ready_msgs;
    /* At its greatest length the queue has dropped copies. */
    if (state.ready_msgs >= TOPOLOGY_COUNT_MAX_MSGS)
        counter->interrupted = true;
}

/* Takes everything off the socket; false when there was nothing. */
static bool take(struct arrival_counter *counter, struct broker *broker)
{
    struct broker_event event;
    struct why why = {0};
    bool any = false;
    int got;

    for (; (got = broker_next(broker, &event, &why)) == 1; any = true) {
        if (event.type == BROKER_DELIVERY) {
            counter->arrived_msgs++;
        } else if (event.type == BROKER_QUEUE_STATE || event.type == BROKER_PURGED) {
            connection_mark_useful(counter->link.connection);
            take_answer(counter, event.state, clock_now_ns());
        } else if (event.type == BROKER_CANCELLED) {
            got = error_set(&why, ERR_UNAVAILABLE, "the queue '%s' was deleted",
                            counter->set_up.topology.count);
            break;
        }
    }
    if (got < 0)
        lose(counter, got, &why);
    return any;
}

int64_t arrival_counter_step(struct arrival_counter *counter, int64_t now_ns)
{
    link_step(&counter->link, now_ns);
    farm_lock_note(&counter->lock, counter->link.error, now_ns);
    struct broker *broker = link_broker(&counter->link);
    if (!broker)
        return link_due_ns(&counter->link);

    if (counter->take_ns && now_ns - counter->take_ns > TAKE_LATE_NS)
        counter->interrupted = true;
    if (counter->question.outstanding || counter->idle || now_ns >= counter->take_ns) {
        counter->idle = !take(counter, broker);
        counter->take_ns = now_ns + TAKE_NS;
    }
    int64_t due_ns = link_due_ns(&counter->link);
    int64_t next_ns = counter->idle ? now_ns + IDLE_NS : counter->take_ns;
    return next_ns < due_ns ? next_ns : due_ns;
}

/* Between two looks at the socket its descriptor is left alone, as long as looks are worth it. */
size_t arrival_counter_poll(const struct arrival_counter *counter, struct pollfd *fds)
{
    return link_broker(&counter->link) && !counter->question.outstanding && !counter->idle
               ? 0
               : link_poll(&counter->link, fds);
}

void arrival_counter_bind(struct arrival_counter *counter)
{
    struct broker *broker = link_broker(&counter->link);
    struct why why = {0};
    int error = broker ? topology_bind_count(&counter->set_up.topology, broker, &why) : 0;

    if (error)
        lose(counter, error, &why);
}

void arrival_counter_ask(struct arrival_counter *counter)
{
    struct broker *broker = link_broker(&counter->link);
    const char *queue = counter->set_up.topology.count;
    struct why why = {0};

    if (!broker || counter->question.outstanding)
        return;
    counter->question.outstanding = true;
    int error = counter->set_up.counting == ARRIVAL_PURGE ? broker_ask_purge(broker, queue, &why)
                                                          : broker_ask_queue(broker, queue, &why);
    if (error)
        lose(counter, error, &why);
}

void arrival_counter_begin(struct arrival_counter *counter, int64_t now_ns, bool interrupted)
{
    counter->arrived_msgs = 0;
    counter->since_ns = now_ns;
    counter->interrupted = interrupted;
    counter->question.answered = false;
}

int64_t arrival_counter_taken_ns(const struct arrival_counter *counter)
{
    return counter->set_up.counting == ARRIVAL_CONSUME && counter->take_ns
               ? counter->take_ns - TAKE_NS
               : 0;
}
