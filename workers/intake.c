#include "intake.h"

#include "clock.h"
#include "fingerprint.h"
#include "log.h"
#include "session.h"
#include "signals.h"

/* What was not delivered before, no host can hold anything against. */
static int64_t settled_ns(const struct session *session, const struct broker_event *event)
{
    int64_t settle_ns = event->redelivered ? scoreboard_settle_ns(session->scoreboard) : 0;

    return settle_ns ? clock_now_ns() + settle_ns : 0;
}

static int take_delivery(struct session *session, const struct broker_event *event, struct why *why)
{
    if (inbox_add(&session->inbox, event, settled_ns(session, event))) {
        /* It is this event that ends the worker, not the one at hand. */
        scoreboard_take_up(session->slot,
                           fingerprint_of(event->raw_properties.bytes, event->raw_properties.length,
                                          event->body.bytes, event->body.length),
                           clock_now_ns());
        return error_set(why, ERR_MEMORY, "no memory to hold an event of %zu bytes",
                         event->body.length);
    }
    unacked_add(&session->unacked, event->tag);
    return 0;
}

/* The event whose result came back, which is the caller's now; NULL when there is none such. */
static struct delivery *find_returned(struct session *session, const struct broker_event *event)
{
    struct broker_properties *properties = session->answerer.back_properties;
    const struct delivery *pending;

    if (broker_properties_decode(properties, event->raw_properties))
        return NULL;
    for (uint64_t sequence = 0; (pending = window_pending(&session->unacked.window, &sequence));
         sequence++)
        if (answer_is(pending, event, properties))
            return unacked_returned(&session->unacked, sequence);
    return NULL;
}

static int take_returned(struct session *session, const struct broker_event *event, struct why *why)
{
    /* A new connection declares it anew. */
    if (event->exchange.length)
        return error_set(why, ERR_UNAVAILABLE, "'%s' takes no messages", session->topology->dead);
    struct delivery *delivery = find_returned(session, event);
    if (!delivery)
        return error_set(why, ERR_UNAVAILABLE, "a message came back that nobody has sent");
    int answer = answer_returned(&session->answerer, delivery, event, why);
    if (answer >= 0)
        return unacked_answered(&session->unacked, session->broker, delivery, (enum answer)answer,
                                clock_now_ns(), why);
    delivery_free(delivery);
    return answer;
}

static int take_refused(struct session *session, const struct broker_event *event, struct why *why)
{
    struct delivery *delivery;
    uint64_t sequence = 0;
    int error = 0;

    while (!error && (delivery = unacked_refused(&session->unacked, event, &sequence)))
        error = refusals_take(session, delivery, clock_now_ns(), why);
    return error;
}

static int take_confirmed(struct session *session, const struct broker_event *event,
                          struct why *why)
{
    const struct delivery *delivery;
    uint64_t sequence = event->multiple ? 0 : event->tag;
    int error = 0;

    session->confirmed = true;
    /* The queues that have taken them are asked for only where it matters. */
    while (!error && refusals_keep(session) &&
           (delivery = window_pending(&session->unacked.window, &sequence)) &&
           sequence++ <= event->tag)
        error = refusals_taken(session, delivery, clock_now_ns(), why);
    unacked_confirmed(&session->unacked, event);
    return error;
}

static int take_cancelled(struct session *session, struct why *why)
{
    consumer_take(&session->consumer, BROKER_CANCELLED);
    if (session->draining)
        return 0;
    session->queue_deleted = true;
    return error_set(why, ERR_UNAVAILABLE, "the queue '%s' was deleted", session->topology->work);
}

static int take_event(struct session *session, const struct broker_event *event, struct why *why)
{
    switch (event->type) {
    case BROKER_DELIVERY:
        return take_delivery(session, event, why);
    case BROKER_CONFIRMED:
        return take_confirmed(session, event, why);
    case BROKER_NACKED:
        return take_refused(session, event, why);
    case BROKER_RETURNED:
        return take_returned(session, event, why);
    case BROKER_CONSUMING:
        scoreboard_tell_ready();
        unacked_consumer_began(&session->unacked);
        consumer_take(&session->consumer, event->type);
        return 0;
    case BROKER_CANCEL_OK:
        consumer_take(&session->consumer, event->type);
        return 0;
    case BROKER_CANCELLED:
        return take_cancelled(session, why);
    default:
        return 0;
    }
}

static int start_drain(struct session *session, int64_t now_ns, struct why *why)
{
    session->draining = true;
    session->drain_by_ns = now_ns + session->settings->drain_timeout_ns;
    log_event(LOG_INFO, "draining", "in_flight=%zu", session->unacked.count);
    return consumer_step(&session->consumer, session->broker, 0, 0, 0, now_ns, why);
}

int intake_receive(struct session *session, struct why *why)
{
    struct broker_event event;
    int got;

    while ((got = broker_next(session->broker, &event, why)) == 1) {
        int error = take_event(session, &event, why);
        if (error)
            return error;
    }
    /* Which event there is no memory to receive is not known: none is blamed. */
    if (got == -ERR_MEMORY)
        scoreboard_put_down(session->slot);
    if (got < 0)
        return got;
    session->received_ns = clock_now_ns();
    return signals_next(session->signal_fd) && !session->draining
               ? start_drain(session, session->received_ns, why)
               : 0;
}
