#include "consumer.h"

#include "clock.h"
#include "log.h"

/* A prefetch is changed when it is off by this factor, and then left alone for a while. */
#define CHANGE_FACTOR   1.5
#define CHANGE_PAUSE_NS (250 * CLOCK_NS_PER_MS)

void consumer_take(struct consumer *consumer, enum broker_event_type type)
{
    consumer->state = type == BROKER_CONSUMING ? CONSUMER_ACTIVE : CONSUMER_NONE;
}

void consumer_forget(struct consumer *consumer)
{
    consumer->state = CONSUMER_NONE;
}

bool consumer_is_stopped(const struct consumer *consumer)
{
    return consumer->state == CONSUMER_NONE || consumer->state == CONSUMER_ENDING;
}

static int begin(struct consumer *consumer, struct broker *broker, uint16_t prefetch,
                 int64_t now_ns, struct why *why)
{
    if (consumer->prefetch && consumer->prefetch != prefetch)
        consumer->changed_ns = now_ns;
    consumer->prefetch = prefetch;
    consumer->state = CONSUMER_STARTING;
    log_event(LOG_DEBUG, "prefetch", "msgs=%u", prefetch);
    return broker_consume(broker, consumer->queue, consumer->tag, prefetch, false, why);
}

/* Whether another consumer is worth what it costs. */
static bool fits_badly(const struct consumer *consumer, uint16_t wanted, size_t left_out,
                       int64_t now_ns)
{
    double left = (double)consumer->prefetch - (double)left_out;
    bool settling = consumer->changed_ns && now_ns - consumer->changed_ns < CHANGE_PAUSE_NS;

    return !wanted ||
           (!settling && (wanted > left * CHANGE_FACTOR || wanted * CHANGE_FACTOR < left));
}

int consumer_step(struct consumer *consumer, struct broker *broker, uint16_t wanted,
                  size_t left_out, size_t held, int64_t now_ns, struct why *why)
{
    if (consumer->state == CONSUMER_NONE) {
        bool holds_much = wanted < consumer->prefetch && held > wanted / 2;
        return wanted && !holds_much ? begin(consumer, broker, wanted, now_ns, why) : 0;
    }
    if (consumer->state != CONSUMER_ACTIVE || !fits_badly(consumer, wanted, left_out, now_ns))
        return 0;
    consumer->state = CONSUMER_ENDING;
    return broker_cancel(broker, consumer->tag, why);
}
