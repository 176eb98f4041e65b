#include "arrival_rate.h"

#include "log.h"

#include <math.h>

/* All events that are ready, in flight or were handled, where that is exact: nobody but workers
 * that tell consumes the queue. What workers have is what they had as the queue was asked about:
 * an event that they take meanwhile is missed, which the next total makes good. */
static double total_msgs(const struct decision_record *decision, double taken_msgs)
{
    const struct sampler_sample *sampled = &decision->sampled;
    const struct node_report *report = &decision->report;

    if (report->unknown || !(sampled->consumers <= report->telling))
        return NAN;
    return sampled->ready_msgs + taken_msgs;
}

/* Nothing is counted: what the queue has accepted is what arrived. What several hosts report is not
 * of one moment, so that it has to be of many. */
static void take_accepted(struct acceptance *acceptance, double taken_msgs,
                          struct decision_record *last)
{
    struct sampler_sample *sampled = &last->sampled;
    double total = total_msgs(last, taken_msgs);

    if (last->report.node_names) {
        sampled->arrival_per_s =
            acceptance_lately_per_s(&acceptance->window, total, sampled->interval_s);
        sampled->arrived_msgs = sampled->arrival_per_s * sampled->interval_s;
    } else {
        sampled->arrived_msgs = acceptance_take_alone(acceptance, total);
        sampled->arrival_per_s = sampled->arrived_msgs / sampled->interval_s;
    }
    last->accepted_per_s = sampled->arrival_per_s;
    last->by_accepted = !isnan(sampled->arrival_per_s);
}

/* From what was counted to the arrival rate to reckon with. */
static void check(struct acceptance *acceptance, double taken_msgs, struct decision_record *last)
{
    struct sampler_sample *sampled = &last->sampled;
    bool refused = acceptance->refuses;
    double offered_per_s = sampled->arrival_per_s, accepted_msgs;
    /* What several hosts report is too old for a comparison by ticks. */
    double total = last->report.node_names ? (double)NAN : total_msgs(last, taken_msgs);
    double arrived_msgs = acceptance_take(acceptance, sampled->arrived_msgs, total, &accepted_msgs);

    last->by_accepted = acceptance->refuses;
    last->accepted_per_s = accepted_msgs / sampled->interval_s;
    if (last->by_accepted)
        sampled->arrival_per_s = arrived_msgs / sampled->interval_s;
    if (last->by_accepted && !refused)
        log_event(LOG_WARN, "events_refused",
                  "offered_per_s=%.0f accepted_per_s=%.0f why=\"fewer events reach the workers "
                  "than are published: the queue refuses them, or drops them\" "
                  "doing=\"deciding by what reaches them\"",
                  offered_per_s, last->accepted_per_s);
    else if (refused && !last->by_accepted)
        log_event(LOG_INFO, "events_accepted", "offered_per_s=%.0f", offered_per_s);
}

void arrival_rate_reckon(struct acceptance *acceptance, double taken_msgs,
                         struct decision_record *last)
{
    if (last->sampled.uncounted)
        take_accepted(acceptance, taken_msgs, last);
    else
        check(acceptance, taken_msgs, last);
}
