#include "site_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S 1e9

static const char *const states[WORKER_STATES] = {[WORKER_NONE] = "",
                                                  [WORKER_STARTING] = "starting",
                                                  [WORKER_RUNNING] = "running",
                                                  [WORKER_DRAINING] = "draining",
                                                  [WORKER_KILLED] = "killed"};

struct report_message site_report_of(const struct node_report *present)
{
    const struct worker_counts *counts = &present->counts;

    return (struct report_message){.starting = counts->starting,
                                   .running = counts->running,
                                   .draining = counts->draining,
                                   .spawned = (int64_t)counts->spawned,
                                   .stopped = (int64_t)counts->stopped,
                                   .crashed = (int64_t)counts->crashed,
                                   .hung = (int64_t)counts->hung,
                                   .telling = present->telling,
                                   .blocked = present->blocked,
                                   .silent = present->silent,
                                   .unknown = present->unknown,
                                   .heard = present->heard,
                                   .in_flight_msgs = present->in_flight_msgs,
                                   .draining_in_flight_msgs = present->draining_in_flight_msgs,
                                   .handled_msgs = present->handled_msgs,
                                   .dead_msgs = present->dead_msgs,
                                   .given_back_msgs = present->given_back_msgs,
                                   .handling = present->handling,
                                   .startup_s = present->startup_s,
                                   .simulated_service_s = present->simulated_service_s,
                                   .silent_s = present->silent_s,
                                   .overdue_s = present->overdue_s};
}

static struct report_worker worker_of(const struct worker_reading *reading, int64_t now_ns)
{
    int64_t since_ns = now_ns > reading->started_ns ? now_ns - reading->started_ns : 0;
    struct report_worker worker = {.slot = reading->slot,
                                   .pid = reading->pid,
                                   .since_s = (double)since_ns / NS_PER_S,
                                   .tells = reading->tells,
                                   .blocked = reading->blocked,
                                   .handled_msgs = (int64_t)reading->handled_msgs,
                                   .busy_ns = reading->busy_ns,
                                   .in_flight_msgs =
                                       reading->tells ? reading->in_flight_msgs : (double)NAN,
                                   .working_s = reading->tells ? reading->working_s : (double)NAN};

    memcpy(worker.state, states[reading->state], strlen(states[reading->state]) + 1);
    return worker;
}

int site_report_add_workers(struct report_message *report, const struct node_report *present,
                            int64_t now_ns)
{
    report->workers = calloc(present->reading_count + 1, sizeof *report->workers);
    if (!report->workers)
        return -ERR_MEMORY;
    for (size_t i = 0; i < present->reading_count; i++)
        if (present->readings[i].state != WORKER_NONE)
            report->workers[report->worker_count++] = worker_of(&present->readings[i], now_ns);
    return 0;
}
