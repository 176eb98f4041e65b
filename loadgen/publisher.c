#include "publisher.h"

#include "clock.h"
#include "connection.h"
#include "log.h"
#include "topology.h"

#include <stdlib.h>

/* At most so many of one connection's answers at a time, so that nobody waits for the others. */
#define LOOK_EVENTS 256

/* A broker that refuses an event is left alone for a while before the event is sent again. */
#define REFUSED_PAUSE_NS (100 * CLOCK_NS_PER_MS)

struct flight {
    uint64_t sequence;
    int64_t intended_ns;
    bool settled;
};

/* A connection and what is in flight on it. The broker counts what it was sent from 1; message n is
 * at flights[n % window]. */
struct lane {
    struct connection connection;
    struct flight *flights;
    uint64_t oldest, next; /* broker's numbers: the oldest unsettled, and the next to be sent */
    size_t unsettled;
};

/* How long something has lasted, in all. */
struct stopwatch {
    int64_t since_ns; /* 0: it does not last now */
    int64_t before_ns;
};

struct publisher {
    const struct publisher_settings *settings;
    struct broker_properties *properties; /* of the events sent */
    struct broker_properties *returned;   /* of the one that came back */
    struct lane *lanes;
    size_t turn; /* the lane that has its turn */

    struct flight *again; /* a ring of what has to be sent again; all windows fit in */
    size_t again_first, again_count, again_capacity;
    int64_t again_ns; /* not before */

    bool topology_missing; /* somebody deleted the exchange */
    int64_t start_ns;
    struct stopwatch blocked, outage;
};

/* True when it has started or stopped. */
static bool stopwatch_set(struct stopwatch *watch, bool lasts, int64_t now_ns)
{
    if (lasts == (watch->since_ns != 0))
        return false;
    watch->before_ns += lasts ? 0 : now_ns - watch->since_ns;
    watch->since_ns = lasts ? now_ns : 0;
    return true;
}

static int64_t stopwatch_ns(const struct stopwatch *watch)
{
    return watch->before_ns + (watch->since_ns ? clock_now_ns() - watch->since_ns : 0);
}

/* ---- opening and closing ---- */

static int start_lane(struct lane *lane, struct why *why)
{
    lane->oldest = lane->next = 1;
    lane->unsettled = 0;
    int error = broker_enable_confirms(lane->connection.broker, why);

    return error ? error : broker_settle(lane->connection.broker, why);
}

static int declare(const struct publisher *publisher, struct why *why)
{
    const struct topology *topology = &publisher->settings->options->topology;
    struct broker_options options =
        options_broker(publisher->settings->options, publisher->settings->name);
    bool declared = false;
    int error = topology_declare_if_missing(topology, &options, &declared, why);

    if (declared)
        log_event(LOG_WARN, "new_farm",
                  "farm=%s why=\"there was no exchange %s, so it was declared with its queues; is "
                  "--farm right?\"",
                  topology->farm, topology->events);
    return error;
}

static int set_properties(struct publisher *publisher, struct why *why)
{
    const struct publisher_settings *settings = publisher->settings;
    struct broker_properties *properties = publisher->properties;
    int error = broker_properties_set(properties, BROKER_CONTENT_TYPE, broker_text("text/plain"));

    broker_properties_set_persistent(properties, !settings->transient);
    for (size_t i = 0; !error && i < settings->header_count; i++)
        error = broker_headers_add_text(properties, settings->headers[i].name,
                                        broker_text(settings->headers[i].value));
    if (error)
        return error_set(why, ERR_MEMORY, "out of memory");
    if (broker_properties_set(properties, BROKER_REPLY_TO, broker_text(settings->reply_to)))
        return error_set(why, ERR_INVALID, "reply_to '%s' is too long", settings->reply_to);
    return 0;
}

int publisher_open(const struct publisher_settings *settings, int wake_fd, int64_t deadline_ns,
                   struct publisher **out, struct why *why)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);
    int error = error_set(why, ERR_MEMORY, "out of memory");

    if (!publisher)
        return error;
    publisher->settings = settings;
    publisher->properties = broker_properties_open();
    publisher->returned = broker_properties_open();
    publisher->lanes = calloc(settings->connections, sizeof *publisher->lanes);
    publisher->again_capacity = settings->connections * settings->window_msgs;
    publisher->again = calloc(publisher->again_capacity, sizeof *publisher->again);
    if (!publisher->properties || !publisher->returned || !publisher->lanes || !publisher->again)
        goto out;
    for (size_t i = 0; i < settings->connections; i++) {
        struct lane *lane = &publisher->lanes[i];
        connection_init(&lane->connection, settings->options, settings->name);
        lane->flights = calloc(settings->window_msgs, sizeof *lane->flights);
        if (!lane->flights)
            goto out;
    }
    error = set_properties(publisher, why);
    if (error)
        goto out;

    for (size_t i = 0; i < settings->connections; i++) {
        struct lane *lane = &publisher->lanes[i];
        error = connection_open(&lane->connection, wake_fd, deadline_ns, why);
        if (!error)
            error = start_lane(lane, why);
        if (!error && i == 0)
            error = declare(publisher, why);
        if (error)
            goto out;
    }
    *out = publisher;
    return 0;

out:
    publisher_close(publisher);
    return error;
}

void publisher_close(struct publisher *publisher)
{
    if (!publisher)
        return;
    for (size_t i = 0; publisher->lanes && i < publisher->settings->connections; i++) {
        connection_clear(&publisher->lanes[i].connection);
        free(publisher->lanes[i].flights);
    }
    free(publisher->lanes);
    free(publisher->again);
    broker_properties_close(publisher->properties);
    broker_properties_close(publisher->returned);
    free(publisher);
}

void publisher_start(struct publisher *publisher, int64_t start_ns)
{
    publisher->start_ns = start_ns;
}

/* ---- sending ---- */

static void send_later(struct publisher *publisher, const struct flight *flight)
{
    size_t end = (publisher->again_first + publisher->again_count) % publisher->again_capacity;

    publisher->again[end] = *flight;
    publisher->again_count++;
}

/* Everything in flight on the lane may or may not have arrived. */
static void lose(struct publisher *publisher, struct lane *lane, int error, const struct why *why)
{
    for (uint64_t each = lane->oldest; each < lane->next; each++) {
        const struct flight *flight = &lane->flights[each % publisher->settings->window_msgs];
        if (!flight->settled)
            send_later(publisher, flight);
    }
    lane->oldest = lane->next = 1;
    lane->unsettled = 0;
    publisher->topology_missing |= error == -ERR_MISSING;
    connection_lose(&lane->connection, error, why);
}

static bool has_room(const struct publisher *publisher, const struct lane *lane)
{
    const struct broker *broker = lane->connection.broker;

    return broker && !broker_blocked(broker) && !broker_backed_up(broker) &&
           lane->next - lane->oldest < publisher->settings->window_msgs;
}

/* The next lane that can take an event, from the one whose turn it is on; NULL: none. */
static struct lane *find_lane(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        struct lane *lane = &publisher->lanes[publisher->turn];
        if (has_room(publisher, lane))
            return lane;
        publisher->turn = (publisher->turn + 1) % publisher->settings->connections;
    }
    return NULL;
}

static int send_on(struct publisher *publisher, struct lane *lane, const struct flight *flight,
                   struct why *why)
{
    const struct publisher_settings *settings = publisher->settings;
    struct broker_bytes body = bodies_of(settings->bodies, flight->sequence);
    char name[LEDGER_ID_SIZE];
    size_t length = ledger_format_id(
        settings->run, &(struct ledger_id){flight->sequence, flight->intended_ns}, name);

    lane->flights[lane->next++ % settings->window_msgs] = *flight;
    lane->unsettled++;
    publisher->turn = (publisher->turn + 1) % settings->connections;

    int error = broker_properties_set(publisher->properties, BROKER_MESSAGE_ID,
                                      (struct broker_bytes){name, length});
    if (!error)
        error = broker_publish(lane->connection.broker, settings->options->topology.events,
                               (struct broker_bytes){"", 0}, publisher->properties, body,
                               settings->mandatory, NULL, why);
    if (error && error != -ERR_INVALID && error != -ERR_MEMORY) {
        lose(publisher, lane, error, why);
        error = 0;
    }
    return error;
}

static int send_again(struct publisher *publisher, struct why *why)
{
    struct lane *lane;
    int error = 0;

    while (!error && publisher->again_count && clock_now_ns() >= publisher->again_ns &&
           (lane = find_lane(publisher))) {
        struct flight flight = publisher->again[publisher->again_first];
        publisher->again_first = (publisher->again_first + 1) % publisher->again_capacity;
        publisher->again_count--;
        ledger_sent_again(publisher->settings->ledger, flight.sequence);
        error = send_on(publisher, lane, &flight, why);
    }
    return error;
}

bool publisher_ready(struct publisher *publisher)
{
    /* The ring holds all windows, so that what is in flight must not be more than that. */
    return publisher->again_count == 0 && find_lane(publisher);
}

int publisher_send(struct publisher *publisher, int64_t intended_ns, struct why *why)
{
    struct ledger *ledger = publisher->settings->ledger;
    const struct flight flight = {.sequence = ledger->counts.published, .intended_ns = intended_ns};
    int error = send_on(publisher, find_lane(publisher), &flight, why);

    if (!error && ledger_sent(ledger))
        error = error_set(why, ERR_MEMORY, "out of memory");
    return error;
}

void publisher_flush(struct publisher *publisher)
{
    struct why why;

    /* Of an error the next look hears as well. */
    for (size_t i = 0; i < publisher->settings->connections; i++)
        if (publisher->lanes[i].connection.broker)
            (void)broker_flush(publisher->lanes[i].connection.broker, &why);
}

/* ---- what the broker says ---- */

static void settle(struct publisher *publisher, struct lane *lane, uint64_t number, bool confirmed,
                   int64_t now_ns)
{
    struct flight *flight = &lane->flights[number % publisher->settings->window_msgs];
    struct ledger *ledger = publisher->settings->ledger;

    if (number < lane->oldest || number >= lane->next || flight->settled)
        return;
    flight->settled = true;
    lane->unsettled--;
    if (confirmed) {
        ledger_confirmed(ledger, flight->sequence,
                         now_ns - publisher->start_ns - flight->intended_ns);
    } else {
        struct flight again = {.sequence = flight->sequence, .intended_ns = flight->intended_ns};
        ledger_nacked(ledger, flight->sequence);
        send_later(publisher, &again);
        publisher->again_ns = now_ns + REFUSED_PAUSE_NS;
    }
}

static void settle_all(struct publisher *publisher, struct lane *lane,
                       const struct broker_event *event)
{
    int64_t now_ns = clock_now_ns();
    bool confirmed = event->type == BROKER_CONFIRMED;

    for (uint64_t each = event->multiple ? lane->oldest : event->tag;
         each <= event->tag && each < lane->next; each++)
        settle(publisher, lane, each, confirmed, now_ns);
    while (lane->oldest < lane->next &&
           lane->flights[lane->oldest % publisher->settings->window_msgs].settled)
        lane->oldest++;
    if (confirmed)
        connection_prove(&lane->connection);
}

static void take_returned(struct publisher *publisher, const struct broker_event *event)
{
    const struct publisher_settings *settings = publisher->settings;
    struct ledger_id id;

    if (broker_properties_decode(publisher->returned, event->raw_properties) == 0 &&
        ledger_parse_id(settings->run,
                        broker_properties_get(publisher->returned, BROKER_MESSAGE_ID), &id)) {
        if (settings->ledger->counts.returned == 0)
            log_event(LOG_WARN, "returned", "exchange=%s why=\"%.*s\"",
                      settings->options->topology.events, (int)event->text.length,
                      event->text.bytes);
        ledger_returned(settings->ledger, id.sequence);
    }
}

/* 1 when there may be more, 0 when not, or the connection's error. */
static int look_at(struct publisher *publisher, struct lane *lane, struct why *why)
{
    struct broker_event event;

    for (int i = 0; i < LOOK_EVENTS; i++) {
        int got = broker_next(lane->connection.broker, &event, why);
        if (got != 1)
            return got;
        if (event.type == BROKER_CONFIRMED || event.type == BROKER_NACKED)
            settle_all(publisher, lane, &event);
        else if (event.type == BROKER_RETURNED)
            take_returned(publisher, &event);
    }
    return 1;
}

/* Opens a lost lane again when it is time to; 0, or the error that cannot be waited out. */
static int bring_back(struct publisher *publisher, struct lane *lane, struct why *why)
{
    int back = connection_reopen(&lane->connection, clock_now_ns(), why);

    if (back != 1)
        return back;
    int error = 0;
    if (publisher->topology_missing) {
        error = declare(publisher, why);
        publisher->topology_missing = error != 0;
    }
    if (!error)
        error = start_lane(lane, why);
    if (error)
        lose(publisher, lane, error, why);
    return 0;
}

int publisher_look(struct publisher *publisher, bool *more, struct why *why)
{
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        struct lane *lane = &publisher->lanes[i];
        int error = lane->connection.broker ? 0 : bring_back(publisher, lane, why);
        if (error < 0)
            return error;
        if (!lane->connection.broker)
            continue;
        int got = look_at(publisher, lane, why);
        if (got < 0)
            lose(publisher, lane, got, why);
        *more |= got == 1;
    }

    bool blocked = publisher_blocked(publisher);
    int64_t now_ns = clock_now_ns();
    if (stopwatch_set(&publisher->blocked, blocked, now_ns)) {
        if (blocked)
            log_event(LOG_WARN, "blocked", "why=\"the broker's memory or disk alarm\"");
        else
            log_event(LOG_INFO, "unblocked", "blocked_s=%.3f",
                      (double)stopwatch_ns(&publisher->blocked) / CLOCK_NS_PER_S);
    }
    stopwatch_set(&publisher->outage, blocked || publisher_lost(publisher), now_ns);
    return send_again(publisher, why);
}

void publisher_poll(struct publisher *publisher, struct pollfd *fds)
{
    publisher_flush(publisher);
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        const struct broker *broker = publisher->lanes[i].connection.broker;
        fds[i] = (struct pollfd){.fd = -1};
        if (broker)
            fds[i] = (struct pollfd){.fd = broker_fd(broker), .events = broker_poll_events(broker)};
    }
}

int64_t publisher_due_ns(const struct publisher *publisher)
{
    int64_t due_ns = publisher->again_count && clock_now_ns() < publisher->again_ns
                         ? publisher->again_ns
                         : CLOCK_NEVER;

    for (size_t i = 0; i < publisher->settings->connections; i++) {
        int64_t lane_due_ns = connection_due_ns(&publisher->lanes[i].connection);
        if (lane_due_ns < due_ns)
            due_ns = lane_due_ns;
    }
    return due_ns;
}

size_t publisher_waiting(const struct publisher *publisher)
{
    size_t waiting = publisher->again_count;

    for (size_t i = 0; i < publisher->settings->connections; i++)
        waiting += publisher->lanes[i].unsettled;
    return waiting;
}

bool publisher_blocked(const struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        const struct broker *broker = publisher->lanes[i].connection.broker;
        if (broker && broker_blocked(broker))
            return true;
    }
    return false;
}

int64_t publisher_blocked_ns(const struct publisher *publisher)
{
    return stopwatch_ns(&publisher->blocked);
}

int64_t publisher_outage_ns(const struct publisher *publisher)
{
    return stopwatch_ns(&publisher->outage);
}

size_t publisher_lost(const struct publisher *publisher)
{
    size_t lost = 0;

    for (size_t i = 0; i < publisher->settings->connections; i++)
        lost += publisher->lanes[i].connection.broker == NULL;
    return lost;
}
