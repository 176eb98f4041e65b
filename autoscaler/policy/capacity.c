#include "capacity.h"

#include <math.h>
#include <stdlib.h>

/* The times in which the two averages fade. */
#define LASTING_S 60.0
#define RECENT_S  2.0

/* The lasting average keeps the weight of so many events, however long ago they were. */
#define LEAST_MSGS 50.0

/* For a first estimate so many events are enough, or so much time spent on at least one. */
#define FIRST_MSGS 10.0
#define FIRST_S    0.5

/* The share of the variance that the newest reading with events makes. */
#define VARIANCE_FRESH 0.02

/* The service time has changed when there are so many recent events, whose mean differs by so many
 * standard deviations, and by this share of it: less is not worth forgetting for. */
#define CHANGE_MSGS  5.0
#define CHANGE_Z     3.0
#define CHANGE_LEAST 0.05

int capacity_init(struct capacity *capacity, size_t slots)
{
    *capacity = (struct capacity){.worker_count = slots, .learnt_s = NAN};
    capacity->workers = calloc(slots, sizeof *capacity->workers);
    return capacity->workers || !slots ? 0 : -ERR_MEMORY;
}

void capacity_clear(struct capacity *capacity)
{
    free(capacity->workers);
    *capacity = (struct capacity){0};
}

void capacity_read(struct capacity *capacity, size_t slot, const struct capacity_reading *reading)
{
    struct capacity_worker *worker = &capacity->workers[slot];
    struct capacity_worker now = {.pid = reading->pid,
                                  .warm = reading->handled_msgs > 0,
                                  .handled_msgs = reading->handled_msgs,
                                  .busy_ns = reading->busy_ns};

    if (!reading->pid) {
        *worker = (struct capacity_worker){0};
        return;
    }
    capacity->longest_s = fmax(capacity->longest_s, reading->working_s);
    if (worker->pid == reading->pid && worker->warm &&
        reading->handled_msgs >= worker->handled_msgs && reading->busy_ns >= worker->busy_ns) {
        capacity->msgs += (double)(reading->handled_msgs - worker->handled_msgs);
        capacity->busy_s += (double)(reading->busy_ns - worker->busy_ns) / 1e9;
    }
    *worker = now;
}

static double mean(const struct capacity_sums *sums)
{
    return sums->busy_s / sums->msgs;
}

static void fade(struct capacity_sums *sums, double factor)
{
    sums->msgs *= factor;
    sums->busy_s *= factor;
}

static void add(struct capacity_sums *sums, double msgs, double busy_s)
{
    sums->msgs += msgs;
    sums->busy_s += busy_s;
}

static void learn_variance(struct capacity *capacity)
{
    double now_s = capacity->busy_s / capacity->msgs;

    if (capacity->before_msgs > 0) {
        double difference_s = now_s - capacity->before_s;
        double one = difference_s * difference_s / (1 / capacity->msgs + 1 / capacity->before_msgs);
        capacity->variance_weight += VARIANCE_FRESH * (1 - capacity->variance_weight);
        capacity->variance +=
            VARIANCE_FRESH / capacity->variance_weight * (one - capacity->variance);
    }
    capacity->before_msgs = capacity->msgs;
    capacity->before_s = now_s;
}

/* Whether the recent events took another time than the lasting average, by more than chance
 * explains. Of an average that fades so, the recent sum has the variance of twice as many
 * events. */
static bool has_changed(const struct capacity *capacity)
{
    const struct capacity_sums *lasting = &capacity->lasting, *recent = &capacity->recent;

    if (recent->msgs < CHANGE_MSGS)
        return false;
    double before_s = mean(lasting), difference_s = fabs(mean(recent) - before_s);
    return difference_s > CHANGE_LEAST * before_s &&
           difference_s > CHANGE_Z * sqrt(capacity->variance / (2 * recent->msgs));
}

void capacity_learn(struct capacity *capacity, double time_s)
{
    double passed_s = isnan(capacity->learnt_s) ? 0 : time_s - capacity->learnt_s;

    capacity->learnt_s = time_s;
    fade(&capacity->recent, exp(-passed_s / RECENT_S));
    if (capacity->lasting.msgs > LEAST_MSGS)
        fade(&capacity->lasting,
             fmax(exp(-passed_s / LASTING_S), LEAST_MSGS / capacity->lasting.msgs));
    if (capacity->msgs > 0) {
        learn_variance(capacity);
        add(&capacity->lasting, capacity->msgs, capacity->busy_s);
        add(&capacity->recent, capacity->msgs, capacity->busy_s);
        if (has_changed(capacity))
            capacity->lasting = capacity->recent;
        capacity->msgs = capacity->busy_s = 0;
    }
}

double capacity_service_s(const struct capacity *capacity, double horizon_s)
{
    const struct capacity_sums *sums = &capacity->lasting;

    if (sums->busy_s > 0 &&
        (sums->msgs >= FIRST_MSGS || (sums->msgs >= 1 && sums->busy_s >= FIRST_S)))
        return mean(sums);
    return !(sums->msgs > 0) && capacity->longest_s > horizon_s ? capacity->longest_s : (double)NAN;
}
