#include "overview.h"

#include "amounts.h"
#include "sentence.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* With the rest of status this fits a terminal of 24 lines. */
#define WORKER_LINES 12

static const char *shown_reason(const struct status *status, char text[AMOUNTS_SHOWN_SIZE])
{
    return amounts_shown(status->decision.reason ? status->decision.reason : "undecided", text);
}

/* ---- one farm ---- */

void overview_print_numbers(const struct status *status, FILE *out)
{
    const struct history_row *row = &status->decision;
    const struct status_limits *limits = &status->limits;
    char a[AMOUNTS_SIZE], b[AMOUNTS_SIZE], c[AMOUNTS_SIZE];

    fprintf(out,
            "workers   %s wanted (%" PRId64 " to %" PRId64 "): %" PRId64 " running, %" PRId64
            " starting, %" PRId64 " draining\n",
            amounts_number(row->desired_workers, a), limits->min_workers, limits->max_workers,
            status->running, status->starting, status->draining);
    fprintf(out, "arrivals  %s events/s\n", amounts_number(row->arrival_per_s, a));
    fprintf(out, "backlog   %s: %s ready, %s held by workers\n",
            amounts_events(row->backlog_msgs, a), amounts_number(row->ready_msgs, b),
            amounts_number(row->in_flight_msgs, c));
}

static void print_counters(const struct status *status, FILE *out)
{
    const struct status_counters *counters = &status->counters;
    char span[AMOUNTS_SIZE], policy[AMOUNTS_SHOWN_SIZE];
    /* Of workers that tell nothing it is not known. */
    bool some_tell_nothing = isfinite(status->decided_s) && isnan(status->decision.in_flight_msgs);

    if (isfinite(status->decided_s))
        fprintf(out, "decided   %s ago, by %s\n", amounts_span(status->decided_s, span),
                amounts_shown(status->decision.policy ? status->decision.policy : "?", policy));
    fprintf(out,
            "so far    %" PRId64 " %s arrived, %s%" PRId64 " handled; workers: %" PRId64
            " started, %" PRId64 " stopped, %" PRId64 " crashed\n",
            counters->arrived_msgs, counters->arrived_msgs == 1 ? "event" : "events",
            some_tell_nothing ? "at least " : "", counters->handled_msgs, counters->spawned,
            counters->stopped, counters->crashed);
}

void overview_print_nodes(const struct status *status, FILE *out)
{
    char age[AMOUNTS_SIZE], name[AMOUNTS_SHOWN_SIZE], state[AMOUNTS_SHOWN_SIZE];

    fprintf(out, "%-20s %-8s %4s %6s %8s %8s %8s %5s %10s\n", "node", "state", "max", "wanted",
            "starting", "running", "draining", "rank", "heard");
    for (size_t i = 0; i < status->node_count; i++) {
        const struct status_node *node = &status->nodes[i];
        fprintf(out,
                "%-20s %-8.20s %4" PRId64 " %6" PRId64 " %8" PRId64 " %8" PRId64 " %8" PRId64
                " %5" PRId64 " %10s%s\n",
                amounts_shown(node->name, name), amounts_shown(node->state, state), node->capacity,
                node->target, node->starting, node->running, node->draining, node->rank,
                amounts_span(node->age_s, age),
                strcmp(node->name, status->leader) == 0 ? "  leads" : "");
    }
}

static void print_worker(const struct status_worker *worker, FILE *out)
{
    char since[AMOUNTS_SIZE], held[AMOUNTS_SIZE], busy[AMOUNTS_SIZE], handled[AMOUNTS_SIZE],
        state[AMOUNTS_SHOWN_SIZE], name[AMOUNTS_SHOWN_SIZE];

    fprintf(out, "%4" PRId64 " %8" PRId64 "  %-8.20s %12s", worker->slot, worker->pid,
            amounts_shown(worker->state, state), amounts_span(worker->since_s, since));
    const char *node = worker->node[0] ? amounts_shown(worker->node, name) : "";
    const char *between = worker->node[0] ? "  on " : "";
    if (worker->tells)
        fprintf(out, " %10s %6s %5s%s%s%s\n", amounts_number((double)worker->handled_msgs, handled),
                amounts_number(worker->in_flight_msgs, held),
                amounts_percent(worker->busy_share, busy), worker->blocked ? "  blocked" : "",
                between, node);
    else
        fprintf(out, " %10s %6s %5s%s%s\n", "?", "?", "?", between, node);
}

void overview_print_workers(const struct status *status, size_t most_lines, FILE *out)
{
    size_t count = status->worker_count;

    if (!count || most_lines < 2)
        return;
    /* One line is the header's, one may say how many are left out. */
    size_t shown = count < most_lines ? count : most_lines - 2;
    fprintf(out, "%4s %8s  %-8s %12s %10s %6s %5s\n", "slot", "pid", "state", "for", "handled",
            "holds", "busy");
    for (size_t i = 0; i < shown; i++)
        print_worker(&status->workers[i], out);
    if (shown < count)
        fprintf(out, "%4s and %zu more\n", "...", count - shown);
}

void overview_print(const struct envelope *envelope, const struct status *status, FILE *out)
{
    char farm[AMOUNTS_SHOWN_SIZE], from[AMOUNTS_SHOWN_SIZE], span[AMOUNTS_SIZE];

    fprintf(out, "Farm %s, run for %s by %s.\n", amounts_shown(envelope->farm, farm),
            amounts_span(status->age_s, span), amounts_shown(envelope->from, from));
    sentence_print(status, out);
    sentence_print_rest(status, out);
    fputc('\n', out);
    overview_print_numbers(status, out);
    print_counters(status, out);
    if (status->worker_count)
        fputc('\n', out);
    overview_print_workers(status, WORKER_LINES, out);
}

void overview_print_line(const struct status *status, FILE *out)
{
    const struct history_row *row = &status->decision;
    char a[AMOUNTS_SIZE], b[AMOUNTS_SIZE], c[AMOUNTS_SIZE], reason[AMOUNTS_SHOWN_SIZE];

    fprintf(out,
            "arrivals %s/s  backlog %s  wanted %s  running %" PRId64 "  starting %" PRId64
            "  draining %" PRId64 "  %s\n",
            amounts_number(row->arrival_per_s, a), amounts_number(row->backlog_msgs, b),
            amounts_number(row->desired_workers, c), status->running, status->starting,
            status->draining, shown_reason(status, reason));
}
