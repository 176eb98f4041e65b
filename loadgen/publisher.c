#include "publisher.h"

#include "clock.h"
#include "lane.h"
#include "log.h"
#include "stopwatch.h"

#include <stdlib.h>

struct publisher {
    const struct publisher_settings *settings;
    struct lane_shared shared;
    struct lane *lanes;
    size_t turn; /* the lane that is next to send, if it can */
    struct stopwatch blocked, outage;
};

/* ---- opening and closing ---- */

/* What all events have in common; a message_id is set as each is sent. */
static int set_properties(struct publisher *publisher, struct why *why)
{
    const struct publisher_settings *settings = publisher->settings;
    struct broker_properties *properties = publisher->shared.properties;
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

static int allocate(struct publisher *publisher, struct why *why)
{
    const struct publisher_settings *settings = publisher->settings;
    struct lane_shared *shared = &publisher->shared;

    shared->settings = settings;
    shared->properties = broker_properties_open();
    shared->returned = broker_properties_open();
    publisher->lanes = calloc(settings->connections, sizeof *publisher->lanes);
    if (!shared->properties || !shared->returned || !publisher->lanes ||
        resend_init(&shared->resend, settings->connections * settings->window_msgs))
        return error_set(why, ERR_MEMORY, "out of memory");
    int error = 0;
    /* The first one to connect finds out whether the farm is there. */
    for (size_t i = 0; !error && i < settings->connections; i++)
        error = lane_init(&publisher->lanes[i], shared, i == 0, why);
    return error;
}

int publisher_open(const struct publisher_settings *settings, int wake_fd, int64_t deadline_ns,
                   struct publisher **out, struct why *why)
{
    struct publisher *publisher = calloc(1, sizeof *publisher);

    if (!publisher)
        return error_set(why, ERR_MEMORY, "out of memory");
    publisher->settings = settings;
    int error = allocate(publisher, why);
    if (!error)
        error = set_properties(publisher, why);
    for (size_t i = 0; !error && i < settings->connections; i++)
        error = lane_connect(&publisher->lanes[i], wake_fd, deadline_ns, why);
    if (error)
        publisher_close(publisher);
    else
        *out = publisher;
    return error;
}

void publisher_close(struct publisher *publisher)
{
    if (!publisher)
        return;
    for (size_t i = 0; publisher->lanes && i < publisher->settings->connections; i++)
        lane_clear(&publisher->lanes[i]);
    free(publisher->lanes);
    resend_clear(&publisher->shared.resend);
    broker_properties_close(publisher->shared.properties);
    broker_properties_close(publisher->shared.returned);
    free(publisher);
}

void publisher_start(struct publisher *publisher, int64_t start_ns)
{
    publisher->shared.start_ns = start_ns;
}

/* ---- sending ---- */

/* The next lane that can send, from the one whose turn it is on; the turn is then that lane's.
 * NULL: none can. */
static struct lane *find_lane(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        struct lane *lane = &publisher->lanes[publisher->turn];
        if (lane_can_send(lane))
            return lane;
        publisher->turn = (publisher->turn + 1) % publisher->settings->connections;
    }
    return NULL;
}

static int send_on(struct publisher *publisher, struct lane *lane, const struct event_id *id,
                   unsigned refusals, struct why *why)
{
    publisher->turn = (publisher->turn + 1) % publisher->settings->connections;
    return lane_send(lane, id, refusals, why);
}

bool publisher_can_send(struct publisher *publisher)
{
    const struct resend *resend = &publisher->shared.resend;

    /* The events to be sent again and those in flight are together no more than all windows hold,
     * and so there is space for each of them in both. */
    return (resend->count == 0 || (publisher_unsettled(publisher) < resend->capacity &&
                                   resend_due_ns(resend) > clock_now_ns())) &&
           find_lane(publisher);
}

int publisher_send(struct publisher *publisher, int64_t intended_ns, struct why *why)
{
    struct ledger *ledger = publisher->settings->ledger;
    const struct event_id id = {.sequence = ledger->counts.published, .intended_ns = intended_ns};
    int error = send_on(publisher, find_lane(publisher), &id, 0, why);

    if (!error && ledger_sent(ledger))
        error = error_set(why, ERR_MEMORY, "out of memory");
    return error;
}

static int send_again(struct publisher *publisher, struct why *why)
{
    struct resend *resend = &publisher->shared.resend;
    struct resend_event event;
    struct lane *lane;
    int error = 0;

    while (!error && resend->count && (lane = find_lane(publisher)) &&
           resend_pop(resend, clock_now_ns(), &event)) {
        ledger_sent_again(publisher->settings->ledger, event.id.sequence);
        error = send_on(publisher, lane, &event.id, event.refusals, why);
    }
    return error;
}

void publisher_flush(struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->settings->connections; i++)
        lane_flush(&publisher->lanes[i]);
}

/* ---- being called ---- */

static void watch_outages(struct publisher *publisher)
{
    bool blocked = publisher_blocked(publisher);
    int64_t now_ns = clock_now_ns();

    if (stopwatch_set(&publisher->blocked, blocked, now_ns)) {
        if (blocked)
            log_event(LOG_WARN, "blocked", "why=\"the broker's memory or disk alarm\"");
        else
            log_event(LOG_INFO, "unblocked", "blocked_s=%.3f",
                      (double)stopwatch_total_ns(&publisher->blocked, now_ns) / CLOCK_NS_PER_S);
    }
    stopwatch_set(&publisher->outage, blocked || publisher_lost(publisher), now_ns);
}

int publisher_step(struct publisher *publisher, bool *more, struct why *why)
{
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        int error = lane_step(&publisher->lanes[i], more, why);
        if (error)
            return error;
    }
    watch_outages(publisher);
    return send_again(publisher, why);
}

void publisher_poll(struct publisher *publisher, struct pollfd *fds)
{
    publisher_flush(publisher);
    for (size_t i = 0; i < publisher->settings->connections; i++)
        connection_poll(publisher->lanes[i].connection, &fds[i]);
}

int64_t publisher_due_ns(const struct publisher *publisher)
{
    int64_t due_ns = resend_due_ns(&publisher->shared.resend);

    /* After its pause, an event is sent again as soon as a lane can send. */
    if (due_ns <= clock_now_ns())
        due_ns = CLOCK_NEVER;
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        int64_t lane_due_ns = connection_due_ns(publisher->lanes[i].connection);
        if (lane_due_ns < due_ns)
            due_ns = lane_due_ns;
    }
    return due_ns;
}

/* ---- what there is to know ---- */

size_t publisher_unsettled(const struct publisher *publisher)
{
    size_t unsettled = publisher->shared.resend.count;

    for (size_t i = 0; i < publisher->settings->connections; i++)
        unsettled += publisher->lanes[i].unsettled;
    return unsettled;
}

size_t publisher_lost(const struct publisher *publisher)
{
    size_t lost = 0;

    for (size_t i = 0; i < publisher->settings->connections; i++)
        lost += connection_broker(publisher->lanes[i].connection) == NULL;
    return lost;
}

bool publisher_blocked(const struct publisher *publisher)
{
    for (size_t i = 0; i < publisher->settings->connections; i++) {
        const struct broker *broker = connection_broker(publisher->lanes[i].connection);
        if (broker && broker_blocked(broker))
            return true;
    }
    return false;
}

int64_t publisher_blocked_ns(const struct publisher *publisher)
{
    return stopwatch_total_ns(&publisher->blocked, clock_now_ns());
}

int64_t publisher_outage_ns(const struct publisher *publisher)
{
    return stopwatch_total_ns(&publisher->outage, clock_now_ns());
}
