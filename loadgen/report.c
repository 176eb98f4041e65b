#include "report.h"

#include "clock.h"
#include "csv/table.h"
#include "hdr.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINES_PER_HEADING 20

/* Up to here a run that ends behind its schedule has kept to it. */
#define SHORT_S    0.5
#define SHORT_PART 0.01

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

bool report_is_short(const struct report *report)
{
    return report->behind_s > SHORT_S && report->behind_s > SHORT_PART * report->schedule_s;
}

bool report_is_good(const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;

    return !counts->returned && !report->unconfirmed && !report_is_short(report) &&
           (!report->unsent || report->interrupted) &&
           (!report->verify || (!counts->lost && !counts->corrupted));
}

static double percentile_ms(const struct histogram *histogram, double percent)
{
    return (double)histogram_percentile_ns(histogram, percent) / CLOCK_NS_PER_MS;
}

static void print_latency(FILE *out, const char *name, const struct histogram *histogram)
{
    if (histogram->count)
        fprintf(out, "%-14s %10.3f %10.3f %10.3f %10.3f\n", name, percentile_ms(histogram, 50),
                percentile_ms(histogram, 99), percentile_ms(histogram, 99.9),
                percentile_ms(histogram, 100));
    else
        fprintf(out, "%-14s %10s %10s %10s %10s\n", name, "-", "-", "-", "-");
}

static void print_fault(FILE *out, uint64_t count, const char *what, const char **before)
{
    if (!count)
        return;
    fprintf(out, "%s%" PRIu64 " %s", *before, count, what);
    *before = ", ";
}

/* Missing answers may only be waiting. */
static void print_work(FILE *out, const struct report *report)
{
    if (report->work_known && report->work.ready_msgs)
        fprintf(out,
                "               %" PRIu32 " events still wait in the work queue, which has %" PRIu32
                " consumers: %s\n",
                report->work.ready_msgs, report->work.consumers,
                report->work.consumers ? "the missing answers may yet come"
                                       : "no worker runs on this farm");
}

static void print_verdict(FILE *out, const struct report *report)
{
    const struct ledger_counts *counts = &report->ledger->counts;
    const char *before = "bad: ";

    fprintf(out, "verdict        %s", report->interrupted ? "interrupted; " : "");
    if (!report_is_good(report)) {
        if (report->verify) {
            print_fault(out, counts->lost,
                        report->persistent ? "lost (confirmed but not answered)"
                                           : "unanswered (transient, so not called lost)",
                        &before);
            print_fault(out, counts->corrupted, "corrupted", &before);
        }
        print_fault(out, counts->returned, "returned (no queue took them)", &before);
        print_fault(out, report->unconfirmed, "unconfirmed", &before);
        print_fault(out, report->interrupted ? 0 : report->unsent, "not sent", &before);
        if (report_is_short(report))
            fprintf(
                out,
                "%s%.1f s behind its schedule: %.0f/s achieved of %.0f/s offered, %.0f %% short",
                before, report->behind_s, report->achieved_per_s, report->offered_per_s,
                100 * (1 - report->achieved_per_s / report->offered_per_s));
        fputs("\n", out);
        print_work(out, report);
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
    fprintf(out,
            "late           %" PRIu64 " sent more than %g ms after their time, %" PRIu64
            " not sent at all\n",
            report->late, REPORT_LATE_NS / 1e6, report->unsent);
    fprintf(out, "rate           %.1f/s offered, %.1f/s achieved\n", report->offered_per_s,
            report->achieved_per_s);
    fprintf(out, "time           %.1f s, blocked by the broker for %.1f s\n", report->elapsed_s,
            report->blocked_s);
    fprintf(out, "%-14s %10s %10s %10s %10s\n", "from intended", "p50 ms", "p99 ms", "p99.9 ms",
            "max ms");
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
    } parts[] = {{"p50", 50},     {"p90", 90},  {"p99", 99},
                 {"p99_9", 99.9}, {"max", 100}, {"p99_99", 99.99}};

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

/* Closes what was opened with open_memstream and writes it out. */
static int write_memory(FILE *out, int fd, char **text, const size_t *length, struct why *why)
{
    bool whole = !ferror(out);
    int error = fclose(out) == 0 && whole ? write_all(fd, *text, *length, why)
                                          : error_set(why, ERR_MEMORY, "out of memory");

    free(*text);
    return error;
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
    put_count(out, "lost", report->persistent ? counts->lost : 0, report->verify);
    put_count(out, "duplicates", counts->duplicates, report->verify);
    put_count(out, "corrupted", counts->corrupted, report->verify);
    fprintf(out, "  \"blocked_s\": %.6f,\n", report->blocked_s);
    fprintf(out, "  \"offered_per_s\": %.6f,\n", report->offered_per_s);
    fprintf(out, "  \"achieved_per_s\": %.6f,\n", report->achieved_per_s);
    put_latency(out, "lag_ms", &ledger->lag, ",");
    put_latency(out, "confirm_ms", &ledger->confirm, ",");
    put_latency(out, "end_to_end_ms", &ledger->end_to_end, ",");
    put_count(out, "late", report->late, true);
    put_count(out, "unsent", report->unsent, true);
    put_count(out, "unconfirmed", report->unconfirmed, true);
    put_count(out, "unanswered", counts->lost, report->verify);
    put_count(out, "waiting", report->work.ready_msgs, report->work_known);
    put_count(out, "foreign", counts->foreign, report->verify);
    fprintf(out, "  \"behind_s\": %.6f,\n", report->behind_s);
    fprintf(out, "  \"interrupted\": %s\n", report->interrupted ? "true" : "false");
    fputs("}\n", out);
    return write_memory(out, fd, &text, &length, why);
}

const char *const report_latency_names[REPORT_LATENCIES] = {"lag", "confirm", "end_to_end"};

static const struct histogram *latency_of(const struct report *report, size_t number)
{
    const struct ledger *ledger = report->ledger;

    return number == 0 ? &ledger->lag : number == 1 ? &ledger->confirm : &ledger->end_to_end;
}

int report_write_hdr(int fd, const struct report *report, size_t number, struct why *why)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return error_set(why, ERR_MEMORY, "out of memory");
    hdr_write(out, latency_of(report, number));
    return write_memory(out, fd, &text, &length, why);
}
