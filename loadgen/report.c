#include "report.h"

#include "clock.h"
#include "table.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_PER_HEADING 20

static int write_all(int fd, const char *bytes, size_t length, struct why *why)
{
    while (length) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno != EINTR)
            return error_set(why, ERR_SYSTEM, "%s", strerror(errno));
        if (written > 0) {
            bytes += written;
            length -= (size_t)written;
        }
    }
    return 0;
}

/* ---- while it runs ---- */

void report_progress(FILE *out, uint64_t number, const struct report_second *second)
{
    char results[32] = "-";

    if (number % LINES_PER_HEADING == 0)
        fprintf(out, "%8s %10s %11s %11s %10s %8s %10s\n", "time_s", "offered/s", "published/s",
                "confirmed/s", "results/s", "waiting", "lag_ms");
    if (!isnan(second->results_per_s))
        snprintf(results, sizeof results, "%.0f", second->results_per_s);
    fprintf(out, "%8.1f %10.0f %11.0f %11.0f %10s %8" PRIu64 " %10.1f%s%s\n", second->time_s,
            second->offered_per_s, second->published_per_s, second->confirmed_per_s, results,
            second->waiting_msgs, second->lag_ms, second->state[0] ? "  " : "", second->state);
    fflush(out);
}

int report_timeline_header(int fd, struct why *why)
{
    static const char header[] =
        "time_s,offered_per_s,published_per_s,confirmed_per_s,results_per_s\n";

    return write_all(fd, header, sizeof header - 1, why);
}

int report_timeline_row(int fd, const struct report_second *second, struct why *why)
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
    error = error ? error_set(why, ERR_MEMORY, "out of memory")
                  : write_all(fd, row.text, row.length, why);
    table_row_clear(&row);
    return error;
}

/* ---- at the end ---- */

bool report_is_good(const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;

    return !counts->returned && !report->unconfirmed && !report->unsent &&
           (!report->verify || (!counts->lost && !counts->corrupted));
}

static double percentile_ms(const struct histogram *histogram, double percent)
{
    return (double)histogram_percentile_ns(histogram, percent) / CLOCK_NS_PER_MS;
}

static void print_latency(FILE *out, const char *name, const struct histogram *histogram)
{
    if (histogram->count)
        fprintf(out, "%-14s %10.3f %10.3f %10.3f\n", name, percentile_ms(histogram, 50),
                percentile_ms(histogram, 99), percentile_ms(histogram, 100));
    else
        fprintf(out, "%-14s %10s %10s %10s\n", name, "-", "-", "-");
}

static void print_fault(FILE *out, uint64_t count, const char *what, const char **before)
{
    if (!count)
        return;
    fprintf(out, "%s%" PRIu64 " %s", *before, count, what);
    *before = ", ";
}

static void print_verdict(FILE *out, const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;
    const char *before = "bad: ";

    fprintf(out, "verdict        %s", report->interrupted ? "interrupted; " : "");
    if (!report_is_good(report)) {
        if (report->verify) {
            print_fault(out, counts->lost, "lost (confirmed but not answered)", &before);
            print_fault(out, counts->corrupted, "corrupted", &before);
        }
        print_fault(out, counts->returned, "returned (no queue took them)", &before);
        print_fault(out, report->unconfirmed, "unconfirmed", &before);
        print_fault(out, report->unsent, "not sent", &before);
        fputs("\n", out);
    } else if (!counts->published) {
        fputs("no events were sent\n", out);
    } else if (report->verify) {
        fputs(counts->destroyed
                  ? "good: every event was confirmed, and answered unless it went with a "
                    "deleted queue\n"
              : counts->dead ? "good: every event was confirmed and answered, by a right result or "
                               "a dead letter\n"
                             : "good: every event was confirmed and answered by a right result\n",
              out);
    } else {
        fputs("good: every event was confirmed; results were not looked at\n", out);
    }
}

void report_print(FILE *out, const struct report *report)
{
    const struct ledger *ledger = report->ledger;
    const struct ledger_counts *counts = &ledger->counts;

    fprintf(out,
            "\nsent           %" PRIu64 " published, %" PRIu64 " confirmed, %" PRIu64
            " returned, %" PRIu64 " nacked\n",
            counts->published, counts->confirmed, counts->returned, counts->nacked);
    if (report->verify) {
        fprintf(out,
                "answered       %" PRIu64 " results, %" PRIu64 " dead, %" PRIu64 " lost, %" PRIu64
                " duplicates, %" PRIu64 " corrupted",
                counts->results, counts->dead, counts->lost, counts->duplicates, counts->corrupted);
        if (counts->destroyed)
            fprintf(out, "; %" PRIu64 " destroyed with a deleted queue", counts->destroyed);
        if (counts->foreign)
            fprintf(out, "; %" PRIu64 " messages were not of this run", counts->foreign);
        fputs("\n", out);
    }
    fprintf(out, "rate           %.1f/s offered, %.1f/s achieved\n", report->offered_per_s,
            report->achieved_per_s);
    fprintf(out, "time           %.1f s, blocked by the broker for %.1f s\n", report->elapsed_s,
            report->blocked_s);
    fprintf(out, "%-14s %10s %10s %10s\n", "from intended", "p50 ms", "p99 ms", "max ms");
    print_latency(out, "  to sent", &ledger->lag);
    print_latency(out, "  to confirmed", &ledger->confirm);
    if (report->verify)
        print_latency(out, "  to result", &ledger->end_to_end);
    print_verdict(out, report);
    fflush(out);
}

static void put_count(FILE *out, const char *key, uint64_t count, bool known)
{
    if (known)
        fprintf(out, "  \"%s\": %" PRIu64 ",\n", key, count);
    else
        fprintf(out, "  \"%s\": null,\n", key);
}

static void put_latency(FILE *out, const char *key, const struct histogram *histogram,
                        const char *after)
{
    static const struct {
        const char *key;
        double percent;
    } parts[] = {{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99_9", 99.9}, {"max", 100}};

    fprintf(out, "  \"%s\": {", key);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        fprintf(out, "%s\"%s\": ", i ? ", " : "", parts[i].key);
        if (histogram->count)
            fprintf(out, "%.6f", percentile_ms(histogram, parts[i].percent));
        else
            fputs("null", out);
    }
    fprintf(out, "}%s\n", after);
}

int report_write_summary(int fd, const struct report *report, struct why *why)
{
    const struct ledger *ledger = report->ledger;
    const struct ledger_counts *counts = &ledger->counts;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return error_set(why, ERR_MEMORY, "out of memory");
    fputs("{\n", out);
    put_count(out, "published", counts->published, true);
    put_count(out, "confirmed", counts->confirmed, true);
    put_count(out, "returned", counts->returned, true);
    put_count(out, "nacked", counts->nacked, true);
    put_count(out, "results", counts->results, report->verify);
    put_count(out, "dead", counts->dead, report->verify);
    put_count(out, "destroyed", counts->destroyed, report->verify);
    put_count(out, "lost", counts->lost, report->verify);
    put_count(out, "duplicates", counts->duplicates, report->verify);
    put_count(out, "corrupted", counts->corrupted, report->verify);
    fprintf(out, "  \"blocked_s\": %.6f,\n", report->blocked_s);
    fprintf(out, "  \"offered_per_s\": %.6f,\n", report->offered_per_s);
    fprintf(out, "  \"achieved_per_s\": %.6f,\n", report->achieved_per_s);
    put_latency(out, "lag_ms", &ledger->lag, ",");
    put_latency(out, "confirm_ms", &ledger->confirm, ",");
    put_latency(out, "end_to_end_ms", &ledger->end_to_end, "");
    fputs("}\n", out);

    bool whole = !ferror(out);
    int error = fclose(out) == 0 && whole ? write_all(fd, text, length, why)
                                          : error_set(why, ERR_MEMORY, "out of memory");
    free(text);
    return error;
}
