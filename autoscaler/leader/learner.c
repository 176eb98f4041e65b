#include "learner.h"

#include "clock.h"

#define LEARN_NS (100 * CLOCK_NS_PER_MS)

/* When a worker that is sure to consume has said nothing for so long, none will. */
#define NEVER_TELLS_S 3

int learner_init(struct learner *learner, bool learns, size_t slots, double horizon_s)
{
    *learner = (struct learner){.learns = learns, .horizon_s = horizon_s};
    saturation_start(&learner->saturation);
    return capacity_init(&learner->capacity, slots);
}

void learner_clear(struct learner *learner)
{
    capacity_clear(&learner->capacity);
}

/* A process of one node is another of the next; Linux numbers none beyond 22 bits. */
static int32_t key_of(const struct worker_reading *worker)
{
    return worker->tells ? worker->pid ^ (int32_t)(worker->node << 22) : 0;
}

static void learn_capacity(struct learner *learner, const struct node_report *report, double time_s)
{
    size_t count = report->reading_count < learner->capacity.worker_count
                       ? report->reading_count
                       : learner->capacity.worker_count;

    for (size_t i = 0; i < count; i++) {
        const struct worker_reading *worker = &report->readings[i];
        struct capacity_reading reading = {.pid = key_of(worker),
                                           .handled_msgs = worker->handled_msgs,
                                           .busy_ns = worker->busy_ns,
                                           .working_s = worker->working_s};
        capacity_read(&learner->capacity, i, &reading);
    }
    capacity_learn(&learner->capacity, time_s);
}

int64_t learner_step(struct learner *learner, int64_t now_ns, double time_s,
                     const struct node_report *report, bool pressed)
{
    if (!learner->learns)
        return CLOCK_NEVER;
    if (now_ns < learner->due_ns)
        return learner->due_ns;
    learner->due_ns = now_ns + LEARN_NS;
    learn_capacity(learner, report, time_s);
    saturation_learn(&learner->saturation,
                     &(struct saturation_reading){
                         .time_s = time_s,
                         .workers = report->counts.running,
                         .steady = !report->counts.starting && !report->counts.draining,
                         .pressed = pressed,
                         .handled_msgs = report->handled_msgs,
                         .service_s = capacity_service_s(&learner->capacity, learner->horizon_s),
                     });
    return learner->due_ns;
}

bool learner_is_stuck(const struct learner *learner, const struct node_report *report)
{
    return learner->learns && !report->heard && report->silent_s >= NEVER_TELLS_S;
}
