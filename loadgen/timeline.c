#include "timeline.h"

#include "clock.h"
#include "csv/table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define LINES_PER_HEADING 20
#define SHORTEST_NS       (100 * CLOCK_NS_PER_MS)

/* A second as it is shown. */
struct second {
    double time_s; /* its end, from the start of the run */
    double offered_per_s, published_per_s, confirmed_per_s;
    double results_per_s; /* NAN: unknown */
    double lag_ms;
};

static int write_failed(struct why *why)
{
    return error_set(why, ERR_SYSTEM, "--timeline: cannot write: %s", strerror(errno));
}

int timeline_write_header(struct timeline *timeline, struct why *why)
{
    if (!timeline->rows)
        return 0;
    (void)!ftruncate(fileno(timeline->rows), 0); /* a pipe or a device cannot be emptied */
    fputs("time_s,offered_per_s,published_per_s,confirmed_per_s,results_per_s\n", timeline->rows);
    return fflush(timeline->rows) ? write_failed(why) : 0;
}

void timeline_start(struct timeline *timeline, int64_t start_ns)
{
    timeline->start_ns = timeline->second_ns = start_ns;
}

void timeline_record_lag(struct timeline *timeline, int64_t lag_ns)
{
    if (lag_ns > timeline->lag_ns)
        timeline->lag_ns = lag_ns;
}

int64_t timeline_due_ns(const struct timeline *timeline)
{
    int64_t since_start_ns = timeline->second_ns - timeline->start_ns;

    return timeline->second_ns + CLOCK_NS_PER_S - since_start_ns % CLOCK_NS_PER_S;
}

static struct second measure(const struct timeline *timeline, int64_t now_ns,
                             const struct timeline_now *now)
{
    const struct ledger_counts *counts = &timeline->ledger->counts, *before = &timeline->counts;
    double length_s = (double)(now_ns - timeline->second_ns) / CLOCK_NS_PER_S;
    int64_t lag_ns = now->overdue_ns > timeline->lag_ns ? now->overdue_ns : timeline->lag_ns;

    return (struct second){
        .time_s = (double)(now_ns - timeline->start_ns) / CLOCK_NS_PER_S,
        .offered_per_s = (double)(now->offered - timeline->offered) / length_s,
        .published_per_s = (double)(counts->published - before->published) / length_s,
        .confirmed_per_s = (double)(counts->confirmed - before->confirmed) / length_s,
        .results_per_s =
            timeline->verify ? (double)(counts->results - before->results) / length_s : NAN,
        .lag_ms = (double)lag_ns / CLOCK_NS_PER_MS,
    };
}

static void print_line(FILE *out, const struct second *second, const struct timeline_now *now)
{
    char results[32] = "-";

    if (!isnan(second->results_per_s))
        snprintf(results, sizeof results, "%.0f", second->results_per_s);
    fprintf(out, "%8.1f %10.0f %11.0f %11.0f %10s %8" PRIu64 " %10.1f%s%s\n", second->time_s,
            second->offered_per_s, second->published_per_s, second->confirmed_per_s, results,
            now->unsettled, second->lag_ms, now->state[0] ? "  " : "", now->state);
    fflush(out);
}

static int write_row(FILE *out, const struct second *second, struct why *why)
{
    struct table_row row;

    table_row_init(&row);
    table_row_begin(&row);
    table_row_number(&row, second->time_s);
    table_row_number(&row, second->offered_per_s);
    table_row_number(&row, second->published_per_s);
    table_row_number(&row, second->confirmed_per_s);
    table_row_number(&row, second->results_per_s);
    int error = table_row_end(&row);
    if (error)
        error = error_set(why, ERR_MEMORY, "out of memory");
    else if (fwrite(row.text, 1, row.length, out) < row.length || fflush(out))
        error = write_failed(why);
    table_row_clear(&row);
    return error;
}

int timeline_end_second(struct timeline *timeline, int64_t now_ns, const struct timeline_now *now,
                        struct why *why)
{
    const struct second second = measure(timeline, now_ns, now);

    timeline->second_ns = now_ns;
    timeline->offered = now->offered;
    timeline->counts = timeline->ledger->counts;
    timeline->lag_ns = 0;
    if (timeline->lines && timeline->line_count++ % LINES_PER_HEADING == 0)
        fprintf(timeline->lines, "%8s %10s %11s %11s %10s %8s %10s\n", "time_s", "offered/s",
                "published/s", "confirmed/s", "results/s", "waiting", "lag_ms");
    if (timeline->lines)
        print_line(timeline->lines, &second, now);
    return timeline->rows ? write_row(timeline->rows, &second, why) : 0;
}

int timeline_finish(struct timeline *timeline, int64_t now_ns, const struct timeline_now *now,
                    struct why *why)
{
    if (now_ns - timeline->second_ns < SHORTEST_NS)
        return 0;
    return timeline_end_second(timeline, now_ns, now, why);
}
