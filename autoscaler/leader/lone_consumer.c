#include "lone_consumer.h"

/* Of the running workers that tell what they do, and from which the broker takes answers, those
 * that hold an event and those that hold none. */
static void count(const struct node_report *report, unsigned *holding, unsigned *without)
{
    *holding = *without = 0;
    for (size_t i = 0; i < report->reading_count; i++) {
        const struct worker_reading *worker = &report->readings[i];
        if (worker->state != WORKER_RUNNING || !worker->tells || worker->blocked)
            continue;
        if (worker->in_flight_msgs > 0)
            ++*holding;
        else
            ++*without;
    }
}

bool lone_consumer_look(struct lone_consumer *lone, const struct node_report *report,
                        double ready_msgs, double time_s)
{
    unsigned holding, without;

    count(report, &holding, &without);
    if (holding > 1)
        *lone = (struct lone_consumer){0};
    /* What waits would be theirs, if the queue gave them any. */
    if (holding != 1 || !without || !(ready_msgs > 0)) {
        lone->looks = 0;
        return false;
    }
    if (!lone->looks++)
        lone->since_s = time_s;
    if (lone->is_alone || lone->looks < LONE_CONSUMER_LOOKS ||
        time_s - lone->since_s < LONE_CONSUMER_S)
        return false;
    lone->is_alone = true;
    return true;
}
