/* consumer.h - a worker's consumer: how many events the broker may hand out to it. RabbitMQ cannot
 * change that, so the consumer is ended and begun anew when another number fits better. */
#ifndef WINNOW_CONSUMER_H
#define WINNOW_CONSUMER_H

#include "broker/broker.h"
#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct consumer {
    const char *queue, *tag; /* borrowed */

    enum {
        CONSUMER_NONE,
        CONSUMER_STARTING, /* until the broker says that it is there it must not be ended */
        CONSUMER_ACTIVE,
        CONSUMER_ENDING, /* deliveries may still come */
    } state;
    uint16_t prefetch;  /* of the present consumer, else of the last; 0: there was none yet */
    int64_t changed_ns; /* when the prefetch was last changed; 0: never */
};

/* Takes BROKER_CONSUMING, BROKER_CANCEL_OK and BROKER_CANCELLED. */
void consumer_take(struct consumer *consumer, enum broker_event_type type);

/* The connection is gone. */
void consumer_forget(struct consumer *consumer);

/* One step towards a consumer that has `wanted` events at most, 0: towards none. To be called as
 * long as there is a connection; what comes next is told by an event of the broker, or is small
 * enough to wait for the next call.
 *
 * left_out     of its events: they fill its prefetch and are not worked on
 * held         all others that the worker holds: a new consumer's come on top of them */
int consumer_step(struct consumer *consumer, struct broker *broker, uint16_t wanted,
                  size_t left_out, size_t held, int64_t now_ns, struct why *why);

/* True when no event will be delivered any more, but for those on their way. */
bool consumer_is_stopped(const struct consumer *consumer);

#endif
