#include "lane.h"

#include "bodies.h"
#include "clock.h"
#include "ledger.h"
#include "log.h"
#include "reconnect.h"
#include "topology.h"

#include <stdio.h>
#include <stdlib.h>

/* At most so many of one connection's answers at a time, so that the others' do not wait. */
#define STEP_EVENTS 256

/* Of the message with the broker's number. */
static struct flight *flight_of(struct lane *lane, uint64_t number)
{
    return &lane->flights[number % lane->shared->settings->window_msgs];
}

static void empty_window(struct lane *lane)
{
    lane->oldest = lane->next = 1;
    lane->unsettled = 0;
}

/* ---- the connection ---- */

static int declare(const struct lane_context *context, struct why *why)
{
    const struct topology *topology = &context->options->topology;
    struct broker_options options = options_broker(context->options, context->name);
    bool declared = false;
    int error = topology_declare_if_missing(topology, &options, &declared, why);

    if (declared)
        log_event(LOG_WARN, "new_farm",
                  "farm=%s why=\"there was no exchange %s, so it was declared with its queues; is "
                  "--farm right?\"",
                  topology->farm, topology->events);
    return error;
}

static int set_up(const void *user_context, struct broker *broker, struct why *why)
{
    const struct lane_context *context = user_context;
    int error = context->declares ? declare(context, why) : 0;

    if (!error)
        error = broker_enable_confirms(broker, why);
    return error ? error : broker_settle(broker, why);
}

int lane_init(struct lane *lane, struct lane_shared *shared, bool declares, struct why *why)
{
    const struct publisher_settings *settings = shared->settings;

    *lane = (struct lane){.shared = shared,
                          .context = {.options = settings->options, .declares = declares}};
    snprintf(lane->context.name, sizeof lane->context.name, "%s", settings->name);
    empty_window(lane);
    lane->flights = calloc(settings->window_msgs, sizeof *lane->flights);
    if (!lane->flights)
        return error_set(why, ERR_MEMORY, "out of memory");
    const struct connection_settings connection = {
        .broker = options_broker(settings->options, settings->name),
        .set_up = set_up,
        .context = &lane->context,
        .context_bytes = sizeof lane->context,
    };
    return connection_open(&connection, &lane->connection, why);
}

void lane_clear(struct lane *lane)
{
    connection_close(lane->connection);
    free(lane->flights);
}

int lane_connect(struct lane *lane, int wake_fd, int64_t deadline_ns, struct why *why)
{
    int error = connection_wait(lane->connection, wake_fd, deadline_ns, why);

    lane->context.declares &= error != 0;
    return error;
}

/* The event has to be sent again, after a pause. */
static void give_back(struct lane *lane, const struct flight *flight, unsigned refusals,
                      int64_t due_ns)
{
    resend_push(&lane->shared->resend,
                &(struct resend_event){.id = flight->id, .refusals = refusals, .due_ns = due_ns});
}

/* What was in flight may or may not have arrived, and so all of it is sent again. */
static void lose(struct lane *lane, int error, const struct why *why)
{
    for (uint64_t number = lane->oldest; number < lane->next; number++) {
        const struct flight *flight = flight_of(lane, number);
        if (!flight->settled)
            give_back(lane, flight, flight->refusals, 0);
    }
    empty_window(lane);
    lane->context.declares |= error == -ERR_MISSING;
    reconnect_lost(lane->connection, error, why);
}

/* ---- sending ---- */

bool lane_can_send(const struct lane *lane)
{
    const struct broker *broker = connection_broker(lane->connection);

    return broker && !broker_blocked(broker) && !broker_backed_up(broker) &&
           lane->next - lane->oldest < lane->shared->settings->window_msgs;
}

int lane_send(struct lane *lane, const struct event_id *id, unsigned refusals, struct why *why)
{
    const struct lane_shared *shared = lane->shared;
    const struct publisher_settings *settings = shared->settings;
    struct broker_bytes body = bodies_get(settings->bodies, id->sequence);
    char name[EVENT_ID_SIZE];
    size_t length = event_id_format(settings->run, id, name);

    *flight_of(lane, lane->next++) = (struct flight){.id = *id, .refusals = refusals};
    lane->unsettled++;
    int error = broker_properties_set(shared->properties, BROKER_MESSAGE_ID,
                                      (struct broker_bytes){name, length});
    if (!error)
        error = broker_publish(connection_broker(lane->connection),
                               settings->options->topology.events, (struct broker_bytes){"", 0},
                               shared->properties, body, settings->mandatory, NULL, why);
    if (error && error != -ERR_INVALID && error != -ERR_MEMORY) {
        lose(lane, error, why);
        error = 0;
    }
    return error;
}

void lane_flush(struct lane *lane)
{
    struct broker *broker = connection_broker(lane->connection);
    struct why why;

    /* The next step will meet an error as well. */
    if (broker)
        (void)broker_flush(broker, &why);
}

/* ---- what the broker says ---- */

static void settle(struct lane *lane, struct flight *flight, bool confirmed, int64_t now_ns)
{
    struct lane_shared *shared = lane->shared;
    struct ledger *ledger = shared->settings->ledger;

    flight->settled = true;
    lane->unsettled--;
    if (confirmed) {
        ledger_confirmed(ledger, flight->id.sequence,
                         now_ns - shared->start_ns - flight->id.intended_ns);
    } else {
        unsigned refusals = flight->refusals + 1;
        if (ledger->counts.nacked == 0)
            log_event(LOG_WARN, "refused",
                      "exchange=%s why=\"a queue of it takes no more\" doing=\"sending again\"",
                      shared->settings->options->topology.events);
        ledger_nacked(ledger, flight->id.sequence);
        give_back(lane, flight, refusals, now_ns + resend_pause_ns(refusals));
    }
}

/* A confirm or a refusal, of one event or of all up to it. */
static void take_settled(struct lane *lane, const struct broker_event *event)
{
    int64_t now_ns = clock_now_ns();
    bool confirmed = event->type == BROKER_CONFIRMED;
    uint64_t number = event->multiple || event->tag < lane->oldest ? lane->oldest : event->tag;

    for (; number <= event->tag && number < lane->next; number++)
        if (!flight_of(lane, number)->settled)
            settle(lane, flight_of(lane, number), confirmed, now_ns);
    while (lane->oldest < lane->next && flight_of(lane, lane->oldest)->settled)
        lane->oldest++;
    if (confirmed)
        connection_mark_useful(lane->connection);
}

static void take_returned(struct lane *lane, const struct broker_event *event)
{
    const struct publisher_settings *settings = lane->shared->settings;
    struct broker_properties *properties = lane->shared->returned;
    struct event_id id;

    if (broker_properties_decode(properties, event->raw_properties) ||
        !event_id_parse(settings->run, broker_properties_get(properties, BROKER_MESSAGE_ID), &id))
        return;
    if (settings->ledger->counts.returned == 0)
        log_event(LOG_WARN, "returned", "exchange=%s why=\"%.*s\"",
                  settings->options->topology.events, (int)event->text.length, event->text.bytes);
    ledger_returned(settings->ledger, id.sequence);
}

/* 1 when there may be more, 0 when not, or the connection's error. */
static int take_events(struct lane *lane, struct why *why)
{
    struct broker *broker = connection_broker(lane->connection);
    struct broker_event event;

    for (int i = 0; i < STEP_EVENTS; i++) {
        int got = broker_next(broker, &event, why);
        if (got != 1)
            return got;
        if (event.type == BROKER_CONFIRMED || event.type == BROKER_NACKED)
            take_settled(lane, &event);
        else if (event.type == BROKER_RETURNED)
            take_returned(lane, &event);
    }
    return 1;
}

int lane_step(struct lane *lane, bool *more, struct why *why)
{
    if (!connection_broker(lane->connection)) {
        int64_t patience_ns = lane->shared->settings->options->connect_timeout_ns;
        int back = reconnect_step(lane->connection, patience_ns, why);
        if (back != 1)
            return back;
        lane->context.declares = false;
    }
    int got = take_events(lane, why);
    if (got < 0)
        lose(lane, got, why);
    *more |= got == 1;
    return 0;
}
