#include "consuming.h"

#include "clock.h"
#include "log.h"

/* A prefetch is changed when it is off by this factor, and then left alone for a while. */
#define CHANGE_FACTOR   1.5
#define CHANGE_PAUSE_NS (250 * CLOCK_NS_PER_MS)

void consuming_take(struct consuming *consuming, enum broker_event_type type)
{
    consuming->state = type == BROKER_CONSUMING ? CONSUMING_ACTIVE : CONSUMING_NONE;
}

void consuming_set_aside(struct consuming *consuming)
{
    consuming->set_aside++;
}

void consuming_forget(struct consuming *consuming)
{
    consuming->state = CONSUMING_NONE;
}

bool consuming_is_stopped(const struct consuming *consuming)
{
    return consuming->state == CONSUMING_NONE || consuming->state == CONSUMING_ENDING;
}

static int begin(struct consuming *consuming, struct broker *broker, uint16_t prefetch,
                 int64_t now_ns, struct why *why)
{
    if (consuming->prefetch && consuming->prefetch != prefetch)
        consuming->changed_ns = now_ns;
    consuming->prefetch = prefetch;
    consuming->set_aside = 0;
    consuming->state = CONSUMING_STARTING;
    log_event(LOG_DEBUG, "prefetch", "msgs=%u", prefetch);
    return broker_consume(broker, consuming->queue, consuming->tag, prefetch, false, why);
}

/* Whether another consumer is worth what it costs. */
static bool fits_badly(const struct consuming *consuming, uint16_t wanted, int64_t now_ns)
{
    double left = consuming->set_aside < consuming->prefetch
                      ? (double)(consuming->prefetch - consuming->set_aside)
                      : 0;
    bool settling = consuming->changed_ns && now_ns - consuming->changed_ns < CHANGE_PAUSE_NS;

    if (!wanted || left == 0)
        return true;
    return !settling && (wanted > left * CHANGE_FACTOR || wanted * CHANGE_FACTOR < left);
}

int consuming_step(struct consuming *consuming, struct broker *broker, uint16_t wanted, size_t held,
                   int64_t now_ns, struct why *why)
{
    if (consuming->state == CONSUMING_NONE) {
        bool holds_much = wanted < consuming->prefetch && held > wanted / 2;
        return wanted && !holds_much ? begin(consuming, broker, wanted, now_ns, why) : 0;
    }
    if (consuming->state != CONSUMING_ACTIVE || !fits_badly(consuming, wanted, now_ns))
        return 0;
    consuming->state = CONSUMING_ENDING;
    return broker_cancel(broker, consuming->tag, why);
}
