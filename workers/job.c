#include "job.h"

#include "clock.h"

void job_progress(const struct job_event *event)
{
    scoreboard_progress(event->slot, clock_now_ns());
}

void job_limit(const struct job_event *event, int64_t limit_ns)
{
    int64_t now_ns = clock_now_ns();

    scoreboard_set_due(event->slot,
                       limit_ns < CLOCK_NEVER - now_ns ? now_ns + limit_ns : CLOCK_NEVER);
}

bool job_wanted(const struct job_event *event)
{
    return !atomic_load_explicit(event->unwanted, memory_order_relaxed);
}
