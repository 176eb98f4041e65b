#include "lone_consumer.h"

/* Of the running workers that tell what they do, and from which the broker takes answers, those that
 * ever had an event and those that never had. */
static void count(const struct node_report *report, unsigned *fed, unsigned *unfed)
{
    *fed = *unfed = 0;
    for (size_t i = 0; i < report->reading_count; i++) {
        const struct worker_reading *worker = &report->readings[i];
        if (worker->state != WORKER_RUNNING || !worker->tells || worker->blocked)
            continue;
        if (worker->handled_msgs || worker->in_flight_msgs > 0)
            ++*fed;
        else
            ++*unfed;
    }
}

bool lone_consumer_look(struct lone_consumer *lone, const struct node_report *report,
                        double ready_msgs, double time_s)
{
    unsigned fed, unfed;

    count(report, &fed, &unfed);
    if (fed > 1)
        *lone = (struct lone_consumer){0};
    /* What waits would be theirs, if the queue gave them any. */
    if (fed != 1 || !unfed || !(ready_msgs > 0)) {
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
