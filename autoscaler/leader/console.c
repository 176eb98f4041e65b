#include "console.h"

#include "clock.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A measurement for people: "?" when unknown. */
static const char *number(double value, char text[32])
{
    if (isnan(value))
        return "?";
    snprintf(text, 32, value < 10 && value != floor(value) ? "%.1f" : "%.0f", value);
    return text;
}

/* Whether what is printed is taken at once: a terminal that is stopped, or a pager that reads no
 * more, must not stop the farm. Nothing is printed to it meanwhile. */
static bool listens(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};

    return poll(&out, 1, 0) == 1 && !(out.revents & (POLLERR | POLLHUP));
}

void console_start(const char *farm, const struct policy *policy,
                   const struct policy_params *params, const char *worker)
{
    char capacity[32] = "measured";

    if (!listens())
        return;
    if (params->capacity_msgs > 0)
        snprintf(capacity, sizeof capacity, "%g events", params->capacity_msgs);
    printf("farm %s: %s with T = %g s, C = %s, %u to %u workers of %s\n", farm,
           policy->rule ? policy->rule : policy->name, params->horizon_s, capacity,
           params->min_workers, params->max_workers, worker);
    fflush(stdout);
}

void console_head(bool several)
{
    if (!listens())
        return;
    printf("%s    time  λ events/s   B events = ready + in flight    N  running starting draining  "
           "why\n",
           several ? "pool              " : "");
    fflush(stdout);
}

void console_row(const struct history_row *row, bool several)
{
    char clock[CLOCK_TIME_SIZE], texts[4][32];

    if (!listens())
        return;
    clock_time_of_day(clock);
    if (several)
        printf("%-16s  ", row->farm);
    printf("%s  %10s  %9s = %5s + %-9s  %3.0f  %7.0f %8.0f %8.0f  %s", clock,
           number(row->arrival_per_s, texts[0]), number(row->backlog_msgs, texts[1]),
           number(row->ready_msgs, texts[2]), number(row->in_flight_msgs, texts[3]),
           row->desired_workers, row->running_workers, row->starting_workers, row->draining_workers,
           row->reason);
    if (strcmp(row->arrival_source, HISTORY_ACCEPTED) == 0)
        printf("; λ is what the queue takes");
    if (row->overdue_s > 0)
        printf("; a drain has lasted for %.0f s", row->overdue_s);
    putchar('\n');
    fflush(stdout);
}

void console_draining(unsigned workers)
{
    if (!workers || !listens())
        return;
    printf("draining %u worker%s; once more to end them at once\n", workers,
           workers == 1 ? "" : "s");
    fflush(stdout);
}
